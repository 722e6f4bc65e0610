"""How the books of a run were made: the section's figures, computed again from tables."""

import math

import numpy as np
import polars as pl
import pytest

from tvquant.report.blocks import Figure, Table, Text
from tvquant.report.books import books_of, depths, same_books, thirds
from tvquant.report.formatting import percent
from tvquant.report.run import read_run
from tvquant.report.sections.books import BOOKS


def of(kind, blocks):
    return [block for block in blocks if isinstance(block, kind)]


def row(table, key):
    return next(row for row in table.rows if row[0] == key)


def test_thirds_leave_out_what_is_not_known_and_ask_for_nine():
    values = np.append(np.arange(9.0), np.nan)
    parts = thirds(values)
    assert [np.flatnonzero(mine).tolist() for mine in parts.values()] == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert thirds(values[1:]) is None


@pytest.mark.requirement("R-RSK-19")
@pytest.mark.requirement("R-RSK-21")
@pytest.mark.requirement("R-RSK-23")
def test_health_volatility_drift_and_losses_of_each_strategy_are_those_of_its_tables(run, monkeypatch):
    monkeypatch.setattr("tvquant.report.books.LEAST_WINDOWS", 3)
    data = read_run(run)
    blocks = BOOKS.draw(data)
    solved, moved, volatility, drifted, lost = (
        table for table in of(Table, blocks) if "same book" not in table.head[0]
    )
    keys = [one.key for one in books_of(data)]
    assert [r[0] for r in solved.rows] == [r[0] for r in volatility.rows] == keys
    (one,) = (one for one in books_of(data) if one.profile == "hrp")
    key = one.key
    windows, returns = data.table("windows", key), data.table("returns", key)
    assert row(solved, key)[1].value == len(windows)
    assert row(solved, key)[solved.head.index("effective names")].value == pytest.approx(
        float((1 / windows["hhi"].drop_nans()).mean())
    )
    projected = sum("projection" in text for text in windows["recourse"])
    assert row(solved, key)[solved.head.index("projected")].value == projected > 0
    capped = windows.filter(pl.col("projection_moved").is_not_nan())
    assert len(capped) == row(moved, key)[1].value == projected
    year = [capped[f"projection_{one}"].mean() * math.sqrt(252) for one in ("before", "after")]
    told = [one.value for one in row(moved, key)[2:]]
    assert told == pytest.approx([capped["projection_moved"].mean(), *year])
    expected = windows["expected_volatility"].drop_nans().mean() * math.sqrt(252)
    even = windows["expected_even_volatility"].drop_nans().mean() * math.sqrt(252)
    said = row(volatility, key)
    assert (said[2].value, said[4].value, said[5].value) == pytest.approx((expected, even, expected / even - 1))
    assert said[1] == ("within" if abs(expected / even - 1) <= 0.5 else "below")
    entropy = windows["entropy"].to_numpy()
    low = entropy <= np.quantile(entropy[np.isfinite(entropy)], 1 / 3)
    assert row(drifted, key)[1].value == pytest.approx(windows["drift"].to_numpy()[low].mean())
    first, second = windows["filled_at"][:2]
    wealth = np.append(
        1.0, (1 + returns.filter((pl.col("time") > first) & (pl.col("time") <= second))["return"]).cum_prod()
    )
    depth = (1 - wealth / np.maximum.accumulate(wealth)).max()
    assert depths(data, one)[0] == pytest.approx(depth, abs=1e-12)
    dispersion, lost_in = windows["dispersion"].to_numpy(), depths(data, one)
    high = dispersion > np.quantile(dispersion[np.isfinite(dispersion)], 2 / 3)
    assert row(lost, key)[5:] == (percent(lost_in[high].mean()), percent(lost_in[high].max()))
    assert [one.key for one in of(Figure, blocks)] == ["concentration", "expected"]


@pytest.mark.requirement("R-RSK-20")
def test_profiles_that_are_one_book_without_a_reason_are_an_anomaly(run):
    data = read_run(run)
    books = books_of(data)
    first, second = books[0], books[1]
    atoms = data.table("atoms")
    mine = atoms.filter(pl.col("cell") == first.key).with_columns(cell=pl.lit(second.key))
    data._tables["atoms"] = pl.concat([atoms.filter(pl.col("cell") != second.key), mine])
    (pair,) = (
        pair for _, pair in same_books(data, books) if {pair.first, pair.second} == {first.profile, second.profile}
    )
    assert sum(pair.same.values()) == pair.windows > 0
    warned = [block.text for block in of(Text, BOOKS.draw(data)) if block.tone == "warning"]
    assert any("Convergence anomaly" in text for text in warned) == any("unexplained" in str(w) for w in pair.same)
