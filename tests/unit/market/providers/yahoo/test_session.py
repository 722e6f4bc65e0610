"""The session that yfinance sends its requests through."""

import asyncio
import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from builders.clocks import ManualClock
from builders.loopback import Reply, serve
from tvquant.market.providers.contract import Malformed, ProviderError, RateLimited, Unavailable
from tvquant.market.providers.yahoo import session
from tvquant.market.providers.yahoo.session import Rules, new_session

NOW = datetime(2024, 3, 13, 15, 30, tzinfo=UTC)
HOST = "https://query2.finance.yahoo.com"
CHART = f"{HOST}/v8/finance/chart/ACME"
CRUMB = f"{HOST}/v1/test/getcrumb"
COOKIE = "https://fc.yahoo.com"
type Recorded = Callable[..., Reply]


class Sent(Exception):
    """A request had its turn."""


def silent(*_: Any) -> None:
    """Neither wait nor hold."""


def sent(*replies: Reply, url: str = CHART, times: int = 1, held: Callable[[float], None] = silent) -> tuple[Any, Any]:
    """The last of so many requests to a server that sends these and then an empty page: answer or error."""

    async def main() -> tuple[Any, Any]:
        async with serve(lambda _: Reply("", status=404)) as server:
            server.once.extend(replies)
            rules = Rules(url=server.url, turn=silent, hold=held, clock=ManualClock(NOW))
            one = new_session(rules)
            rules.for_symbol("NASDAQ:ACME")
            for _ in range(times):
                found = (await asyncio.gather(asyncio.to_thread(one.get, url), return_exceptions=True))[0]
            await asyncio.to_thread(one.close)
            return found, server

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("url", "goes"),
    [
        (CHART, True),
        ("https://query1.finance.yahoo.com/v1/test/getcrumb", True),
        ("https://fc.yahoo.com", True),
        ("http://query2.finance.yahoo.com/v8/finance/chart/ACME", False),
        ("https://guce.yahoo.com/consent", False),
        ("https://consent.yahoo.com/v2/collectConsent", False),
        ("https://query2.finance.yahoo.com.example.org/", False),
        ("https://example.org/v8", False),
    ],
)
def test_only_yahoos_hosts_are_asked(url: str, goes: bool) -> None:
    def turn() -> None:
        raise Sent

    rules = Rules(url=None, turn=turn, hold=silent, clock=ManualClock(NOW))
    one = new_session(rules)
    with pytest.raises(Sent if goes else (OSError, ProviderError)):
        one.get(url)


def test_an_address_stands_in_for_all_hosts_and_no_other_server_hears_of_it(recorded: Recorded) -> None:
    async def main() -> None:
        async with serve(lambda _: Reply({"is": "another"})) as other, serve(lambda _: recorded("plain")) as server:
            rules = Rules(url=server.url, turn=silent, hold=silent, clock=ManualClock(NOW))
            one = new_session(rules)
            rules.for_symbol("NASDAQ:ACME")
            server.once.append(Reply("", status=302, headers={"Location": f"{other.url}/v8/finance/chart/ACME"}))
            with pytest.raises(ProviderError, match=r"NASDAQ:ACME: Yahoo leads to the host '127.0.0.1'") as refused:
                await asyncio.to_thread(one.get, CHART, params={"interval": "1d"})
            assert not refused.value.retryable
            server.once.append(Reply("", status=301, headers={"Location": "/v8/finance/chart/ACME?again=1"}))
            assert (await asyncio.to_thread(one.get, CHART, params={"interval": "1d"})).json()["chart"]["error"] is None
            assert [dict(asked.query) for asked in server.requests] == [
                {"interval": "1d"},
                {"interval": "1d"},
                {"again": "1"},
            ]
            assert other.requests == []

    asyncio.run(main())


def test_redirections_end(recorded: Recorded) -> None:
    again = Reply("", status=302, headers={"Location": "/v8/finance/chart/ACME"})
    found, server = sent(*[again] * 4, recorded("plain"))
    assert (found.status_code, len(server.requests)) == (200, 5)
    found, server = sent(*[again] * 5, recorded("plain"))
    assert (type(found), len(server.requests)) == (Unavailable, 5)


def test_a_body_is_bounded(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(recorded("plain").bytes)
    monkeypatch.setattr(session, "LARGEST", size)
    found, _ = sent(recorded("plain"))
    assert len(found.content) == size
    monkeypatch.setattr(session, "LARGEST", size - 1)
    found, _ = sent(recorded("plain"))
    assert (type(found), found.retryable) == (Malformed, False)
    packed = Reply(gzip.compress(b" " * (size + 1)), headers={"Content-Encoding": "gzip"})  # it counts unpacked
    assert len(packed.bytes) < size / 10
    found, _ = sent(packed)
    assert (type(found), found.retryable) == (Malformed, False)
    monkeypatch.setattr(session, "LARGEST", size)
    found, _ = sent(Reply(gzip.compress(recorded("plain").bytes), headers={"Content-Encoding": "gzip"}))
    assert len(found.content) == size


@pytest.mark.parametrize("reply", [Reply(silent=True), Reply("late", pause=1.0), Reply(b"x" * 100, cut=10)])
def test_an_answer_that_does_not_come_is_none(reply: Reply, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "PATIENCE", 0.2)
    found, _ = sent(reply)
    assert type(found) is Unavailable


def test_a_crumb_that_is_refused_is_the_clients_matter_once() -> None:
    refused = Reply({"chart": {"error": {"code": "Unauthorized", "description": "Invalid Crumb"}}}, status=401)
    assert sent(refused)[0].status_code == 401
    found, _ = sent(refused, refused, times=2)
    assert type(found) is ProviderError
    assert "HTTP 401" in str(found)


def test_the_cookie_is_asked_for_once_until_a_request_is_refused() -> None:
    assert len(sent(url=COOKIE, times=3)[1].requests) == 1
    assert len(sent(Reply("", status=503), url=COOKIE, times=3)[1].requests) == 2

    async def main() -> None:
        async with serve(lambda _: Reply("", status=404)) as server:
            rules = Rules(url=server.url, turn=silent, hold=silent, clock=ManualClock(NOW))
            one = new_session(rules)
            server.once.extend([Reply("", status=404), Reply("{}", status=401)])
            for url in (COOKIE, CHART, COOKIE):
                await asyncio.to_thread(one.get, url)
            assert [asked.path for asked in server.requests] == ["/", "/v8/finance/chart/ACME", "/"]

    asyncio.run(main())


@pytest.mark.parametrize("url", [CHART, CRUMB, COOKIE])
def test_who_asks_for_quiet_gets_it_whatever_was_asked_for(url: str) -> None:
    held: list[float] = []
    found, _ = sent(Reply("", status=429, headers={"Retry-After": "9"}), held=held.append, url=url)
    assert (type(found), found.retry_after, held) == (RateLimited, 9.0, [9.0])


@pytest.mark.parametrize(
    ("told", "wait"),
    [
        ("7", 7.0),
        ("Wed, 13 Mar 2024 15:31:30 GMT", 90.0),
        (f"Wed, 13 Mar 2024 15:31:30 +{'9' * 20}", None),
        ("x", None),
    ],
)
def test_a_wait_is_a_number_or_a_date(told: str, wait: float | None) -> None:
    found, _ = sent(Reply("", status=429, headers={"Retry-After": told}))
    assert (type(found), found.retry_after) == (RateLimited, wait)


def test_who_was_heard_is_named_without_a_word_in_front() -> None:
    async def main() -> str:
        async with serve(lambda _: Reply("", status=404)) as server:
            url = server.url.replace("http://", "http://me:word@")
            rules = Rules(url=url, turn=silent, hold=silent, clock=ManualClock(NOW))
            one = new_session(rules)
            await asyncio.to_thread(one.get, COOKIE)
            await asyncio.to_thread(one.close)
            assert f"http://{rules.probe.server}" == server.url
            return server.requests[0].headers["authorization"]

    assert asyncio.run(main()).startswith("Basic ")
