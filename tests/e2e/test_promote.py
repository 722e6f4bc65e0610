"""A champion and its challenger from profile to verdict, on a market where the challenger is right."""

import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from builders.workspaces import workspace_of

type Call = Callable[..., Any]

FIRST, DAYS = datetime(2024, 1, 1, tzinfo=UTC), 260
ALONE = """
version: 1
extends: crypto_spot
selection: {model: all}
allocation: {profiles: [equal_weight], limits: {position: 1.0, cluster: 1.0}}
risk: {primary: equal_weight}
benchmark: {market: []}
execution: {convention: next_close}
"""
CHALLENGED = f"""{ALONE}
challengers:
  picks: {{model: v4, top_n: 2, min_winners: 2, max_winners: 3}}
  same: {{null_share: 0.2}}
promotion: {{statistic: sharpe_difference, margin: 1, windows: 7}}
"""
UNRULED = CHALLENGED.replace("margin: 1, ", "")


@pytest.fixture
def home(tmp_path: Path, tvquant: Call) -> Path:
    """Six coins, of which three rise and three fall."""
    moves = np.random.default_rng(0).normal(0.0, 0.02, (DAYS, 6)) + np.array([1, 1, 1, -1, -1, -1]) * 0.006
    days = [FIRST + timedelta(days=k) for k in range(DAYS)]
    closes = 100.0 * np.exp(moves.cumsum(axis=0))
    bars = pl.concat(
        pl.DataFrame({"symbol": f"BINANCE:{coin}USDT", "timestamp": days, "close": closes[:, j]})
        for j, coin in enumerate(("UPA", "UPB", "UPC", "DNA", "DNB", "DNC"))
    ).with_columns(pl.col("timestamp").cast(pl.Datetime("us", "UTC")))
    made = workspace_of(tmp_path / "ws", bars, recorded_at=datetime(2026, 1, 2, tzinfo=UTC))
    for name, text in {"alone": ALONE, "challenged": CHALLENGED, "unruled": UNRULED}.items():
        (made.root / "profiles" / f"{name}.yaml").write_text(text)
    return made.root


@pytest.mark.requirement("R-TRN-02")
def test_a_challenger_is_promoted_by_the_rule_of_its_run_and_by_nothing_else(home: Path, tvquant: Call) -> None:
    alone, challenged = (tvquant("run", name, "-w", home, "--json").document for name in ("alone", "challenged"))
    assert alone["result"] == challenged["result"]
    before = (home / "profiles" / "challenged.yaml").read_text()
    said = tvquant("promote", challenged["run"], "-w", home, "--json")
    assert said.code == 0, said.err
    picks, same = said.document["challengers"]
    assert (said.document["promoted"], picks["verdict"], same["verdict"]) == ("picks", "promoted", "not promoted")
    assert picks["windows"] == 8
    assert picks["found"]["low"] > 1.0 > same["found"]["low"] == same["found"]["high"] == 0.0
    assert picks["found"]["confidence"] == pytest.approx(0.975)
    shown = tvquant("promote", challenged["run"], "-w", home)
    assert shown.out.endswith("selection:\n  max_winners: 3\n  min_winners: 2\n  model: v4\n  top_n: 2\n")
    assert "for all 2 together (Bonferroni)" in shown.out
    assert (home / "profiles" / "challenged.yaml").read_text() == before

    page = (home / "artifacts/summaries/runs" / challenged["run"] / "report/index.html").read_text()
    other = (home / "artifacts/summaries/runs" / alone["run"] / "report/index.html").read_text()
    assert "Challengers in shadow" in page
    assert "In shadow: challengers have no effect" in page
    assert re.search(r"Sharpe difference</th>.{0,80}interval</th>.{0,80}n, rows</th>", page, re.S)
    assert "Challengers in shadow" not in other
    checked = tvquant("leakcheck", challenged["run"], "-w", home, "--windows", "1", "--json").document
    assert (checked["leaks"], checked["forks"][0]["decisions"]) == ([], 5)
    compared = tvquant("runs", "diff", alone["run"], challenged["run"], "-w", home, "--json").document
    assert compared["equal"]
    assert "challengers" in [one["name"] for one in compared["parameters"]]

    bare = tvquant("promote", alone["run"], "-w", home)
    assert (bare.code, "names no challenger" in bare.err) == (2, True)
    table = home / "artifacts/summaries/runs" / challenged["run"] / "shadow/returns.parquet"
    shutil.copy(table.with_name("weights.parquet"), table)
    forged = tvquant("promote", challenged["run"], "-w", home)
    assert (forged.code, "shadow/returns.parquet is not the file that was written" in forged.err) == (1, True)


@pytest.mark.requirement("R-TRN-02")
def test_nothing_is_judged_without_a_rule_or_by_less_than_its_sample(home: Path, tvquant: Call) -> None:
    run = tvquant("run", "unruled", "-w", home, "--json").document["run"]
    refused = tvquant("promote", run, "-w", home)
    assert refused.code == 2
    assert "profile unruled does not state promotion.margin; state the rule there and run it again" in refused.err
    said = tvquant("run", "challenged", "-w", home, "--json", "--set", "promotion.windows=9")
    small = tvquant("promote", said.document["run"], "-w", home, "--json")
    assert (small.code, small.document["promoted"]) == (1, None)
    assert {one["reason"] for one in small.document["challengers"]} == {
        "8 windows are over, promotion.windows asks for 9"
    }
