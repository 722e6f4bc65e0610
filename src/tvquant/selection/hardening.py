"""Hardening: a pool that is as hard to predict as noise gets a stricter ceiling of entropy (R-SEL-28).

1. The mean entropy of the pool counts each asset once: two atoms of one asset are not two signs.
2. Calibrated, it is held against the 95th percentile of the same mean on matched noise: as many names, each with as
   many returns, independent of each other. Names that move together make the mean of a pool less certain than that:
   noise with a market in it is hardened more often than one time in twenty.
3. As specified, against 0.95.
4. What follows is applied once, to all stages of relaxation: the entropy veto rejects half as much noise again (as
   specified, its ceiling is a tenth lower), and allocation shrinks its covariance by half as much again.

It belongs to the entropy veto: where that is switched off there is none.
"""

from dataclasses import dataclass

import numpy as np

from tvquant.selection.contract import SelectionContext
from tvquant.statistics import SHORTEST, null_mean_quantile

HARDENED = "hardened"
"""Flag in the response."""
HARDENING = "hardening"
"""Name of the mean and its limit among the thresholds."""
NULL_PERCENTILE, SPECIFIED_LIMIT = 0.95, 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardening:
    """Mean entropy of a pool and the limit above which it is hardened; NaN where nobody has an entropy or a null."""

    mean: float
    limit: float

    @property
    def flags(self) -> frozenset[str]:
        """`hardened`, or nothing."""
        return frozenset({HARDENED}) if self.mean > self.limit else frozenset()

    @property
    def thresholds(self) -> dict[str, dict[str, float]]:
        """Both figures under the name of the rule; nothing where there are none."""
        return {HARDENING: {"mean": self.mean, "limit": self.limit}} if np.isfinite(self.limit) else {}


NOT_JUDGED = Hardening(mean=float("nan"), limit=float("nan"))


def hardening(context: SelectionContext) -> Hardening:
    """Return the mean entropy of the pool's assets, and its limit under the profile's thresholds."""
    ids, atoms = context.pool.ids, context.pool.atoms
    # The first id of an asset speaks for it, and sums are taken in the order of ids: that of the pool does not matter.
    ordered = sorted(range(len(ids)), key=ids.__getitem__, reverse=True)
    one_each = list({atoms[k].physical_symbol: k for k in ordered}.values())
    entropy, count = context.of_atoms("entropy")[one_each], context.of_atoms("observations")[one_each].astype(np.int64)
    calibrated = context.parameters.thresholds == "calibrated"
    there = np.isfinite(entropy) & ((count >= SHORTEST) | (not calibrated))
    if not there.any():
        return NOT_JUDGED
    limit = null_mean_quantile(count[there], NULL_PERCENTILE) if calibrated else SPECIFIED_LIMIT
    return Hardening(mean=float(entropy[there].mean()), limit=limit)
