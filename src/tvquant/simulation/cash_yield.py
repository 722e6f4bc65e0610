"""Cash yield: what idle cash earns, row by row. The kernel accrues it (`_accrue`)."""

import numpy as np

from tvquant.core.books import CostModel
from tvquant.core.errors import ProfileError
from tvquant.core.panel import Floats, Panel, frozen


def yields_of(costs: CostModel, panel: Panel, first: int) -> Floats:
    """Return the rate per year of each row of the panel (T), earned from the row before to it; empty where all are 0.

    Rows up to `first`, the first that is filled, earn nothing.

    Raises
    ------
    ProfileError : another number of rates than the panel has rows, or one that is no rate.
    """
    if not isinstance(costs.cash_yield, np.ndarray) and costs.cash_yield == 0.0:
        return frozen(np.empty(0))
    rows, given = len(panel.times), np.asarray(costs.cash_yield, np.float64)
    if given.ndim and given.shape != (rows,):
        raise ProfileError(f"costs.cash_yield has the shape {given.shape}, expected one rate or one of {rows} rows")
    rates = np.broadcast_to(given, (rows,))
    bad = np.flatnonzero(~((rates[first + 1 :] > -1.0) & (rates[first + 1 :] < np.inf)))
    if len(bad):
        row = first + 1 + int(bad[0])
        raise ProfileError(
            f"costs.cash_yield is {rates[row]} at {panel.times[row]}, expected a fraction per year above -1"
        )
    if not rates[first + 1 :].any():
        return frozen(np.empty(0))
    return frozen(np.where(np.arange(rows) > first, rates, 0.0))
