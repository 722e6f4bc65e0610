"""The page on selection models: what is drawn, and the tables beside it."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy.stats import t as student

from tvquant.core.stamps import Stamp
from tvquant.report.model_evidence_page import page_of_evidence, write_evidence
from tvquant.tournament.selection_tables import ModelEvidence


def row(mean: float, p: float | None, **more: Any) -> dict[str, Any]:
    se = None if p is None else 0.01
    return {"n": 20, "mean": mean, "se": se, "t": None, "p": p, "p_holm": p, "detectable": None, **more}


@pytest.fixture
def evidence() -> ModelEvidence:
    return ModelEvidence(
        profile="mine", first=date(2024, 1, 1), last=date(2025, 1, 1), windows=20, rows=20.0, pool=(3, 4),
        horizons=("1", "window"), stamps=frozenset({Stamp.CURRENT_ONLY}), left_out={}, notices=(),
        choices=({"model": "v4", "floor": True, "winners": 3.0},),
        alpha=(
            row(0.01, 0.01, model="v4", floor=True, annual=0.2, annual_se=0.05),
            row(0.00, 0.90, model="v4", floor=False, annual=0.01, annual_se=0.04),
            row(0.00, None, model="baseline", floor=True, annual=None, annual_se=None),
        ),
        ic=(),
        features=(
            row(0.03, 0.40, model="v2", feature="<momentum>", horizon="window", share=0.5),
            row(0.03, 0.40, model="v4", feature="<momentum>", horizon="window", share=0.1),
            row(0.09, 0.01, model="v4", feature="adx", horizon="1", share=0.1),
            row(0.05, 0.04, model="v4", feature="adx", horizon="window", share=0.1),
        ),
        vetoes=(),
    )  # fmt: skip


def test_intervals_are_drawn_and_what_is_significant_stands_out(evidence: ModelEvidence) -> None:
    html = page_of_evidence(evidence, ["selection alpha: significant is v4"])
    found = dict(re.findall(r'<script type="application/json" data-figure="(\w+)">(.*?)</script>', html, re.S))
    reach = student.ppf(0.975, 19)
    shown, hidden = json.loads(found["alpha"])["data"]
    assert (shown["y"], shown["x"], hidden["y"]) == (["v4"], [0.2], ["v4, without floor"])
    assert shown["error_x"]["array"] == pytest.approx([reach * 0.05], rel=1e-5)
    shown, hidden = json.loads(found["features"])["data"]
    assert (shown["y"], shown["x"]) == (["adx (v4)"], [0.05])
    assert (hidden["y"], hidden["x"]) == (["<momentum> (v2, v4)"], [0.03])
    assert hidden["error_x"]["array"] == pytest.approx([reach * 0.01], rel=1e-5)
    assert "<momentum>" not in html.replace("\\u003cmomentum", "")
    assert Stamp.CURRENT_ONLY.meaning in html.replace("&#39;", "'")
    assert re.findall(r"<td[^>]*>(.*?)</td>", html)[:6] == ["v4", "20", "1.00 %", "1.00 %", "20.0 %", "5.0 %"]
    assert "20 windows, 2024-01-01 to 2025-01-01; selection alpha: significant is v4" in html.replace(". sel", "; sel")


def test_what_is_asked_for_is_written(evidence: ModelEvidence, tmp_path: Path) -> None:
    folder = tmp_path / "artifacts" / "models"
    written = write_evidence(folder, evidence, ["nothing"], csv=True, page=True)
    assert [one.relative_to(folder).as_posix() for one in written] == [
        "mine/choices.csv", "mine/alpha.csv", "mine/ic.csv", "mine/features.csv", "mine/vetoes.csv", "mine.html",
    ]  # fmt: skip
    assert pl.read_csv(folder / "mine" / "alpha.csv")["annual"].to_list() == [0.2, 0.01, None]
    assert (folder / "plotly.min.js").exists()
    assert write_evidence(folder, evidence, [], csv=False, page=False) == []
