"""Frames as people bring them: odd indices, zones, names, holes; each is understood or refused in one line."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from tvquant.api import frames
from tvquant.core.errors import TvquantError

DAYS = pd.date_range("2024-01-01", periods=4)
CLOSES = pd.DataFrame({"A": [1.0, 2.0, 3.0, 4.0], "B": [5, 6, 7, 8]}, index=DAYS)
EXPECTED = DAYS.to_numpy().astype("datetime64[us]")


@pytest.mark.parametrize(
    "frame",
    [
        CLOSES,
        CLOSES.rename_axis("Date"),
        CLOSES.reset_index(names="when"),
        CLOSES.set_axis(DAYS.tz_localize("America/New_York")),
        CLOSES.set_axis(DAYS.tz_localize("Asia/Tokyo")),
        CLOSES.set_axis(DAYS.to_period("D")),
        CLOSES.set_axis(list(DAYS.date)),
        CLOSES.astype("Float64"),
        CLOSES.astype(object),
        CLOSES.rename(columns={"A": "A", "B": "B"}).astype("float32"),
        pl.from_pandas(CLOSES.reset_index(names="time")),
        pl.from_pandas(CLOSES.reset_index(names="time")).with_columns(pl.col("time").dt.date()),
    ],
)
def test_dates_are_found_wherever_they_stand(frame: object) -> None:
    """Midnights of a zone are the dates of sessions; an int column is numbers like any other."""
    found = frames.wide(frame, "prices")
    assert found.names == ("A", "B")
    assert np.array_equal(found.times, EXPECTED)
    assert np.array_equal(found.values, CLOSES.to_numpy(float))


def test_times_within_a_day_are_taken_to_utc_and_numbers_may_be_names() -> None:
    hours = pd.date_range("2024-01-01 09:30", periods=2, freq="h", tz="America/New_York")
    found = frames.wide(pd.DataFrame({0: [1.0, np.nan], 1: [2.0, None]}, index=hours), "prices")
    assert found.names == ("0", "1")
    assert list(found.times) == [np.datetime64("2024-01-01T14:30"), np.datetime64("2024-01-01T15:30")]
    assert np.isnan(found.values[1]).all()


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ([1.0], "prices: expected a pandas or polars DataFrame, found list"),
        (CLOSES["A"], "prices: expected a pandas or polars DataFrame, found Series"),
        (CLOSES.iloc[:0], "prices: the frame is empty"),
        (CLOSES[[]], "prices: the frame is empty"),
        (CLOSES.reset_index(drop=True), "found none in A, B; set a DatetimeIndex"),
        (CLOSES.assign(C=DAYS), "found timestamp, C"),
        (CLOSES.iloc[::-1], "prices: 2024-01-03 stands behind 2024-01-04; sort the rows by date"),
        (CLOSES.iloc[[0, 1, 1]], "prices: two rows of 2024-01-02; keep one"),
        (CLOSES.set_axis(["A", "A"], axis=1), "'A' stands there twice"),
        (CLOSES.rename_axis("A"), "'A' stands there twice"),
        (CLOSES.assign(B="x"), "prices: B is of type String, expected numbers"),
        (CLOSES.assign(B=True), "prices: B is of type Boolean, expected numbers"),
        (CLOSES.assign(B=np.inf), "prices: B on 2024-01-01 is inf"),
        (CLOSES.set_axis(DAYS.where([True, True, False, True])), "row 2 has no date"),
        (CLOSES.set_axis(list("wxyz")), "level 0 of the index has no name and holds String, not dates"),
        (pd.concat({"a": CLOSES, "b": CLOSES}, axis=1), "columns have 2 levels"),
    ],
)  # fmt: skip
def test_a_doubt_is_one_line(frame: object, message: str) -> None:
    with pytest.raises(TvquantError) as caught:
        frames.wide(frame, "prices")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bars_may_lie_in_rows_in_levels_or_in_columns_of_columns() -> None:
    dates = pl.Series(EXPECTED[[1, 0, 0]])
    long = pl.DataFrame({"Ticker": ["A", "B", "A"], "Date": dates, "Close": [2, 3, 1]})
    found = frames.bars(long, "bars")
    assert (list(found.symbols), list(found.fields["close"]), found.named) == (["A", "B", "A"], [2.0, 3.0, 1.0], True)
    for named in ("Date", "d"):  # the one column of dates, whatever it is called
        levels = long.to_pandas().rename(columns={"Date": named}).set_index([named, "Ticker"])
        assert list(frames.bars(levels, "bars").times) == list(found.times)
    download = pd.concat(
        {"A": CLOSES.set_axis(["Close", "Volume"], axis=1), "B": CLOSES[["A"]].set_axis(["Close"], axis=1)}, axis=1
    )
    for one in (download, download.swaplevel(axis=1)):
        rows = frames.bars(one, "bars")
        assert sorted(zip(rows.symbols, rows.fields["close"], strict=True))[:2] == [("A", 1.0), ("A", 2.0)]
        assert np.isnan(rows.fields["volume"][rows.symbols == "B"]).all()
    alone = frames.bars(CLOSES.set_axis(["Close", "Vol"], axis=1), "bars")
    assert not alone.named
    assert list(alone.fields) == ["close", "volume"]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (CLOSES, "bars: no column close; found timestamp, A, B"),
        (CLOSES.set_axis(["close", "x"], axis=1).reset_index(drop=True), "bars: no column timestamp"),
        (CLOSES.set_axis(["Close", "CLOSE"], axis=1), "may each be 'close'"),
        (CLOSES.set_axis(["close", "symbol"], axis=1).iloc[[0, 0]].assign(symbol="A"), "two rows of A 2024-01-01"),
        (CLOSES.set_axis(["close", "symbol"], axis=1).assign(symbol=["A", None, "B", "B"]), "row 1 has no symbol"),
        (CLOSES.set_axis(["close", "x"], axis=1).reset_index(names="date").assign(date="2024"), "is of type String"),
    ],
)  # fmt: skip
def test_bars_that_are_none_are_refused(frame: object, message: str) -> None:
    with pytest.raises(TvquantError) as caught:
        frames.bars(frame, "bars")
    assert message in str(caught.value)
