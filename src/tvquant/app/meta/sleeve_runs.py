"""The runs of a meta-portfolio's sleeves: the pinned one, the finished one of the plan, or one that is played now.

1. A run that a sleeve pins must be there, finished and verified; nothing takes its place.
2. Otherwise it is the finished run of the plan of the sleeve's profile. Where there is none, an interrupted one of the
   same plan goes on, and where there is none either it is played. So a meta-portfolio that was interrupted is simply
   asked for again.
3. A sleeve that is a meta-portfolio itself is found or played the same way.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from tvquant.app.finished_runs import Finished, fault, finished_run
from tvquant.app.plan import make_plan
from tvquant.app.progress import Watcher
from tvquant.app.resolving import sleeves_here
from tvquant.app.resume import resume
from tvquant.app.run import run
from tvquant.app.workspace import Workspace
from tvquant.core.clock import Clock
from tvquant.core.errors import DataError, LedgerError, ModelError, ProfileError, TvquantError
from tvquant.ledger import Integrity, RunFolder
from tvquant.ledger.listing import kept, look
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.profiles import ResolvedMeta, ResolvedProfile
from tvquant.tournament.backends.contract import HERE, Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """What plays runs of one workspace, whose lock the caller holds."""

    workspace: Workspace
    clock: Clock
    watcher: Watcher
    jobs: int = 1
    cluster: Cluster = HERE


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SleeveRuns:
    """Sleeve -> its finished run, in the order of the profile; and why a sleeve has none."""

    runs: Mapping[str, RecordedRun]
    absent: Mapping[str, str]


type PlayMeta = Callable[[Player, ResolvedMeta], Finished]
"""Plays a meta-portfolio, or returns its finished run."""


def sleeve_runs(player: Player, meta: ResolvedMeta, play_meta: PlayMeta) -> SleeveRuns:
    """Return the run of each sleeve, found or played.

    Raises
    ------
    LedgerError : a pinned run cannot be taken, so that what others would be played for comes to nothing.
    TvquantError : a sleeve cannot be played, for a reason that is not of the maths; it is named.
    """
    home, profiles = player.workspace, sleeves_here(player.workspace, meta)
    found: dict[str, RecordedRun] = {}
    pins = {name: _pinned(home, one.run, one.profile) for name, one in meta.profile.sleeves.items() if one.run}
    absent = {name: pinned for name, pinned in pins.items() if isinstance(pinned, str)}
    gone = "; ".join(f"{name}: {why}" for name, why in absent.items())
    for number, name in enumerate(meta.profile.sleeves, 1):
        if name in pins:
            if isinstance(pinned := pins[name], RecordedRun):
                found[name] = pinned
            continue
        with _named(name):
            if gone and not meta.profile.gates.drop and _to_play(player, profiles[name]):
                raise LedgerError(f"not played, for {gone}. Mend that, or let gates.drop leave such sleeves out")
            try:
                player.watcher.note(f"sleeve {number} of {len(profiles)}: {name}")
                found[name] = RecordedRun(_played(player, profiles[name], play_meta).folder)
            except ModelError as error:
                absent[name] = str(error)
    return SleeveRuns(runs=found, absent=absent)


def _to_play(player: Player, resolved: ResolvedProfile | ResolvedMeta) -> bool:
    """Return whether a sleeve's profile has no finished run of its plan; of a meta-portfolio that is not known."""
    if isinstance(resolved, ResolvedMeta):
        return False
    home = player.workspace
    return finished_run(home, make_plan(home.lake(), resolved).digest, player.watcher.note) is None


@contextmanager
def _named(sleeve: str) -> Iterator[None]:
    """Let an error name the sleeve it is of."""
    try:
        yield
    except DataError as error:
        raise type(error)(f"sleeve {sleeve}: {error}", retryable=error.retryable) from error
    except (ProfileError, LedgerError) as error:
        raise type(error)(f"sleeve {sleeve}: {error}") from error


def _pinned(workspace: Workspace, run_id: str, profile: str) -> RecordedRun | str:
    """Return the run that a sleeve pins, or why it cannot be taken."""
    folder = next((one for one in workspace.all_runs() if one.id == run_id), None)
    if folder is None:
        return f"its pinned run {run_id} is not in this workspace"
    try:
        recorded = RecordedRun(folder)
        if not recorded.verification.finished:
            return f"its pinned run cannot be taken: {fault(recorded)}"
        if recorded.profile_name != profile:
            return f"its pinned run {run_id} is of profile {recorded.profile_name}, not {profile}"
    except TvquantError as error:
        return f"its pinned run {run_id} cannot be read: {error}"
    return recorded


def _played(player: Player, resolved: ResolvedProfile | ResolvedMeta, play_meta: PlayMeta) -> Finished:
    """Return the finished run of a sleeve's profile, which goes on or is played where it is not there."""
    if isinstance(resolved, ResolvedMeta):
        return play_meta(player, resolved)
    home, watcher = player.workspace, player.watcher
    if (begun := interrupted(home, resolved, watcher.note)) is not None:
        watcher.note(f"run {begun.id} was interrupted, and goes on")
        return resume(home, begun, clock=player.clock, jobs=player.jobs, watcher=watcher, cluster=player.cluster)
    return run(
        home, resolved, clock=player.clock, jobs=player.jobs, again=False, watcher=watcher, cluster=player.cluster
    )


def interrupted(workspace: Workspace, resolved: ResolvedProfile, note: Callable[[str], None]) -> RunFolder | None:
    """Return the newest interrupted run of a profile's plan; None where there is none, or a finished one as well."""
    known, name = kept(workspace.runs), resolved.profile.name
    mine = [one for one in workspace.all_runs() if one.id.split("-")[1] == name]
    begun = [one for one in mine if look(one.path, known.get(one.id)).state == Integrity.INCOMPLETE]
    if not begun:
        return None
    plan = make_plan(workspace.lake(), resolved).digest
    if finished_run(workspace, plan, note):
        return None
    for folder in reversed(begun):
        pinned = RecordedRun(folder).plan
        if pinned is not None and pinned.digest == plan:
            return folder
    return None
