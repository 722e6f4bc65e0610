"""Addresses that users and environments give: what can be asked, and what a refusal does not show."""

import pytest

from builders.clocks import ManualClock
from tvquant.core.errors import ProfileError
from tvquant.market.addresses import is_loopback, proxy_refused, usable
from tvquant.market.providers.catalogue import PROVIDERS

GOOD = ("http://127.0.0.1:8000", "https://mirror.example/a/b?c=d", "http://[::1]:65535/", "http://me:word@m.example")
BAD = (
    "", "mirror.example", "ftp://mirror", "http://", "http://:80", "http://me:word@", "http://m:0", "http://m:65536",
    "http://m:x", "http://[::1", "http://a b", "http://a\x1b[31m", "http://a\n", "http://m#part", "http://..:1",
    "http://xn--:1", f"http://{'a' * 64}",
)  # fmt: skip


@pytest.mark.parametrize(("address", "good"), [*((one, True) for one in GOOD), *((one, False) for one in BAD)])
def test_an_address_has_a_scheme_a_host_and_a_port_that_there_is(address: str, good: bool) -> None:
    assert usable(address) is good


def test_its_scheme_is_one_of_those_asked_for() -> None:
    assert usable("wss://m", ("ws", "wss"))
    assert not usable("http://m", ("ws", "wss"))
    assert not usable("wss://m")


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "ws://LOCALHOST/x", "http://me:word@[::1]:2"])
def test_this_machine_is_known_by_its_host(address: str) -> None:
    assert is_loopback(address)
    assert not is_loopback("http://127.0.0.1.example")


def test_a_proxy_is_refused_without_its_address() -> None:
    assert "SOCKS" in str(proxy_refused("it", ImportError("socksio")))
    said = str(proxy_refused("it", ValueError("http://me:word@proxy")))
    assert "its address is none" in said
    assert "word" not in said


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("binance", "spot_url"),
        ("binance", "perpetual_url"),
        ("binance_archive", "url"),
        ("binance_archive", "list_url"),
        ("simulated", "url"),
        ("tradingview", "url"),
        ("yahoo", "url"),
    ],
)
@pytest.mark.parametrize("rest", ["me:word@host:99999", "[me:word@::1", "me:word@", "m:x"])
def test_no_provider_opens_an_address_that_is_none_or_shows_it(name: str, option: str, rest: str) -> None:
    scheme = "ws" if name == "tradingview" else "http"
    with pytest.raises(ProfileError, match=f"provider {name}: option {option}: expected an address") as said:
        PROVIDERS[name].opened({option: f"{scheme}://{rest}"}, ManualClock())
    assert "word" not in str(said.value)


@pytest.mark.parametrize(
    ("name", "option"),
    [("binance", "spot_url"), ("binance_archive", "list_url"), ("simulated", "url"), ("yahoo", "url")],
)
def test_no_path_is_lost_behind_the_query_of_an_address(name: str, option: str) -> None:
    with pytest.raises(ProfileError, match=f"option {option}: expected an address") as said:
        PROVIDERS[name].opened({option: "http://host/path?key=word"}, ManualClock())
    assert "word" not in str(said.value)
