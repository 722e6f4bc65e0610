"""Sleeves played again on the rows of the account: what each would have been by itself there, with its own trades.

A sleeve's stream says what became of it, not what it traded. Its decisions settled on the account's own rows, by the
rules of the account, say both. Where its calendar has other rows and a decision waits, this is not its stream; what
lies between the two is timing (`gap`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tvquant.core.books import CostModel, Execution, SimResult, WeightPath
from tvquant.core.panel import Floats, Panel
from tvquant.core.sleeves import Sleeve
from tvquant.simulation import SIMULATORS
from tvquant.simulation.preflight import delay
from tvquant.tournament.sleeves.flattening import Numbers, effective

REFEREE = "custom"
"""The simulator that keeps the books of comparison: it refuses nothing, and the others are held to it by parity."""
HOUSE = ("slippage", "commission")
"""Costs of a trade that are in proportion to its value."""
CARRIED = ("borrow", "overdraft", "funding", "impact")
"""Costs that positions of several sleeves have less of together."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OwnBook:
    """A book on all T rows of a panel with N names: cash of 1 until its first fill.

    Parameters
    ----------
    level : T equity at the closes.
    quantities : T x N held after them.
    house, carried : T costs of the row that are in proportion to what was traded, and what holding cost.
    """

    level: Floats
    quantities: Floats
    house: Floats
    carried: Floats


def played(panel: Panel, path: WeightPath, costs: CostModel, execution: Execution) -> SimResult:
    """Return the book of a path as the referee keeps it."""
    return SIMULATORS[REFEREE].simulate(panel, path, (), costs=costs, execution=execution)


def on_all_rows(panel: Panel, result: SimResult, columns: Numbers) -> OwnBook:
    """Return a book of names in these columns of the panel, on all its rows."""
    rows = len(panel.times)
    first = rows - len(result.times)
    quantities = np.zeros((rows, len(panel.instruments)))
    quantities[first:, columns] = result.quantities

    def padded(values: Floats, before: float) -> Floats:
        return np.concatenate([np.full(first, before), values])

    return OwnBook(
        level=padded(result.equity, 1.0),
        quantities=quantities,
        house=padded(np.sum([result.costs[name] for name in HOUSE], axis=0), 0.0),
        carried=padded(np.sum([result.costs[name] for name in CARRIED], axis=0), 0.0),
    )


def replicas(sleeves: Sequence[Sleeve], panel: Panel, costs: CostModel, execution: Execution) -> tuple[OwnBook, ...]:
    """Return each sleeve as it would have been by itself on the account's panel, from its first decision there on."""
    return tuple(_replica(one, panel, costs, execution) for one in sleeves)


def _replica(sleeve: Sleeve, panel: Panel, costs: CostModel, execution: Execution) -> OwnBook:
    held = effective(sleeve, panel)
    chosen = [sleeve.decisions[k] for k in held.chosen.tolist()]
    columns = np.unique(panel.columns(tuple({atom.symbol for one in chosen for atom in one.atoms})))
    if not len(columns) or held.rows[0] + delay(execution) >= len(panel.times):
        nothing = np.zeros(len(panel.times))
        empty = np.zeros((len(panel.times), len(panel.instruments)))
        return OwnBook(level=nothing + 1.0, quantities=empty, house=nothing, carried=nothing)
    place = {panel.keys[j]: k for k, j in enumerate(columns.tolist())}
    net = np.zeros((len(chosen), len(columns)))
    for k, one in enumerate(chosen):
        for atom in one.atoms:
            net[k, place[atom.symbol]] += atom.signed
    path = WeightPath(keys=tuple(place), decided=held.rows, net=net)
    return on_all_rows(panel, played(panel, path, costs, execution), columns)
