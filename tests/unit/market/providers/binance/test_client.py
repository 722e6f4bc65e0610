"""One market of Binance over ccxt, against a server on loopback."""

import asyncio
import email.utils
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from builders.clocks import ManualClock
from builders.loopback import Reply, serve
from tvquant.market.providers.binance.client import PERPETUAL, SPOT, BinanceClient
from tvquant.market.providers.contract import (
    Banned,
    Malformed,
    ProviderError,
    RateLimited,
    RateLimits,
    Unavailable,
    UnknownSymbol,
)

pytestmark = pytest.mark.xdist_group("ccxt")

NOW = datetime(2024, 1, 1, 0, 0, 30, tzinfo=UTC)
FAST = RateLimits(requests_per_second=1e4, burst=1000, bars_per_request=1, concurrency=4, timeout=5.0)
NAME = "BINANCE:币安人生USDT"


def asked(*replies, product=SPOT, limits=FAST, times=1, most=10_000, now=NOW, handler=None):
    """The server, and what so many requests one after another bring: answers and errors."""

    async def main():
        async with serve(handler or (lambda request: Reply([request.path, dict(request.query)]))) as server:
            server.once.extend(replies)
            client = BinanceClient(product, url=server.url + "/", clock=ManualClock(now), limits=limits, most=most)
            query = {"symbol": "币安人生USDT", "limit": 1000}
            found = []
            for _ in range(times):
                try:
                    found.append(await client.ask("klines", query, symbol=NAME))
                except ProviderError as error:
                    found.append(error)
            await client.close()
            await client.close()
            return server, found

    return asyncio.run(main())


@pytest.mark.parametrize(("product", "path"), [(SPOT, "/api/v3/klines"), (PERPETUAL, "/fapi/v1/klines")])
def test_one_public_request_is_sent_with_no_key_and_through_no_proxy(product, path, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("BINANCE_APIKEY", "secret")
    server, (answer,) = asked(product=product)
    assert answer == [path, {"symbol": "币安人生USDT", "limit": "1000"}]
    (request,) = server.requests
    assert not {name for name in request.headers if "key" in name or "cookie" in name or "auth" in name}
    assert "secret" not in str(request)


def coded(code, msg, status=400, **headers):
    return Reply({"code": code, "msg": msg}, status=status, headers=headers)


@pytest.mark.requirement("R-DAT-11")
@pytest.mark.parametrize(
    ("reply", "kind", "wait", "said"),
    [
        (coded(-1003, "Too much request weight used.", 429, **{"Retry-After": "7"}), RateLimited, 7.0, "weight used"),
        (coded(-1003, "Way too many requests; IP banned until 1704067330000.", 418), Banned, 100.0, "00:02:10 UTC"),
        (Reply("", status=418, headers={"Retry-After": "9"}), Banned, 9.0, "00:00:39 UTC"),
        (Reply("<html>blocked</html>", status=451), ProviderError, None, "does not serve the country"),
        (Reply("<html>WAF</html>", status=403), ProviderError, None, "firewall"),
        (Reply("<html>down</html>", status=503, headers={"Retry-After": "3"}), Unavailable, 3.0, "HTTP 503: <html>"),
        (Reply("<html>moved</html>", status=404), ProviderError, None, "HTTP 404"),
        (Reply("<html>Welcome</html>"), Malformed, None, "no JSON"),
        (Reply(""), Malformed, None, "no JSON"),
        (Reply('[["unfinished'), Malformed, None, "no JSON"),
        (Reply("[" * 4900 + "]" * 4900), Malformed, None, "answer of Binance spot"),
        (coded(-1121, "Invalid symbol."), UnknownSymbol, None, f"{NAME} is not served"),
        (coded(-1100, "Illegal characters found in parameter 'symbol'"), UnknownSymbol, None, NAME),
        (coded(-1021, "Timestamp for this request is outside of the recvWindow."), ProviderError, None, "clock"),
        (coded(-1120, "Invalid interval."), ProviderError, None, "Invalid interval"),
        (coded(-1121, "Invalid symbol.", 200), Malformed, None, "Invalid symbol"),
        (Reply(b"[" + b"1," * 4000 + b"1]", cut=100), Malformed, None, "received 100 of 8003 bytes"),
        (Reply(b"[" + b"1," * 6000 + b"1]"), Malformed, None, "more than 10,000 bytes"),
        (Reply(silent=True), Unavailable, None, "did not answer within 0.5 s"),
        (Reply("[]", pause=3.0), Unavailable, None, "did not answer within 0.5 s"),
    ],
)
def test_every_refusal_is_an_error_of_the_contract(reply, kind, wait, said):
    patience = 0.5 if reply.silent or reply.pause else 5.0
    server, (error,) = asked(reply, limits=replace(FAST, timeout=patience))
    assert type(error) is kind, error
    assert error.retry_after == wait
    assert said in str(error)
    assert error.retryable == (kind in (RateLimited, Banned, Unavailable, Malformed))
    assert len(server.requests) == 1  # ccxt asks no second time
    assert "%E5" not in str(error)  # nor is the query told


def test_nobody_there_is_unavailable():
    async def main():
        client = BinanceClient(SPOT, url="http://127.0.0.1:9", clock=ManualClock(NOW), limits=FAST)
        try:
            await client.ask("klines", {"symbol": "BTCUSDT"})
        finally:
            await client.close()

    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:9/api/v3/klines\) cannot be reached"):
        asyncio.run(main())


@pytest.mark.parametrize(
    ("product", "used", "held"),
    [(SPOT, 5399, False), (SPOT, 5400, True), (PERPETUAL, 2159, False), (PERPETUAL, 2160, True)],
)
def test_nothing_is_sent_before_the_next_minute_once_a_minutes_weight_is_nearly_used(product, used, held):
    """Either by the server's clock, here a second before it, or by ours."""
    weight = {"X-MBX-USED-WEIGHT-1M": str(used)}
    date = email.utils.format_datetime(NOW.replace(second=59), usegmt=True)
    for headers, now, least in (
        (weight, NOW.replace(second=59, microsecond=700_000), 0.3),
        (weight | {"Date": date}, NOW, 1.0),
    ):
        server, _ = asked(Reply([], headers=headers), product=product, times=2, now=now)
        first, second = (one.at for one in server.requests)
        assert (second - first >= least - 0.02) == held


def test_who_is_told_to_wait_sends_nothing_meanwhile():
    server, found = asked(Reply("", status=429, headers={"Retry-After": "1"}), times=2)
    assert [type(one) for one in found] == [RateLimited, list]
    assert server.requests[1].at - server.requests[0].at >= 1.0


@pytest.mark.requirement("R-DAT-21")
@pytest.mark.parametrize("product", [SPOT, PERPETUAL])
def test_no_more_is_sent_than_is_declared_and_not_much_less(product):
    limits = replace(FAST, requests_per_second=40.0, burst=4, timeout=5.0)

    async def main():
        async with serve(lambda _: Reply([])) as server:
            client = BinanceClient(product, url=server.url, clock=ManualClock(NOW), limits=limits)
            await client.ask("exchangeInfo", {})  # connections, and ccxt's first look
            await asyncio.sleep(0.1)
            began = time.monotonic()
            await asyncio.gather(*(client.ask("klines", {"symbol": "A", "limit": 1000}) for _ in range(40)))
            await client.close()
            return server, time.monotonic() - began

    took = []
    while len(took) < 4 and min(took, default=2.0) > 1.7:  # a busy machine may try again: it cannot pace too fast
        server, seconds = asyncio.run(main())
        assert server.most_within(0.5) <= 0.5 * 40 + 4
        took.append(seconds)
    assert min(took) <= 1.7  # .9 on an idle machine; half of what is declared takes 1.8


def test_a_closed_client_opens_again():
    async def main():
        async with serve(lambda request: Reply({"path": request.path})) as server:
            client = BinanceClient(SPOT, url=server.url, clock=ManualClock(NOW), limits=FAST)
            for _ in range(2):
                assert await client.ask("exchangeInfo", {}) == {"path": "/api/v3/exchangeInfo"}
                await client.close()

    asyncio.run(main())
