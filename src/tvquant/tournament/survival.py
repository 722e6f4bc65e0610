"""Outlier survival: after a window in which a path lost more than half, its next books are spread and smaller.

The loss is that of the weights it decided last, bought and held over the closes since their mark, as the view has them:
before costs and fills, since a path is decided once and settled in many books (R-RSK-22).
"""

import numpy as np

from tvquant.core.allocations import Attempt
from tvquant.core.decisions import Survival
from tvquant.core.instruments import Instant
from tvquant.core.panel import Floats, Panel
from tvquant.tournament.specs import Previous
from tvquant.tournament.views import View

LOSS = 0.50
"""Drawdown of a window above which the next rebalances are protected."""
REBALANCES = 3
L2 = 0.10
"""Added to the coefficient of the squared weights, in mean variances."""
BUDGET = 0.50
"""Most of equity that is invested."""


def survival(view: View, previous: Previous) -> Survival | None:
    """Return what protects the decision at the view; None where nothing does."""
    lost = drawdown(view, previous)
    left = REBALANCES if lost > LOSS else max(0, previous.protected - 1)
    return Survival(drawdown=lost, left=left) if left else None


def drawdown(view: View, previous: Previous) -> float:
    """Return the deepest fall from a peak of the equity of the previous weights, since their mark."""
    if previous.since is None or not previous.weights:
        return 0.0
    panel, since = view.panel, previous.since
    gain = view.once(("gain since", since), lambda: _gain(panel, since))
    held = gain[:, panel.columns(tuple(previous.weights))]
    equity: Floats = np.append(1.0, 1.0 + held @ np.array([*previous.weights.values()]))
    return float((1.0 - equity / np.maximum.accumulate(equity)).max())


def _gain(panel: Panel, since: Instant) -> Floats:
    """Return what each name of a panel has gained by each row after a bar (R x N)."""
    returns = panel.fields["total_return"][int(np.searchsorted(panel.times, since, side="right")) :]
    gain: Floats = np.cumprod(1.0 + np.where(np.isfinite(returns), returns, 0.0), axis=0) - 1.0
    return gain


def told(found: Survival) -> Attempt:
    """Return what was done, for the record."""
    asked = f"L2 + {L2:.2f} and at most {BUDGET:.0%} invested, here and at {found.left - 1} rebalances more"
    return Attempt(what="outlier survival", outcome=f"drawdown since the last decision {found.drawdown:.1%}: {asked}")
