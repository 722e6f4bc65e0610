"""Orders of a path on its market, all checked: what every simulator that keeps one book is given.

Importing this module imports numba.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import CostModel, Execution, WeightPath
from tvquant.core.instruments import Instrument
from tvquant.core.panel import Panel, frozen
from tvquant.simulation.account import PriceRows
from tvquant.simulation.preflight import (
    Columns,
    check_path,
    check_rules,
    check_supported,
    check_traded,
    columns_of,
    fill_rows,
    instruments_of,
    ordered,
)
from tvquant.simulation.quotes import market_of
from tvquant.simulation.simulators.contract import Simulator


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CheckedOrders:
    """K orders of N names: those of which the fill is within the panel.

    Parameters
    ----------
    path : what is ordered at each mark; `filled` are the K rows of the fills.
    columns : of the panel; None is all of them in its order.
    """

    path: WeightPath
    filled: NDArray[np.int64]

    columns: Columns
    instruments: tuple[Instrument, ...]
    market: PriceRows


def checked_orders(
    simulator: Simulator, panel: Panel, path: WeightPath, costs: CostModel, execution: Execution
) -> CheckedOrders:
    """Return what is ordered of the decisions of a path, and the market that fills it.

    Raises
    ------
    ProfileError : a rule out of range or refused by the simulator, or `next_open` on a panel without opens.
    ModelError : weights that cannot be traded: not finite, an unknown or never traded name, no fill in the panel.
    DataError : an impossible price or corporate action.
    """
    check_rules(costs, execution)
    check_supported(simulator, costs, execution)
    check_path(panel, path)
    path = ordered(path, execution, len(panel.times))
    columns = columns_of(panel, path)
    filled = fill_rows(path.decided, execution, len(panel.times))
    market = market_of(
        panel, columns, halt_limit=execution.halt_limit, open_fills=filled if execution.at_open else None
    )
    check_traded(market.marks, path)
    fills = len(filled)
    net, decided = np.ascontiguousarray(path.net[:fills]), np.ascontiguousarray(path.decided[:fills])
    return CheckedOrders(
        path=replace(path, net=frozen(net), decided=frozen(decided)),
        filled=frozen(filled),
        columns=columns,
        instruments=instruments_of(panel, columns),
        market=market,
    )
