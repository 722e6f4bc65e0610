"""What the stages of one run share."""

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from time import process_time

import numpy as np

from tvquant.app.plan import Plan
from tvquant.app.progress import Watcher
from tvquant.app.rates import cash_yield, risk_free
from tvquant.core.books import Convention
from tvquant.core.errors import DataError
from tvquant.core.instants import instant
from tvquant.core.panel import Panel, Times
from tvquant.core.records import Recorder
from tvquant.lake import Lake
from tvquant.ledger import RunFolder
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.tournament.backends.contract import HERE, Cluster
from tvquant.tournament.cells import Cell, cells
from tvquant.tournament.matrix import NOTHING, Resumed
from tvquant.tournament.walk_forward import BacktestEngine, Grids, grids
from tvquant.tournament.windows import Schedule


@dataclass(kw_only=True)
class RunContext:
    """One run while it is played; panel, cells and grids are made when the first stage asks for them.

    Parameters
    ----------
    recorder : the run's ledger.
    jobs : processes of this machine; the result is the same for any number.
    cluster : where workers are.
    finished : numbers of the stages that were played.
    resumed : what an interrupted run had recorded of its cells.
    planning : seconds from the command's start to the first record; None of a run that is continued.
    """

    lake: Lake
    folder: RunFolder
    plan: Plan
    recorder: Recorder
    progress: Watcher
    jobs: int
    cluster: Cluster = HERE
    finished: set[int] = field(default_factory=set)
    resumed: Resumed = NOTHING
    planning: float | None = None

    @property
    def digests(self) -> dict[str, str]:
        """Digests that stages name as their inputs."""
        return {"plan": self.plan.digest, "snapshot": self.plan.snapshot.digest}

    @cached_property
    def panel(self) -> Panel:
        """The panel that the run works on.

        Raises
        ------
        DataError : as `Plan.panel`; a bar closes after the run began.
        """
        panel = self.plan.panel
        _refuse_future(panel, self.folder)
        return panel

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells of the profile's grid."""
        return cells(self.plan.resolved.profile)

    @cached_property
    def grids(self) -> Grids:
        """The windows of each schedule, from the first at which any name has history.

        Raises
        ------
        DataError : there is none.
        """
        found = grids(self.panel, [cell.path for cell in self.cells])
        own, times = self.plan.resolved.profile.data.start, self.panel.times
        late = [late_start(schedule, windows[0].start, times, own) for schedule, windows in found.items()]
        for said in dict.fromkeys(filter(None, late)):
            self.progress.note(said)
        return found

    @cached_property
    def engine(self) -> BacktestEngine:
        """What decides and settles.

        Raises
        ------
        DataError : as `engine_of`; there is no window.
        """
        return engine_of(self.plan, self.panel, self.grids)


def engine_of(plan: Plan, panel: Panel, found: Grids) -> BacktestEngine:
    """Return what decides and settles on the panel of a plan, over these windows; it times its decisions.

    Raises
    ------
    DataError : a rate of the profile is not known from the first row on at which a book may be filled.
    """
    at_once = plan.resolved.profile.execution.convention is Convention.SAME_CLOSE
    first = min(windows[0].start for windows in found.values()) - at_once
    return BacktestEngine(panel, found, risk_free(plan, panel, first), cash_yield(plan, panel, first), process_time)


def late_start(schedule: Schedule, first: int, times: Times, own: date | None) -> str | None:
    """Return why the first window, at row `first`, begins later than asked; None where it does not.

    What a phase puts off is asked for. `own` is the profile's start; another one is of `grid.starts`.
    """
    start = schedule.start
    if start is None or first <= np.searchsorted(times, np.datetime64(start)) + schedule.phase:
        return None
    asked = f"data.start is {start}" if start == own else f"grid.starts has {start}"
    return (
        f"{asked}, and the first window begins on {str(times[first])[:10]}: before that no name had the history "
        f"for it ({schedule.train} rows of windows.train, and data.min_history); import older bars to begin earlier"
    )


def _refuse_future(panel: Panel, folder: RunFolder) -> None:
    """Refuse a decision on a bar that closes after the run began: the clock was wrong when stored, or is now."""
    began = instant(RecordedRun(folder).began)
    late = np.argwhere(panel.tradable & (panel.known_at > began))
    if len(late):
        row, column = late[-1]
        raise DataError(
            f"{panel.keys[column]}: its bar of {str(panel.times[row])[:10]} closes after this run began "
            f"({str(began)[:16]} UTC); set the clock right, or take the bar out of the lake"
        )
