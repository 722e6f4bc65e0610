"""Cells that a run's grid puts beside its headline, one axis at a time; and books of several on the rows of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from tvquant.core.panel import Floats, Times
from tvquant.core.rates import RiskFree
from tvquant.ledger.recorded_parts import RecordedCell
from tvquant.report.run import RunData
from tvquant.report.tracks import tracks_of
from tvquant.statistics import Performance, performance
from tvquant.tournament.specs import StrategySpec
from tvquant.tournament.windows import Schedule

NORMAL = 1.96
"""Standard errors on each side of an interval at 95 %."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Aligned:
    """Books on the rows that all of them have.

    Parameters
    ----------
    cells : K of them; `times` : (T,); `returns` : (T, K).
    risk_free : of the first, on these rows.
    """

    cells: tuple[RecordedCell, ...]
    times: Times
    returns: Floats
    risk_free: RiskFree
    periods_per_year: int

    @property
    def measured(self) -> tuple[Performance, ...]:
        """Measures of each book on these rows."""
        a, rate = self.periods_per_year, self.risk_free
        return tuple(performance(one, periods_per_year=a, risk_free=rate) for one in self.returns.T)

    @property
    def excess(self) -> Floats:
        """(T, K) returns in excess of the rate."""
        return np.column_stack([self.risk_free.excess(one) for one in self.returns.T])


def aligned(run: RunData, cells: Sequence[RecordedCell]) -> Aligned | None:
    """Return the books of these cells on the rows of all; None where fewer than two have a row in common.

    Books of one run stand on rows of one panel, each from its first fill to the end, so no row between is lost.
    """
    tracks = tracks_of(run, cells) if len(cells) > 1 else []
    if len(tracks) < 2:
        return None
    times: Times = reduce(np.intersect1d, [one.times for one in tracks])
    if not len(times):
        return None
    rows = [np.searchsorted(one.times, times) for one in tracks]
    kept = {one.name for one in tracks}
    return Aligned(
        cells=tuple(one for one in cells if one.key in kept),
        times=times,
        returns=np.column_stack([one.returns[mine] for one, mine in zip(tracks, rows, strict=True)]),
        risk_free=tracks[0].risk_free.at(rows[0]),
        periods_per_year=run.periods_per_year,
    )


def on_other_windows(run: RunData) -> tuple[RecordedCell, ...]:
    """Return the headline, then itself on each other schedule of the grid."""
    own, mine = run.headline, run.path_of(run.headline)
    others = (one for one in _played(run, own.book) if one.schedule and not one.variant)
    return (own, *(one for one in others if run.path_of(one) == f"{mine}/{one.schedule}"))


def at_other_costs(run: RunData, cell: RecordedCell) -> tuple[RecordedCell, ...]:
    """Return a cell at the profile's own costs, then at each scenario of the grid."""
    path, simulator = run.path_of(cell), cell.book.partition("+")[0]
    books = (one for one in run.outcomes if one.why is None and one.book.partition("+")[0] == simulator)
    return (cell, *(one for one in books if one.scenario and run.path_of(one) == path))


def strategies(run: RunData) -> tuple[tuple[RecordedCell, StrategySpec], ...]:
    """Return every strategy that competes in the headline's book, on any windows, with how it decides."""
    played = (one for one in _played(run, run.headline.book) if one.competes and not one.baseline)
    specs = ((one, run.planned[one.key].spec) for one in played)
    return tuple((one, spec) for one, spec in specs if isinstance(spec, StrategySpec))


def variants(run: RunData) -> tuple[tuple[RecordedCell, Schedule], ...]:
    """Return the headline, then its variants that were played, each with when it decides; by phase, then by start."""
    own = run.headline
    found = [(one, run.planned[one.key].path.schedule) for one in (own, *_played(run, own.book)) if one.variant]
    return ((own, run.planned[own.key].path.schedule), *sorted(found, key=lambda one: one[1].phase))


def selection_of(run: RunData, cell: RecordedCell) -> str:
    """Return the name of the selection of a strategy's cell."""
    return cell.entrant or run.profile.selection.model


def _played(run: RunData, book: str) -> tuple[RecordedCell, ...]:
    return tuple(one for one in run.outcomes if one.why is None and one.book == book)
