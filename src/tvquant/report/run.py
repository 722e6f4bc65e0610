"""A run folder as a report sees it: manifest, health, ledger up to validation, result tables. Nothing else is read.

Every file that is drawn from is held against its digest in the ledger first; one that differs, and a ledger of another
run, are refused.

Records of the reporting stage itself, of resumes and the seal are left out, and no time of recording is looked at but
when the run began, so a report that is written again later, or from a copied folder, has the same bytes.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from tvquant.core.errors import LedgerError
from tvquant.core.records import SELECTION
from tvquant.core.selection import SelectionResponse
from tvquant.core.stamps import Stamp
from tvquant.lake import AssetHealth, HealthState
from tvquant.ledger import RunFolder, altered
from tvquant.ledger.recorded_parts import Absent, RecordedCell, understood
from tvquant.ledger.run_folder import HEALTH, MANIFEST
from tvquant.profiles import Profile
from tvquant.profiles.sections.execution import BenchmarkSection
from tvquant.report.played_run import PlayedRun
from tvquant.report.steadiness import steadiness_of
from tvquant.tournament.cells import Cell, cells, headline

DRAWN_FROM = (MANIFEST, HEALTH, "results/", "shadow/", "streams/")
"""Files of a run, and how their names begin, that a report draws from."""


class RunData(PlayedRun):
    """The run of a profile."""

    @cached_property
    def planned(self) -> Mapping[str, Cell]:
        """Cell key -> the cell as the profile's grid has it."""
        return {one.key: one for one in cells(self.profile)}

    @property
    def profile(self) -> Profile:
        """The resolved profile of the manifest."""
        return self.resolved.profile

    @property
    def headline_key(self) -> str:
        """Key of the cell that the profile names primary."""
        return headline(self.profile)

    @property
    def benchmark(self) -> BenchmarkSection:
        """What results are compared with."""
        return self.profile.benchmark

    @property
    def gross_limit(self) -> float:
        """Most of gross exposure at a decision, as a fraction of equity."""
        return self.profile.allocation.limits.gross

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
        """Chain of selections -> window -> response."""
        answers = understood("a selection", lambda: self._answers)
        return {
            chain: {window: answers[one.outputs[SELECTION]] for window, one in made.items()}
            for chain, made in self.selections.items()
        }


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


def believe(run: PlayedRun) -> None:
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
