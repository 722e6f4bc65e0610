"""Bounds of orders as they are known at each decision: the lot, the least value of an order, the most of a fill.

They are of an account of `execution.nav`, while a book starts with a capital of 1: a lot of q units is q / nav here.
"""

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import Execution
from tvquant.core.errors import ProfileError
from tvquant.core.instruments import Instrument
from tvquant.core.panel import Bools, Floats, Panel, Times, frozen
from tvquant.simulation.account import LEAST, LOT, MOST
from tvquant.simulation.fill_rates import mean_traded_value
from tvquant.simulation.preflight import Columns, instruments_of
from tvquant.symbology.tick_lot import assumed_lots


def bounds_of(
    panel: Panel, columns: Columns, marks: Floats, *, decided: NDArray[np.int64], execution: Execution
) -> tuple[Floats, Bools]:
    """Return bounds (3 x K x N; none without such a rule), and the names (N) of which a lot was assumed.

    A lot that nobody has told by the decision is assumed from the name's kind and its mark (of `marks`, T x N); a least
    value is not.

    Raises
    ------
    ProfileError : a rule without `execution.nav`, or participation without volumes.
    """
    names = marks.shape[1]
    if not execution.lots and execution.participation is None:
        return frozen(np.empty((0, len(decided), names))), np.zeros(names, np.bool_)
    if execution.nav is None:
        key = "lots" if execution.lots else "participation"
        raise ProfileError(
            f"execution.{key} needs execution.nav, the equity in base currency that the book starts with"
        )
    bounds, assumed = np.zeros((3, len(decided), names)), np.zeros(names, np.bool_)
    bounds[MOST] = np.inf
    if execution.lots:
        known, marks = _known(panel, decided), marks[decided]
        for j, one in enumerate(instruments_of(panel, columns)):
            told = told_by(one, "lot", known)
            assumed[j] = (np.isnan(told) & (marks[:, j] > 0.0)).any()
            lots = np.where(np.isnan(told), assumed_lots(one.kinds, marks[:, j]), told)
            bounds[LOT, :, j], bounds[LEAST, :, j] = lots, np.nan_to_num(told_by(one, "min_notional", known))
        bounds /= execution.nav
    if execution.participation is not None:
        value = mean_traded_value(panel, columns, decided)
        bounds[MOST] = execution.participation * value / execution.nav
    return frozen(bounds), assumed


def told_by(instrument: Instrument, field: str, known: Times) -> Floats:
    """Return a dated number of an instrument as it was known at each moment (K); NaN where it was not."""
    facts = [fact for fact in instrument.facts if fact.field == field]
    values = np.array([np.nan, *(fact.value for fact in facts)], dtype=np.float64)
    found: Floats = values[np.searchsorted(np.array([f.known_at for f in facts], known.dtype), known, side="right")]
    return found


def _known(panel: Panel, decided: NDArray[np.int64]) -> Times:
    """Return when each decision was made (K): when the first of the names with a bar in its row became known."""
    known, there = panel.known_at[decided], panel.tradable[decided]
    first: Times = np.where(there, known, known.max(axis=1, keepdims=True)).min(axis=1)
    return first
