"""Common ground of all simulators: what is refused before a book is played, and which rows fill.

Pure functions over a panel and a path, so that simulators differ in how they keep an account and in nothing else.
"""

from dataclasses import fields, replace
from itertools import pairwise
from numbers import Integral, Real

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import Convention, CostModel, Execution, Rebalancing, Spread, WeightPath
from tvquant.core.demands import demands
from tvquant.core.errors import ModelError, ProfileError
from tvquant.core.instruments import Instrument
from tvquant.core.panel import Bools, Floats, Panel, frozen
from tvquant.core.quoting import shown
from tvquant.simulation.simulators.contract import Simulator, refusals_of

NUMBERS, WHOLE_NUMBERS = (float, int, Real), (int, Integral)
"""Their first types are told at once, which the abstract ones are not."""
type Columns = NDArray[np.intp] | None
"""Column numbers of the panel; None is all of them in the panel's order."""


def check_rules(costs: CostModel, execution: Execution) -> None:
    """Refuse a rate, a count or a choice out of range; ProfileError names the key."""
    for name, value, most in (
        ("costs.slippage_bps", costs.slippage_bps, 1e4),
        ("costs.commission_bps", costs.commission_bps, 1e4),
        ("costs.borrow_rate", costs.borrow_rate, np.inf),
        ("costs.assumed_funding_bps", costs.assumed_funding_bps, 1e4),
        ("execution.lag", execution.lag, np.inf),
        ("execution.halt_limit", execution.halt_limit, np.inf),
        ("execution.delisting_haircut", execution.delisting_haircut, 1.0),
        ("execution.band", execution.band, 1.0),
        ("execution.partial", execution.partial, 1.0),
        ("execution.buffer", execution.buffer, 1.0),
        ("execution.nav", 0.0 if execution.nav is None else execution.nav, np.inf),
        ("execution.participation", 0.0 if execution.participation is None else execution.participation, 1.0),
        ("execution.maintenance_margin", execution.maintenance_margin, 1.0),
        ("costs.impact", costs.impact, np.inf),
        ("costs.maker_share", costs.maker_share, 1.0),
        *((f"costs.borrow_rates of {symbol}", rate, np.inf) for symbol, rate in costs.borrow_rates),
    ):
        if not isinstance(value, NUMBERS) or not 0.0 <= value <= most or value == np.inf:
            raise ProfileError(f"{name} must be a number from 0 to {most:g}, found {shown(value)}")
    if not isinstance(execution.lag, WHOLE_NUMBERS):
        raise ProfileError(f"execution.lag must be a whole number of rows, found {shown(execution.lag)}")
    for name, above in (
        ("partial", execution.partial), ("nav", execution.nav), ("participation", execution.participation)
    ):  # fmt: skip
        if above == 0.0:
            raise ProfileError(f"execution.{name} must be above 0, found {shown(above)}")
    _check_choices(costs, execution)


def _check_choices(costs: CostModel, execution: Execution) -> None:
    """Refuse a choice that there is not, tiers that do not ascend from 0, and two rates of one symbol."""
    for key, chosen, kind in (
        ("costs.spread", costs.spread, Spread),
        ("execution.convention", execution.convention, Convention),
        ("execution.rebalancing", execution.rebalancing, Rebalancing),
    ):
        if not isinstance(chosen, kind):
            raise ProfileError(f"{key} must be a {kind.__name__}: {', '.join(kind)}; found {shown(chosen)}")
    for one in costs.tiers:
        for name, value, least in (("traded", one.traded, 0.0), ("maker_bps", one.maker_bps, -1e4),
                                   ("taker_bps", one.taker_bps, 0.0)):  # fmt: skip
            if not isinstance(value, NUMBERS) or not least <= value < np.inf:
                raise ProfileError(f"costs.tiers: {name} must be a number from {least:g}, found {shown(value)}")
    traded = [one.traded for one in costs.tiers]
    if traded and (traded[0] != 0.0 or not all(low < high for low, high in pairwise(traded))):
        raise ProfileError(f"costs.tiers must have `traded` from 0 upwards, each once, found {shown(traded)}")
    symbols = [symbol for symbol, _ in costs.borrow_rates]
    if len(set(symbols)) < len(symbols):
        raise ProfileError(f"costs.borrow_rates must name a symbol once, found {shown(symbols)}")


def check_supported(simulator: Simulator, costs: CostModel, execution: Execution) -> None:
    """Refuse rules that ask for what the simulator refuses; ProfileError names key and capability."""
    refused = refusals_of(simulator)
    if not refused:
        return
    rules = {f"costs.{one.name}": getattr(costs, one.name) for one in fields(costs)}
    rules |= {f"execution.{one.name}": getattr(execution, one.name) for one in fields(execution)}
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


def ordered(path: WeightPath, execution: Execution, rows: int) -> WeightPath:
    """Return what is ordered of the decisions on a panel of `rows` rows: what every simulator plays in their place.

    Weights are less the buffer. Under daily rebalancing there is an order at every row from the first decision on, with
    the weights of the last one (R-SIM-07, R-SIM-11); otherwise one at each decision.
    """
    net, decided = path.net, path.decided
    if execution.rebalancing == Rebalancing.DAILY and len(decided):
        every = np.arange(decided[0], rows, dtype=np.int64)
        net, decided = net[decisions_at(decided, every)], every
    if execution.buffer > 0.0:
        net = net * (1.0 - execution.buffer)
    return path if net is path.net else replace(path, net=frozen(net), decided=frozen(decided))


def decisions_at(decided: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of the decision in force at each row: the last that was made at it or before; -1 if none."""
    return np.searchsorted(decided, rows, side="right") - 1


def decisions_filled(decided: NDArray[np.int64], filled: NDArray[np.int64], execution: Execution) -> NDArray[np.int64]:
    """Return the number of the decision whose weights each fill of a book restored, by the rows of the fills."""
    return decisions_at(decided, filled - delay(execution))


def delay(execution: Execution) -> int:
    """Return how many rows after its decision an order is filled."""
    return execution.lag + (execution.convention is not Convention.SAME_CLOSE)


def columns_of(panel: Panel, path: WeightPath) -> Columns:
    """Return the panel's column numbers of the path's names, None where all are the same; ModelError if unknown."""
    known = panel.keys
    if path.keys == known:
        return None
    unknown = sorted(set(path.keys).difference(known))
    if unknown or len(set(path.keys)) < len(path.keys):
        raise ModelError(f"weights must name instruments of the panel, once each; unknown: {unknown or 'none'}")
    return panel.columns(path.keys)


def instruments_of(panel: Panel, columns: Columns) -> tuple[Instrument, ...]:
    """Return the instruments in the chosen columns."""
    return panel.instruments if columns is None else tuple(panel.instruments[j] for j in columns)


def swaps_of(panel: Panel, columns: Columns) -> Bools:
    """Return which of the instruments in the chosen columns are swaps."""
    return panel.swaps if columns is None else frozen(panel.swaps[columns])


def fill_rows(decided: NDArray[np.int64], execution: Execution, end: int) -> NDArray[np.int64]:
    """Return the rows at which decisions are filled, of those that a panel of `end` rows reaches.

    `next_open` fills at the open of row `decided + 1 + lag`, `next_close` at its close, `same_close` at the close of
    row `decided + lag`; quantities are fixed at the close of the row decided on (R-SIM-04).
    """
    rows = decided + delay(execution)
    filled = rows[: rows.searchsorted(end)]
    if len(filled) == 0:
        raise ModelError(f"no decision is filled: fills are due at rows {rows.tolist()} and the panel has {end} rows")
    return filled


def first_opens(opens: Floats) -> NDArray[np.int64]:
    """Return the first row at which each name has an open (N), the number of rows where none has.

    Under fills at the open a name without one so far is filled at the close of the row. A name that had one and lacks
    it at a fill is not filled: whether it will ever have one nobody knows at the fill.
    """
    there = opens > 0.0
    return np.where(there.any(axis=0), there.argmax(axis=0), len(opens))


def fill_prices(panel: Panel, row: int, convention: Convention) -> Floats:
    """Return what each name (N) is filled at in a row: the close, or under `next_open` the open if it has had any."""
    close: Floats = panel.fields["close"][row]
    if convention is not Convention.NEXT_OPEN:
        return close
    opens = panel.fields["open"]
    never = ~(opens[row] > 0.0)
    never[never] = ~(opens[:row, never] > 0.0).any(axis=0)
    price: Floats = np.where(never, close, opens[row])
    return price


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
