"""The leak check of a finished run: its decisions again, from its own snapshot, in worlds with another future.

1. The pinned rows are read, and imported anew as they are (`as imported`): the rebuilding itself must change nothing.
2. At each window what is known after the decision is changed in every way that `lake.perturbations` knows, in a lake
   of its own; the decisions made from it are compared with those made from the snapshot.
3. Those made from the snapshot are compared with what the ledger recorded (`ledger`).
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tvquant.app.finished_runs import fault
from tvquant.app.identity import plan_digest
from tvquant.app.progress import Watcher
from tvquant.app.workspace import Workspace
from tvquant.core.decisions import Decision
from tvquant.core.errors import LedgerError, ProfileError
from tvquant.core.panel import Panel
from tvquant.core.records import SELECTION, Entry
from tvquant.core.selection import POOL
from tvquant.core.stages import Stage
from tvquant.core.stamps import NONE, Stamps
from tvquant.lake import Snapshot
from tvquant.lake.forks import Forks
from tvquant.ledger import LedgerRecord, RunFolder
from tvquant.ledger.recorded_run import RecordedDecision, RecordedRun
from tvquant.tournament.cells import Cell, cells, shadows
from tvquant.tournament.leakcheck import Leak, Outcome, Payload, check, compare, honest, summed
from tvquant.tournament.rebalances import Rebalance, selection_entry, snapshot_entry
from tvquant.tournament.specs import Previous, Spec
from tvquant.tournament.views import look

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

    run = RecordedRun(folder)
    snapshot, played = _plan(run)
    lake = workspace.lake()
    panel = lake.panel(snapshot)
    recorded = {**run.decisions, **run.shadow.decisions}
    decided = {cell.key: recorded.get(cell.key, {}) for cell in played}
    ids = sorted({window for made in decided.values() for window in made})
    chosen = _spread(ids, windows)
    outcomes: list[Outcome] = []
    watcher.stage(Stage.VALIDATION, "leakcheck")
    # Runs have one BLAS thread: with as many the same decisions have the same bytes.
    with threadpool_limits(1), tempfile.TemporaryDirectory(prefix="tvquant-") as temporary:
        case = _Case(
            played=played,
            run=run,
            decided=decided,
            forks=Forks(lake=lake, snapshot=snapshot, panel=panel, folder=Path(temporary)),
        )
        for done, window in enumerate(chosen):
            outcomes += _check_window(case, window)
            watcher.steps(done + 1, len(chosen))
    checked = (made[window].decision for made in decided.values() for window in chosen if window in made)
    stamps = NONE.union(*(decision.stamps for decision in checked))
    return LeakCheck(run=folder.id, windows=chosen, of=len(ids), outcomes=summed(outcomes), stamps=stamps)


def _plan(run: RecordedRun) -> tuple[Snapshot, tuple[Cell, ...]]:
    """Return what a finished run pinned, and the cells that it played, challengers last."""
    if not run.verification.finished:
        raise LedgerError(f"only a finished run that verifies can be checked: {fault(run)}")
    assert run.plan is not None  # a sealed run has one
    snapshot, profile = Snapshot.from_json(run.plan.snapshot), run.resolved.profile
    if plan_digest(profile=run.resolved.digest, snapshot=snapshot.digest) != run.plan.digest:
        raise ProfileError(
            f"run {run.folder.id} was made with other code or packages, so these would make other decisions; run it "
            f"anew with `tvquant run {profile.name}` and check that run"
        )
    return snapshot, (*cells(profile), *shadows(profile))


def _spread(ids: Sequence[int], count: int) -> tuple[int, ...]:
    """Return the first, the last and others evenly between them, `count` in all; 0 and too many are all."""
    if count == 0 or count >= len(ids):
        return tuple(ids)
    return tuple(ids[k] for k in np.linspace(0, len(ids) - 1, count).round().astype(int))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Case:
    """A run as it is checked: its cells and their decisions, and forks of what it pinned."""

    played: Sequence[Cell]
    run: RecordedRun
    decided: Mapping[str, Mapping[int, RecordedDecision]]
    forks: Forks


def _check_window(case: _Case, window: int) -> Iterator[Outcome]:
    """Yield every distinct decision of one window on every fork, and each cell's record against its decision."""
    here = [cell for cell in case.played if window in case.decided[cell.key]]
    speaker = {cell.key: next(one.key for one in here if one.spec == cell.spec) for cell in here}
    specs: dict[str, Spec] = {cell.key: cell.spec for cell in here if speaker[cell.key] == cell.key}
    replay = honest(specs, {key: _previous(case.decided[key], window, case.forks.panel) for key in specs})
    row = case.decided[here[0].key][window].row
    at = look(case.forks.panel, row).as_of
    made = replay(case.forks.panel, at)
    entries = _entries(window, row, [(cell, made[speaker[cell.key]]) for cell in here])
    again = {one.chain: _content(one) for one in entries}
    differ = compare(_recorded(case, window), again, fork=LEDGER, window=window, as_of=at)
    yield Outcome(fork=LEDGER, decisions=len(here), leaks=differ)
    yield from check(replay, made, case.forks.at(at), window=window, at=at)


def _recorded(case: _Case, window: int) -> dict[str, Payload]:
    """Return chain -> content of the window's record: selections, then the cells that use them."""
    selections = {**case.run.selections, **case.run.shadow.selections}
    chosen = {chain: found[window] for chain, found in selections.items() if window in found}
    made = {cell: found[window].record for cell, found in case.decided.items() if window in found}
    return {chain: _content(record) for chain, record in (chosen | made).items()}


def _entries(window: int, row: int, decided: Sequence[tuple[Cell, Payload]]) -> Iterator[Entry]:
    """Yield what the run records of these decisions: each selection, and a snapshot of each cell."""
    for cell, payload in decided:
        decision, selection = Decision.of(payload), None
        if decision.response is not None:
            chosen = selection_entry(cell.path.selection, window, decision.response)
            selection = chosen.outputs[SELECTION]
            yield chosen
        yield snapshot_entry(cell, Rebalance.of(window, row, decision, selection), decision)


def _content(entry: Entry | LedgerRecord) -> Payload:
    """Return everything that an entry holds; first what was decided, then what follows from it.

    Probabilities of atoms that did not win are beside a decision's payload, so a replay by payloads has none of them.
    """
    decided = {name: value for name, value in entry.data.items() if name != POOL}
    return {**decided, "metrics": entry.metrics, "inputs": entry.inputs, "outputs": entry.outputs}


def _previous(decided: Mapping[int, RecordedDecision], window: int, panel: Panel) -> Previous:
    """Return what the cell held before the window, as its decision before has it."""
    before = [made for number, made in decided.items() if number < window]
    if not before:
        return Previous()
    last = before[-1]
    return Rebalance.of(last.window, last.row, last.decision, last.selection).previous(panel.times)
