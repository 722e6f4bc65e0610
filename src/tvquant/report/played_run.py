"""A run whose cells were played, whatever decided them: what every page of a run asks for."""

from abc import abstractmethod
from collections.abc import Mapping
from copy import copy
from functools import cached_property
from typing import Any, Self

from tvquant.core.errors import DataError
from tvquant.lake import AssetHealth
from tvquant.lake.quality.health import from_report
from tvquant.ledger.recorded_parts import Absent, RecordedCell
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.ledger.run_folder import HEALTH
from tvquant.profiles.sections.execution import BenchmarkSection

PLACE = ("entrant", "schedule", "scenario", "variant")
"""Where a cell stands in the grid."""
DIGITS = 9
"""Of a Sharpe ratio, by which cells are ranked."""


class PlayedRun(RecordedRun):
    """A run as a report draws it; what the folder lacks raises `Absent` when it is asked for.

    `looked_at` says that another cell is in the headline's place (`of_cell`).
    """

    looked_at = False

    @property
    @abstractmethod
    def headline_key(self) -> str:
        """Key of the cell that the profile names primary."""

    @property
    @abstractmethod
    def benchmark(self) -> BenchmarkSection:
        """What results are compared with."""

    @property
    @abstractmethod
    def gross_limit(self) -> float:
        """Most of gross exposure at a decision, as a fraction of equity."""

    @cached_property
    def cells(self) -> tuple[RecordedCell, ...]:
        """Strategies by Sharpe ratio, then baselines; those without one last, equal ones by key.

        Variants of the headline, and books at other costs than the profile's, do not stand among them (`beside`).
        """
        return tuple(sorted((one for one in self.outcomes if one.competes), key=_rank))

    @cached_property
    def beside(self) -> tuple[RecordedCell, ...]:
        """Variants of the headline and books at other costs, in the order of the grid."""
        return tuple(one for one in self.outcomes if not one.competes)

    @property
    def rate(self) -> str:
        """The risk-free rate of its ratios in words, or why it is not known."""
        try:
            return self.benchmark.rate
        except Absent as error:
            return f"a rate that is not known ({error})"

    @cached_property
    def headline(self) -> RecordedCell:
        """The cell that the profile names primary."""
        key = self.headline_key
        cell = next((cell for cell in self.outcomes if cell.key == key), None)
        if cell is None:
            raise Absent(f"the ledger has no outcome of the headline cell {key}")
        return cell

    @property
    def periods_per_year(self) -> int:
        """Rows per year of the headline's calendar, as it was measured by."""
        found = self.headline.measures.periods_per_year
        if found is None:
            raise Absent(f"the ledger's outcome of {self.headline.key} does not say how many rows a year has")
        return found

    def of_cell(self, cell: RecordedCell) -> Self:
        """Return the run with another cell in the headline's place; what was read is shared."""
        other = copy(self)
        other.headline, other.looked_at = cell, True
        return other

    def path_of(self, cell: RecordedCell) -> str:
        """Return the key of what the cell decides by, whatever book it is in: the name of a baseline."""
        return cell.key.removesuffix(f"/{cell.book}")

    @cached_property
    def health(self) -> tuple[AssetHealth, ...]:
        """One state per asset, as stage 9 found it."""
        try:
            return from_report(self.document(HEALTH))
        except Absent:
            raise
        except DataError as error:
            raise Absent(f"{HEALTH}: {error}") from error

    @property
    def digests(self) -> Mapping[str, str]:
        """`code`, `plan`, `snapshot` and `result`, those that are recorded."""
        pinned = {} if self.plan is None else {"plan": self.plan.digest, "snapshot": self.plan.snapshot_digest}
        return {"code": self.code} | pinned | ({} if self.result is None else {"result": self.result})

    def rows(self) -> list[dict[str, Any]]:
        """One mapping per cell, those of `beside` last.

        `cell`, every measure that any cell has, where it stands in the grid, `baseline`, `stamps`, and `why` it failed.
        """
        names = dict.fromkeys(name for cell in self.outcomes for name in cell.metrics if name not in PLACE)
        return [
            {
                "cell": cell.key,
                **{name: getattr(cell, name) for name in PLACE},
                **{name: cell.metrics.get(name) for name in names},
                "baseline": cell.baseline,
                "stamps": list(cell.stamps),
                "why": cell.why,
            }
            for cell in (*self.cells, *self.beside)
        ]

    def name_of(self, baseline: RecordedCell) -> str:
        """Return the name of a baseline: those of one name differ in the selection that they are of."""
        return baseline.key.partition("/")[0]


def _rank(cell: RecordedCell) -> tuple[bool, bool, float, str]:
    """Return what a cell is sorted by; the ratios of one book by several simulators are equal but for last digits."""
    sharpe = cell.measures.sharpe
    return (cell.baseline, sharpe is None, 0.0 if sharpe is None else -round(sharpe, DIGITS), cell.key)
