"""Common ground of all simulators: what is refused before a book is played, and which rows fill.

Pure functions over a panel and a path, so that simulators differ in how they keep an account and in nothing else.
"""

from dataclasses import fields
from numbers import Integral, Real

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import Convention, CostModel, Execution, WeightPath
from tvquant.core.errors import ModelError, ProfileError
from tvquant.core.panel import Floats, Panel
from tvquant.core.quoting import shown
from tvquant.profiles.demands import demands
from tvquant.simulation.simulators.contract import Simulator, refusals_of

type Columns = NDArray[np.intp] | None
"""Column numbers of the panel; None is all of them in the panel's order."""


def check_rules(costs: CostModel, execution: Execution) -> None:
    """Refuse a rate or a count out of range; ProfileError names the key."""
    for name, value, most in (
        ("costs.slippage_bps", costs.slippage_bps, 1e4),
        ("costs.commission_bps", costs.commission_bps, 1e4),
        ("costs.borrow_rate", costs.borrow_rate, np.inf),
        ("costs.assumed_funding_bps", costs.assumed_funding_bps, 1e4),
        ("execution.lag", execution.lag, np.inf),
        ("execution.halt_limit", execution.halt_limit, np.inf),
        ("execution.delisting_haircut", execution.delisting_haircut, 1.0),
    ):
        if not isinstance(value, Real) or not 0.0 <= value <= most or value == np.inf:
            raise ProfileError(f"{name} must be a number from 0 to {most:g}, found {shown(value)}")
    if not isinstance(execution.lag, Integral):
        raise ProfileError(f"execution.lag must be a whole number of rows, found {shown(execution.lag)}")


def check_supported(simulator: Simulator, costs: CostModel, execution: Execution) -> None:
    """Refuse rules that ask for what the simulator refuses; ProfileError names key and capability."""
    rules = {f"costs.{one.name}": getattr(costs, one.name) for one in fields(costs)}
    rules |= {f"execution.{one.name}": getattr(execution, one.name) for one in fields(execution)}
    refused = refusals_of(simulator)
    for key, capability in demands(rules):
        if capability in refused:
            raise ProfileError(f"{key}: simulator {simulator.name} refuses {capability}")


def check_path(panel: Panel, path: WeightPath) -> None:
    """Refuse weights (K x N) that are not finite (ModelError), or rows that do not increase within the panel."""
    shape, rows = (len(path.decided), len(path.keys)), path.decided
    if path.net.shape != shape:
        raise ValueError(f"weights have shape {path.net.shape}, expected decisions x keys {shape}")
    if not np.isfinite(path.net).all():
        k, j = (int(i) for i in np.argwhere(~np.isfinite(path.net))[0])
        raise ModelError(
            f"{path.keys[j]}: weight at decision {k} (row {rows[k]}) is {path.net[k, j]}, expected a finite number"
        )
    if shape[0] and not (rows[0] >= 0 and rows[-1] < len(panel.times) and (rows[1:] > rows[:-1]).all()):
        raise ValueError(f"decision rows must increase within 0..{len(panel.times) - 1}, found {rows.tolist()}")


def columns_of(panel: Panel, path: WeightPath) -> Columns:
    """Return the panel's column numbers of the path's names, None where all are the same; ModelError if unknown."""
    known = panel.keys
    if path.keys == known:
        return None
    unknown = sorted(set(path.keys).difference(known))
    if unknown or len(set(path.keys)) < len(path.keys):
        raise ModelError(f"weights must name instruments of the panel, once each; unknown: {unknown or 'none'}")
    return panel.columns(path.keys)


def fill_rows(decided: NDArray[np.int64], execution: Execution, end: int) -> NDArray[np.int64]:
    """Return the rows at which decisions are filled, of those that a panel of `end` rows reaches.

    `next_open` fills at the open of row `decided + 1 + lag`, `next_close` at its close, `same_close` at the close of
    row `decided + lag`; quantities are fixed at the close of the row decided on (R-SIM-04).
    """
    rows = decided + execution.lag + (execution.convention is not Convention.SAME_CLOSE)
    filled = rows[: np.searchsorted(rows, end)]
    if len(filled) == 0:
        raise ModelError(f"no decision is filled: fills are due at rows {rows.tolist()} and the panel has {end} rows")
    return filled


def check_traded(marks: Floats, path: WeightPath) -> None:
    """Refuse a weight that has no price to become a quantity; `marks` (T x N) are 0 before a name's first bar."""
    if marks[path.decided[0]].all():
        return
    bad = np.argwhere((path.net != 0.0) & (marks[path.decided] == 0.0))
    if len(bad):
        k, j = (int(i) for i in bad[0])
        raise ModelError(
            f"{path.keys[j]}: weight {path.net[k, j]:g} at decision {k} (row {path.decided[k]}) comes before its first "
            "bar; a decision must not name it yet"
        )
