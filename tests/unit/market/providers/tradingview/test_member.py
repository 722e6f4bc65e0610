"""The provider `tradingview` on its loopback server: pages, pace, what it keeps open, and every way of failing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from builders.chart_server import ChartServer, Trouble, chart_server, described_symbol
from builders.clocks import ManualClock
from tvquant.core.errors import ProfileError
from tvquant.core.panel import Basis
from tvquant.lake import Lake
from tvquant.lake.storage import tables
from tvquant.market import terms
from tvquant.market.orchestrator import DataPipelineOrchestrator, Summary
from tvquant.market.providers.catalogue import PROVIDERS
from tvquant.market.providers.contract import (
    Malformed,
    ProviderError,
    RateLimited,
    RateLimits,
    Unavailable,
    UnknownSymbol,
    Unsupported,
)
from tvquant.market.providers.tradingview import chart
from tvquant.market.providers.tradingview import member as module
from tvquant.market.providers.tradingview.member import DEADLINE, LIMITS, SILENCE, URL, TradingView
from tvquant.market.registry import RegistryManager
from tvquant.market.tasks import DataTask

COIN, OTHER, SHARE = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "NASDAQ:AAPL"
NOW = datetime(2024, 6, 20, 10, 30, tzinfo=UTC)
TODAY = datetime(2024, 6, 20, tzinfo=UTC)
DAY = timedelta(days=1)
DAYS = 300
NEW_YORK = ZoneInfo("America/New_York")
FAST = RateLimits(requests_per_second=1e4, burst=1000, bars_per_request=100, concurrency=1, paced_inside=True)


def price(n: int) -> float:
    return 100.0 + (n * 7) % 11


def rows(symbol: str, resolution: str, adjustment: str) -> list[list[float]] | None:
    """A coin's bars up to the moment; a share's weekdays, which begin at 09:30 in New York."""
    if symbol.endswith("NONE"):
        return None
    step = timedelta(hours=4) if resolution == "240" else DAY
    last = TODAY + (timedelta(hours=8) if resolution == "240" else timedelta())
    moments = [last - n * step for n in range(DAYS - 1, -1, -1)]
    if symbol == SHARE:
        opens = [datetime(at.year, at.month, at.day, 9, 30, tzinfo=NEW_YORK) for at in moments if at.weekday() < 5]
        moments = [at for at in opens if at <= NOW]
    return [
        [at.timestamp(), price(n), price(n) + 2.0, price(n) - 2.0, price(n) + 1.0, 50.0] for n, at in enumerate(moments)
    ]


@asynccontextmanager
async def visiting(**given: Any) -> AsyncIterator[tuple[TradingView, ChartServer]]:
    async with chart_server(rows, described_symbol) as server:
        now = given.pop("now", NOW)
        visitor = TradingView(url=server.url, clock=ManualClock(now), **{"limits": FAST} | given)
        try:
            yield visitor, server
        finally:
            await visitor.close()


def visited(work: Callable[[TradingView, ChartServer], Awaitable[Any]], **given: Any) -> Any:
    async def main() -> Any:
        async with visiting(**given) as (visitor, server):
            return await work(visitor, server)

    return asyncio.run(main())


def days(page: pl.DataFrame) -> list[int]:
    """How many days before today each bar is."""
    return [(TODAY - stamp).days for stamp in page["timestamp"]]


def asked(server: ChartServer) -> list[tuple[str, Any]]:
    """The handshakes, and how many bars each request wanted."""
    place = {"create_series": 5, "request_more_data": 2, "handshake": 0}
    return [
        (method, None if method == "handshake" else params[place[method]])
        for _, method, params in server.asked
        if method in place
    ]


def test_pages_go_on_in_one_chart_and_who_asks_again_hears_the_server_again() -> None:
    async def work(visitor: TradingView, server: ChartServer) -> None:
        first = await visitor.bars(COIN, "1d")
        second = await visitor.bars(COIN, "1d", end=first["timestamp"][0])
        assert days(first) == list(range(99, -1, -1))
        assert days(second) == list(range(199, 99, -1))
        assert asked(server) == [("handshake", None), ("create_series", 100), ("request_more_data", 100)]
        again = await visitor.bars(COIN, "1d", end=first["timestamp"][0])
        assert again.equals(second)
        assert server.count("create_series") == 2
        assert server.count("chart_delete_session") == 1
        four = await visitor.bars(COIN, "4h", end=TODAY)
        assert len(four) == 100
        assert server.count("create_series") == 3
        await visitor.bars(OTHER, "1d", end=TODAY - 150 * DAY)
        assert (server.count("create_series"), server.count("handshake")) == (4, 1)

    visited(work)


def test_a_span_asks_for_what_it_needs_and_hardly_more() -> None:
    async def work(visitor: TradingView, server: ChartServer) -> None:
        newest = await visitor.bars(COIN, "1d", start=TODAY - 2 * DAY, end=TODAY)
        assert days(newest) == [2, 1]
        hole = await visitor.bars(COIN, "1d", start=TODAY - 250 * DAY, end=TODAY - 248 * DAY)
        assert days(hole) == [250, 249]
        share = await visitor.bars(SHARE, "1d", start=TODAY - 7 * DAY, end=TODAY)
        assert days(share) == [7, 6, 3, 2, 1]
        assert asked(server) == [
            ("handshake", None),
            ("create_series", 4),
            *(("request_more_data", count) for count in (100, 100, 48)),
            ("create_series", 8),
        ]

    visited(work)


def test_a_start_that_is_reached_exactly_is_enough() -> None:
    async def work(visitor: TradingView, server: ChartServer) -> None:
        server.most = 3
        assert days(await visitor.bars(COIN, "1d", start=TODAY - 2 * DAY)) == [2, 1, 0]
        assert server.count("request_more_data") == 0

    visited(work)


def test_bars_that_were_handed_over_are_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(visitor: TradingView, server: ChartServer) -> None:
        end = None
        for _ in range(3):
            page = await visitor.bars(COIN, "1d", end=end)
            assert len(page) == 100
            end = page["timestamp"][0]
        assert server.count("create_series") == 1

    monkeypatch.setattr(chart, "MOST_BARS", 150)
    visited(work)


@pytest.mark.parametrize("most", [7, 99, 100])
def test_short_rounds_fill_a_page_and_an_empty_one_ends_it(most: int) -> None:
    async def work(visitor: TradingView, server: ChartServer) -> None:
        server.most = most
        assert days(await visitor.bars(COIN, "1d", end=TODAY - 20 * DAY)) == list(range(120, 20, -1))
        assert days(await visitor.bars(COIN, "1d", end=TODAY - 250 * DAY)) == list(range(299, 250, -1))
        before = server.count("request_more_data")
        for _ in range(2):
            assert (await visitor.bars(COIN, "1d", end=TODAY - 299 * DAY)).is_empty()
        assert server.count("request_more_data") == before + 2
        assert server.count("create_series") == 1

    visited(work)


def test_a_history_without_end_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(visitor: TradingView, server: ChartServer) -> None:
        server.most = 7
        with pytest.raises(ProviderError, match=f"{COIN}: TradingView's chart has not reached .* after 5 rounds"):
            await visitor.bars(COIN, "1d")

    monkeypatch.setattr(module, "ROUNDS", 5)
    visited(work)


FAILURES: dict[Trouble, tuple[type[ProviderError], bool, str]] = {
    Trouble.SERIES_ERROR: (ProviderError, False, "series_error: 'sds_1 s1 resolution is not permitted'"),
    Trouble.CRITICAL_ERROR: (Unavailable, True, "critical_error: 'invalid_state the study engine restarts'"),
    Trouble.PROTOCOL_ERROR: (ProviderError, False, "protocol_error: 'wrong data'"),
    Trouble.MAX_SESSIONS: (RateLimited, True, "Max sessions rate reached"),
    Trouble.PERMISSION: (ProviderError, False, "symbol_error: 'sds_sym_1 permission denied'"),
    Trouble.SILENT: (Unavailable, True, "sent no data for 0.6 s, nor a heartbeat"),
    Trouble.BEATS: (Unavailable, True, "expired"),
    Trouble.STUCK: (Unavailable, True, "was not done within 0.7 s"),
    Trouble.WRONG_SYMBOL: (Malformed, False, "TradingView answered for 'NASDAQ:OTHER'"),
    Trouble.BUSY: (RateLimited, True, "answered the handshake with HTTP 429"),
    Trouble.DOWN: (Unavailable, True, "answered the handshake with HTTP 503"),
    Trouble.MOVED: (ProviderError, False, "answered the handshake with HTTP 302"),
    Trouble.DROPPED: (Unavailable, True, "closed the connection"),
    Trouble.GARBAGE: (Malformed, True, "no JSON: '{not json'"),
    Trouble.UNFRAMED: (Malformed, True, "no frame"),
    Trouble.BYTES: (Malformed, True, "sent bytes"),
    Trouble.NAN: (Malformed, True, "no JSON"),
}


@pytest.mark.parametrize("trouble", FAILURES)
def test_every_failure_has_a_name_and_the_next_call_begins_anew(trouble: Trouble) -> None:
    kind, retryable, said = FAILURES[trouble]

    async def work(visitor: TradingView, server: ChartServer) -> None:
        server.trouble = trouble
        with pytest.raises(ProviderError) as failed:
            await visitor.bars(COIN, "1d")
        error = failed.value
        assert (type(error), error.retryable) == (kind, retryable)
        assert said in str(error)
        assert error.retry_after == {Trouble.BUSY: 17.0, Trouble.DOWN: 3.0}.get(trouble)
        assert "unauthorized" not in str(error)
        server.trouble = Trouble.NONE
        visitor.silence, visitor.deadline = SILENCE, DEADLINE
        assert len(await visitor.bars(COIN, "1d")) == 100
        assert server.count("handshake") == 2
        async with asyncio.timeout(30.0):
            while server.open_now > 1:
                await asyncio.sleep(0.02)
        assert server.open_now == 1

    short = {Trouble.SILENT: {"silence": 0.6}, Trouble.BEATS: {"silence": 0.6}, Trouble.STUCK: {"deadline": 0.7}}
    visited(work, **short.get(trouble, {}))


def test_an_unknown_symbol_is_refused_before_or_by_the_server() -> None:
    async def work(visitor: TradingView, server: ChartServer) -> None:
        with pytest.raises(UnknownSymbol, match="'sds_sym_1 invalid symbol'"):
            await visitor.bars("NASDAQ:NONE", "1d")
        before = len(server.asked)
        for symbol in ("NOWHERE:BTCUSDT", "btc", 'BINANCE:A"B'):
            with pytest.raises(UnknownSymbol):
                await visitor.bars(symbol, "1d")
        with pytest.raises(Unsupported, match="4h bars of NASDAQ:AAPL"):
            await visitor.bars(SHARE, "4h")
        assert (await visitor.bars(COIN, "1d", start=TODAY, end=TODAY)).is_empty()
        assert len(server.asked) == before

    visited(work)


def test_a_connection_that_idled_or_was_closed_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(visitor: TradingView, server: ChartServer) -> None:
        await visitor.bars(COIN, "1d")
        await visitor.bars(OTHER, "1d")
        assert server.count("handshake") == 1
        server.trouble = Trouble.GARBAGE
        with pytest.raises(Malformed):
            await visitor.bars(OTHER, "1d")
        server.trouble = Trouble.NONE
        page = await visitor.bars(COIN, "1d")
        assert server.count("handshake") == 2
        monkeypatch.setattr(module, "IDLE", 0.05)
        await asyncio.sleep(0.1)
        assert days(await visitor.bars(COIN, "1d", end=page["timestamp"][0])) == list(range(199, 99, -1))
        assert server.count("handshake") == 3
        assert server.most_open <= 2

    visited(work)


def test_a_call_that_is_cancelled_or_too_late_leaves_nothing_behind() -> None:
    async def work(visitor: TradingView, server: ChartServer) -> None:
        for patience, deadline, error in ((0.1, DEADLINE, TimeoutError), (DEADLINE, 0.1, Unavailable)):
            server.trouble, visitor.deadline = Trouble.NONE, DEADLINE
            assert days(await visitor.bars(COIN, "1d", start=TODAY - DAY)) == [1, 0]
            server.trouble, visitor.deadline = Trouble.STUCK, deadline
            with pytest.raises(error):
                async with asyncio.timeout(patience):
                    await visitor.bars(OTHER, "1d")
        server.trouble, visitor.deadline = Trouble.NONE, DEADLINE
        assert days(await visitor.bars(COIN, "1d", start=TODAY - DAY)) == [1, 0]
        assert server.count("handshake") == 3

    visited(work)


def test_of_late_prices_no_bar_is_told_before_its_end_is_in() -> None:
    closed = datetime(2024, 6, 20, tzinfo=UTC)

    async def newest(visitor: TradingView, server: ChartServer) -> int:
        server.mode = "delayed_streaming_900"
        return days(await visitor.bars(COIN, "1d", start=TODAY - 4 * DAY))[-1]

    assert visited(newest, now=closed + timedelta(minutes=15)) == 1
    assert visited(newest, now=closed + timedelta(minutes=14, seconds=59)) == 2

    async def session(visitor: TradingView, server: ChartServer) -> int:
        server.mode = "delayed_streaming_900"
        return days(await visitor.bars(SHARE, "1d", start=TODAY - 4 * DAY))[-1]

    closed = datetime(2024, 6, 18, 20, tzinfo=UTC)
    assert visited(session, now=closed + timedelta(minutes=15)) == 2
    assert visited(session, now=closed + timedelta(minutes=14)) == 3


def test_nothing_is_sent_above_the_rate_and_one_at_a_time() -> None:
    async def work(visitor: TradingView, server: ChartServer) -> None:
        calls = (visitor.bars(symbol, "1d", end=TODAY - 150 * DAY) for symbol in (COIN, OTHER, "BINANCE:SOLUSDT"))
        await asyncio.gather(*calls)
        assert len(asked(server)) == 1 + 3 * 3
        times = [at for at, method, _ in server.asked if method in ("handshake", "create_series", "request_more_data")]
        assert times[-1] - times[0] > 9 / 20.0 - 0.03
        assert server.most_open == 1

    visited(work, limits=replace(FAST, requests_per_second=20.0, burst=1))


def test_a_slow_handshake_is_counted_from_its_end() -> None:
    async def work(visitor: TradingView, server: ChartServer) -> None:
        server.wait = 0.12
        await visitor.bars(COIN, "1d", start=TODAY - DAY)
        (came, asked_for) = (at for at, method, _ in server.asked if method in ("handshake", "create_series"))
        assert asked_for - came > 0.12 + 0.08

    visited(work, limits=replace(FAST, requests_per_second=10.0, burst=1))


def test_one_request_a_second_is_declared_and_one_connection() -> None:
    assert (LIMITS.requests_per_second, LIMITS.burst, LIMITS.concurrency, LIMITS.paced_inside) == (1.0, 1, 1, True)


def test_the_price_step_of_a_symbol_is_known_and_nothing_is_listed() -> None:
    async def work(visitor: TradingView, server: ChartServer) -> None:
        (row,) = (await visitor.instruments(SHARE)).iter_rows(named=True)
        assert (row["symbol"], row["tick"], row["lot"], row["listed_at"]) == (SHARE, 0.01, None, None)
        assert (await visitor.instruments("NASDAQ:NONE")).is_empty()
        assert (await visitor.instruments()).is_empty()
        assert server.count("create_series") == 0
        assert len(await visitor.bars(SHARE, "1d", start=TODAY - 7 * DAY)) == 5

    visited(work)


def test_a_look_hears_the_hello_and_resolves_one_symbol() -> None:
    async def work(visitor: TradingView, server: ChartServer) -> None:
        server.wire.date = NOW - timedelta(seconds=90)
        (probe,) = await visitor.probe()
        assert (probe.asked, probe.answered, probe.time) == (NOW, NOW, NOW - timedelta(seconds=90))
        assert server.url.startswith(f"ws://{probe.server}")
        assert [server.count(method) for method in ("handshake", "resolve_symbol", "create_series")] == [1, 1, 0]
        server.trouble, visitor.silence = Trouble.BEATS, 0.6
        with pytest.raises(Unavailable, match="expired"):
            await visitor.probe()
        server.trouble, visitor.silence = Trouble.NONE, SILENCE
        await visitor.probe()
        await visitor.bars(COIN, "1d")
        assert server.count("handshake") == 3

    visited(work)


def test_its_factory_has_terms_and_an_address() -> None:
    factory = PROVIDERS["tradingview"]
    assert factory.terms == terms.TRADINGVIEW
    opened = factory.opened({}, ManualClock(NOW))
    assert isinstance(opened, TradingView)
    assert (opened.url, opened.limits) == (URL, LIMITS)
    for bad in ("http://127.0.0.1/", "wss://", 7):
        with pytest.raises(ProfileError, match="provider tradingview: option url"):
            factory.opened({"url": bad}, ManualClock(NOW))


@dataclass
class Syncing:
    """A lake that is filled by syncs of a coin and a share."""

    lake: Lake

    def run(self, *, now: datetime = NOW, depth: int = 150, force: bool = False) -> tuple[Summary, ChartServer]:
        async def work(visitor: TradingView, server: ChartServer) -> tuple[Summary, ChartServer]:
            registry = RegistryManager(self.lake.root / ".registry.json")
            pipeline = DataPipelineOrchestrator(
                provider=visitor, lake=self.lake, registry=registry, clock=ManualClock(now), minimum=10
            )
            names = (COIN, SHARE)
            tasks = [DataTask(physical_symbol=n, depth=depth, force_sync=force, reason="sync") for n in names]
            return await pipeline.run(tasks), server

        found: tuple[Summary, ChartServer] = visited(work, now=now)
        return found


def test_a_sync_stores_raw_coins_and_adjusted_shares_and_only_what_is_new_later(tmp_path: Path) -> None:
    syncing = Syncing(Lake(tmp_path / "lakehouse"))
    summary, _ = syncing.run(now=NOW - 3 * DAY)
    assert [one.error for one in summary.outcomes] == [None, None]
    stored = tables.read(syncing.lake.root, "bars", ["symbol", "basis"]).unique()
    assert set(stored.iter_rows()) == {(COIN, Basis.RAW), (SHARE, Basis.SPLIT)}
    coin, share = (one.coverage for one in summary.outcomes)
    assert [coin.bars, share.bars, coin.missing, share.missing] == [150, 151, 0, 0]
    assert [str(one.last)[:10] for one in (coin, share)] == ["2024-06-16", "2024-06-14"]
    summary, server = syncing.run()
    assert [one.error for one in summary.outcomes] == [None, None]
    assert [one.inserted for one in summary.outcomes] == [3, 2]
    assert [method for method, _ in asked(server)] == ["handshake", "create_series", "create_series"]
