from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from table_provider import BTC, NOW, day, made_bars, replaced, walk

from tvquant.core.instants import instant
from tvquant.market.coverage import Grid
from tvquant.market.providers.contract import Malformed
from tvquant.market.validation import Page, agreed, judged, suspects

GRID = Grid(interval="1d", market="24x7", now=NOW)
ROWS = made_bars(BTC, walk(30), last=day())
VALUES = ["timestamp", "open", "high", "low", "close", "volume", "quote_volume"]


def page(rows: pl.DataFrame, *, grid: Grid = GRID, symbol: str = BTC) -> Page:
    return judged(rows, symbol=symbol, grid=grid, first=instant(day(29)), last=instant(day()))


def test_good_rows_are_believed_whole() -> None:
    found = page(ROWS)
    assert found.rows.equals(ROWS.select(VALUES))
    assert found.rejected == {}
    assert found.oldest == instant(day(29))


@pytest.mark.parametrize(
    ("reason", "values"),
    [
        ("not finite", {"close": float("nan")}),
        ("not finite", {"open": None}),
        ("not finite", {"volume": None}),
        ("not finite", {"high": float("inf")}),
        ("not positive", {"low": 0.0}),
        ("not positive", {"volume": -1.0}),
        ("not positive", {"quote_volume": -1.0}),
        ("absurd", {"high": 1.01e12}),
        ("absurd", {"low": 0.99e-15}),
        ("absurd", {"volume": 1.01e24}),
        ("absurd", {"quote_volume": 1.01e24}),
        ("high or low", {"high": 50.0}),
        ("high or low", {"low": 500.0}),
        ("high or low", {"close": 1000.0}),
    ],
)
def test_a_bad_row_is_dropped_with_its_reason_and_alone(reason: str, values: dict[str, float]) -> None:
    found = page(replaced(ROWS, 7, **values))
    assert found.rejected == {reason: 1}
    assert found.rows.equals(ROWS.select(VALUES).filter(pl.col("timestamp") != day(7)))


@pytest.mark.parametrize(("price", "volume"), [(1e12, 1.0), (1e-15, 1e24)])
def test_prices_and_volumes_at_the_edge_of_this_world_are_believed(price: float, volume: float) -> None:
    edge = dict.fromkeys(("open", "high", "low", "close"), price) | {"volume": volume, "quote_volume": volume}
    assert page(replaced(ROWS, 7, **edge)).rejected == {}


def test_a_rejected_row_still_says_how_far_back_the_answer_went() -> None:
    assert page(replaced(ROWS, 29, low=-1.0)).oldest == instant(day(29))


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        (day(-1), "unfinished"),
        (day(-40), "unfinished"),
        (day(3) + timedelta(hours=1), "off the grid"),
        (day(99), "not asked for"),
        (None, "no time"),
    ],
)
def test_rows_at_wrong_times_are_dropped(stamp: datetime | None, reason: str) -> None:
    odd = ROWS[-1:].with_columns(timestamp=pl.lit(stamp, pl.Datetime("us", "UTC")))
    found = page(pl.concat([ROWS, odd]))
    assert found.rejected == {reason: 1}
    assert len(found.rows) == 30


def test_rows_of_another_symbol_are_dropped() -> None:
    assert page(pl.concat([ROWS, ROWS.with_columns(symbol=pl.lit("X:Y"))])).rejected == {"symbol": 30}


def test_order_and_equal_copies_do_not_matter() -> None:
    found = page(pl.concat([ROWS.reverse(), ROWS[:3]]))
    assert found.rows.equals(ROWS.select(VALUES))
    assert found.rejected == {"repeated": 3}


def test_two_versions_of_a_bar_refuse_the_answer() -> None:
    other = replaced(ROWS, 4, volume=11.0)
    with pytest.raises(Malformed, match=f"two versions of the bar {day(4):%Y-%m-%d}"):
        page(pl.concat([ROWS, other]))


def test_a_bad_copy_beside_a_good_one_is_only_dropped() -> None:
    found = page(pl.concat([ROWS, replaced(ROWS, 4, close=-1.0)[25:26]]))
    assert len(found.rows) == 30
    assert found.rejected == {"not positive": 1}


@pytest.mark.parametrize("column", ["close", "symbol", "timestamp", "volume"])
def test_a_missing_column_refuses_the_answer(column: str) -> None:
    with pytest.raises(Malformed, match=column):
        page(ROWS.drop(column))


def test_columns_of_another_kind_refuse_the_answer() -> None:
    with pytest.raises(Malformed, match="not of the right kind"):
        page(ROWS.with_columns(close=pl.lit("a lot")))


def test_quote_volume_may_be_left_out_or_not_a_number() -> None:
    assert page(ROWS.drop("quote_volume")).rows.equals(ROWS.select(VALUES))
    found = page(ROWS.with_columns(quote_volume=pl.lit(float("nan"))))
    assert found.rows["quote_volume"].null_count() == 30


def test_sessions_are_stamped_by_their_date() -> None:
    grid = Grid(interval="1d", market="XNYS", now=NOW)
    rows = made_bars("NASDAQ:AAPL", walk(3), last=datetime(2024, 5, 31, 13, 30, tzinfo=UTC))
    found = page(rows, grid=grid, symbol="NASDAQ:AAPL")
    assert [f"{one:%m-%d %H}" for one in found.rows["timestamp"]] == ["05-29 00", "05-30 00", "05-31 00"]
    saturday = rows.with_columns(pl.col("timestamp") - pl.duration(days=6))
    assert page(saturday, grid=grid, symbol="NASDAQ:AAPL").rejected == {"off the grid": 1}  # 23, 24, Saturday 25 May


NOTHING = ROWS[:0].select(VALUES)


def days(found: pl.DataFrame) -> list[int]:
    """How many days ago."""
    return [(day() - stamp).days for stamp in found["timestamp"]]


def rows_of(closes: list[float]) -> pl.DataFrame:
    return made_bars(BTC, closes, last=day()).select(VALUES)


def test_a_calm_series_is_not_suspected() -> None:
    assert suspects(ROWS.select(VALUES), NOTHING).is_empty()


def test_a_spike_is_suspected_and_the_bar_that_opens_there() -> None:
    closes = walk(30)
    closes[20] *= 4
    assert days(suspects(rows_of(closes), NOTHING)) == [9, 8]


def test_a_spike_of_several_bars_is_suspected_at_its_edges() -> None:
    closes = walk(30)
    for i in range(12, 19):
        closes[i] *= 4
    found = days(suspects(rows_of(closes), NOTHING))
    assert {17, 11} <= set(found)


def test_a_scale_change_is_suspected() -> None:
    closes = [c * (1000 if i >= 15 else 1) for i, c in enumerate(walk(30))]
    assert {14, 15} <= set(days(suspects(rows_of(closes), NOTHING)))


def test_a_level_that_doubles_and_lasts_is_believed() -> None:
    closes = [c * (2 if i >= 15 else 1) for i, c in enumerate(walk(30))]
    rows = rows_of(closes).with_columns(open=pl.col("close"), high=pl.col("close"), low=pl.col("close"))
    assert suspects(rows, NOTHING).is_empty()


def test_a_wick_is_suspected() -> None:
    assert days(suspects(replaced(ROWS, 5, high=1000.0).select(VALUES), NOTHING)) == [5]
    assert days(suspects(replaced(ROWS, 5, low=1.0).select(VALUES), NOTHING)) == [5]


def test_the_stored_bars_around_count_and_stored_values_are_not_asked_about() -> None:
    closes = walk(30)
    closes[20] *= 4
    rows = rows_of(closes)
    assert suspects(rows, rows).is_empty()
    spike = rows[20:21]
    assert days(suspects(spike, rows[:20])) == [9]
    assert suspects(spike, NOTHING).is_empty()  # alone it has nothing to be compared with


def test_a_stored_bar_that_is_revised_by_a_fifth_is_suspected() -> None:
    rows = ROWS.select(VALUES)
    for factor, expected in ((1.15, []), (1.25, [3]), (1 / 1.25, [3])):
        closes = rows["close"].to_list()
        assert days(suspects(replaced(ROWS, 3, close=closes[26] * factor).select(VALUES), rows)) == expected


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_rows_are_no_trouble(count: int) -> None:
    assert suspects(ROWS.select(VALUES)[:count], NOTHING).is_empty()


def test_agreement_is_of_all_prices() -> None:
    rows = ROWS.select(VALUES)
    for name in ("open", "high", "low", "close"):
        other = replaced(rows, 3, **{name: 99.9})
        assert sorted(set(range(30)) - set(days(agreed(rows, other)))) == [3]
    assert np.array_equal(days(agreed(rows, rows.tail(5))), [4, 3, 2, 1, 0])
