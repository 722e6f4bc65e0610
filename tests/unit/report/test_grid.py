"""A run with a grid: what stands where, and every figure of it computed again from the result tables."""

import re
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from tvquant.core.measures import Measures
from tvquant.core.rates import ZERO
from tvquant.report import render
from tvquant.report.blocks import Figure, Table, Text
from tvquant.report.books import books_of
from tvquant.report.grid import Aligned
from tvquant.report.markdown import index_of_run
from tvquant.report.render import switch
from tvquant.report.run import read_run
from tvquant.report.sections import surface
from tvquant.report.sections.benchmarks import added
from tvquant.report.sections.grid import GRID
from tvquant.report.sections.headline import HEADLINE
from tvquant.report.sections.simulators import SIMULATORS
from tvquant.report.sections.standings import STANDINGS
from tvquant.report.sections.surface import SURFACE
from tvquant.report.sections.timing import TIMING
from tvquant.report.tracks import benchmarks, beside_in_words, tracks_of
from tvquant.tournament.surface import Place

MAIN = "v4/custom/hrp"
OWN = f"{MAIN}/custom"
SETTINGS = {
    "allocation.profiles": ["hrp", "equal_weight"], "grid.selections": {"everyone": {"model": "baseline"}},
    "grid.costs": {"dear": {"slippage_bps": 1000.0}}, "grid.train": [40], "grid.step": ["month_end"], "grid.phases": 4,
    "grid.starts": ["2019-06-20"],
}  # fmt: skip
SCHEDULES = ["", "60-month_end", "40-20-20", "40-month_end"]
PHASES = [OWN, *(f"{MAIN}/60-20-20+{rows}/custom" for rows in (5, 10, 15))]
START = f"{MAIN}/60-20-20@2019-06-20/custom"


@pytest.fixture(scope="module")
def gridded(builder, tmp_path_factory):
    return read_run(builder(tmp_path_factory.mktemp("gridded"), SETTINGS))


def of(kind, blocks):
    return [block for block in blocks if isinstance(block, kind)]


def returns_of(run, keys):
    """Times and returns (T, K) on the rows that all of these cells have."""
    frames = [run.table("returns", key).select("time", "return") for key in keys]
    shared = sorted(set.intersection(*(set(one["time"].to_list()) for one in frames)))
    return shared, np.column_stack([one.filter(one["time"].is_in(shared))["return"].to_numpy() for one in frames])


def sharpe(returns):
    return np.sqrt(252) * returns.mean(axis=0) / returns.std(axis=0, ddof=1)


@pytest.mark.requirement("R-TRN-01")
def test_variants_and_other_costs_stand_beside_the_grid_and_are_counted_nowhere(gridded, monkeypatch):
    paths = {one.key.removesuffix(f"/{one.book}") for one in gridded.cells}
    strategies = {
        f"{name}/custom/{risk}{when and '/' + when}"
        for name in ("v4", "everyone") for risk in ("hrp", "equal_weight") for when in SCHEDULES
    }  # fmt: skip
    baselines = {"base_universe_ew", "benchmark", "market", "benchmark/everyone"}
    assert paths == strategies | {f"{name}{when and '/' + when}" for name in baselines for when in SCHEDULES}
    assert {one.key for one in gridded.beside} == {*PHASES[1:], START, *(f"{one}/custom+dear" for one in paths)}
    (table,) = of(Table, blocks := STANDINGS.draw(gridded))
    said = f"Beside these, and no trials: 4 variants of the headline and {len(paths)} books at other costs of the grid"
    assert any(one.text.startswith(said) for one in of(Text, blocks))
    assert said in index_of_run(gridded)
    assert len(table.rows) == len(gridded.cells) == len(paths)
    facts = {name: value for block in HEADLINE.draw(gridded) for name, value in getattr(block, "pairs", ())}
    assert facts["Trials"] == "16 strategy cells in this run's ledger"
    assert {one.key.rpartition("/")[0] for one in books_of(gridded)} == strategies
    assert "+" not in re.sub(r"\+-", "", index_of_run(gridded).split("## Files")[0].split("## Standings")[1])
    offered, left = switch(gridded)
    assert {one.key for one in (*offered, *left)} == {f"{one}/custom" for one in paths}
    monkeypatch.setattr(render, "PAGES", 6)
    few = {one.key for one in switch(gridded)[0]}
    best = [one.key for one in gridded.cells if one.key != OWN][:2]
    assert few == {OWN, "base_universe_ew/custom", "benchmark/custom", "market/custom", *best}
    assert len(of(Text, SIMULATORS.draw(gridded))) == 1  # other costs are no other simulator
    rows = {row["cell"]: row for row in gridded.rows()}
    assert rows[START]["variant"] is True
    assert (rows["benchmark/everyone/custom+dear"]["entrant"], rows[OWN]["scenario"]) == ("everyone", "")


@pytest.mark.requirement("R-TRN-12")
@pytest.mark.requirement("R-UNI-23")
def test_what_steps_add_is_told_of_every_selection_on_every_windows_by_baselines_of_its_own(gridded):
    table = next(one for one in of(Table, GRID.draw(gridded)) if one.head[0].startswith("what each step"))
    assert {row[0] for row in table.rows} == {
        f"{name}, {when or 'own windows'}" for name in ("v4", "everyone") for when in SCHEDULES
    }  # fmt: skip
    assert table.head[1:] == ("selection", "optimisation")
    for row in table.rows:
        name, when = row[0].split(", ")
        mine = "" if when == "own windows" else f"/{when}"
        own = "" if name == "v4" else "/everyone"
        keys = [f"base_universe_ew{mine}/custom", f"benchmark{own}{mine}/custom", f"{name}/custom/hrp{mine}/custom"]
        _, returns = returns_of(gridded, keys)
        assert [cell.value for cell in row[1:]] == pytest.approx(252 * np.diff(returns.mean(axis=0)), abs=1e-12)
    assert table.rows[min(table.strong)][0] == "v4, own windows"
    track, *others = tracks_of(gridded, [gridded.headline, *benchmarks(gridded, gridded.headline)])
    alone = added(track, others, 252)[0]
    assert [cell.value for cell in table.rows[min(table.strong)][1:]] == [row[1].value for row in alone.rows]


def test_selections_stand_beside_each_other_by_risk_profile_and_costs_with_their_edge(gridded):
    blocks = GRID.draw(gridded)
    tables = {one.head[0]: one for one in of(Table, blocks)}
    matrix = tables["selection, engine"]
    measured = {one.key: one.measures for one in gridded.outcomes}
    assert matrix.head[1:] == ("hrp", "equal_weight")
    for name, *ratios in matrix.rows:
        selection, engine = name.split(", ")
        keys = [f"{selection}/{engine}/{risk}/custom" for risk in matrix.head[1:]]
        assert [one.value for one in ratios] == [measured[key].sharpe for key in keys]
    assert len(matrix.rows) == 2
    played = [one for one in gridded.cells if not one.baseline and one.book == "custom"]
    said = f"on the profile's own windows. 4 of the {len(played)} strategies that were tried: the best of so many is"
    assert any(said in one.text for one in of(Text, blocks))
    costs = tables["costs"]
    for row, book in zip(costs.rows, ("custom", "custom+dear"), strict=True):
        mine = measured[f"{MAIN}/{book}"]
        best = max(measured[f"{name}/{book}"].cagr for name in ("base_universe_ew", "benchmark", "market"))
        paid = sum(mine.costs[kind] for kind in ("slippage", "commission", "borrow", "overdraft"))
        assert [one.value for one in row[3:]] == pytest.approx([mine.cagr, mine.total_return, paid, mine.cagr - best])
    assert measured[f"{MAIN}/custom+dear"].total_return < 0.0 < measured[OWN].total_return
    assert any("It no longer gains at: dear." in one.text for one in of(Text, blocks))


@pytest.mark.requirement("R-TRN-08")
def test_the_surface_is_the_headline_on_all_windows_compared_on_shared_rows(gridded):
    blocks = SURFACE.draw(gridded)
    keys = [f"{MAIN}{when and '/' + when}/custom" for when in ("40-20-20", "40-month_end", "", "60-month_end")]
    times, returns = returns_of(gridded, keys)
    (table,), (figure,) = of(Table, blocks), of(Figure, blocks)
    measured = {one.key: one.measures for one in gridded.cells}
    assert [row[:4] for row in table.rows] == [
        ("40", "as the step", "20", "one step away"), ("40", "as the step", "month_end", ""),
        ("60", "as the step", "20", "own"), ("60", "as the step", "month_end", ""),
    ]  # fmt: skip
    for key, row, ratio in zip(keys, table.rows, sharpe(returns), strict=True):
        of_all = measured[key]
        assert [one.value for one in row[4:9]] == pytest.approx([
            of_all.sharpe, of_all.sharpe_se, of_all.sharpe - 1.96 * of_all.sharpe_se,
            of_all.sharpe + 1.96 * of_all.sharpe_se, of_all.n,
        ])  # fmt: skip
        assert row[9].value == pytest.approx(ratio)
    assert table.strong == {2}
    (trace,), (mark,) = figure.spec["data"], figure.spec["layout"]["shapes"]
    np.testing.assert_allclose(np.ravel(trace["z"]), sharpe(returns), rtol=1e-5)
    assert [figure.spec["layout"][f"{name}axis"]["ticktext"] for name in "yx"] == [["40", "60"], ["20", "month_end"]]
    assert [mark[name] for name in ("x0", "x1", "y0", "y1")] == [-0.5, 0.5, 0.5, 1.5]
    said = " ".join(one.text for one in of(Text, blocks))
    assert "looked at on the very data" in said
    assert f"{len(times)} rows that all have" in said


def test_the_chosen_windows_beside_those_one_step_away_are_judged_by_paired_intervals_widened_for_their_number():
    draws = np.random.default_rng(5)
    noise = 0.01 * draws.standard_normal((1_000, 1))
    returns = noise + 0.0005 * draws.standard_normal((1_000, 3)) + [0.002, 0.0019999, 0.0002]
    places = [Place(train=train, test=None, step=20) for train in (60, 40, 120)]
    found = Aligned(
        cells=(), times=np.arange(1_000).astype("datetime64[us]"), returns=returns, risk_free=ZERO, periods_per_year=252
    )
    (own, close, far) = sharpe(returns)
    text = surface._verdict(found, places, places[1:]).text
    assert f"step 20) is {own:.2f}; of the 2 that are one step of the grid away it is {far:.2f} to {close:.2f}" in text
    assert re.search(rf"Own less train 40, .*?: {own - close:.2f}, -.*? to .*?: it cannot be told from nothing\.", text)
    assert re.search(rf"Own less train 120, [^:]*: {own - far:.2f}, \d[^:]* to \d\d?\.\d\d\. ", text)
    assert "Intervals are at 97.5 %" in text
    swapped = replace(found, returns=returns[:, [2, 1, 0]])
    assert "below all of them" in surface._verdict(swapped, places, places[1:]).text


@pytest.mark.requirement("R-TRN-08")
def test_phases_their_spread_and_the_tranched_book_follow_from_their_equities(gridded):
    blocks = TIMING.draw(gridded)
    times, returns = returns_of(gridded, PHASES)
    equity = [
        gridded.table("returns", key).filter(gridded.table("returns", key)["time"].is_in(times)) for key in PHASES
    ]
    begun = [one["equity"][0] / (1.0 + one["return"][0]) for one in equity]
    level = np.mean([one["equity"].to_numpy() / start for one, start in zip(equity, begun, strict=True)], axis=0)
    whole = level / np.append(1.0, level[:-1]) - 1.0
    table, starts = of(Table, blocks)
    ratios = sharpe(np.column_stack([returns, whole]))
    assert [row[1].value for row in table.rows] == pytest.approx(ratios)
    assert [row[0] for row in table.rows][1::3] == ["5 rows later", "tranched: all phases"]
    said = of(Text, blocks)[0].text
    assert f"from {ratios[:4].min():.2f} to {ratios[:4].max():.2f}" in said
    assert f"standard deviation of {ratios[:4].std(ddof=1):.2f}" in said
    assert f"above {(ratios[4] > ratios[:4]).sum()} of 4 phases" in said
    (figure,) = of(Figure, blocks)
    lines = {one["name"]: one["y"] for one in figure.spec["data"]}
    np.testing.assert_allclose(lines["tranched"], level, rtol=1e-5)
    assert list(lines)[-2:] == ["the profile's own", "tranched"]
    fills = [gridded.table("windows", key)["filled_at"].drop_nulls()[0] for key in PHASES]
    assert times[0] == max(fills) > min(fills)
    _, other = returns_of(gridded, [OWN, START])
    assert [row[1].value for row in starts.rows] == pytest.approx(sharpe(other))
    assert [row[0] for row in starts.rows] == ["the profile's own", "2019-06-20"]


def test_a_variant_that_failed_is_named_and_left_out_of_the_phases(gridded):
    other = read_run(gridded.folder.path)
    failed = {PHASES[1]: "singular"}
    other.outcomes = tuple(
        replace(one, why=failed[one.key], status="failed", measures=Measures()) if one.key in failed else one
        for one in gridded.outcomes
    )
    assert any(one.text == f"No book of {PHASES[1]}: singular." for one in of(Text, GRID.draw(other)))
    said = of(Text, TIMING.draw(other))[0].text
    assert re.search(r"above \d of 3 phases", said)
    assert "of 3 of the 20 phases of one strategy" in said
    assert "So few phases say little of it: play more (grid.phases)." in said
    other = read_run(gridded.folder.path)
    other.outcomes = tuple(one for one in gridded.outcomes if one.competes or one.key == PHASES[1])
    assert beside_in_words(other) == (
        "Beside these, and no trials: 1 variant of the headline of the grid; the report has sections of them.",
    )


def test_a_run_without_a_grid_says_how_to_have_one(run):
    data = read_run(run)
    said = [section.draw(data) for section in (GRID, SURFACE, TIMING)]
    assert [len(blocks) for blocks in said] == [1, 1, 1]
    for (block,), key in zip(said, ("grid.selections", "grid.train", "grid.phases"), strict=True):
        assert key in block.text


@pytest.mark.requirement("R-TRN-08")
def test_windows_of_the_grid_go_by_the_calendar_or_begin_on_their_day(gridded):
    """Of every month the last session decides; from a start on, the row before it does, and the headline's phases."""
    rows = gridded.table("returns", "market/custom")["time"]
    last = {}
    for time in rows:
        last[time.year, time.month] = time
    monthly = gridded.table("windows", f"{MAIN}/60-month_end/custom")["decided_at"].to_list()
    assert monthly[1:] == [time for time in last.values() if time >= monthly[1]][: len(monthly) - 1]
    assert len(monthly) > 6
    begun = gridded.table("windows", START)["decided_at"]
    assert begun[0] == rows.filter(rows < datetime(2019, 6, 20))[-1]
    own = gridded.table("windows", OWN)["window"].to_list()
    for key, rows_later in zip(PHASES, (0, 5, 10, 15), strict=True):
        there = gridded.table("windows", key)["window"].to_list()
        assert {(window - own[0]) % 20 for window in there} == {rows_later}
