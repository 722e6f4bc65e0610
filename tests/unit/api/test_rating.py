import numpy as np
import pandas as pd
import polars as pl
import pytest

import tvquant as tv
from builders.panels import panel_of
from tvquant.features import compute

T = 260
DRAW = np.random.default_rng(3)
CLOSE = 100.0 * np.exp(DRAW.normal(0.0, 0.02, (T, 2)).cumsum(axis=0))
TIMES = np.datetime64("2020-01-01", "us") + np.arange(T) * np.timedelta64(1, "D")


def bars() -> pl.DataFrame:
    """Two names with all fields; B begins 30 rows later and lacks one bar."""
    parts = [
        pl.DataFrame(
            {"symbol": name, "timestamp": TIMES, "close": CLOSE[:, j], "high": CLOSE[:, j] * 1.01,
             "low": CLOSE[:, j] * 0.98, "volume": 1e6 * (1.0 + DRAW.random(T))}
        )
        for j, name in enumerate("AB")
    ]  # fmt: skip
    late = parts[1][30:].with_columns(close=pl.when(pl.int_range(pl.len()) != 100).then(pl.col("close")))
    return pl.concat([parts[0], late])


def test_ratings_are_those_that_a_decision_sees() -> None:
    given = bars()
    found = tv.ratings(given)
    assert found.columns == [
        "symbol",
        "time",
        *("recommend_all", "recommend_ma", "recommend_other"),
        "votes_ma",
        "votes_other",
    ]
    mine = given.filter(symbol="A")
    panel = panel_of({name: mine[name].to_numpy()[:, None] for name in ("close", "high", "low", "volume")}, times=TIMES)
    names = found.columns[2:]
    for row in (150, T - 1):
        seen = compute(panel.until(panel.known_at[row, 0]), names, rating_min_bars=1)
        ours = found.filter(symbol="A").row(row, named=True)
        assert ours["time"] == TIMES[row].item()
        for name in names:
            assert ours[name] == seen.row(name)[0], name
    assert found.filter(symbol="A")["votes_ma"].max() == 15


def test_rows_come_back_in_their_order_and_a_name_is_rated_alone() -> None:
    given = bars()
    found, shuffled = tv.ratings(given), given.sample(fraction=1.0, shuffle=True, seed=1)
    assert tv.ratings(shuffled).sort("symbol", "time").equals(found.sort("symbol", "time"))
    assert tv.ratings(shuffled)["time"].to_list() == shuffled["timestamp"].to_list()
    alone = tv.ratings(given.filter(symbol="B").drop("symbol"))
    assert alone.equals(found.filter(symbol="B").drop("symbol"))
    hole = found.filter(symbol="B")[100]
    assert hole["recommend_all"].item() is None
    assert hole["votes_ma"].item() is None
    without = tv.ratings(given.filter(symbol="B").drop_nulls())
    assert without.equals(found.filter(pl.col("symbol") == "B", pl.col("votes_ma").is_not_null()))


def test_names_may_be_listed_in_any_order() -> None:
    """Three names whose first bars stand in another order than their names, and than its inverse."""
    begins = {"A": 40, "B": 80, "C": 0}
    frames = {
        name: pl.DataFrame({"symbol": name, "timestamp": TIMES[first:], "close": CLOSE[first:, first // 80]})
        for name, first in begins.items()
    }
    found = tv.ratings(pl.concat(frames.values()))
    for name, frame in frames.items():
        assert found.filter(symbol=name).equals(tv.ratings(frame)), name


def test_floor_rules_and_refusals() -> None:
    frame = pd.DataFrame({"close": CLOSE[:, 0]}, index=pd.DatetimeIndex(TIMES, name="Date"))
    floored = tv.ratings(frame, min_bars=200)
    assert floored["recommend_ma"].null_count() == 199
    assert floored["votes_ma"][100] == 11  # closes alone, 101 bars: SMA and EMA of up to 100, Hull
    assert not tv.ratings(bars(), rules="classic").equals(tv.ratings(bars()))
    for bad, message in (
        ({"rules": "clasic"}, "rules: unknown rating 'clasic' - did you mean classic?"),
        ({"min_bars": 0}, "min_bars: expected a whole number from 1 on, found 0"),
        ({"min_bars": "9"}, "min_bars: expected a whole number from 1 on, found '9'"),
        ({"bars": -frame}, "bars: close on 2020-01-01 is no number above zero (-"),
        ({"bars": frame.assign(high=[np.nan, *CLOSE[1:, 0]])}, "bars: high on 2020-01-01 is missing beside a close"),
        ({"bars": frame.assign(volume=-1.0)}, "bars: volume on 2020-01-01 is no number above zero"),
    ):
        with pytest.raises(tv.ProfileError) as caught:
            tv.ratings(**{"bars": frame, **bad})
        assert message in str(caught.value)
