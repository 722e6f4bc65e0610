"""Frames of yfinance, of this version and of others."""

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import polars as pl
import pytest

from tvquant.market.providers.contract import ACTIONS, BARS, Malformed, Unsupported
from tvquant.market.providers.yahoo.frames import actions_of, bars_of

ACME = "NASDAQ:ACME"
NONE = pd.Series(dtype=float)
DAYS = ["2024-03-08", "2024-03-11"]  # New York's clock went forward between them


def frame(**changed: Any) -> pd.DataFrame:
    index = pd.DatetimeIndex(DAYS).tz_localize("America/New_York")
    columns = {"Open": [1.0, 2.0], "High": [3.0, 3.0], "Low": [1.0, 1.0], "Close": [2.0, 2.0], "Volume": [5, 6]}
    return pd.DataFrame(columns | changed, index=index)


def days(rows: pl.DataFrame) -> list[str]:
    return [f"{at:%Y-%m-%d %H:%M}" for at in rows["timestamp"]]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_session_is_midnight_of_its_day_whatever_the_clock_and_the_unit(unit: str) -> None:
    told = frame(**{"Adj Close": [1.9, 2.0], "Dividends": [0.0, 0.1]})
    told.index = told.index.as_unit(unit)
    rows = bars_of(ACME, told)
    assert rows.schema == pl.Schema(dict(BARS))
    assert days(rows) == ["2024-03-08 00:00", "2024-03-11 00:00"]
    assert rows.row(1)[2:] == (2.0, 3.0, 1.0, 2.0, 6.0, None)


def test_types_of_newer_pandas_are_numbers_too() -> None:
    told = frame(Volume=pd.array([5, 6], dtype="Int64"), Close=pd.array([2.0, None], dtype="Float64"))
    rows = bars_of(ACME, told, [date(2024, 3, 8)])
    assert rows["volume"].is_nan().to_list() == [True, False]
    assert rows["close"].is_nan().to_list() == [False, True]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (pd.concat({"ACME": frame()}, axis=1), "2 levels of columns"),
        (frame().drop(columns="Volume"), "not one column 'Volume'"),
        (pd.concat([frame(), frame()[["Close"]]], axis=1), "not one column 'Close'"),
        (frame().rename(columns=str.lower), "not one column 'Open'"),
        (frame().tz_localize(None), "times without a zone"),
        (frame().reset_index(drop=True), "times without a zone"),
        (frame(High=["a", "b"]), "columns that are no numbers"),
    ],
)
def test_another_shape_is_refused_by_name(told: pd.DataFrame, said: str) -> None:
    with pytest.raises(Malformed, match=said) as caught:
        bars_of(ACME, told)
    assert not caught.value.retryable


def series(values: list[Any]) -> pd.Series:
    return pd.Series(values, index=pd.DatetimeIndex(["2024-03-09 01:00", "2024-03-11 13:30"], tz="UTC"))


def test_actions_stand_on_their_own_days() -> None:
    rows = actions_of(ACME, dividends=series([0.1, 0.2]), splits=series([4.0, 0.5])[1:], capital_gains=NONE)
    day = [datetime(2024, 3, 8, tzinfo=UTC), datetime(2024, 3, 11, tzinfo=UTC)]
    assert rows.rows() == [(day[0], "dividend", 0.1), (day[1], "dividend", 0.2), (day[1], "split", 0.5)]
    assert rows.schema == pl.Schema(dict(ACTIONS))
    nothing = actions_of(ACME, dividends=NONE, splits=NONE, capital_gains=NONE)
    assert nothing.schema == pl.Schema(dict(ACTIONS))
    assert nothing.is_empty()


def test_dividends_may_have_a_currency_which_is_dollars() -> None:
    told = pd.DataFrame({"Dividends": series([0.1, 0.2]), "currency": ["USD", "USD"]})
    assert actions_of(ACME, dividends=told, splits=NONE, capital_gains=NONE)["value"].to_list() == [0.1, 0.2]
    with pytest.raises(Unsupported, match="dividends in CAD; USD was expected"):
        actions_of(ACME, dividends=told.assign(currency=["USD", "CAD"]), splits=NONE, capital_gains=NONE)
    with pytest.raises(Malformed, match="dividends of columns Dividends, fx"):
        actions_of(ACME, dividends=told.rename(columns={"currency": "fx"}), splits=NONE, capital_gains=NONE)


def test_capital_gains_that_may_be_counted_twice_are_not_taken() -> None:
    with pytest.raises(Unsupported, match="the first on 2024-03-08"):
        actions_of(ACME, dividends=series([0.1, 0.2]), splits=NONE, capital_gains=series([0.5, 0.1]))


@pytest.mark.parametrize("told", [series(["a", "b"]), series([1.0, 2.0]).tz_localize(None)])
def test_actions_of_another_shape_are_refused(told: pd.Series) -> None:
    with pytest.raises(Malformed):
        actions_of(ACME, dividends=NONE, splits=told, capital_gains=NONE)
