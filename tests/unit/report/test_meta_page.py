"""The page of a meta-portfolio: what it tells of a run's tables and gates, counted again here."""

import re
import shutil

import numpy as np
import polars as pl
import pytest

from builders.meta_run import EQUAL, GATES, HEADLINE, HEALTH, LONGS, SHORTS, meta_run
from tvquant.ledger import RunFolder
from tvquant.report import write_index, write_report
from tvquant.report.blocks import Table, Text
from tvquant.report.caveats import caveats
from tvquant.report.meta.page import index_of
from tvquant.report.meta.run import MetaRun, read_meta
from tvquant.report.meta.sections.correlations import CORRELATIONS
from tvquant.report.meta.sections.figures import FIGURES
from tvquant.report.meta.sections.gap import GAP
from tvquant.report.meta.sections.headline import HEADLINE as FIRST
from tvquant.report.meta.sections.headline import verdict
from tvquant.report.meta.sections.shares import SHARES
from tvquant.report.meta.sections.sleeves import SLEEVES
from tvquant.report.meta.sections.tree import TREE
from tvquant.report.render import drawn
from tvquant.report.sections.contribution import CONTRIBUTION
from tvquant.statistics import performance

FIGURE_KEYS = (
    "equity", "shares", "correlation", "gap", "tree", "netting", "exposure", "cash", "contribution", "attribution",
    "annual", "rolling_sharpe", "rolling_volatility", "rolling_beta", "weights", "costs", "turnover",
)  # fmt: skip
NASTY = "<script>alert(1)</script>"


@pytest.fixture(scope="session")
def meta(built, tmp_path_factory):
    """The run as it is; never written to by a test."""
    return meta_run(built, tmp_path_factory.mktemp("metas"))


def table_of(run, section, head):
    """The table of a section whose first column has this head, as column -> cell by row."""
    (found,) = (one for one in section.draw(run) if isinstance(one, Table) and one.head[0] == head)
    return [dict(zip(found.head, row, strict=True)) for row in found.rows]


def said(blocks):
    return [(one.tone, one.text) for one in blocks if isinstance(one, Text)]


@pytest.mark.requirement("R-REP-05")
def test_the_page_has_every_section_and_figure_and_lacks_nothing(meta):
    drawn_ = write_report(meta)
    html = drawn_.page.read_text()
    assert tuple(re.findall(r'id="figure-(\w+)"', html)) == FIGURE_KEYS
    assert 'class="missing"' not in html
    assert "Complete: 2 of 2 sleeves are there" in html
    other = next(meta / name for name in drawn_.files if "mix_equal" in name).read_text()
    assert 'class="missing"' not in other
    assert 'id="sleeves"' not in other


def test_an_unfinished_run_is_played_anew_and_never_resumed(meta):
    run = read_meta(meta)
    run.stages = {}
    (first, *_) = caveats(run)
    assert first.serious
    assert "`tvquant meta meta_benchmark` plays it anew" in first.text
    assert "--resume" not in first.text


@pytest.mark.requirement("R-REP-06")
def test_the_bytes_follow_from_the_folder_alone(meta, tmp_path):
    first = {name: (meta / name).read_bytes() for name in write_report(meta).files}
    copy = shutil.copytree(meta, tmp_path / meta.name, ignore=shutil.ignore_patterns("report", "INDEX.md"))
    assert {name: (copy / name).read_bytes() for name in write_report(copy).files} == first


@pytest.mark.requirement("R-META-10")
@pytest.mark.requirement("R-META-12")
def test_account_mix_and_sleeves_stand_side_by_side_each_by_its_own_calendar(meta):
    run = read_meta(meta)
    rows = table_of(run, FIGURES, "book")
    by = {(row["book"], row["what"]): row for row in rows}
    assert [row["book"] for row in rows[:2]] == [HEADLINE, EQUAL]
    account = run.table("returns", HEADLINE)
    of = performance(account["return"].to_numpy(), periods_per_year=252)
    mine = by[HEADLINE, "account"]
    assert (mine["Sharpe"].value, mine["CAGR"].value) == pytest.approx((of.sharpe, of.cagr))
    assert mine["volatility"].value == pytest.approx(of.volatility)
    assert (mine["net"].value, mine["gross"].value) == pytest.approx((account["net"].mean(), account["gross"].mean()))
    market = run.table("benchmark")["level"].to_numpy()
    slope, _ = np.polyfit(market[1:] / market[:-1] - 1.0, account["return"].to_numpy()[1:], 1)
    assert mine["beta"].value == pytest.approx(slope)
    assert by["benchmark", "on paper"]["beta"] == "–"
    levels = pl.read_parquet(meta / "streams" / LONGS / "custom_custom_hrp.parquet")["level"].to_numpy()
    paper, alone = by[LONGS, "on paper"], by[LONGS, "by itself"]
    assert (paper["A"].value, alone["A"].value) == (252, 365)
    own = performance(levels[1:] / levels[:-1] - 1.0, periods_per_year=365)
    assert (alone["Sharpe"].value, alone["rows"].value) == pytest.approx((own.sharpe, len(levels) - 1))
    assert paper["Sharpe"].value == pytest.approx(own.sharpe * (252 / 365) ** 0.5)
    mix = (
        0.7 * levels
        + 0.3 * pl.read_parquet(meta / "streams" / SHORTS / "custom_custom_hrp.parquet")["level"].to_numpy()
    )
    expected = performance(mix[1:] / mix[:-1] - 1.0, periods_per_year=252)
    assert by["mix of streams", "on paper"]["Sharpe"].value == pytest.approx(expected.sharpe)
    net = by[SHORTS, "on paper"]["net"].value
    assert net == pytest.approx(-by[SHORTS, "on paper"]["gross"].value) != 0.0


def test_shares_gap_and_bets_are_those_of_the_tables(meta):
    run = read_meta(meta)
    shares = table_of(run, SHARES, "sleeve")
    assert [(row["sleeve"], round(row["mean"].value, 12)) for row in shares] == [
        (LONGS, 0.7),
        (SHORTS, 0.3),
        ("cash", 0.0),
    ]
    assert "not solved as asked" not in " ".join(text for _, text in said(SHARES.draw(run)))
    failed = pl.when(pl.col("decided_at") == pl.col("decided_at").min()).then(pl.lit("failed")).otherwise("status")
    run._tables["shares"] = run.table("shares").with_columns(status=failed)
    assert ("warning", "Decisions that were not solved as asked: failed at 1 (no sleeve moves).") in said(
        SHARES.draw(run)
    )
    run._tables["shares"] = run._tables["shares"].with_columns(pl.col("status").replace("failed", "no_candidate"))
    told = [(tone, text) for tone, text in said(SHARES.draw(run)) if "decisions" in text.split(":")[0]]
    assert [tone for tone, text in told if "nothing to weigh" in text] == ["note"]
    assert "warning" not in [tone for tone, _ in told]
    parts = {row["part"]: row["total return"].value for row in table_of(run, GAP, "part")}
    assert list(parts) == ["mix", "netting", "costs", "caps", "timing", "rest", "account"]
    assert sum(value for name, value in parts.items() if name != "account") == pytest.approx(
        parts["account"], abs=1e-12
    )
    (pair,) = table_of(run, CORRELATIONS, "sleeve")
    assert (pair["correlation"].value, pair["low"].value, pair["high"].value) == (-0.5, -0.6, -0.38)
    assert "amount to 1.60 bets" in said(CORRELATIONS.draw(run))[0][1]  # 2^2 / (2 + 2 x .25)


@pytest.mark.requirement("R-META-11")
def test_what_sleeves_hold_against_each_other_is_told_apart_from_what_is_left(meta):
    run = read_meta(meta)
    tree = run.table("tree", "meta/custom/hrp")
    last = tree.filter(pl.col("decided_at") == tree["decided_at"].max())
    rows = {row["instrument"]: row for row in table_of(run, TREE, "instrument")}
    weights = dict(last.group_by("symbol").agg(pl.col("weight").sum()).iter_rows())
    assert {name: row["net"].value for name, row in rows.items()} == pytest.approx(weights)
    both = rows["NYSE:AAA"]
    assert both["through"] == f"{LONGS}, {SHORTS}"
    assert both["cancelled"].value == pytest.approx(2 * min(both["long"].value, -both["short"].value))
    assert both["short"].value < 0.0
    assert all(row["cancelled"].value == pytest.approx(0.0) for name, row in rows.items() if name != "NYSE:AAA")
    sleeves = {row["sleeve, last decision"]: row for row in table_of(run, TREE, "sleeve, last decision")}
    assert sleeves[SHORTS]["net"].value == pytest.approx(-sleeves[SHORTS]["gross"].value)
    assert sleeves[LONGS]["in no atom"].value == pytest.approx(0.7 - sleeves[LONGS]["gross"].value)
    names = {row["part"] for row in table_of(run, CONTRIBUTION, "part")}
    assert names - {"execution", "cash", "all"} == {f"{LONGS} long", f"{SHORTS} long"}


@pytest.mark.requirement("R-REP-03")
@pytest.mark.parametrize(
    ("states", "words"),
    [
        ({"ok": 2, "stale": 1}, "⚠️ DEGRADED (ok 2, stale 1)"),
        ({}, "⛔ MISSING (no record)"),
        ({"DEGRADED": 1, "ok": 2}, "⚠️ DEGRADED (DEGRADED 1, ok 2)"),
    ],  # a word of a register of providers
)
def test_the_state_of_a_sleeves_data_is_in_its_row_in_both_indexes_and_above(built, tmp_path, states, words):
    folder = meta_run(built, tmp_path / "summaries" / "runs", health={**HEALTH, SHORTS: states})
    run = read_meta(folder)
    data = {row["sleeve"]: row["data"] for row in table_of(run, SLEEVES, "sleeve")}
    assert data == {LONGS: "✅ HEALTHY (ok 3)", SHORTS: words}
    assert [row["solved"] for row in table_of(run, SLEEVES, "sleeve")] == ["100.0 %", "87.5 %"]
    assert {row["left out"] for row in table_of(run, SLEEVES, "sleeve")} == {"40 (20.0 %)"}
    state = words.split(" (")[0]
    assert any(f"{SHORTS} {state}" in text for tone, text in said(verdict(run)) if tone == "warning")
    assert f"**Status: {state}**" in index_of(run)
    write_index(tmp_path / "summaries" / "runs")
    assert f"{state} (1 of 2 sleeves healthy)" in (tmp_path / "summaries" / "INDEX.md").read_text()


@pytest.mark.requirement("R-REP-05")
def test_a_gate_that_failed_is_a_banner_and_a_finding_is_none(built, tmp_path):
    failed = {"gate": "solver", "sleeves": [SHORTS], "passed": False, "found": 0.5, "limit": 0.75, "why": "2 of 4"}
    mirror = {"gate": "mirror", "sleeves": [LONGS, SHORTS], "passed": False, "found": -0.995, "limit": 0.99,
              "why": "they mirror each other.", "stops": "promotion"}  # fmt: skip
    found = said(verdict(read_meta(meta_run(built, tmp_path / "a", gates=[*GATES, mirror]))))
    assert [tone for tone, _ in found] == ["plain", "warning"]
    assert found[1][1].endswith("they mirror each other. It stops `tvquant promote`.")
    other = {**failed, "risk_profile": "risk_parity"}
    (banner,) = said(verdict(read_meta(meta_run(built, tmp_path / "b", gates=[*GATES, failed, other]))))
    assert banner == ("missing", f"FAIL: 2 of 2 sleeves were weighed; solver, {SHORTS}: 2 of 4.")
    (banner,) = said(verdict(read_meta(meta_run(built, tmp_path / "c", gates=[]))))
    assert banner == ("missing", "FAIL: 2 of 2 sleeves were weighed; the ledger has no record of a gate.")


def test_a_sleeve_that_was_left_out_is_a_banner(meta):
    run = read_meta(meta)
    run._tables["shares"] = run.table("shares").filter(pl.col("sleeve") == LONGS)
    assert said(verdict(run))[0] == ("missing", f"FAIL: 1 of 2 sleeves were weighed; left out: {SHORTS}.")
    assert [row["weighed"] for row in table_of(run, SLEEVES, "sleeve")] == ["yes", "no"]
    assert "One sleeve was weighed" in said(CORRELATIONS.draw(run))[0][1]


def test_a_mix_is_compared_by_an_interval_or_says_why_not(meta):
    run = read_meta(meta)
    (line,) = (text for _, text in said(FIRST.draw(run)) if text.startswith("mix/equal:"))
    assert "fewer than 10 blocks" in line
    twice = pl.concat([run.table("returns"), run.table("returns").with_columns(pl.col("time").dt.offset_by("1y"))])
    worse = pl.when(pl.col("cell") == EQUAL).then(-pl.col("return")).otherwise("return")
    run._tables["returns"] = twice.sort("cell", "time").with_columns(worse.alias("return"))
    (line,) = (text for _, text in said(FIRST.draw(run)) if text.startswith("mix/equal:"))
    assert re.search(r"The account beats it: its Sharpe ratio is [\d.]+ higher, [\d.]+ to [\d.]+ at 95 %", line)


def test_what_the_folder_lacks_is_named_and_nothing_is_executed(built, tmp_path):
    gates = [{**GATES[0], "why": NASTY, "sleeves": [NASTY]}]
    folder = meta_run(built, tmp_path, gates=gates, description=NASTY)
    html = write_report(folder).page.read_text()
    assert NASTY not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3
    assert NASTY not in (folder / "INDEX.md").read_text()
    (folder / "results" / "gap.parquet").unlink()
    (line,) = said(drawn(GAP, MetaRun(RunFolder(folder))))
    assert line[0] == "missing"
    assert line[1].startswith("Not shown: results/gap.parquet ")
