"""A run whose books are played by three simulators: one figure per strategy, and who cannot play says why."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from builders.workspaces import workspace_of
from tvquant.core.panel import Basis
from tvquant.ledger.run_folder import PINNED

pytestmark = [pytest.mark.xdist_group("documentation"), pytest.mark.usefixtures("vectorbt")]

FIRST, DAYS = datetime(2024, 1, 1, tzinfo=UTC), 200
NAMES = ("custom", "vectorbt", "cvxportfolio")
PROFILE = """
version: 1
extends: crypto_spot
selection: {model: all}
allocation: {profiles: [equal_weight], limits: {position: 1.0, cluster: 1.0}}
risk: {primary: equal_weight}
benchmark: {market: []}
execution: {simulators: [custom, vectorbt, cvxportfolio]}
"""
SPARED = "version: 1\nextends: mine\nexecution: {buffer: 0.005}\ncosts: {borrow_rate: 0.0}\n"
WHOLE = "version: 1\nextends: mine\ncosts: {borrow_rate: 0.0}\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of three coins with opens, and a profile: with its borrow fee, without, and with a buffer."""
    moves = np.random.default_rng(0).normal(0.001, 0.02, (DAYS, 3))
    days = [FIRST + timedelta(days=k) for k in range(DAYS)]
    closes = 100.0 * np.exp(moves.cumsum(axis=0))
    opens = np.vstack([closes[:1], closes[:-1] * 1.001])
    bars = pl.concat(
        pl.DataFrame({"symbol": f"BINANCE:{coin}USDT", "timestamp": days, "open": opens[:, j],
                      "close": closes[:, j]})
        for j, coin in enumerate(("BTC", "ETH", "XRP"))
    ).with_columns(pl.col("timestamp").cast(pl.Datetime("us", "UTC")))  # fmt: skip
    made = workspace_of(
        tmp_path_factory.mktemp("simulators") / "ws", bars, recorded_at=datetime(2026, 1, 2, tzinfo=UTC),
        basis=Basis.RAW,
    )  # fmt: skip
    for name, text in (("mine", PROFILE), ("spared", SPARED), ("whole", WHOLE)):
        (made.root / "profiles" / f"{name}.yaml").write_text(text)
    return made.root


def cells_of(said: Any, home: Path, tvquant: Callable[..., Any]) -> dict[str, Any]:
    shown = tvquant("runs", "show", said.document["run"], "-w", home, "--json")
    assert shown.code == 0, shown.err
    return {cell["cell"]: cell for cell in shown.document["cells"]}


@pytest.mark.requirement("R-SIM-10")
def test_three_simulators_of_a_run_come_to_one_book_and_the_report_says_each_thing_once(
    home: Path, tvquant: Callable[..., Any]
) -> None:
    said = tvquant("run", "spared", "-w", home, "--json")
    assert said.code == 0, said.err
    cells = cells_of(said, home, tvquant)
    paths = ("all/custom/equal_weight", "base_universe_ew", "benchmark")
    assert set(cells) == {f"{path}/{name}" for path in paths for name in NAMES}
    for path in paths:
        for figure in ("sharpe", "cagr", "max_drawdown"):
            ours, *theirs = (cells[f"{path}/{name}"][figure] for name in NAMES)
            assert ours != 0.0
            assert theirs == pytest.approx([ours, ours], rel=1e-9), (path, figure)
    report = Path(said.document["report"]).read_text("utf-8")
    assert report.count("Against base_universe_ew (") == report.count("Against benchmark (") == 1
    assert "1 strategy, in 3 cells of several simulators in this run" in report
    assert all(f"all/custom/equal_weight/{name}" in report for name in NAMES)
    assert tvquant("ledger", "verify", said.document["run"], "-w", home).code == 0


@pytest.mark.requirement("R-SIM-10")
def test_a_book_that_is_refused_as_it_is_played_fails_with_its_reason_and_the_others_stand(
    home: Path, tvquant: Callable[..., Any]
) -> None:
    """All of the equity is invested, so that the cost of it has to be borrowed, and vectorbt has no margin account."""
    said = tvquant("run", "whole", "-w", home, "--json")
    assert said.code == 0, said.err
    cells = cells_of(said, home, tvquant)
    refused = {}
    for path in ("all/custom/equal_weight", "base_universe_ew", "benchmark"):
        why = cells[f"{path}/vectorbt"]["why"]
        assert why.startswith("simulator vectorbt refuses leverage: BINANCE:")
        assert "set execution.buffer: 0.005 or more" in why
        ours, theirs = cells[f"{path}/custom"], cells[f"{path}/cvxportfolio"]
        assert theirs["sharpe"] == pytest.approx(ours["sharpe"], rel=1e-9)
        refused[path] = why
    report = Path(said.document["report"]).read_text("utf-8")
    assert "simulator vectorbt refuses leverage" in report
    shown = tvquant("runs", "show", said.document["run"], "-w", home)
    (first, why), *others = refused.items()
    assert f"! No book of {first}/vectorbt and {len(others)} more like it (--json has all): {why}." in shown.out
    assert "None" not in shown.out


def test_participation_without_volumes_is_refused_before_anything_is_decided(
    home: Path, tvquant: Callable[..., Any]
) -> None:
    before = set(home.glob("artifacts/summaries/runs/*-spared-*"))
    said = tvquant(
        "run", "spared", "-w", home, "--set", "execution.participation=0.1", "--set", "execution.nav=1000000"
    )
    assert said.code == 2
    assert "execution.participation is measured of volumes, and this panel has none" in said.err
    (made,) = set(home.glob("artifacts/summaries/runs/*-spared-*")) - before
    assert not (made / PINNED).exists()


@pytest.mark.requirement("R-SIM-10")
def test_a_simulator_that_refuses_what_the_profile_asks_is_left_out_with_a_notice(
    home: Path, tvquant: Callable[..., Any]
) -> None:
    shown = tvquant("run", "mine", "-w", home, "--dry-run", "--json")
    assert shown.code == 0, shown.err
    said = "simulator vectorbt refuses borrow (costs.borrow_rate): no book of it is made; it would keep one with "
    assert f"{said}costs.borrow_rate: 0.0" in str(shown.document)
