"""The lines above the figures: of the headline cell, from its tables, the same on page, index and console."""

import json
from dataclasses import replace
from datetime import datetime

import numpy as np
import polars as pl
import pytest

from tvquant.allocation.risk.fixed import FixedWeights
from tvquant.core.stamps import Stamp
from tvquant.report import caveats, read_run, write_report
from tvquant.report.blocks import Table
from tvquant.report.caveats import Topic, declared
from tvquant.report.sections.health import HEALTH

HEADLINE = "v4/custom/hrp/custom"


def said(run):
    return {one.topic: one.text for one in caveats(read_run(run))}


def changed(run, table, **columns):
    """Give columns of the headline's rows other values."""
    path = run / "results" / f"{table}.parquet"
    frame = pl.read_parquet(path)
    mine = pl.col("cell") == HEADLINE
    for name, values in columns.items():
        there = frame.filter(mine)[name].to_list()
        there[: len(values)] = values
        frame = pl.concat([frame.filter(~mine), frame.filter(mine).with_columns(pl.Series(name, there))])
    frame.sort("cell", maintain_order=True).write_parquet(path)


@pytest.mark.requirement("R-REP-07")
def test_the_lines_are_of_the_headlines_own_decisions(run):
    windows = pl.read_parquet(run / "results" / "windows.parquet").filter(pl.col("cell") == HEADLINE)
    count = len(windows)
    forced = np.zeros(count)
    forced[:2] = 0.3, 0.5
    flags = ["sparse few_assets", "sparse", *[""] * (count - 2)]
    changed(run, "windows", forced_cash=forced.tolist(), flags=flags)
    weights = pl.read_parquet(run / "results" / "weights.parquet").filter(pl.col("cell") == HEADLINE)
    changed(run, "weights", weight=[-0.77])
    first, day = weights.row(0, named=True), str(windows["decided_at"][1])[:10]
    found = said(run)
    assert found[Topic.CAPS] == (
        f"Cash forced by caps: {80 / count:.1f} % of equity on average over {count} decisions, "
        f"50.0 % at worst (decided {day})."
    )
    assert found[Topic.LARGEST] == (
        f"Largest single weight: -77.0 % of equity in {first['symbol']} (decided {str(first['decided_at'])[:10]})."
    )
    assert found[Topic.SPARSE] == f"Sparse selection: fewer winners than the profile's floor at 2 of {count} decisions."
    assert found[Topic.UNIVERSE].startswith("current_only: The universe is today's list")


def test_what_is_nothing_is_said_to_be_nothing(run):
    count = len(pl.read_parquet(run / "results" / "windows.parquet").filter(pl.col("cell") == HEADLINE))
    changed(run, "windows", forced_cash=[0.0] * count, cash=[0.0] * count, flags=[""] * count)
    pl.read_parquet(run / "results" / "weights.parquet").clear().write_parquet(run / "results" / "weights.parquet")
    found = said(run)
    assert found[Topic.CAPS] == f"Cash forced by caps: none at any of {count} decisions."
    assert found[Topic.LARGEST] == "Largest single weight: nothing was ever held."
    changed(run, "windows", cash=[0.4, 0.1, *[0.0] * (count - 2)])
    assert said(run)[Topic.CAPS] == (
        f"Cash forced by caps: none at any of {count} decisions. {50 / count:.1f} % on average was cash for other "
        "causes; `tvquant select` has those of a date."
    )
    assert found[Topic.SPARSE] == f"Sparse selection: at none of {count} decisions."
    assert Topic.BENCHMARK not in found


@pytest.mark.parametrize("name", ["manifest.json", "results/windows.parquet"])
def test_what_is_not_known_is_said_to_be_unknown(run, name):
    (run / name).unlink()
    found = said(run)
    for topic in (Topic.CAPS, Topic.LARGEST, Topic.SPARSE):
        assert found[topic].endswith(f": not known, for {name} is not in the run folder.")


def test_a_benchmark_of_prices_is_named_only_where_the_assets_have_dividends(run):
    stamps = {True: (Stamp.PRICE_RETURN,), False: ()}

    def topics(baseline, headline):
        data = read_run(run)
        data.outcomes = tuple(
            replace(cell, stamps=stamps[baseline if cell.key == "market/custom" else headline])
            for cell in data.outcomes
        )
        return {one.topic for one in caveats(data)}

    assert Topic.BENCHMARK in topics(baseline=True, headline=False)
    assert Topic.BENCHMARK not in topics(baseline=True, headline=True)
    assert Topic.BENCHMARK not in topics(baseline=False, headline=False)


def test_whose_bars_are_used_although_they_are_odd_is_said_and_shown(run):
    path = run / "data" / "health.json"
    assets = json.loads(path.read_text())
    assert Topic.FINDINGS not in said(run)
    for asset, state, findings in zip(
        assets, ("delisted", "gaps", "ok", "ok_market_closed"), (1, 1, 2, 1), strict=False
    ):
        asset.update(state=state, findings=findings)
    path.write_text(json.dumps(assets))
    assert said(run)[Topic.FINDINGS].startswith(
        "Odd data: 3 findings of `tvquant data audit` on assets that count as healthy "
        f"({assets[2]['key']}, {assets[3]['key']});"
    )
    (table,) = [block for block in HEALTH.draw(read_run(run)) if isinstance(block, Table)]
    assert [(row[0], row[-1]) for row in table.rows] == [(one["key"], str(one["findings"])) for one in assets[:4]]
    assets[2].update(state="ok", findings=0)
    path.write_text(json.dumps(assets))
    assert "Odd data: 1 finding of" in said(run)[Topic.FINDINGS]
    path.unlink()
    assert Topic.FINDINGS not in said(run)


def test_files_that_no_ledger_answers_for_are_said_to_be_unverified(run, bind):
    assert Topic.UNBOUND in said(run)
    bind(run, "results/returns.parquet")
    assert Topic.UNBOUND not in said(run)


def test_page_and_index_say_the_same_lines_above_their_figures(run):
    write_report(run)
    page, index = (run / "report" / "index.html").read_text("utf-8"), (run / "INDEX.md").read_text("utf-8")
    for one in caveats(read_run(run)):
        shown = one.text.replace("'", "&#39;")
        assert page.index(shown) < page.index("Sharpe ratio")
        assert index.index(f"- {one.text}") < index.index("| cell | Sharpe")
    assert "nan" not in index


def test_a_run_that_has_not_ended_is_said_to_be_unfinished(run):
    assert Topic.UNFINISHED not in said(run)
    read = read_run(run)
    read.stages = {}
    first = caveats(read)[0]
    assert (first.topic, first.serious) == (Topic.UNFINISHED, True)
    assert f"--resume {run.name}" in first.text


def test_declared_weights_that_were_not_held_are_counted_and_the_worst_decision_named():
    given = FixedWeights(weights={"2024-01-31": {"X:A": 0.6, "X:B": -0.2}, "2024-03-29": {"X:A": 0.5}})
    bars = [datetime(2024, 1, 30), datetime(2024, 1, 31), datetime(2024, 2, 29), datetime(2024, 3, 29)]
    windows = pl.DataFrame({"window": range(4), "decided_at": bars, "bar": bars})

    def at(*held):
        return pl.DataFrame(held, schema=["window", "symbol", "weight"], orient="row")

    whole = ((1, "X:A", 0.6), (1, "X:B", -0.2), (2, "X:A#2", 0.4), (2, "X:A", 0.2), (2, "X:B", -0.2), (3, "X:A", 0.5))
    kept = declared(given, windows, at(*whole))
    assert (kept.text, kept.serious) == ("Declared weights: held as they are at all 4 decisions.", False)
    lacking = declared(given, windows, at((0, "X:C", 0.05), (1, "X:A", 0.6), (2, "X:A", 0.5), (3, "X:A", 0.5)))
    assert lacking.serious
    assert lacking.text.startswith(
        "Declared weights: not held as they are at 3 of 4 decisions, at worst 30.0 % of equity apart "
        "(decided 2024-02-29: X:A, X:B); "
    )


def test_only_a_cell_of_declared_weights_speaks_of_them(run):
    assert Topic.DECLARED not in said(run)
