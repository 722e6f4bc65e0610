"""What a meta-portfolio would do: the run that each of its sleeves has, or that would be played."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tvquant.app.finished_runs import finished_run
from tvquant.app.meta.sleeve_runs import interrupted
from tvquant.app.plan import make_plan
from tvquant.app.resolving import sleeves_here
from tvquant.app.workspace import Workspace
from tvquant.profiles import ResolvedMeta, ResolvedProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """One sleeve before anything is played.

    Parameters
    ----------
    path : `SLEEVE`, or `SLEEVE/SLEEVE` below one that is a meta-portfolio.
    run : id of the run that would be taken or go on; None where one would be played.
    what : what would be done, in words.
    """

    path: str
    profile: str
    run: str | None
    what: str


def foreseen(workspace: Workspace, meta: ResolvedMeta, note: Callable[[str], None]) -> list[Foreseen]:
    """Return the sleeves of a meta-portfolio with their runs, those of nested ones below theirs."""
    return list(_below(workspace, meta, note, ""))


def _below(workspace: Workspace, meta: ResolvedMeta, note: Callable[[str], None], above: str) -> Iterator[Foreseen]:
    for name, resolved in sleeves_here(workspace, meta).items():
        sleeve, path = meta.profile.sleeves[name], f"{above}{name}"
        if sleeve.run is not None:
            there = any(one.id == sleeve.run for one in workspace.all_runs())
            what = "is taken" if there else "is pinned, and is not here"
            yield Foreseen(path=path, profile=sleeve.profile, run=sleeve.run, what=what)
        elif isinstance(resolved, ResolvedMeta):
            yield Foreseen(path=path, profile=sleeve.profile, run=None, what="is weighed from its own sleeves")
            yield from _below(workspace, resolved, note, f"{path}/")
        else:
            yield _foreseen(workspace, resolved, note, path)


def _foreseen(workspace: Workspace, resolved: ResolvedProfile, note: Callable[[str], None], path: str) -> Foreseen:
    profile = resolved.profile.name
    done = finished_run(workspace, make_plan(workspace.lake(), resolved).digest, note)
    if done is not None:
        return Foreseen(path=path, profile=profile, run=done.folder.id, what="is taken")
    begun = interrupted(workspace, resolved, note)
    if begun is not None:
        return Foreseen(path=path, profile=profile, run=begun.id, what="goes on")
    return Foreseen(path=path, profile=profile, run=None, what="is played")
