"""Neutral books: the weights of a feasible set whose beta is within a tolerance (R-RSK-16).

The budget stays that of all other limits: what a beta would take from it is another book, not a neutral one.
"""

from dataclasses import replace

import numpy as np

from tvquant.allocation import budgets
from tvquant.allocation.caps import Family, FeasibleSet
from tvquant.core.neutrality import Beta, Neutrality
from tvquant.core.panel import Floats, frozen


def within(feasible: FeasibleSet, beta: Beta, tolerance: float) -> FeasibleSet:
    """Return the set with abs(w'beta) <= tolerance among its rows."""
    return replace(
        feasible,
        rows=frozen(np.vstack((feasible.rows, beta.values, -beta.values))),
        bounds=frozen(np.append(feasible.bounds, (tolerance, tolerance))),
        families=(*feasible.families, Family.BETA, Family.BETA),
        labels=(*feasible.labels, Family.BETA.value, Family.BETA.value),
    )


def nearest_to_zero(feasible: FeasibleSet, beta: Beta) -> float:
    """Return the beta nearest to 0 that a book of the set's budget can have; not a number where no book keeps it."""
    ends = [
        budgets.largest(
            sign * beta.values,
            feasible.lower,
            feasible.upper,
            feasible.rows,
            feasible.bounds,
            feasible.budget,
            feasible.trades,
        )
        for sign in (1.0, -1.0)
    ]
    if ends[0] is None or ends[1] is None:
        return np.nan
    most, least = ends[0], -ends[1]
    return least if least > 0.0 else min(most, 0.0)


def neutrality(weights: Floats, beta: Beta, tolerance: float | None) -> Neutrality:
    """Return what a book's beta is, and the tolerance that it was made within."""
    held, invested = float(weights @ beta.values), float(weights.sum())
    return Neutrality(
        benchmark=beta.benchmark,
        beta=held,
        per_invested=held / invested if invested > 0.0 else 0.0,
        tolerance=tolerance,
    )
