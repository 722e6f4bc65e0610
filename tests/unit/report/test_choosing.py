"""Sections on how names were chosen: the funnel and the vetoes."""

import json
from itertools import pairwise

import polars as pl
import pytest

from tvquant.app.vocabulary import vocabulary
from tvquant.profiles import load, resolve, to_manifest
from tvquant.report.blocks import Facts, Figure, Table, Text
from tvquant.report.run import read_run
from tvquant.report.sections.funnel import FUNNEL
from tvquant.report.sections.vetoes import HEALTH, OTHERS, SHOWN, VETOES_BY_REASON
from tvquant.selection.eligibility import MEANINGS
from tvquant.selection.vetoes.catalogue import VETOES
from tvquant.universe.health import REASONS

HEADLINE = "v4/custom/hrp/custom"
MINE = pl.col("cell") == HEADLINE
DECISIONS = 8
JUMPED = 5
"""Decisions after the jump, at which its name is vetoed for its kurtosis."""


def edit(run, table, *columns):
    path = run / "results" / f"{table}.parquet"
    pl.read_parquet(path).with_columns(*columns).write_parquet(path)


def blocks(run, section, kind):
    return [block for block in section.draw(read_run(run)) if isinstance(block, kind)]


def words(run, section):
    return " ".join(block.text for block in blocks(run, section, Text))


@pytest.mark.requirement("R-LED-06")
def test_the_funnel_counts_instruments_at_every_step_and_says_its_efficiency(run):
    (table,) = blocks(run, FUNNEL, Table)
    left = 5 * DECISIONS - JUMPED
    refined = (f"{left / DECISIONS:.1f}", "4", "5", "4")
    assert [row[1:] for row in table.rows] == [
        ("instruments", "5.0", "5", "5", "5", "–"),
        ("instruments", "5.0", "5", "5", "5", "100.0 %"),
        ("instruments", *refined, "87.5 %"),
        ("instruments", *refined, "100.0 %"),
    ]
    assert "efficiency: 87.5 % of the discovered" in words(run, FUNNEL)
    figure = blocks(run, FUNNEL, Figure)[0]
    lines = [trace["y"] for trace in figure.spec["data"]]
    assert len(lines) == 4
    assert all(a >= b for above, below in pairwise(lines) for a, b in zip(above, below, strict=True))


def flow(run):
    """The branches of the flow by the words of both ends."""
    (figure,) = (one for one in blocks(run, FUNNEL, Figure) if one.key == "flow")
    (trace,) = figure.spec["data"]
    names = [label.rpartition(" ")[0] for label in trace["node"]["label"]]
    link = trace["link"]
    pairs = zip(link["source"], link["target"], link["value"], strict=True)
    return {(names[a], names[b]): value for a, b, value in pairs}, trace


def test_what_enters_a_step_of_the_flow_leaves_it_and_the_lost_have_their_reason(run):
    edit(run, "windows", pl.col("universe") + 2, pl.col("selected") - 1, pl.col("atoms_selected") - 1)
    found, trace = flow(run)
    left = 5 - JUMPED / DECISIONS
    assert found == pytest.approx({
        ("universe", "recruited"): 5, ("universe", "not recruited"): 2, ("recruited", "healthy"): 5,
        ("healthy", "not vetoed"): left, ("healthy", "kurtosis"): JUMPED / DECISIONS,
        ("not vetoed", "winners"): left - 1, ("not vetoed", "not among the best of its cluster"): 1,
    }, rel=1e-5)  # fmt: skip
    for step in ("recruited", "healthy", "not vetoed"):
        entering, leaving = (sum(n for ends, n in found.items() if ends[at] == step) for at in (1, 0))
        assert entering == pytest.approx(leaving, rel=1e-5)
    assert "universe 7.0" in trace["node"]["label"]
    assert trace["node"]["customdata"][trace["node"]["label"].index("universe 7.0")] == "7.0"


def test_the_flow_of_several_atoms_of_a_name_begins_where_both_units_part(run):
    edit(run, "windows", pl.col("atoms_discovery") * 3, pl.col("atoms_refined") * 3, pl.col("atoms_selected") * 3)
    edit(run, "vetoes", pl.col("atoms") * 3)
    found, _ = flow(run)
    assert not any("universe" in ends for ends in found)
    assert found["recruited", "healthy"] == 15


def test_a_whole_universe_and_a_scanner_have_their_own_labels(run):
    steps = [trace["name"] for trace in blocks(run, FUNNEL, Figure)[0].spec["data"]]
    assert steps[1] == "discovery (of a wanted kind, with a bar)"
    resolved = resolve(load("binance_spot_rating_ma_short"), vocabulary(), arguments={"--p": ("risk.primary", "hrp")})
    (run / "manifest.json").write_text(json.dumps(to_manifest(resolved)))
    steps = [trace["name"] for trace in blocks(run, FUNNEL, Figure)[0].spec["data"]]
    assert steps[1] == "discovery (recruited by binance_spot_rating_ma_short)"


@pytest.mark.requirement("R-LED-06")
def test_atoms_are_told_apart_from_instruments_where_they_differ(run):
    edit(run, "windows", pl.col("atoms_discovery") * 3, pl.col("atoms_refined") * 2)
    figure, (table,) = blocks(run, FUNNEL, Figure)[0], blocks(run, FUNNEL, Table)
    dotted = {trace["name"]: trace["y"] for trace in figure.spec["data"] if trace["line"]["dash"] == "dot"}
    assert list(dotted) == ["discovery, in atoms", "refined, in atoms", "selected, in atoms"]
    assert dotted["discovery, in atoms"] == [15] * DECISIONS
    assert [row[:3] for row in table.rows[4:]] == [
        ("discovery", "atoms", "15.0"),
        ("refined", "atoms", "8.8"),
        ("selected", "atoms", "4.4"),
    ]
    assert table.rows[4][-1] == "–"
    assert "is one instrument and two atoms" in words(run, FUNNEL)


def test_stages_of_relaxation_and_flags_are_counted(run):
    position = pl.int_range(pl.len())
    edit(
        run, "windows",
        pl.when(position % 2 == 0).then(1).otherwise(0).alias("stage"),
        pl.when(position % 4 == 0).then(pl.lit("few_assets sparse")).otherwise(pl.lit("")).alias("flags"),
    )  # fmt: skip
    (facts,) = blocks(run, FUNNEL, Facts)
    assert facts.pairs == (
        ("Stage 1, strict", "4 of 8 decisions (50 %)"),
        ("Nothing reached selection", "4 of 8 decisions (50 %)"),
        ("Flag few assets", "2 of 8 decisions (25 %)"),
        ("Flag sparse", "2 of 8 decisions (25 %)"),
    )


def test_decisions_without_a_candidate_are_counted_and_named(run):
    assert "All 8 decisions had candidates and were solved as asked." in words(run, FUNNEL)
    third = pl.col("decided_at").rank("dense") == 3
    edit(run, "windows", pl.when(third).then(pl.lit("no_candidate")).otherwise("status").alias("status"))
    said = blocks(run, FUNNEL, Text)[-1]
    assert said.tone == "warning"
    assert said.text == "1 of 8 decisions were not solved as asked (1 no candidate): 2019-07-23 (no candidate)."


def test_vetoes_are_counted_by_reason_and_explained(run):
    (table,) = blocks(run, VETOES_BY_REASON, Table)
    assert table.rows == (
        ("kurtosis", "hard", "5", "12.5 %", "0.62", "5 (62 %)"),
    )  # fmt: skip
    assert blocks(run, VETOES_BY_REASON, Facts)[0].pairs == (("kurtosis", VETOES["kurtosis"].meaning),)
    assert words(run, VETOES_BY_REASON).startswith(
        f"40 atoms were discovered at 8 decisions of {HEADLINE}; 5 (12.5 %) fell out before selection."
    )
    (figure,) = blocks(run, VETOES_BY_REASON, Figure)
    assert [trace["y"] for trace in figure.spec["data"]] == [[0] * (DECISIONS - JUMPED) + [1] * JUMPED]


def test_more_reasons_than_colours_are_stacked_together_and_all_stand_in_the_table(run):
    windows = pl.read_parquet(run / "results" / "windows.parquet").filter(MINE)["window"].to_list()
    reasons = [*REASONS, *VETOES, *MEANINGS]
    rows = [(HEADLINE, windows[k % DECISIONS], reason, k + 1) for k, reason in enumerate(reasons)]
    rows += [("another/cell", windows[0], "kurtosis", 1000)]
    table = pl.DataFrame(rows, schema=["cell", "window", "reason", "atoms"], orient="row")
    table.write_parquet(run / "results" / "vetoes.parquet")
    (shown,), (figure,) = blocks(run, VETOES_BY_REASON, Table), blocks(run, VETOES_BY_REASON, Figure)
    traces = {trace["name"]: trace["y"] for trace in figure.spec["data"]}
    largest = [reason.replace("_", " ") for reason in reversed(reasons)]
    assert [row[0] for row in shown.rows] == largest
    assert list(traces) == [*largest[:SHOWN], OTHERS]
    assert sum(traces[OTHERS]) == sum(range(1, len(reasons) - SHOWN + 1))
    assert {row[1] for row in shown.rows} == {"health", "hard", "soft"}
    assert dict(blocks(run, VETOES_BY_REASON, Facts)[0].pairs).items() >= {
        (name.replace("_", " "), meaning) for name, meaning in MEANINGS.items()
    }
    expected = [sum(k + 1 for k in range(len(reasons)) if k % DECISIONS == place) for place in range(DECISIONS)]
    assert [sum(column) for column in zip(*traces.values(), strict=True)] == expected


def test_a_reason_of_another_version_is_shown_and_not_guessed_at(run):
    edit(run, "vetoes", pl.lit("moon_phase").alias("reason"))
    (table,) = blocks(run, VETOES_BY_REASON, Table)
    assert table.rows[0][:2] == ("moon phase", "–")
    assert blocks(run, VETOES_BY_REASON, Facts)[0].pairs == (
        ("moon phase", "This version of tvquant does not know it."),
    )


def test_when_nothing_fell_out_one_line_says_so(run):
    path = run / "results" / "vetoes.parquet"
    pl.read_parquet(path).clear().write_parquet(path)
    (said,) = VETOES_BY_REASON.draw(read_run(run))
    assert (
        said.text
        == f"40 atoms were discovered at 8 decisions of {HEADLINE}, and none of them fell out before selection."
    )


def test_every_reason_of_health_has_its_meaning():
    assert tuple(HEALTH) == REASONS


def test_decisions_on_another_bar_than_the_last_are_counted_and_named(run):
    third = pl.col("decided_at").rank("dense") == 3
    edit(run, "windows", pl.when(third).then(pl.col("bar").dt.offset_by("-1d")).otherwise("bar").alias("bar"))
    assert blocks(run, FUNNEL, Text)[-1].text == (
        "Too few names had the last bar at 1 decisions, which stand on the last one with a quorum: "
        "2019-07-23 (on 2019-07-22)."
    )
    edit(run, "windows", third.not_().alias("quorum"))
    assert blocks(run, FUNNEL, Text)[-1].text == (
        "No bar of five sessions had a quorum at 1 decisions, which stand on the last one as it was: 2019-07-23."
    )
