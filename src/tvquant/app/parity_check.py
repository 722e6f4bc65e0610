"""Parity of a finished run: the weights that it decided, played anew by every simulator that can express them.

1. The weights are those of the ledger, the prices those of the pinned snapshot: nothing is decided again.
2. In the run's own setting its own simulator must make the book that the run recorded; else what is compared is no book
   of that run.
3. All simulators are compared in the parity setting, where limits bind, then in the run's own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata

import numpy as np

from tvquant.app.finished_runs import fault
from tvquant.app.identity import source_digest
from tvquant.app.parity_case import Case, meta_case, profile_case
from tvquant.app.progress import Watcher
from tvquant.app.workspace import Workspace
from tvquant.core.books import SimResult
from tvquant.core.errors import LedgerError, ProfileError
from tvquant.ledger import RunFolder
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.profiles import MetaProfile, Profile
from tvquant.profiles.messages import unknown
from tvquant.profiles.options import Options
from tvquant.simulation import SIMULATORS
from tvquant.simulation.simulators.catalogue import uninstalled
from tvquant.tournament.parity_play import Given, Parity, Side, seconds_of, side
from tvquant.tournament.parity_settings import Setting, own_setting, parity_setting

PATIENCE = 60.0
"""Seconds of work from which on it is said beforehand how long it will take."""
SAME = 1e-9
"""Part of its equity by which a book that is played again may lie off the recorded one."""


def parity(
    workspace: Workspace,
    folder: RunFolder,
    *,
    cell: str | None,
    simulators: Sequence[str],
    watcher: Watcher,
    timer: Callable[[], float],
) -> Parity:
    """Compare the named simulators on one cell of a finished run; none named are all that are installed.

    Raises
    ------
    ProfileError : a cell or simulator that there is not, or is not installed; one that was named and refuses the parity
        setting; fewer than two that can play it.
    LedgerError : the run is not finished or does not verify, or is not played as it was recorded.
    ModelError : the cell has no book.
    DataError : the lake no longer holds what the run pinned.
    """
    from threadpoolctl import threadpool_limits

    run = RecordedRun(folder)
    if not run.verification.finished:
        raise LedgerError(f"only a finished run that verifies can be compared: {fault(run)}")
    assert run.plan is not None  # a sealed run has one
    profile = run.meta.profile if run.is_meta else run.resolved.profile
    given = _given(profile, simulators)
    case = meta_case(workspace, run, cell) if run.is_meta else profile_case(workspace, run, cell)
    rules = case.cell.book.execution
    plain = case.plain or case
    settings = (
        (plain, parity_setting(plain.panel, plain.costs, rules, profile.parity)),
        (case, own_setting(case.panel, case.costs, rules)),
    )
    if case.cell.book.simulator not in given:
        watcher.note(
            f"the run's own book is by {case.cell.book.simulator}, which does not play: whether it is played as it "
            "was recorded is not looked at"
        )
    steps, seen = _counting(watcher, len(settings) * len(given)), _Seen(case)
    with threadpool_limits(1):
        for line in _estimate(settings, given, timer):
            watcher.note(line)
        strict, own = (
            side(one, its.path, given, limits=profile.parity, by=its.measure, done=done)
            for (its, one), done in zip(settings, (steps, seen.then(steps)), strict=True)
        )
    _refuse_alone(strict, simulators)
    seen.check(folder.id)
    return Parity(
        run=folder.id,
        cell=case.cell.key,
        result=run.sealed or "",
        code=source_digest(),
        versions=dict(_versions(given)),
        uninstalled={} if simulators else dict(uninstalled()),
        limits=profile.parity,
        sides=(strict, own),
    )


def _given(profile: Profile | MetaProfile, named: Sequence[str]) -> Given:
    """Return the simulators that are asked for, with their options."""
    absent = uninstalled()
    for name in named:
        if name not in SIMULATORS:
            raise ProfileError(f"--simulators: {unknown('simulator', name, SIMULATORS)}")
        if name in absent:
            raise ProfileError(f"--simulators: {name} is not installed; install tvquant[{absent[name]}]")
    names = dict.fromkeys(named or (name for name in SIMULATORS if name not in absent))
    if len(names) < 2:
        others = "; ".join(f"{name} is not installed: install tvquant[{extra}]" for name, extra in absent.items())
        raise ProfileError(
            f"{', '.join(names)} alone cannot be compared: a simulator is never compared with itself"
            + (f" ({others})" if others and not named else "")
        )
    return {name: _options(profile, name) for name in names}


def _options(profile: Profile | MetaProfile, name: str) -> tuple[Options, ...]:
    """Return the run's values of what a simulator declares; one that the run had not heard of has its defaults."""
    one = SIMULATORS[name]
    try:
        return profile.execution.options_of(one)
    except ProfileError:
        if name in profile.execution.simulators:
            raise
        return tuple(declared() for declared in one.options)


def _estimate(settings: Sequence[tuple[Case, Setting]], given: Given, timer: Callable[[], float]) -> Iterator[str]:
    """Yield how long the books of a simulator will take, where that is long."""
    for name in given:
        if SIMULATORS[name].needs is None:
            continue
        seconds = sum(seconds_of(one, case.path, name, given, timer) for case, one in settings)
        if seconds > PATIENCE:
            yield f"the books of {name} will take about {seconds / 60:.0f} min, by the time that their first rows took"


def _refuse_alone(found: Side, named: Sequence[str]) -> None:
    """Refuse to compare where one simulator is left, or one that was named cannot play the parity setting."""
    for name in named:
        if name in found.refused:
            raise ProfileError(f"{name} cannot play the parity setting of this run: {found.refused[name]}")
    if len(found.played) < 2:
        why = "; ".join(f"{name}: {text}" for name, text in found.refused.items())
        raise ProfileError(
            f"{', '.join(found.played) or 'no simulator'} alone can play the parity setting of this run, and a "
            f"simulator is never compared with itself ({why})"
        )


class _Seen:
    """The run's own book as it is played anew."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._book: SimResult | None = None

    def then(self, done: Callable[[SimResult | None], None]) -> Callable[[SimResult | None], None]:
        """Return what keeps the run's own book, and goes on to tell."""

        def keep(book: SimResult | None) -> None:
            if book is not None and book.simulator == self._case.cell.book.simulator:
                self._book = book
            done(book)

        return keep

    def check(self, run: str) -> None:
        """Refuse a run whose own book is not what it recorded; what was not played is not checked."""
        if self._book is None:
            return
        recorded = self._case.recorded
        equity, times = recorded["equity"].to_numpy(), recorded["time"].to_numpy()
        how = "its rows are others"
        kept = np.isin(self._book.times, times) if self._case.measured else np.ones(len(self._book.times), np.bool_)
        if np.array_equal(times, self._book.times[kept]):
            off = float((np.abs(self._book.equity[kept] - equity) / np.maximum(equity, SAME)).max())
            if off <= SAME:
                return
            how = f"equity is off by {off:.2g}"
        raise LedgerError(
            f"run {run}: its book of {self._case.cell.key} is not what these simulators make of its weights ({how}): "
            "it was made by other code; run the profile anew, and compare that"
        )


def _counting(watcher: Watcher, total: int) -> Callable[[SimResult | None], None]:
    """Return what shows how many books there are so far."""
    made = 0

    def count(_: SimResult | None) -> None:
        nonlocal made
        made += 1
        watcher.steps(made, total)

    return count


def _versions(names: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield each simulator with the package that it plays by and its version."""
    for name in names:
        needs = SIMULATORS[name].needs
        if needs is not None:
            packages = metadata.packages_distributions().get(needs[0], [needs[0]])
            yield name, f"{packages[0]} {metadata.version(packages[0])}"
