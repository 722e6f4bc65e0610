"""The pools of two headlines compared: how many candidates and winners, how many independent bets, what it came to.

1. Candidates are the atoms that selection chose from at a decision. Many of them may be one bet: several reasons for
   one coin hold one asset, and coins move together. So beside each count stands the effective number of bets, the
   participation ratio of the atoms by the correlations of their assets (`statistics.effective_bets`). These are the
   very ones that the selection's clusters are cut from: of the bars known at the decision, averaged over the profile's
   lookbacks.
2. Figures of a run are means over the dates on which both headlines decided. Where they share none, over all its own.
3. What the pools came to is the difference of the headlines' Sharpe ratios on the rows that both have, with the
   interval of pairs (`statistics.paired_differences`): without an interval there is no difference to speak of.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from tvquant.core.atoms import Atom, Direction
from tvquant.core.errors import DataError, ModelError, ProfileError
from tvquant.core.panel import Panel
from tvquant.core.selection import SelectionResponse
from tvquant.lake import Snapshot
from tvquant.ledger.recorded_parts import RecordedCell
from tvquant.profiles import Profile
from tvquant.report.performance_figures import Track, shared_excess
from tvquant.report.run import RunData
from tvquant.statistics import average_correlation, effective_bets
from tvquant.statistics.paired_differences import PairedDifference, paired_difference
from tvquant.tournament.friction import BLOCK, CONFIDENCE, SEED
from tvquant.universe import HOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFigures:
    """What a headline chose from and chose, as means over decisions; None where it is not known.

    Parameters
    ----------
    decisions : how many the means are of.
    candidates, assets : atoms of the pool, and the instruments behind them.
    pool_bets : effective number of bets among these atoms.
    winners : atoms that won.
    winner_bets : effective number of bets among them.
    """

    decisions: int
    candidates: float
    assets: float | None
    pool_bets: float | None
    winners: float
    winner_bets: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharpeCompared:
    """The Sharpe ratio of the second headline, `found.first`, less that of the first; or `why` it is not told."""

    found: PairedDifference | None
    why: str = ""

    def document(self) -> dict[str, Any]:
        """Return it JSON-able; `sharpes` are of the first headline and the second."""
        if self.found is None:
            return {"why_not": self.why}
        rest = asdict(self.found)
        return {"sharpes": (rest.pop("second"), rest.pop("first")), **rest}


@dataclass(frozen=True, slots=True)
class _Chosen:
    """One decision of a headline."""

    bar: datetime
    response: SelectionResponse | None


def pool_figures(
    runs: tuple[RunData | None, RunData | None],
    headlines: tuple[RecordedCell | None, RecordedCell | None],
    panels: tuple[Panel | None, Panel | None],
    unread: list[str],
) -> tuple[PoolFigures | None, PoolFigures | None]:
    """Return the figures of both pools; None, and a line in `unread`, where a run does not say.

    A headline that is a baseline has no pool. Without a panel the bets of the pool are not known.
    """
    made: list[Mapping[str, _Chosen] | None] = []
    for run, cell in zip(runs, headlines, strict=True):
        made.append(None)
        if run is None or cell is None or cell.baseline:
            continue
        try:
            made[-1] = _decisions(run, cell)
        except (DataError, ProfileError, pl.exceptions.ColumnNotFoundError) as error:
            unread.append(f"pool of {run.run_id}: {error}")
    first, second = made
    shared = first.keys() & second.keys() if first is not None and second is not None else set()
    found: list[PoolFigures | None] = []
    for run, own, panel in zip(runs, made, panels, strict=True):
        if run is None or own is None:
            found.append(None)
            continue
        chosen = [one for date, one in own.items() if not shared or date in shared]
        found.append(_figures(chosen, run.profile, panel) if chosen else None)
    return found[0], found[1]


def panels_of(
    snapshots: tuple[Snapshot | None, Snapshot | None],
    panel_of: Callable[[Snapshot], Panel] | None,
    unread: list[str],
) -> tuple[Panel | None, Panel | None]:
    """Return what the runs pinned, read once where it is the same; None where the lake no longer has it."""
    found: dict[str, Panel | None] = {}
    for one in snapshots:
        if one is None or panel_of is None or one.digest in found:
            continue
        try:
            found[one.digest] = panel_of(one)
        except DataError as error:
            unread.append(f"bets of the pool: {error}")
            found[one.digest] = None
    first, second = (None if one is None else found.get(one.digest) for one in snapshots)
    return first, second


def sharpe_compared(
    tracks: tuple[Track | None, Track | None], periods: tuple[int | None, int | None]
) -> SharpeCompared:
    """Return how much the second headline's Sharpe ratio is above the first's, on the rows that both have.

    Of two calendars the rows are the common ones, and a year has as many as the shorter one's.
    """
    first, second = tracks
    known = [one for one in periods if one is not None]
    if first is None or second is None or not known:
        return SharpeCompared(found=None, why="one of the headlines has no returns")
    if first.basis != second.basis:
        return SharpeCompared(found=None, why="one of them is of prices only, without dividends")
    times, mine, its = shared_excess(first, second)
    if len(times) and np.array_equal(mine, its):
        return SharpeCompared(found=None, why="they are one and the same book on all shared rows")
    try:
        found = paired_difference(
            np.column_stack([its, mine]), statistic="sharpe_difference", periods_per_year=min(known),
            confidence=CONFIDENCE, block=BLOCK, seed=SEED,
        )  # fmt: skip
    except ModelError as error:
        return SharpeCompared(found=None, why=str(error))
    return SharpeCompared(found=found)


def _decisions(run: RunData, cell: RecordedCell) -> dict[str, _Chosen]:
    """Return the date of each decision of a cell -> what was chosen; one without a candidate has no response."""
    responses = run.responses(cell)
    rows = run.table("windows", cell.key).select("window", "decided_at", "bar").iter_rows()
    return {str(at)[:19]: _Chosen(bar, responses.get(window)) for window, at, bar in rows}


def _figures(chosen: Sequence[_Chosen], profile: Profile, panel: Panel | None) -> PoolFigures:
    answers = [one.response for one in chosen if one.response is not None]
    bets = [0.0 if one.response is None else one.response.effective_bets for one in chosen]
    known: list[tuple[int, float]] = []
    if panel is not None:
        columns = _columns(panel, profile, answers)
        known = [pool for one in chosen if (pool := _pool(one, columns, profile, panel)) is not None]
    whole, total = len(known) == len(chosen), len(chosen)
    return PoolFigures(
        decisions=total,
        candidates=sum(len(one.scores) for one in answers) / total,
        assets=sum(assets for assets, _ in known) / total if whole else None,
        pool_bets=sum(found for _, found in known) / total if whole else None,
        winners=sum(len(one.winners) for one in answers) / total,
        winner_bets=None if None in bets else sum(filter(None, bets)) / total,
    )


def _pool(chosen: _Chosen, columns_of: Mapping[str, int], profile: Profile, panel: Panel) -> tuple[int, float] | None:
    """Return how many instruments a pool is of, and their effective bets; None where the panel lacks one of them."""
    if chosen.response is None:
        return 0, 0.0
    columns = sorted(columns_of.get(atom, -1) for atom in chosen.response.scores)
    last = int(np.searchsorted(panel.times, np.datetime64(chosen.bar), side="right"))
    if not columns or columns[0] < 0 or not last:
        return None
    seen = panel.fields["total_return"][max(0, last - profile.data.lookback) : last]
    distinct, place = np.unique(columns, return_inverse=True)
    matrix = average_correlation(seen[:, distinct], profile.selection.cluster_lookbacks)
    return len(distinct), effective_bets(matrix[np.ix_(place, place)])


def _columns(panel: Panel, profile: Profile, answers: Sequence[SelectionResponse]) -> dict[str, int]:
    """Return atom id -> column of its instrument, of every atom that the profile could make: no id is taken apart."""
    sides = {(HOLD, side) for side in Direction}
    sides |= {(str(one.logic), side) for one in profile.universe.scanners for side in Direction}
    sides |= {(atom.logic, atom.direction) for answer in answers for atom in answer.winners}
    return {
        Atom(physical_symbol=key, logic=logic, direction=side).symbol: column
        for column, key in enumerate(panel.keys)
        for logic, side in sides
    }
