"""Outlier survival: after a window in which a path lost more than half, its next books are spread and smaller.

The loss is that of the weights it decided last, bought and held over the closes since their mark, as the view has them:
before costs and fills, since a path is decided once and settled in many books (R-RSK-22).
"""

import numpy as np

from tvquant.core.allocations import Attempt
from tvquant.core.decisions import Survival
from tvquant.core.instruments import Instant
from tvquant.core.panel import Floats
from tvquant.tournament.specs import Previous
from tvquant.tournament.views import View

LOSS = 0.50
"""Drawdown of a window above which the next rebalances are protected."""
REBALANCES = 3
ROUNDING = 1e-9
"""Of a bound: a loss that is as near to the limit is found itself."""
L2 = 0.10
"""Added to the coefficient of the squared weights, in mean variances."""
BUDGET = 0.50
"""Most of equity that is invested."""


def survival(view: View, previous: Previous) -> Survival | None:
    """Return what protects the decision at the view; None where nothing does."""
    if previous.protected <= 1 and _is_calm(view, previous):
        return None
    lost = drawdown(view, previous)
    left = REBALANCES if lost > LOSS else max(0, previous.protected - 1)
    return Survival(drawdown=lost, left=left) if left else None


def drawdown(view: View, previous: Previous) -> float:
    """Return the deepest fall from a peak of the equity of the previous weights, since their mark."""
    if previous.since is None or not previous.weights:
        return 0.0
    gain = _gain(view, previous.since)
    held = gain[:, view.panel.columns(tuple(previous.weights))]
    equity: Floats = np.append(1.0, 1.0 + held @ np.array([*previous.weights.values()]))
    return float((1.0 - equity / np.maximum.accumulate(equity)).max())


def _is_calm(view: View, previous: Previous) -> bool:
    """Return whether the previous weights cannot have lost as much, whatever came first: most decisions ask no more.

    Each name's largest gain or loss since the mark, times its weight, is the most that it moved the equity, either way.
    """
    if previous.since is None or not previous.weights:
        return True
    since = previous.since
    most = view.once(("most since", since), lambda: _most(view, since))
    moved = sum(abs(weight) * most[name] for name, weight in previous.weights.items())
    return 2.0 * moved < (LOSS - ROUNDING) * (1.0 + moved)


def _most(view: View, since: Instant) -> dict[str, float]:
    """Return the largest of the gains of each name after a bar, without sign."""
    return dict(zip(view.panel.keys, np.abs(_gain(view, since)).max(axis=0, initial=0.0).tolist(), strict=True))


def _gain(view: View, since: Instant) -> Floats:
    """Return what each name of a view has gained by each row after a bar (R x N)."""

    def compute() -> Floats:
        panel = view.panel
        returns = panel.fields["total_return"][int(np.searchsorted(panel.times, since, side="right")) :]
        gain: Floats = np.cumprod(1.0 + np.where(np.isfinite(returns), returns, 0.0), axis=0) - 1.0
        return gain

    return view.once(("gain since", since), compute)


def told(found: Survival) -> Attempt:
    """Return what was done, for the record."""
    asked = f"L2 + {L2:.2f} and at most {BUDGET:.0%} invested, here and at {found.left - 1} rebalances more"
    return Attempt(what="outlier survival", outcome=f"drawdown since the last decision {found.drawdown:.1%}: {asked}")
