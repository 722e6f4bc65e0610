"""What selections were worth over all windows: one finding for each contender."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tvquant.core.panel import Floats
from tvquant.statistics.agreement import adjusted_rand, jaccard
from tvquant.statistics.metrics import SHORTEST_ANNUALISED_DAYS
from tvquant.statistics.significance import MeanEstimate, mean_estimate
from tvquant.tournament.selection_evidence import SelectionWindow

STAGES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureFinding:
    """A feature of a score over all windows.

    Parameters
    ----------
    ic : rank correlation of its part of the score with the outcomes, by horizon.
    share : mean share of the variance of the score; None where that never varies.
    """

    ic: tuple[MeanEstimate, ...]
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VetoFinding:
    """A rule over all windows: how many atoms it vetoed, and their mean return less that of the (other) winners."""

    rule: str
    overridden: bool
    count: int
    regret: MeanEstimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A contender over all windows; means are over windows, None where there are none.

    Parameters
    ----------
    model, floor : who it is, and whether its floor of winners is in force.
    windows, empty, sparse : how many; without a winner, with fewer than the floor (None where that is not in force).
    failures : reasons of windows without an answer.
    winners, fewest : mean and least number of winners.
    stages : how many windows ended at no stage (0), 1, 2, 3 and 4.
    bets : effective number of independent bets among winners.
    overlap : Jaccard index of the winners of a window and the next, on common names of their pools.
    rand : adjusted Rand index of the clusters of a window and the next, on common names.
    turnover : share of a window's winners that did not win in the one before.
    silent : mean number of atoms of the pool without a bar in the window.
    alpha : mean return of the winners less that of the pool, per window.
    rows : mean rows of the windows.
    ic : rank correlation of the score with the outcomes, by horizon.
    """

    model: str
    floor: bool
    windows: int
    empty: int
    sparse: int | None
    failures: tuple[str, ...]
    winners: float
    fewest: int
    stages: tuple[int, ...]
    bets: float | None
    overlap: float | None
    rand: float | None
    turnover: float | None
    silent: float
    alpha: MeanEstimate
    rows: float
    ic: tuple[MeanEstimate, ...]
    features: Mapping[str, FeatureFinding]
    vetoes: tuple[VetoFinding, ...]

    def annual_alpha(self, periods_per_year: int) -> tuple[float, float] | None:
        """Return alpha and its error by the year: those of a window times windows per year, not compounded.

        None below 60 calendar days in all, or without an error.
        """
        if self.alpha.mean is None or self.alpha.se is None:
            return None
        if self.alpha.n * self.rows * 365 < SHORTEST_ANNUALISED_DAYS * periods_per_year:
            return None
        factor = periods_per_year / self.rows
        return self.alpha.mean * factor, self.alpha.se * factor


def finding(model: str, windows: Sequence[SelectionWindow], *, floor: bool) -> Finding:
    """Return what the windows of a contender, in order of time, amount to; there is at least one."""
    counts = [len(one.winners) for one in windows]
    pairs = list(pairwise(windows))
    return Finding(
        model=model,
        floor=floor,
        windows=len(windows),
        empty=counts.count(0),
        sparse=sum(one.sparse for one in windows) if floor else None,
        failures=tuple(one.failure for one in windows if one.failure),
        winners=float(np.mean(counts)),
        fewest=min(counts),
        stages=tuple(sum(one.stage == stage for one in windows) for stage in range(STAGES + 1)),
        bets=_mean(one.bets for one in windows),
        overlap=_mean(_shared(one, other) for one, other in pairs),
        rand=_mean(adjusted_rand(one.clusters, other.clusters) for one, other in pairs),
        turnover=_mean(_replaced(one, other) for one, other in pairs),
        silent=float(np.mean([one.silent for one in windows])),
        alpha=mean_estimate(np.array([one.alpha for one in windows])),
        rows=float(np.mean([one.rows for one in windows])),
        ic=_by_horizon([one.ic for one in windows]),
        features=_features(windows),
        vetoes=_vetoes(windows),
    )


def _shared(one: SelectionWindow, other: SelectionWindow) -> float:
    common = one.clusters.keys() & other.clusters.keys()
    return jaccard(common & set(one.winners), common & set(other.winners))


def _replaced(before: SelectionWindow, now: SelectionWindow) -> float:
    return len(set(now.winners) - set(before.winners)) / len(now.winners) if now.winners else float("nan")


def _mean(values: Iterable[float]) -> float | None:
    """Return the mean of those that there are."""
    given = np.array(list(values))
    there = given[np.isfinite(given)]
    return float(there.mean()) if len(there) else None


def _by_horizon(rows: Sequence[Floats] | Floats) -> tuple[MeanEstimate, ...]:
    return tuple(mean_estimate(column) for column in np.array(rows).T)


def _features(windows: Sequence[SelectionWindow]) -> dict[str, FeatureFinding]:
    """Return every feature that is in a score of some window, in the order of the score; elsewhere it is missing."""
    nothing = np.full(len(windows[0].ic), np.nan)
    found = {}
    for name in dict.fromkeys(name for one in windows for name in one.features):
        ic = np.array([one.features[name].ic if name in one.features else nothing for one in windows])
        shares = (one.features[name].share for one in windows if name in one.features)
        found[name] = FeatureFinding(ic=_by_horizon(ic), share=_mean(shares))
    return found


def _vetoes(windows: Sequence[SelectionWindow]) -> tuple[VetoFinding, ...]:
    keys = sorted({key for one in windows for key in one.vetoes})
    found = []
    for key in keys:
        fallen = [one.vetoes.get(key) for one in windows]
        found.append(
            VetoFinding(
                rule=key[0],
                overridden=key[1],
                count=sum(one.count for one in fallen if one),
                regret=mean_estimate(np.array([one.regret if one else np.nan for one in fallen])),
            )
        )
    return tuple(found)
