"""A finished run opened again, and its decisions made anew from what it pinned.

1. Profile, pinned data, code and packages must be those of the run: its plan digest says so.
2. The positions that a decision was given are those of the recorded decision before it, not of one that is made anew:
   each is judged by itself.
3. Decisions by one spec on the same windows are one decision, however many cells and books have it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tvquant.app.finished_runs import fault
from tvquant.app.identity import environment, source_digest
from tvquant.app.plan import Plan
from tvquant.core.decisions import Decision
from tvquant.core.digests import digest_json
from tvquant.core.errors import LedgerError, ProfileError
from tvquant.core.instruments import Instant
from tvquant.core.panel import Panel, Times
from tvquant.core.quoting import several
from tvquant.core.records import SELECTION, Entry
from tvquant.core.selection import SelectionResponse
from tvquant.lake import Lake, Snapshot
from tvquant.ledger import LedgerRecord
from tvquant.ledger.recorded_parts import RecordedDecision
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.tournament.cells import Cell, cells, shadows
from tvquant.tournament.decision_entries import selection_entry, snapshot_entry
from tvquant.tournament.leakcheck import Payload, Replay, honest
from tvquant.tournament.rebalances import Rebalance
from tvquant.tournament.specs import Previous, Spec
from tvquant.tournament.views import look


@dataclass(frozen=True, kw_only=True, eq=False)
class Reopened:
    """A finished run with its plan, its cells (challengers last) and what each of them decided, by window."""

    run: RecordedRun
    plan: Plan
    cells: tuple[Cell, ...]
    decided: Mapping[str, Mapping[int, RecordedDecision]]

    @property
    def windows(self) -> tuple[int, ...]:
        """Ids of all windows at which a cell decided."""
        return tuple(sorted({window for made in self.decided.values() for window in made}))

    @cached_property
    def selections(self) -> Mapping[str, Mapping[int, LedgerRecord]]:
        """Chain of selections -> window -> its record."""
        return {**self.run.selections, **self.run.shadow.selections}

    def recorded(self, window: int) -> dict[str, Payload]:
        """Return chain -> what the ledger has of the window: selections, then what cells hold by them."""
        chosen = {chain: found[window] for chain, found in self.selections.items() if window in found}
        made = {cell: found[window] for cell, found in self.decided.items() if window in found}
        return {
            **{chain: chosen_by(SelectionResponse.recorded(one.data), one) for chain, one in chosen.items()},
            **{cell: held_by(one.decision, one.selection, one.record) for cell, one in made.items()},
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Remade:
    """Every decision of one window, made anew.

    Parameters
    ----------
    row, at : panel row of the decision mark, and the moment of the decision.
    cells : those that decided at the window.
    replay : makes the decisions of a moment from any panel, one for each spec.
    made : cell key -> payload of its decision; of cells with one spec, the first alone.
    speaker : cell key -> the one that stands for it in `made`.
    """

    window: int
    row: int
    at: Instant
    cells: tuple[Cell, ...]
    replay: Replay
    made: Mapping[str, Payload]
    speaker: Mapping[str, str]

    def payload(self, cell: str) -> Payload:
        """Return the decision of a cell."""
        return self.made[self.speaker[cell]]

    @cached_property
    def entries(self) -> dict[str, Payload]:
        """Chain -> content of what a run would record of these decisions."""
        return dict(self._entries())

    def _entries(self) -> Iterator[tuple[str, Payload]]:
        for cell in self.cells:
            decision, selection = Decision.of(self.payload(cell.key)), None
            if decision.response is not None:
                chosen = selection_entry(cell.path.selection, self.window, decision.response)
                selection = chosen.outputs[SELECTION]
                yield chosen.chain, chosen_by(decision.response, chosen)
            held = snapshot_entry(cell, Rebalance.of(self.window, self.row, decision, selection), decision)
            yield held.chain, held_by(decision, selection, held)


def reopened(run: RecordedRun, lake: Lake) -> Reopened:
    """Open a finished run again.

    Raises
    ------
    LedgerError : it is not finished, its ledger does not verify, has not the cells that the profile plays, or pins a
        plan that its profile and data do not make.
    ProfileError : it was made with other code or packages than these.
    """
    if not run.verification.finished:
        raise LedgerError(f"only a finished run that verifies can be checked: {fault(run)}")
    assert run.plan is not None  # a sealed run has one
    plan, profile = Plan.of(run.resolved, lake.pinned(Snapshot.from_json(run.plan.snapshot))), run.resolved.profile
    if plan.digest != run.plan.digest:
        raise _of_another_plan(run, profile.name)
    played, recorded = (*cells(profile), *shadows(profile)), {**run.decisions, **run.shadow.decisions}
    ended = {cell.key for cell in (*run.outcomes, *run.shadow.outcomes)}
    _all_there(run.folder.id, {cell.key for cell in played}, decided=set(recorded), ended=ended)
    return Reopened(run=run, plan=plan, cells=played, decided={cell.key: recorded[cell.key] for cell in played})


def _of_another_plan(run: RecordedRun, profile: str) -> LedgerError | ProfileError:
    """Return why a run cannot be decided anew: other code or packages, or a profile or data that are not its own."""
    name, began = run.folder.id, run.genesis.inputs
    if (source_digest(), digest_json(environment())) != (began.get("code"), began.get("environment")):
        return ProfileError(
            f"run {name} was made with other code or packages, so these would make other decisions; run it anew with "
            f"`tvquant run {profile}` and check that run"
        )
    return LedgerError(
        f"run {name} pins a plan that its profile and data do not make, though code and packages are its own: one of "
        "them was changed and sealed anew; hold it against its anchor with `tvquant ledger verify "
        f"{name} --anchor FILE`"
    )


def _all_there(run: str, played: set[str], *, decided: set[str], ended: set[str]) -> None:
    """Refuse a ledger that verifies and yet is of other cells: one whose owner took a chain out, or put one in."""
    lacks, more = sorted(played - (decided & ended)), sorted((decided | ended) - played)
    if lacks:
        raise LedgerError(
            f"the ledger of run {run} has no decision or no end of {several(lacks)}, which its profile plays: chains "
            f"were taken out; hold it against its anchor with `tvquant ledger verify {run} --anchor FILE`"
        )
    if more:
        raise LedgerError(
            f"the ledger of run {run} has {several(more)}, which its profile does not play: chains were put in; hold "
            f"it against its anchor with `tvquant ledger verify {run} --anchor FILE`"
        )


def _same(one: Cell, other: Cell) -> bool:
    """Return whether two cells decide alike: on other windows paths of one spec hold something else before."""
    return one.path.schedule == other.path.schedule and one.spec == other.spec


def remade(case: Reopened, panel: Panel, window: int, among: Sequence[Cell]) -> Remade:
    """Make every decision that these cells have at a window anew, from the panel until then."""
    here = tuple(cell for cell in among if window in case.decided[cell.key])
    speaker = {cell.key: next(one.key for one in here if _same(one, cell)) for cell in here}
    specs: dict[str, Spec] = {cell.key: cell.path.deciding for cell in here if speaker[cell.key] == cell.key}
    replay = honest(specs, {key: held_before(case.decided[key], window, panel.times) for key in specs})
    row = case.decided[here[0].key][window].row
    at = look(panel, row).as_of
    made = replay(panel, at)
    return Remade(window=window, row=row, at=at, cells=here, replay=replay, made=made, speaker=speaker)


def rebalance_of(recorded: RecordedDecision) -> Rebalance:
    """Return what book and tables need of a recorded decision."""
    return Rebalance.of(recorded.window, recorded.row, recorded.decision, recorded.selection)


def chosen_by(response: SelectionResponse, record: Entry | LedgerRecord) -> Payload:
    """Return the content of a selection.

    Probabilities of atoms that did not win are in no payload, so a replay by payloads has none of them.
    """
    return {**response.payload(), "metrics": record.metrics, "outputs": record.outputs}


def held_by(decision: Decision, selection: str | None, snapshot: Entry | LedgerRecord) -> Payload:
    """Return the content of what a cell decided: first the decision, then what follows from it."""
    figures = {"metrics": snapshot.metrics, "outputs": snapshot.outputs}
    return {**decision.payload(), SELECTION: selection, **figures}


def held_before(decided: Mapping[int, RecordedDecision], window: int, times: Times) -> Previous:
    """Return what a cell held before the window, as its decision before has it; `times` are those of the panel."""
    before = [made for number, made in decided.items() if number < window]
    return rebalance_of(before[-1]).previous(times) if before else Previous()
