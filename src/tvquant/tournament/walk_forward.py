"""The walk-forward loop behind every cell, and the settling of its book.

1. Windows are played in order; at each, every cell decides on the same view, so what they share is computed once.
   Asked for is the last row before the window's test; where it has no quorum an earlier bar answers (`quorum`). The
   mark that fixes quantities, and the fill after it, stay the window's own: a book's rows increase whatever answered.
2. A step (one decision of one cell) is recorded before the next window is asked for: a killed run goes on from there.
3. When a cell has all its steps, its book is simulated over the whole path and measured.

Steps of one cell depend on its earlier ones only, so cells may be played in any grouping and give the same bytes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tvquant.core.books import CostModel, Execution, SimResult, WeightPath
from tvquant.core.calendars import calendar
from tvquant.core.digests import canonical_array, canonical_json, digest_bytes
from tvquant.core.errors import DataError
from tvquant.core.panel import Floats, Panel
from tvquant.core.records import Entry
from tvquant.core.stamps import NONE, Stamp, Stamps
from tvquant.simulation import SIMULATORS
from tvquant.statistics import Performance, performance
from tvquant.tournament.candidates import FeaturePass, has_history
from tvquant.tournament.cells import Cell
from tvquant.tournament.decide import decide
from tvquant.tournament.quorum import SESSIONS, stand_by
from tvquant.tournament.rebalances import SELECTION, Rebalance, selection_entry, snapshot_entry
from tvquant.tournament.specs import BaseUniverseSpec, Previous, StrategySpec
from tvquant.tournament.views import look
from tvquant.tournament.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A step as it came out of the loop, with its record for the ledger.

    `selection` records the selection that the step stands on; of the cells that share it, the first one has it.
    """

    cell: str
    step: Rebalance
    entry: Entry
    selection: Entry | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settled:
    """A finished cell: its book, its measures and the digest of decisions, weights and returns.

    `unassumed` measures the book without the funding that was assumed; None where none was.
    """

    cell: str
    baseline: bool
    result: SimResult
    performance: Performance
    unassumed: Performance | None
    stamps: Stamps
    digest: str


class BacktestEngine:
    """Walks cells over windows of one panel; keeps nothing between calls but the features of the grid's rows."""

    def __init__(self, panel: Panel, grid: Sequence[Window], costs: CostModel, execution: Execution) -> None:
        self.panel = panel
        self.grid = tuple(grid)
        self.costs = costs
        self.execution = execution
        self._features = FeaturePass(panel, max(self.grid[0].start - SESSIONS, 0) if self.grid else 0)

    def __reduce__(self) -> tuple[Any, ...]:
        """For worker processes: each takes its own features, which is quicker than to send them."""
        return type(self), (self.panel, self.grid, self.costs, self.execution)

    def play(self, cells: Sequence[Cell], windows: Sequence[Window], last: Mapping[str, Rebalance]) -> Iterator[Played]:
        """Decide every cell at every window, window by window; `last` holds each cell's step before these."""
        before = dict(last)
        for window in windows:
            view = look(self.panel, window.start - 1)
            selections: dict[str, str] = {}
            for cell in cells:
                if isinstance(cell.spec, StrategySpec | BaseUniverseSpec):
                    standing = stand_by(view, cell.spec.rules)
                    self._features.lend(standing.view, standing.row, cell.spec.rules)
                known = before.get(cell.key)
                decision = decide(view, cell.spec, Previous(atoms=known.atoms if known else {}))
                said, model = None, decision.response.model if decision.response else ""
                if decision.response and model not in selections:
                    said = selection_entry(window.id, decision.response)
                    selections[model] = said.outputs[SELECTION]
                step = before[cell.key] = Rebalance.of(window.id, view.row, decision, selections.get(model))
                yield Played(cell=cell.key, step=step, entry=snapshot_entry(cell, step, decision), selection=said)

    def settle(self, cell: Cell, steps: Sequence[Rebalance]) -> Settled:
        """Simulate the path of a cell's steps and measure its book.

        Raises
        ------
        ModelError : the book cannot be kept or measured.
        """
        path = weight_path(self.panel, steps)
        result, measured = self._measured(cell, path, self.costs)
        unassumed = None
        if result.assumed_funding.any():
            _, unassumed = self._measured(cell, path, replace(self.costs, assumed_funding_bps=0.0))
        stamps = NONE.union(result.stamps, *(step.stamps for step in steps))
        if "volume" not in self.panel.fields:
            stamps |= {Stamp.NO_VOLUME}
        digest = digest_bytes(
            canonical_json([step.digest for step in steps]),
            canonical_json(list(path.keys)),
            canonical_array(path.net),
            canonical_array(result.times),
            canonical_array(result.returns),
        )
        return Settled(
            cell=cell.key, baseline=cell.baseline, result=result, performance=measured, unassumed=unassumed,
            stamps=stamps, digest=digest,
        )  # fmt: skip

    def _measured(self, cell: Cell, path: WeightPath, costs: CostModel) -> tuple[SimResult, Performance]:
        result = SIMULATORS[cell.simulator].simulate(self.panel, path, costs=costs, execution=self.execution)
        return result, performance(result.returns, periods_per_year=calendar(self.panel.calendar).periods_per_year)


def first_window(panel: Panel, grid: Sequence[Window], cells: Sequence[Cell]) -> int:
    """Index of the first window at which any name has the history to be chosen (R-SIM-01).

    Raises
    ------
    DataError : there is none in the whole grid.
    """
    rules = next(cell.spec.rules for cell in cells if isinstance(cell.spec, StrategySpec | BaseUniverseSpec))
    for k, window in enumerate(grid):
        if has_history(stand_by(look(panel, window.start - 1), rules).view, rules):
            return k
    raise DataError(
        f"no name of the universe has {rules.data.min_history} bars at any of {len(grid)} windows over "
        f"{len(panel.times)} rows; import more history or choose other kinds or symbols"
    )


def weight_path(panel: Panel, steps: Sequence[Rebalance]) -> WeightPath:
    """Net weights of the steps over all instruments of the panel."""
    place = {key: j for j, key in enumerate(panel.keys)}
    net: Floats = np.zeros((len(steps), len(place)))
    for k, step in enumerate(steps):
        for key, weight in step.weights.items():
            net[k, place[key]] = weight
    return WeightPath(keys=panel.keys, decided=np.array([s.row for s in steps], dtype=np.int64), net=net)
