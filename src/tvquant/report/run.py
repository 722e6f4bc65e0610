"""A run folder as a report sees it: manifest, health, ledger up to validation, result tables. Nothing else is read.

Every file that is drawn from is held against its digest in the ledger first; one that differs, and a ledger of another
run, are refused.

Records of the reporting stage itself, of resumes and the seal are left out, and no time of recording is looked at but
when the run began, so a report that is written again later, or from a copied folder, has the same bytes.
"""

from collections.abc import Iterable, Mapping
from copy import copy
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self

import polars as pl

from tvquant.core.errors import DataError, LedgerError
from tvquant.core.records import SELECTION
from tvquant.core.selection import SelectionResponse
from tvquant.core.stamps import Stamp
from tvquant.lake import AssetHealth, HealthState
from tvquant.lake.quality.health import from_report
from tvquant.ledger import RunFolder, altered, records
from tvquant.ledger.recorded_run import Absent, RecordedCell, RecordedRun, understood
from tvquant.ledger.run_folder import HEALTH, MANIFEST
from tvquant.profiles import Profile
from tvquant.report.steadiness import steadiness_of
from tvquant.tournament.cells import Cell, cells, headline

DRAWN_FROM = (MANIFEST, HEALTH, "results/", "shadow/")
"""Files of a run, and how their names begin, that a report draws from."""
PLACE = ("entrant", "schedule", "scenario", "variant")
"""Where a cell stands in the grid."""
DIGITS = 9
"""Of a Sharpe ratio, by which cells are ranked."""


class RunData(RecordedRun):
    """A run as a report draws it; what the folder lacks raises `Absent` when it is asked for.

    `looked_at` says that another cell is in the headline's place (`of_cell`).
    """

    looked_at = False

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

    @cached_property
    def planned(self) -> Mapping[str, Cell]:
        """Cell key -> the cell as the profile's grid has it."""
        return {one.key: one for one in cells(self.profile)}

    @property
    def profile(self) -> Profile:
        """The resolved profile of the manifest."""
        return self.resolved.profile

    @property
    def rate(self) -> str:
        """The risk-free rate of its ratios in words, or why it is not known."""
        try:
            return self.profile.benchmark.rate
        except Absent as error:
            return f"a rate that is not known ({error})"

    @cached_property
    def headline(self) -> RecordedCell:
        """The cell that the profile names primary."""
        key = headline(self.profile)
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

    def responses(self, cell: RecordedCell) -> Mapping[int, SelectionResponse]:
        """Return window -> what the selection model of a strategy's cell answered; cells may share them.

        Raises
        ------
        Absent : the ledger has no selection of it.
        """
        found = self._responses.get(self._chain_of(cell), {})
        if not found:
            raise Absent(f"the ledger has no selection of {cell.key}")
        return found

    def steadiness(self, cell: RecordedCell) -> pl.DataFrame:
        """Return how steady the selections of a strategy's cell were (`steadiness_of`); cells may share them.

        Raises
        ------
        Absent : the ledger has no selection of it.
        """
        chain, responses = self._chain_of(cell), self.responses(cell)
        if chain not in self._steadiness:
            self._steadiness[chain] = steadiness_of(responses)
        return self._steadiness[chain]

    def _chain_of(self, cell: RecordedCell) -> str:
        """Return the chain of a strategy's selections."""
        return f"{SELECTION}/{self.planned[cell.key].path.selection}"

    @cached_property
    def _steadiness(self) -> dict[str, pl.DataFrame]:
        return {}

    @cached_property
    def _responses(self) -> Mapping[str, Mapping[int, SelectionResponse]]:
        """Chain of selections -> window -> response: one pass over the ledger, of which no more is kept."""
        found: dict[str, dict[int, SelectionResponse]] = {}
        for record in records(self.folder.path, kind=SELECTION):
            response = understood("a selection", partial(SelectionResponse.recorded, record.data))
            found.setdefault(record.chain, {})[record.metrics["window"]] = response
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


def read_run(folder: Path) -> RunData:
    """Return the run in a folder, its files held against the ledger.

    Raises
    ------
    DataError : it has no ledger, or one without a record.
    LedgerError : the ledger cannot be believed, is of another run, or a file is not what the ledger says.
    """
    run = RunData(RunFolder(folder))
    believe(run)
    return run


def believe(run: RunData) -> None:
    """Hold a run's name and the files that are drawn from against its ledger.

    Raises
    ------
    DataError, LedgerError : as `read_run`.
    """
    folder = run.folder.path
    if run.run_id != folder.name:
        raise LedgerError(
            f"the folder {folder.name} holds the ledger of run {run.run_id}: a copy under another name is no run; "
            "remove it, or give it its name back"
        )
    for one in altered(folder, {name: run.files[name] for name in run.files if name.startswith(DRAWN_FROM)}):
        raise LedgerError(
            f"run {folder.name}: {one.file} {one.why}; nothing is drawn from it: put the file back, let "
            f"`tvquant doctor --fix` see whether it can be made again, or run {run.profile_name} anew"
        )


def standings(run: Path) -> list[dict[str, Any]]:
    """Return one mapping per cell: see `RunData.rows`.

    Raises
    ------
    DataError, LedgerError : as `read_run`.
    """
    return read_run(run).rows()


def stamps_of(cells: Iterable[RecordedCell]) -> tuple[Stamp, ...]:
    """Return every stamp that any of the cells carries, sorted."""
    return tuple(sorted({stamp for cell in cells for stamp in cell.stamps}))


def health_counts(assets: Iterable[AssetHealth]) -> dict[str, int]:
    """Return how many assets are in each state; the good ones first, states that none is in left out."""
    states = [asset.state for asset in assets]
    order = dict.fromkeys([*(state for state in HealthState if state.fine), *sorted(set(states))])
    return {state.value: states.count(state) for state in order if state in states}


def _rank(cell: RecordedCell) -> tuple[bool, bool, float, str]:
    """Return what a cell is sorted by; the ratios of one book by several simulators are equal but for last digits."""
    sharpe = cell.measures.sharpe
    return (cell.baseline, sharpe is None, 0.0 if sharpe is None else -round(sharpe, DIGITS), cell.key)
