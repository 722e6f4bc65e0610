"""`tvquant doctor --online`: which sources are there and well."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from builders.clocks import NOON, ManualClock
from builders.lies import Wire
from builders.loopback import Loopback, serve
from builders.provider_members import TERMS, WORLD
from builders.scanner_server import ScannerServer
from tvquant.app import consents, online
from tvquant.app.clock import SystemClock
from tvquant.app.workspace import Workspace
from tvquant.market import terms
from tvquant.market.probing import Found, Probe, Standing
from tvquant.market.providers.catalogue import PROVIDERS
from tvquant.market.providers.simulated.client import SimulatedHttp
from tvquant.market.providers.simulated.exchange import TERMS as DECLARED
from tvquant.market.providers.simulated.exchange import Exchange
from tvquant.market.providers.simulated.server import served
from tvquant.market.screeners.client import LIMITS, TradingViewScreener

type Call = Callable[..., Any]


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        yield f"http://me:secret@127.0.0.1:{deaf.getsockname()[1]}"


def looked_at(home: Workspace, server: ScannerServer) -> tuple[list[Found], Loopback]:
    """What is found of the screener behind a server, and what that was asked."""

    async def main() -> tuple[list[Found], Loopback]:
        async with serve(server, Wire(date=NOON)) as loopback:
            options = {"screener": {"url": loopback.url}}
            found = await asyncio.to_thread(online.sources_looked_at, home, clock=ManualClock(), options=options)
            return [line for one in found if one.name == "screener" for line in one.found], loopback

    return asyncio.run(main())


def of(document: Any, name: str) -> dict[str, tuple[str, str]]:
    return {line["checked"]: (line["stands"], line["found"]) for line in document["sources"][name]}


@pytest.fixture
def deaf_world(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No provider but these is looked at: the others have addresses in the world."""
    monkeypatch.setattr(online, "PROVIDERS", {name: PROVIDERS[name] for name in ("files", "simulated")})
    return ["files", "simulated"]


@pytest.mark.usefixtures("deaf_world")
def test_a_source_that_is_well_is_fine_in_every_line(tmp_path: Path, tvquant: Call) -> None:
    exchange = Exchange(WORLD, clock=SystemClock(), terms=DECLARED)
    with served(exchange) as url:
        words = ("doctor", "--online", "--option", f"simulated.url={url}", "-w", tmp_path)
        told = tvquant(*words, "--strict", "--json")
        assert told.code == 0, told.err
        found = of(told.document, "simulated")
        assert {stands for stands, _ in found.values()} == {Standing.FINE}
        assert found["clock"][1] == "within 1 s of the server's"
        assert found["limit"][1] == "requests: it allows 50 a second, 50 are kept to"
        assert of(told.document, "files")["reached"][0] == Standing.NOT_ASKED
        said = tvquant(*words)
    assert tvquant("doctor", "--online", "--option", "simulated.seed=7", "-w", tmp_path).code == 0  # a number, as read
    assert said.code == 0
    assert "simulated  limit    fine" in said.out
    assert [one.path for one in exchange.requests] == ["time", "time"]


@pytest.mark.usefixtures("deaf_world")
def test_a_clock_that_is_off_and_a_limit_that_is_lower_are_named_with_what_to_do(tmp_path: Path, tvquant: Call) -> None:
    ahead = ManualClock(SystemClock().now() + timedelta(hours=1))
    with served(Exchange(WORLD, clock=ahead, terms=replace(TERMS, requests_per_second=10.0))) as url:
        words = ("doctor", "--online", "--option", f"simulated.url={url}", "-w", tmp_path)
        said = tvquant(*words)
        strict = tvquant(*words, "--strict", "--json")
    assert said.code == 0
    assert "s behind that of 127.0.0.1" in said.out
    assert "do not sync from it before you set it" in said.out
    assert "requests: it allows 10 a second, 50 are kept to" in said.out
    assert strict.code == 3
    assert "1 of 1 sources that were asked are not fine: simulated" in strict.err
    assert of(strict.document, "simulated")["reached"][0] == Standing.FINE


@pytest.mark.usefixtures("deaf_world")
def test_who_cannot_be_reached_is_said_in_time_and_without_what_is_secret(
    tmp_path: Path, tvquant: Call, nowhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(online, "PATIENCE", 0.5)
    for url, why in ((nowhere, "no answer within 0.5 s"), ("http://me:secret@127.0.0.1:1", "cannot be reached")):
        words = ("doctor", "--online", "--option", f"simulated.url={url}", "-w", tmp_path)
        said = tvquant(*words)
        assert said.code == 0
        assert why in said.out
        assert "see whether this machine reaches it" in said.out
        assert "secret" not in said.out + said.err
        assert tvquant(*words, "--strict").code == 3


class SlowToLoad(SimulatedHttp):
    """A source whose library takes longer to load than a server may take to answer."""

    loaded = False

    def load(self) -> None:
        time.sleep(1.1 * online.PATIENCE)
        self.loaded = True

    async def probe(self) -> tuple[Probe, ...]:
        assert self.loaded
        return await super().probe()


def test_what_a_library_takes_to_load_is_no_time_of_its_server(
    tmp_path: Path, tvquant: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(online, "PATIENCE", 1.0)
    with served(Exchange(WORLD, clock=SystemClock(), terms=DECLARED)) as url:
        opened = replace(PROVIDERS["simulated"], open=lambda _, clock: SlowToLoad(url=url, clock=clock))
        monkeypatch.setattr(online, "PROVIDERS", {"simulated": opened})
        told = tvquant("doctor", "--online", "-w", tmp_path, "--json")
    assert {stands for stands, _ in of(told.document, "simulated").values()} == {Standing.FINE}


def test_a_source_whose_terms_are_not_agreed_is_sent_nothing(
    tmp_path: Path, tvquant: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange = Exchange(WORLD, clock=SystemClock(), terms=DECLARED)
    asked = replace(PROVIDERS["simulated"], terms="Nothing is passed on.")
    monkeypatch.setattr(online, "PROVIDERS", {"simulated": asked})
    home = Workspace(tmp_path / "ws")
    home.create()
    with served(exchange) as url:
        words = ("doctor", "--online", "--strict", "--option", f"simulated.url={url}", "-w", home.root, "--json")
        before = tvquant(*words)
        assert exchange.requests == ()
        consents.agree(home, "simulated", "Something else.", clock=SystemClock())
        assert tvquant(*words).document == before.document
        assert exchange.requests == ()
        consents.agree(home, "simulated", asked.terms, clock=SystemClock())
        after = tvquant(*words)
    assert before.code == after.code == 0
    (line,) = before.document["sources"]["simulated"]
    assert (line["stands"], line["found"]) == ("not asked", "its terms are not agreed to, so nothing was sent")
    assert "tvquant data terms simulated" in line["do"]
    assert of(after.document, "simulated")["reached"][0] == Standing.FINE
    assert len(exchange.requests) == 1


@pytest.mark.usefixtures("deaf_world")
def test_the_columns_of_the_screener_that_are_used_are_held_against_its_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = replace(LIMITS, requests_per_second=1000.0)  # a server of a test is not busy
    monkeypatch.setattr(online, "TradingViewScreener", partial(TradingViewScreener, limits=fast))
    home = Workspace(tmp_path / "ws")
    home.create()
    (line,), loopback = looked_at(home, ScannerServer())
    assert (line.standing, loopback.requests) == (Standing.NOT_ASKED, [])
    assert "tvquant data terms tradingview" in line.cure
    consents.agree(home, "tradingview", terms.TRADINGVIEW, clock=SystemClock())
    fine, loopback = looked_at(home, ScannerServer())
    assert {one.standing for one in fine} == {Standing.FINE}
    reached = [one.said.partition(" answered")[0].rpartition("/")[2] for one in fine if one.what == "reached"]
    assert reached == ["crypto", "america"]
    assert [one.said for one in fine if one.what == "fields"] == ["all 29 that are used are there"] * 2
    assert [(one.method, one.path) for one in loopback.requests] == [
        ("GET", "/crypto/metainfo"),
        ("GET", "/america/metainfo"),
    ]
    lost, _ = looked_at(home, ScannerServer(unlisted=("ADX",)))
    wrong = [one for one in lost if one.standing is not Standing.FINE]
    assert [one.said.partition(" ")[2] for one in wrong] == ["has no ADX"] * 2
    assert all("cannot be scanned live" in one.cure for one in wrong)


def test_offline_every_source_says_so_and_the_exit_code_is_good(
    tmp_path: Path, tvquant: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = ("binance_archive", "simulated", "tradingview", "yahoo")
    monkeypatch.setattr(online, "PROVIDERS", {name: PROVIDERS[name] for name in some})
    home = tmp_path / "ws"
    assert tvquant("init", home).code == 0
    for name in ("tradingview", "yahoo"):
        assert tvquant("data", "terms", name, "--agree", "-w", home).code == 0
    addresses = [f"{name}.url=http://127.0.0.1:1" for name in (*some, "screener") if name != "tradingview"]
    addresses += ["tradingview.url=ws://127.0.0.1:1/x", "binance_archive.list_url=http://127.0.0.1:1"]
    words = [word for one in addresses for word in ("--option", one)]
    told = tvquant("doctor", "--online", *words, "-w", home, "--json")
    assert told.code == 0
    assert sorted(told.document["sources"]) == sorted((*some, "screener"))
    for name, (line,) in told.document["sources"].items():
        assert (line["checked"], line["stands"]) == ("reached", "wrong"), name
        assert "reach" in line["found"] or "did not answer" in line["found"], line["found"]
        assert line["do"].startswith("see whether this machine reaches it")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--strict",), "add --online"),
        (("--online", "--option", "simulated=1"), "--option takes SOURCE.NAME=VALUE, found 'simulated'"),
        (("--online", "--option", "simulate.url=x"), "unknown source 'simulate' - did you mean simulated?"),
        (("--online", "--option", "simulated.uri=x"), "unknown option 'uri' - did you mean url?"),
    ],
)
def test_words_that_make_no_sense_are_refused(tmp_path: Path, tvquant: Call, words: Any, said: str) -> None:
    told = tvquant("doctor", *words, "-w", tmp_path)
    assert told.code == 2
    assert said in told.err
