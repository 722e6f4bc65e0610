"""In the demo nobody holds more than twice what the method itself would give without limits; found by other means."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.optimize import nnls

from tvquant.allocation.engines.custom.hrp import hrp_weights
from tvquant.allocation.risk.catalogue import RISK_PROFILES
from tvquant.app.workspace import Workspace
from tvquant.core.panel import Floats
from tvquant.core.regimes import Quadrant
from tvquant.lake import Snapshot
from tvquant.ledger import RunFolder
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.statistics import estimate

pytestmark = pytest.mark.xdist_group("demo")

WINDOWS = 6
ROWS = 60


def unit_return(matrix: Floats, means: Floats) -> Floats:
    """Weights >= 0 of the best mean per volatility, or of the least variance where all means are 1: y'Sy - 2 m'y."""
    root = np.linalg.cholesky(matrix / np.trace(matrix))
    found, _ = nnls(root.T, np.linalg.solve(root, means / np.abs(means).max()), maxiter=1000)
    return found


def equal_risk(matrix: Floats) -> Floats:
    """Weights > 0 with w_i (Sw)_i = 1, name by name from the root of its own quadratic."""
    scaled, weights = matrix / np.trace(matrix), np.ones(len(matrix))
    for _ in range(100):
        for i, variance in enumerate(np.diag(scaled)):
            others = scaled[i] @ weights - variance * weights[i]
            weights[i] = (np.sqrt(others**2 + 4.0 * variance) - others) / (2.0 * variance)
    return weights


def own_weights(name: str, matrix: Floats, means: Floats) -> Floats:
    n = len(matrix)
    made = {
        "equal_weight": lambda: np.ones(n),
        "min_variance": lambda: unit_return(matrix, np.ones(n)),
        "max_sharpe": lambda: unit_return(matrix, means),
        "risk_parity": lambda: equal_risk(matrix),
        "hrp": lambda: hrp_weights(matrix),
        "barbell": lambda: hrp_weights(matrix),
    }[name]()
    return made / made.sum()


@pytest.mark.requirement("R-RSK-10")
def test_nobody_holds_more_than_twice_its_own_weight(demo: tuple[Path, dict[str, Any]]) -> None:
    """Equal weights hold every winner, and so say who they are. A fallback has the L2 of the profile asked for."""
    home, said = demo
    run = RecordedRun(RunFolder(Path(said["report"]).parents[1]))
    assert run.plan is not None
    panel = Workspace(home).lake().panel(Snapshot.from_json(run.plan.snapshot))
    returns, l2 = panel.fields["total_return"], run.resolved.profile.allocation.l2
    held = run.table("atoms").filter(pl.col("weight") > 0.0)
    names = held.filter(pl.col("cell") == "v4/custom/equal_weight/custom")
    assert set(held["direction"]) == {"LONG"}
    bound = dict.fromkeys(("barbell", "equal_weight", "min_variance", "hrp", "risk_parity", "max_sharpe"), 0)
    decided = run.table("windows").filter(pl.col("cell").str.starts_with("v4/") & pl.col("condition").is_finite())
    windows = decided["window"].unique(maintain_order=True).sort()
    for window in windows[:: len(windows) // WINDOWS]:
        winners = names.filter(pl.col("window") == window)["symbol"].to_list()
        n = len(winners)
        for one in decided.filter(pl.col("window") == window).iter_rows(named=True):
            row = int(np.searchsorted(panel.times, np.datetime64(one["decided_at"])))
            seen = returns[row - ROWS + 1 : row + 1, panel.columns(tuple(winners))]
            known = estimate(seen, intensity=1.5 if one["flags"] == "hardened" else 1.0)
            assert known.condition == pytest.approx(one["condition"], rel=1e-9), "these are the rows it was decided on"
            profile = RISK_PROFILES[one["risk_profile"]]
            least = max(l2.of(Quadrant(one["regime_quadrant"])), RISK_PROFILES[one["cell"].split("/")[2]].least_l2)
            added = least * np.trace(known.matrix) / n / (1.0 + known.ridge)
            loaded = known.matrix + added * np.eye(n) * (profile.name in ("min_variance", "max_sharpe"))
            most = np.maximum(2.0 * own_weights(profile.name, loaded, known.means), 1.0 / n)
            mine = held.filter((pl.col("window") == window) & (pl.col("cell") == one["cell"]))
            weights = dict(zip(mine["symbol"], mine["weight"], strict=True))
            excess = np.array([weights.get(name, 0.0) for name in winners]) - most
            assert set(weights) <= set(winners)
            assert excess.max() <= 1e-6, (one["cell"], window)
            bound[profile.name] += int((excess >= -1e-6).sum())
    assert min(bound["min_variance"], bound["max_sharpe"], bound["hrp"]) > 0, bound
