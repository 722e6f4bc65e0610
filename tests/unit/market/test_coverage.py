from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from table_provider import BTC, ETH, NOW, day, made_bars, walk

from tvquant.core.errors import DataError, ProfileError
from tvquant.core.instants import instant
from tvquant.core.panel import Basis
from tvquant.lake import Lake
from tvquant.lake.writing.upserts import upsert
from tvquant.market.coverage import NOTHING, Grid, coverage, stored_rows

AAPL = "NASDAQ:AAPL"


def at(text: str) -> np.datetime64:
    return np.datetime64(text, "us")


def put(lake: Lake, rows: pl.DataFrame, *, interval: str = "1d", basis: Basis = Basis.RAW) -> None:
    upsert(lake, rows, interval=interval, basis=basis, source="test", recorded_at=NOW, reason="test")


def test_a_bar_is_known_when_its_interval_is_over_or_its_session_closes() -> None:
    for symbol, interval, stamp, known in (
        (BTC, "4h", "2024-06-01T04:00", "2024-06-01T08:00"),
        (BTC, "1d", "2024-05-31", "2024-06-01"),
        (AAPL, "1d", "2024-05-31", "2024-05-31T20:00"),
    ):
        assert Grid.of(symbol, interval, NOW).known_at(at(stamp)) == at(known)


@pytest.mark.parametrize(
    ("symbol", "interval", "now", "closed"),
    [
        (BTC, "1d", "2024-06-01T09:30", "2024-05-31"),
        (BTC, "1d", "2024-06-01T00:00", "2024-05-31"),
        (BTC, "1d", "2024-05-31T23:59", "2024-05-30"),
        (BTC, "4h", "2024-06-01T09:30", "2024-06-01T04:00"),
        (BTC, "4h", "2024-06-01T12:00", "2024-06-01T08:00"),
        (AAPL, "1d", "2024-05-31T19:59", "2024-05-30"),
        (AAPL, "1d", "2024-05-31T20:00", "2024-05-31"),
        (AAPL, "1d", "2024-06-02T12:00", "2024-05-31"),
        (AAPL, "1d", "2024-05-28T12:00", "2024-05-24"),  # Monday the 27th was Memorial Day
        (AAPL, "1d", "2023-11-24T18:00", "2023-11-24"),  # closed at 13:00 that day
    ],
)
def test_the_last_closed_bar(symbol: str, interval: str, now: str, closed: str) -> None:
    grid = Grid.of(symbol, interval, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert grid.closed() == at(closed)


def test_counting_back_skips_what_is_no_session() -> None:
    assert Grid.of(AAPL, "1d", NOW).back(at("2024-05-31"), 5) == at("2024-05-24")
    assert Grid.of(BTC, "1d", NOW).back(at("2024-05-31"), 5) == at("2024-05-27")
    assert Grid.of(BTC, "4h", NOW).back(at("2024-05-31"), 7) == at("2024-05-30")


def test_what_is_on_the_grid() -> None:
    stamps = np.array(["2024-05-31", "2024-06-01", "2024-05-31T04:00"], "datetime64[us]")
    assert Grid.of(AAPL, "1d", NOW).on(stamps).tolist() == [True, False, False]
    assert Grid.of(BTC, "1d", NOW).on(stamps).tolist() == [True, True, False]
    assert Grid.of(BTC, "4h", NOW).on(stamps).tolist() == [True, True, True]


def test_markets_and_intervals_that_are_not_there_are_refused() -> None:
    with pytest.raises(ProfileError, match="interval '4h' of NASDAQ:AAPL"):
        Grid.of(AAPL, "4h", NOW)
    with pytest.raises(ProfileError, match="interval '1w'"):
        Grid.of(BTC, "1w", NOW)
    with pytest.raises(DataError, match="capitals"):
        Grid.of("btc", "1d", NOW)


def test_an_empty_lake_covers_nothing(lake: Lake) -> None:
    assert coverage(lake, [BTC], "1d") == {BTC: NOTHING}
    assert stored_rows(lake, BTC, "1d").is_empty()


@pytest.mark.parametrize("interval", ["1d", "4h"])
def test_holes_are_found_newest_first(lake: Lake, interval: str) -> None:
    last = datetime(2024, 5, 31, tzinfo=UTC)
    rows = made_bars(BTC, walk(60), last=last, interval=interval)
    stamps = rows["timestamp"].to_list()
    put(lake, rows.filter(~pl.col("timestamp").is_in([stamps[10], stamps[30], stamps[31]])), interval=interval)
    found = coverage(lake, [BTC, ETH], interval)
    assert found[ETH] == NOTHING
    held = found[BTC]
    assert (held.bars, held.missing) == (57, 3)
    assert (held.first, held.last) == (instant(stamps[0]), instant(stamps[-1]))
    assert held.holes == (
        (instant(stamps[30]), instant(stamps[31])),
        (instant(stamps[10]), instant(stamps[10])),
    )


def test_intervals_are_kept_apart(lake: Lake) -> None:
    put(lake, made_bars(BTC, walk(60), last=day(), interval="4h"), interval="4h")
    assert coverage(lake, [BTC], "1d") == {BTC: NOTHING}


def test_one_missing_session_is_tolerated_and_two_are_a_hole(lake: Lake) -> None:
    rows = made_bars(AAPL, walk(40), last=datetime(2024, 5, 31, tzinfo=UTC))
    sessions = rows.filter(pl.col("timestamp").dt.weekday() <= 5)
    gone = [datetime(2024, 5, d, tzinfo=UTC) for d in (7, 14, 15, 27)]
    put(lake, sessions.filter(~pl.col("timestamp").is_in(gone)))
    held = coverage(lake, [AAPL], "1d")[AAPL]
    assert held.holes == ((at("2024-05-14"), at("2024-05-15")),)
    assert held.missing == 2


def test_between_two_holders_of_a_ticker_nothing_is_missing(lake: Lake) -> None:
    old = made_bars(BTC, walk(50), last=day(60))
    new = made_bars(BTC, [c * 1000 for c in walk(40)], last=day())
    put(lake, pl.concat([old, new]))
    assert coverage(lake, [BTC], "1d")[BTC].missing == 0


def test_stored_rows_are_by_time(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "other")
    rows = made_bars(BTC, walk(5), last=day())
    put(lake, rows.reverse())
    assert stored_rows(lake, BTC, "1d")["close"].to_list() == rows["close"].to_list()
