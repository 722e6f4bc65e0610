"""The HTTP client of providers, against a server on loopback."""

import asyncio
import email.utils
import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from builders.clocks import ManualClock
from builders.loopback import Loopback, Reply, serve
from tvquant.market.http_client import LONGEST_WAIT, HttpClient, HttpRefused
from tvquant.market.providers.contract import Banned, Malformed, ProviderError, RateLimited, RateLimits, Unavailable

NOW = datetime(2024, 1, 1, tzinfo=UTC)
FAST = RateLimits(requests_per_second=1e4, burst=1000, bars_per_request=1, concurrency=4, timeout=5.0)


def asked(*replies: Reply, limits: RateLimits = FAST, times: int = 1, most: int = 1000) -> tuple[Loopback, list[Any]]:
    """What so many requests bring: answers and errors."""

    async def main() -> tuple[Loopback, list[Any]]:
        async with serve(lambda request: Reply({"path": request.path, "query": dict(request.query)})) as server:
            server.once.extend(replies)
            client = HttpClient(name="the server", url=server.url, clock=ManualClock(NOW), limits=limits, most=most)
            each = (client.get("/v1/a b", {"key": "secret"}) for _ in range(times))
            found = await asyncio.gather(*each, return_exceptions=True)
            await client.close()
            await client.close()
            return server, found

    return asyncio.run(main())


def test_an_answer_comes_whole_over_one_connection_and_through_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    server, (answer,) = asked()
    assert (answer.status, answer.body) == (200, b'{"path": "/v1/a b", "query": {"key": "secret"}}')
    assert answer.headers["content-type"] == "application/json"
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("reply", "kind", "wait"),
    [
        (Reply("slow down", status=429, headers={"Retry-After": "7"}), RateLimited, 7.0),
        (Reply("", status=429), RateLimited, None),
        (
            Reply("", status=429, headers={"Retry-After": email.utils.format_datetime(NOW + timedelta(seconds=90))}),
            RateLimited,
            90.0,
        ),
        (Reply("", status=429, headers={"Retry-After": "soon"}), RateLimited, None),
        (Reply("", status=418, headers={"Retry-After": "120"}), Banned, 120.0),
        (Reply("", status=418), Banned, 60.0),
        (Reply("<html>\x00down</html>", status=502, headers={"Retry-After": "3"}), Unavailable, 3.0),
        (Reply(b"x" * 100, cut=10), Unavailable, None),
        (Reply(silent=True), Unavailable, None),
        (Reply("late", pause=20.0), Unavailable, None),
        (Reply(b"x" * 1001), Malformed, None),
        (Reply("no such thing", status=404), HttpRefused, None),
        (Reply("elsewhere", status=302, headers={"Location": "http://127.0.0.1:1/"}), HttpRefused, None),
    ],
)
def test_every_failure_has_a_name_and_tells_no_query(reply: Reply, kind: type[Exception], wait: float | None) -> None:
    never = reply.silent or reply.pause > 0.0
    server, (error,) = asked(reply, limits=replace(FAST, timeout=0.5) if never else FAST)
    assert type(error) is kind
    assert error.retry_after == wait
    assert error.retryable == (kind in (RateLimited, Banned, Unavailable))
    assert str(error).startswith("the server (127.0.0.1:")
    assert "secret" not in str(error)
    assert str(error).isprintable()
    assert len(server.requests) == 1


def test_a_ban_ends_when_it_says_so() -> None:
    _, (error,) = asked(Reply("", status=418, headers={"Retry-After": "120"}))
    assert error.until == NOW + timedelta(seconds=120)


def test_nothing_is_sent_above_the_rate() -> None:
    limits = RateLimits(requests_per_second=40.0, burst=2, bars_per_request=1, concurrency=8)
    server, found = asked(limits=limits, times=12)
    assert {one.status for one in found} == {200}
    assert server.most_within(0.2) <= 2 + 0.2 * 40 + 1  # one that was on its way while the machine was busy


def test_a_largest_body_is_taken() -> None:
    _, (answer,) = asked(Reply(b"x" * 1000))
    assert len(answer.body) == 1000


@pytest.mark.parametrize(
    ("reply", "kind", "wait"),
    [
        (Reply("", status=418, headers={"Retry-After": "9" * 400}), Banned, LONGEST_WAIT),
        (Reply("", status=418, headers={"Retry-After": "99999999999999"}), Banned, LONGEST_WAIT),
        (Reply("", status=429, headers={"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}), RateLimited, LONGEST_WAIT),
        (Reply("", status=429, headers={"Retry-After": f"Mon, 01 Jan 2024 00:00:00 +{'9' * 20}"}), RateLimited, None),
        (Reply("no gzip", headers={"Content-Encoding": "gzip"}), Malformed, None),
        (Reply(gzip.compress(gzip.compress(b"{}")), headers={"Content-Encoding": "gzip, gzip"}), Malformed, None),
        (Reply("", status=429, headers={"Content-Encoding": "br"}), Malformed, None),
    ],
)
def test_headers_that_no_clock_and_no_codec_takes_are_failures_like_others(
    reply: Reply, kind: type[ProviderError], wait: float | None
) -> None:
    _, (error,) = asked(reply)
    assert type(error) is kind
    assert error.retry_after == wait


@pytest.mark.parametrize(
    "proxy", ["socks5://me:word@127.0.0.1:9", "foo://me:word@127.0.0.1:9", "http://me:word@127.0.0.1:99999"]
)
def test_a_proxy_that_cannot_be_used_is_named_by_its_variable_alone(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.delenv("no_proxy", raising=False)

    async def main(url: str) -> None:
        await HttpClient(name="the server", url=url, clock=ManualClock(NOW), limits=FAST).get("/")

    with pytest.raises(ProviderError, match="ALL_PROXY") as said:
        asyncio.run(main("http://server.invalid"))
    assert not said.value.retryable
    assert "word" not in str(said.value)
    with pytest.raises(ProviderError, match="its address is none"):
        asyncio.run(main("http://me:word@127.0.0.1:99999"))
