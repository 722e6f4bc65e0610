"""The four spot sleeves as profiles of their own, side by side by period."""

import json
import os
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from builders.clocks import ManualClock
from builders.profiles import resolved_of
from builders.rated_coins import rated_bars
from builders.workspaces import workspace_of
from tvquant.app.cli import main
from tvquant.app.progress import Watcher
from tvquant.app.run import run
from tvquant.app.workspace import Workspace
from tvquant.report import read_run

CLOCK = ManualClock(datetime(2026, 1, 2, tzinfo=UTC))
LOGICS = ("all", "ma") if os.environ.get("TVQUANT_PROOF") else ("all",)
"""The gate plays a long sleeve and its short one, `make proof` all four."""
SLEEVES = {f"binance_spot_rating_{logic}_{side}": (logic, side) for logic in LOGICS for side in ("long", "short")}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, Any]]:
    """A workspace of 400 days, over the turn of a year, with a run of each sleeve."""
    home = workspace_of(tmp_path_factory.mktemp("periods") / "ws", rated_bars(400), recorded_at=CLOCK.now())
    short = {"allocation__profiles": ["equal_weight"], "benchmark__market": [], "selection__min_winners": 1,
             "windows__step": 40}  # fmt: skip
    found = {
        name: read_run(
            run(home, resolved_of(name, **short), clock=CLOCK, jobs=1, again=False, watcher=Watcher()).folder.path
        )
        for name in SLEEVES
    }
    return home, found


@pytest.mark.requirement("R-TRN-15")
def test_four_sleeves_are_four_series_each_of_its_own_scanner_and_side(made: tuple[Workspace, dict[str, Any]]) -> None:
    books = {}
    for name, found in made[1].items():
        logic, side = SLEEVES[name]
        atoms = found.table("atoms", found.headline.key)
        assert set(atoms["direction"]) == {side.upper()}
        assert all(f"_rating_{logic}_" in atom for atom in atoms["atom"])
        books[logic, side] = found.table("returns", found.headline.key)["return"].to_list()
    assert len({len(book) for book in books.values()}) == 1
    for logic in LOGICS:
        assert books[logic, "long"] != books[logic, "short"]
    # The shorts of both logics happen to agree: what all votes sell, averages sell.
    assert len({tuple(book) for book in books.values()}) == (2 if len(LOGICS) == 1 else 3)


@pytest.mark.requirement("R-TRN-15")
def test_each_is_told_by_year_and_by_regime_and_the_parts_make_the_whole(
    made: tuple[Workspace, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    home, runs = made
    assert main(["runs", "periods", *SLEEVES, "--json", "-w", str(home.root)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["profile"] for one in told] == list(SLEEVES)
    for one in told:
        rows = runs[one["profile"]].table("returns", one["cell"])
        parts = {(part["sort"], part["period"]): part for part in one["periods"]}
        years = [part for key, part in parts.items() if key[0] == "year"]
        assert [part["period"] for part in years] == ["2024", "2025"]
        assert sum(part["rows"] for part in years) == parts["all", "all"]["rows"] == len(rows)
        regimes = [part for key, part in parts.items() if key[0] == "regime"]
        assert sum(part["rows"] for part in regimes) == len(rows)
        for many in (years, regimes):
            grown = np.prod([1.0 + part["total_return"] for part in many])
            assert grown == pytest.approx(1.0 + parts["all", "all"]["total_return"], rel=1e-9)
        first = rows.filter(pl.col("time").dt.year() == 2024)["return"].to_numpy()
        year = parts["year", "2024"]
        assert year["total_return"] == pytest.approx(np.prod(1.0 + first) - 1.0, rel=1e-12)
        assert year["sharpe"] == pytest.approx(np.sqrt(365) * first.mean() / first.std(ddof=1), rel=1e-12)
        assert year["low"] < year["sharpe"] < year["high"]
        assert year["sharpe"] - year["low"] == pytest.approx(1.96 * np.sqrt(365 / len(first)), rel=0.2)
        later = parts["year", "2025"]
        assert later["rows"] < 60
        assert (later["sharpe"], later["low"], later["volatility"]) == (None, None, None)
        assert all(part["max_drawdown"] is None for part in regimes)


def test_the_table_has_the_sleeves_of_a_period_beneath_each_other(
    made: tuple[Workspace, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    home, _ = made
    first, second = list(SLEEVES)[:2]
    assert main(["runs", "periods", first, second, "-w", str(home.root)]) == 0
    out = capsys.readouterr().out
    rows = [line.split()[:2] for line in out.splitlines()[1:7]]
    assert rows == [[period, name] for period in ("all", "2024", "2025") for name in (first, second)]
    assert "no rule to trade by" in out
