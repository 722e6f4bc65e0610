"""The archive as a provider, against a server on loopback that serves it as published."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from builders.archive_server import ArchiveServer, kline_text, packed
from builders.clocks import ManualClock
from builders.loopback import Loopback, Reply
from tvquant.market.providers.binance_archive.member import LIMITS, BinanceArchive
from tvquant.market.providers.contract import BARS, FUNDING, Malformed, ProviderError, Unavailable, UnknownSymbol

DAY = timedelta(days=1)
NOW = datetime(2022, 3, 11, 9, tzinfo=UTC)
TODAY = datetime(2022, 3, 11, tzinfo=UTC)
LIVE, DEAD, TWICE, YOUNG = "BINANCE:LIVEUSDT", "BINANCE:DEADUSDT", "BINANCE:TWICEUSDT", "BINANCE:YOUNGUSDT"
HALTED, SWAP, GONE = "BINANCE:HALTUSDT", "BINANCE:LIVEUSDT.P", "BINANCE:GONEUSDT"
LIVES = {
    LIVE: [("2021-06-15", "2022-03-10")],
    DEAD: [("2021-06-01", "2021-09-17")],
    TWICE: [("2021-06-01", "2021-08-20"), ("2021-12-05", "2022-03-10")],
    YOUNG: [("2022-03-04", "2022-03-10")],
    HALTED: [("2021-06-01", "2022-03-05")],
    SWAP: [("2021-11-01", "2022-02-20")],
    GONE: [("2021-06-01", "2022-03-03")],
}
"""First and last day of each life."""
FAST = replace(LIMITS, requests_per_second=1e5, burst=10_000)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def bars(symbol: str, interval: str) -> pl.DataFrame:
    parts = [
        pl.datetime_range(day(first), day(last) + DAY, interval, closed="left", time_unit="us", eager=True)
        for first, last in LIVES[symbol]
    ]
    rows = pl.DataFrame({"timestamp": pl.concat(parts)}).with_row_index("price", offset=100)
    price = pl.col("price").cast(pl.Float64) / 7
    rows = rows.select(
        *(pl.lit(symbol).alias("symbol"), "timestamp", price.alias("open"), (price + 1).alias("high")),
        *((price - 1).alias("low"), price.alias("close"), pl.lit(3.0).alias("volume"), pl.lit(9.0).alias("quote")),
    )
    return rows.rename({"quote": "quote_volume"}).cast(dict(BARS))


def funding(symbol: str) -> pl.DataFrame:
    """Payments that go on for twelve days behind the last bar."""
    first, last = LIVES[symbol][0]
    stamps = pl.datetime_range(day(first), day(last) + 13 * DAY, "8h", closed="left", time_unit="us", eager=True)
    rates = pl.int_range(len(stamps), eager=True) * 1e-6
    return pl.DataFrame({"timestamp": stamps, "funding_rate": rates}).cast(dict(FUNDING))


def archive(**changes: Any) -> ArchiveServer:
    return ArchiveServer(symbols=list(LIVES), bars=bars, funding=funding, published=TODAY, **changes)


def asked[T](server: ArchiveServer, work: Callable[[BinanceArchive, Loopback], Awaitable[T]]) -> tuple[T, Loopback]:
    """What the work brings, and the server that saw it."""

    async def main():
        async with server.open() as loopback:
            clock = ManualClock(NOW)
            member = BinanceArchive(url=loopback.url, list_url=loopback.url, clock=clock, limits=FAST)
            try:
                return await work(member, loopback), loopback
            finally:
                await member.close()

    return asyncio.run(main())


def names(loopback: Loopback) -> list[str]:
    """Of the packed files that were asked for."""
    return [one.path.rpartition("/")[2] for one in loopback.requests if one.path.endswith(".zip")]


def of(symbol: str, **span: Any) -> Callable[[BinanceArchive, Loopback], Awaitable[pl.DataFrame]]:
    return lambda member, _: member.bars(symbol, span.pop("interval", "1d"), **span)


def test_months_come_whole_and_the_days_behind_them_one_by_one() -> None:
    rows, loopback = asked(archive(), of(LIVE))
    assert rows.equals(bars(LIVE, "1d"))
    found = names(loopback)
    assert len(found) == len(set(found)) == 9 + 10
    assert {"LIVEUSDT-1d-2022-02.zip", "LIVEUSDT-1d-2022-03-01.zip"} <= set(found)
    lists = [one.query for one in loopback.requests if one.path == "/"]
    assert len(lists) == 2
    assert lists[1]["marker"].endswith("LIVEUSDT-1d-2022-01-31.zip.CHECKSUM")


def test_only_files_that_a_span_meets_are_fetched() -> None:
    rows, loopback = asked(archive(), of(LIVE, start=day("2022-02-28"), end=day("2022-03-03")))
    assert [str(one)[:10] for one in rows["timestamp"]] == ["2022-02-28", "2022-03-01", "2022-03-02"]
    found = ["LIVEUSDT-1d-2022-02.zip", "LIVEUSDT-1d-2022-03-01.zip", "LIVEUSDT-1d-2022-03-02.zip"]
    assert sorted(names(loopback)) == found
    none, loopback = asked(archive(), of(DEAD, start=day("2021-09-18")))
    assert none.is_empty()
    none, loopback = asked(archive(), of(DEAD, start=day("2021-10-01")))
    assert none.is_empty()
    assert names(loopback) == []


def short(symbol: str, interval: str, month: str, *missing: str) -> tuple[str, bytes]:
    """Path and content of a monthly file that lacks some days (a moment is one bar)."""
    rows = bars(symbol, interval).filter(pl.col("timestamp").dt.strftime("%Y-%m") == month)
    gone = rows["timestamp"].dt.to_string("%Y-%m-%d").is_in(list(missing)) | rows["timestamp"].dt.to_string(
        "%Y-%m-%dT%H"
    ).is_in(list(missing))
    step = DAY if interval == "1d" else timedelta(hours=4)
    text = kline_text(rows.filter(~gone), step, header=False, micro=day("2100-01-01"))
    name = f"{symbol.removeprefix('BINANCE:')}-{interval}-{month}"
    path = f"data/spot/monthly/klines/{symbol.removeprefix('BINANCE:')}/{interval}/{name}.zip"
    return path, packed(f"{name}.csv", text)


@pytest.mark.parametrize("interval", ["1d", "4h"])
def test_days_that_a_month_lacks_come_from_their_daily_files(interval: str) -> None:
    lacking = ("2021-10-01", "2021-10-09", "2021-10-10T16", "2021-10-31")
    server = archive(replaced=dict([short(LIVE, interval, "2021-10", *lacking)]))
    rows, loopback = asked(server, of(LIVE, interval=interval))
    assert rows.equals(bars(LIVE, interval))
    looked_for = {name for name in names(loopback) if "2021-10-" in name}
    days = ["01", "09", "10", "31"] if interval == "4h" else ["01", "09", "31"]
    assert looked_for == {f"LIVEUSDT-{interval}-2021-10-{number}.zip" for number in days}
    # Asked for alone, as a repair asks for a hole, it is found as well; and what neither has is a hole.
    hole = {"start": day("2021-10-09"), "end": day("2021-10-10")}
    alone, _ = asked(server, of(LIVE, interval=interval, **hole))
    assert alone.equals(bars(LIVE, interval).filter(pl.col("timestamp").is_between(*hole.values(), closed="left")))
    daily = f"data/spot/daily/klines/LIVEUSDT/{interval}/LIVEUSDT-{interval}-2021-10-09.zip"
    server.replaced[daily] = None
    rows, _ = asked(server, of(LIVE, interval=interval))
    assert len(rows) == len(bars(LIVE, interval)) - DAY // (DAY if interval == "1d" else timedelta(hours=4))


def test_listings_begin_and_end_with_their_files() -> None:
    async def each(member: BinanceArchive, _: Loopback) -> dict[str, list]:
        found = {name: await member.instruments(name) for name in LIVES}
        return {name: rows.select("listed_at", "delisted_at").rows() for name, rows in found.items()}

    found, loopback = asked(archive(), each)
    assert found[LIVE] == [(day("2021-06-15"), None)]
    assert found[DEAD] == [(day("2021-06-01"), day("2021-09-18"))]
    assert found[TWICE] == [(day("2021-06-01"), day("2021-08-21")), (day("2021-12-05"), None)]
    assert found[YOUNG] == [(day("2022-03-04"), None)]
    assert found[GONE] == [(day("2021-06-01"), day("2022-03-04"))]  # a week ago
    assert found[HALTED] == [(day("2021-06-01"), None)]  # for five days now: that is no end yet
    # Where nothing of the venue goes on, the archive itself may have stopped: no one has ended.
    assert found[SWAP] == [(day("2021-11-01"), None)]
    assert len(loopback.requests) < 60


def test_a_file_of_the_future_ends_no_one_and_is_said() -> None:
    server = archive()
    ahead = [
        "spot/daily/klines/LIVEUSDT/1d/LIVEUSDT-1d-2022-03-12",
        "spot/monthly/klines/DEADUSDT/1d/DEADUSDT-1d-2030-01",
    ]
    server.replaced |= {f"data/{one}.zip": packed(f"{one.rpartition('/')[2]}.csv", "") for one in ahead}

    async def each(member: BinanceArchive, _: Loopback) -> tuple[dict[str, list], tuple[str, ...]]:
        ends = {name: (await member.instruments(name))["delisted_at"].to_list() for name in (LIVE, DEAD, YOUNG, HALTED)}
        return ends, member.findings

    (ends, findings), _ = asked(server, each)
    assert ends == {LIVE: [None], DEAD: [day("2021-09-18")], YOUNG: [None], HALTED: [None]}
    assert [text.partition(".zip")[0] for text in findings] == [f"data/{one}" for one in ahead]


def test_a_file_in_disorder_ends_its_listing_no_sooner() -> None:
    server, name = archive(), "DEADUSDT-1d-2021-09"
    rows = bars(DEAD, "1d").filter(pl.col("timestamp") >= day("2021-09-01")).reverse()
    text = kline_text(rows, DAY, header=False, micro=server.micro)
    server.replaced[f"data/spot/monthly/klines/DEADUSDT/1d/{name}.zip"] = packed(f"{name}.csv", text)
    found, _ = asked(server, lambda member, _: member.instruments(DEAD))
    assert found.select("listed_at", "delisted_at").rows() == [(day("2021-06-01"), day("2021-09-18"))]


def test_the_whole_market_is_listed_in_few_requests_without_what_ends() -> None:
    more = tuple(f"data/futures/um/monthly/klines/{name}/1d/" for name in ("BTCUSDT_240329", "币安人生USDT", "A+B"))
    rows, loopback = asked(archive(folders=more), lambda member, _: member.instruments())
    assert set(rows["symbol"]) == {*LIVES, "BINANCE:币安人生USDT.P"}
    assert rows["symbol"].is_sorted()
    assert len(loopback.requests) == 4


def test_funding_is_of_the_months_that_are_over() -> None:
    rows, loopback = asked(archive(), lambda member, _: member.funding(SWAP))
    assert rows.equals(funding(SWAP).filter(pl.col("timestamp") < day("2022-03-01")))
    assert sum(one.path == "/" for one in loopback.requests) == 1
    since, _ = asked(archive(), lambda member, _: member.funding(SWAP, start=day("2022-02-27T08:00:00")))
    assert since["timestamp"][0] == day("2022-02-27T08:00:00")
    nothing, loopback = asked(archive(), lambda member, _: member.funding(LIVE))
    assert (nothing.is_empty(), loopback.requests) == (True, [])


@pytest.mark.parametrize("symbol", ["NASDAQ:AAPL", "BINANCE:../../etc", "BINANCE:LIVEUSDT_220325"])
def test_what_cannot_be_there_is_not_asked_for(symbol: str) -> None:
    async def work(member: BinanceArchive, _: Loopback) -> None:
        for ask in (member.bars(symbol, "1d"), member.funding(symbol)):
            with pytest.raises(UnknownSymbol, match="binance_archive"):
                await ask
        assert (await member.instruments(symbol)).is_empty()

    assert asked(archive(), work)[1].requests == []


def test_a_failure_in_the_midst_costs_only_what_failed() -> None:
    async def work(member: BinanceArchive, loopback: Loopback) -> pl.DataFrame:
        await member.bars(LIVE, "1d", start=day("2022-03-10"))
        loopback.once.append(Reply("down", status=503))
        with pytest.raises(Unavailable):
            await member.bars(LIVE, "1d")
        return await member.bars(LIVE, "1d")

    rows, loopback = asked(archive(), work)
    assert rows.equals(bars(LIVE, "1d"))
    found = names(loopback)
    assert len(found) == len(set(found)) + 1


MARCH = "data/spot/monthly/klines/DEADUSDT/1d/DEADUSDT-1d-2021-08.zip"


@pytest.mark.parametrize(
    ("content", "told", "said"),
    [
        (b"PK cut", None, "its end is missing"),
        (packed("DEADUSDT-1d-2021-08.csv", "0" * 2**21), None, "claims to hold 2,097,152 bytes"),
        (packed("LIVEUSDT-1d-2021-08.csv", "1"), None, "holds 'LIVEUSDT-1d-2021-08.csv'"),
        (packed("DEADUSDT-1d-2021-08.csv", "1,2\n"), None, "has 2 columns"),
        (packed("DEADUSDT-1d-2021-08.csv", ""), b"0" * 64 + b"  DEADUSDT-1d-2021-08.zip", "has the digest"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_file_that_is_wrong_is_refused_by_its_name(content: bytes, told: bytes | None, said: str) -> None:
    replaced: dict[str, bytes | None] = {MARCH: content}
    if told:
        replaced[f"{MARCH}.CHECKSUM"] = told

    async def work(member: BinanceArchive, _: Loopback) -> ProviderError:
        with pytest.raises(Malformed) as refused:
            await member.bars(DEAD, "1d")
        return refused.value

    error, _ = asked(archive(replaced=replaced), work)
    assert not error.retryable
    assert MARCH in str(error)
    assert said in str(error)
