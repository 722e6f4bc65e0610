"""The leak check of a finished run: its decisions again, from its own snapshot, in worlds with another future.

1. The pinned rows are read, and imported anew as they are (`as imported`): the rebuilding itself must change nothing.
2. At each window what is known after the decision is changed in every way that `lake.perturbations` knows, in a lake
   of its own; the decisions made from it are compared with those made from the snapshot.
3. Those made from the snapshot are compared with what the ledger recorded (`ledger`).
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tvquant.app.progress import Watcher
from tvquant.app.remaking import Reopened, remade, reopened
from tvquant.app.workspace import Workspace
from tvquant.core.stages import Stage
from tvquant.core.stamps import NONE, Stamps
from tvquant.lake.forks import Forks
from tvquant.ledger import RunFolder
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.tournament.leakcheck import Leak, Outcome, check, compare, summed

LEDGER = "ledger"
"""Name of the comparison with what was recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakCheck:
    """What a leak check of a run found.

    Parameters
    ----------
    windows : ids of the windows that were checked; `of` says how many the run has.
    outcomes : one per fork, and the comparison with the ledger.
    stamps : caveats of the decisions that were checked: what no fork of the data can show.
    """

    run: str
    windows: tuple[int, ...]
    of: int
    outcomes: tuple[Outcome, ...]
    stamps: Stamps

    @property
    def leaks(self) -> tuple[Leak, ...]:
        """All leaks, fork by fork."""
        return tuple(leak for one in self.outcomes for leak in one.leaks)


def leakcheck(workspace: Workspace, folder: RunFolder, *, windows: int, watcher: Watcher) -> LeakCheck:
    """Check `windows` windows of a finished run, the first, the last and others evenly between; 0 checks all.

    Raises
    ------
    LedgerError : the run is not finished, or its ledger does not verify.
    ProfileError : it was made with other code or packages than these.
    DataError : the lake no longer holds what the run pinned; a fork cannot be written.
    """
    from threadpoolctl import threadpool_limits

    lake = workspace.lake()
    case = reopened(RecordedRun(folder), lake)
    snapshot = case.plan.snapshot
    panel = lake.panel(snapshot)
    chosen = _spread(case.windows, windows)
    outcomes: list[Outcome] = []
    watcher.stage(Stage.VALIDATION, "leakcheck")
    # Runs have one BLAS thread: with as many the same decisions have the same bytes.
    with threadpool_limits(1), tempfile.TemporaryDirectory(prefix="tvquant-") as temporary:
        forks = Forks(lake=lake, snapshot=snapshot, panel=panel, folder=Path(temporary))
        for done, window in enumerate(chosen):
            outcomes += _check_window(case, forks, window)
            watcher.steps(done + 1, len(chosen))
    checked = (made[window].decision for made in case.decided.values() for window in chosen if window in made)
    stamps = NONE.union(*(decision.stamps for decision in checked))
    return LeakCheck(run=folder.id, windows=chosen, of=len(case.windows), outcomes=summed(outcomes), stamps=stamps)


def _spread(ids: Sequence[int], count: int) -> tuple[int, ...]:
    """Return the first, the last and others evenly between them, `count` in all; 0 and too many are all."""
    if count == 0 or count >= len(ids):
        return tuple(ids)
    return tuple(ids[k] for k in np.linspace(0, len(ids) - 1, count).round().astype(int))


def _check_window(case: Reopened, forks: Forks, window: int) -> Iterator[Outcome]:
    """Yield every distinct decision of one window on every fork, and each cell's record against its decision."""
    found = remade(case, forks.panel, window, case.cells)
    differ = compare(case.recorded(window), found.entries, fork=LEDGER, window=window, as_of=found.at)
    yield Outcome(fork=LEDGER, decisions=len(found.cells), leaks=differ)
    yield from check(found.replay, found.made, forks.at(found.at), window=window, at=found.at)
