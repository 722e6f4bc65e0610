"""Certificates of hand-made cells: what changed, by how much, and against the reference."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from tvquant.core.panel import Floats
from tvquant.report.certification import Certificate, CertifiedCell, best, changes, versions
from tvquant.statistics.paired_differences import paired_difference
from tvquant.statistics.significance import expected_best

ROWS = 300
NOISE = np.random.default_rng(3).normal(0.0, 0.01, (ROWS, 3))
TIMES = np.arange("2024-01-01", ROWS, dtype="datetime64[D]").astype("datetime64[us]")
FIGURES = {
    "sharpe": 1.0, "sharpe_se": 0.5, "max_drawdown": -0.2, "mean_turnover": 0.3, "periods_per_year": 365, "windows": 9,
    "windows_fell_back": 4,
}  # fmt: skip
V4, V34, EQUAL = "v4/custom/hrp/custom", "v3.4/custom/hrp/custom", "v4/custom/equal_weight/custom"
MARKET = "market/custom"


def cell(leaf: str, sharpe: float | None = 1.0, *, baseline: bool = False) -> CertifiedCell:
    return CertifiedCell(status="played", leaf=leaf, baseline=baseline, figures={**FIGURES, "sharpe": sharpe})


def certificate(run: str = "r1", moved: float = 0.0, **cells: Floats) -> Certificate:
    """Return a certificate whose v3.4 earns less than v4, all of them `moved` per row."""
    returns = {V4: NOISE[:, 0] + 0.002 + moved, V34: NOISE[:, 0] + 0.1 * NOISE[:, 1], MARKET: NOISE[:, 2]} | cells
    held = {V4: cell(f"v4 {moved}", 2.0), V34: cell("v3.4"), MARKET: cell("m", 9.0, baseline=True)}
    return Certificate(
        profile="p", run=run, made=datetime(2026, 1, 2, tzinfo=UTC), version="1", code="c", result="d", snapshot="s",
        confidence=0.95, block=10, seed=7, grid={"asked": 4, "cells": 2, "exclusions": []},
        bounds={"friction": {"costs.slippage_bps": 5.0, "execution.simulators": ["custom"]}, "windows": {"step": 20}},
        cells=held, stability={"v4": 0.5, "v3.4": None}, excess=pl.DataFrame({"time": TIMES, **returns}),
    )  # fmt: skip


@pytest.mark.requirement("R-TRN-05")
def test_a_changed_cell_has_its_paired_interval_on_common_dates_and_an_equal_one_none() -> None:
    before, now = certificate(), certificate("r2", moved=0.003)
    now = replace(now, excess=now.excess.slice(50))
    found = changes(now, before)
    assert [one.key for one in found.changed] == [V4]
    pair = np.column_stack([now.excess[V4].to_numpy(), before.excess[V4].to_numpy()[50:]])
    assert found.changed[0].found == paired_difference(
        pair, statistic="sharpe_difference", periods_per_year=365, confidence=0.95, block=10, seed=7
    )
    assert found.changed[0].found is not None
    assert found.changed[0].found.rows == ROWS - 50
    assert found.changed[0].found.low > 0.0
    assert (found.came, found.went, dict(found.bounds), found.data, found.code) == ((), (), {}, False, False)


@pytest.mark.requirement("R-TRN-05")
def test_nothing_changed_where_every_digest_is_what_it_was_whatever_the_run() -> None:
    found = changes(certificate("r2"), certificate())
    assert found.nothing
    assert found.changed == ()
    new = cell("new")
    grown = replace(certificate("r2"), cells={**certificate().cells, EQUAL: new})
    assert (changes(grown, certificate()).came, changes(certificate(), grown).went) == ((EQUAL,), (EQUAL,))
    assert not changes(grown, certificate()).nothing


def test_intervals_of_several_changed_cells_hold_together() -> None:
    before, now = certificate(), certificate("r2", moved=0.003)
    both = replace(now, cells={**now.cells, V34: cell("other")})
    alone, together = (changes(one, before).changed[0].found for one in (now, both))
    assert alone is not None
    assert together is not None
    assert together.confidence == pytest.approx(0.975)
    assert together.low < alone.low


def test_a_cell_without_returns_says_why_and_bounds_that_moved_are_named() -> None:
    before, now = certificate(), certificate("r2", moved=0.003)
    short = changes(replace(now, excess=now.excess.head(40)), before).changed[0]
    assert short.found is None
    assert "fewer than 10 blocks" in short.lacking
    failed = replace(now, cells={**now.cells, V4: cell("failed: no margin", None)}, excess=now.excess.drop(V4))
    assert changes(failed, before).changed[0].lacking == "failed: no margin"
    dear = {**now.bounds, "friction": {"costs.slippage_bps": 9.0, "execution.simulators": ["custom"]}}
    moved = changes(replace(now, bounds=dear, code="other", snapshot="other"), before)
    assert dict(moved.bounds) == {"costs.slippage_bps": (5.0, 9.0)}
    assert moved.data
    assert moved.code


@pytest.mark.requirement("R-TRN-06")
def test_versions_are_compared_with_the_reference_under_the_same_risk_profile_and_engine() -> None:
    alone = "v3.4/custom/min_variance/custom"
    other = "v3.4/custom/hrp/vectorbt"
    made = certificate()
    made = replace(made, cells={**made.cells, alone: cell("a"), other: cell("b")})
    rows = versions(made)
    assert [(one.selection, one.risk_profile) for one in rows] == [
        ("v3.4", "hrp"), ("v4", "hrp"), ("v3.4", "min_variance"),
    ]  # fmt: skip
    found = rows[0].found
    assert found is not None
    assert found.high < 0.0  # it earns less than v4 on the same noise
    assert found.confidence == 0.95  # one pair is compared: what has no counterpart widens nothing
    assert (rows[1].found, rows[1].lacking, rows[1].stability) == (None, "", 0.5)
    assert rows[2].lacking == "v4 has no such cell"
    top = best(made)
    assert top is not None
    assert (top.key, top.trials) == (V4, 3)  # the market is no trial, however good, nor another simulator
    assert top.expected == pytest.approx(expected_best([2.0, 1.0, 1.0]))
    assert top.deflated == pytest.approx(norm.cdf((2.0 - top.expected) / FIGURES["sharpe_se"]))
    assert best(replace(made, cells={MARKET: made.cells[MARKET]})) is None


def test_a_certificate_is_what_was_written() -> None:
    made = certificate()
    document = json.loads(json.dumps(made.document()))
    again = Certificate.from_document(document, made.excess)
    assert again.document() == made.document()
    assert changes(again, made).nothing
    with pytest.raises(ValueError, match="schema 2, and this version reads 1"):
        Certificate.from_document({**document, "schema": 2}, made.excess)
