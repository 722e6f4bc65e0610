"""What a selection was worth, measured by what came after it.

1. A decision is made as it is in a tournament. Outcomes are returns of the pool's streams from the close that decided
   to the close before the next window's test rows: windows do not overlap. They are looked at only here.
2. A stream is a synthetic long: a short by what its holder earns. Rows without a bar earn nothing, so a name that ends
   in the window counts with its last return; one without any bar in it has no outcome and is counted as such.
3. Per window there is one number for each question (an alpha, a rank correlation, a regret), whatever the pool's size.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tvquant.core.panel import Floats
from tvquant.core.selection import SelectionResponse
from tvquant.statistics.rank_correlation import spearman

NONE = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """What K streams earned after a decision.

    Parameters
    ----------
    ids : K atom ids.
    returns : H x K compounded returns over the first rows after the decision, by horizon, the whole window last; NaN
        where the name has no bar in them.
    """

    ids: tuple[str, ...]
    returns: Floats

    @property
    def window(self) -> Mapping[str, float]:
        """Atom id -> return over the whole window."""
        return dict(zip(self.ids, self.returns[-1].tolist(), strict=True))


def outcomes(ids: tuple[str, ...], after: Floats, horizons: Sequence[int]) -> Outcomes:
    """Return the outcomes of R x K stream returns (NaN: no bar) on the rows after a decision.

    `horizons` are numbers of rows below R; the whole window comes after them.
    """
    growth = np.cumprod(1.0 + np.nan_to_num(after), axis=0)
    seen = np.cumsum(np.isfinite(after), axis=0) > 0
    rows = [horizon - 1 for horizon in (*horizons, len(after))]
    return Outcomes(ids=ids, returns=np.where(seen[rows], growth[rows] - 1.0, np.nan))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureWindow:
    """A feature of one decision: rank correlation with the outcomes (H), and its share of the variance of the score."""

    ic: Floats
    share: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vetoed:
    """Atoms that a rule vetoed at one decision: how many, and their mean return less that of the (other) winners."""

    count: int
    regret: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelectionWindow:
    """One selection and what came of it; NaN where a question has no answer.

    Parameters
    ----------
    rows : of the window.
    winners : ids; `clusters` : atom id -> cluster of the whole pool.
    stage : of relaxation; 0 where there was nobody to choose from, or the maths had no answer.
    failure : why it had none.
    bets : effective number of independent bets among the winners.
    silent : atoms of the pool without a bar in the window.
    alpha : mean return of the winners less that of the pool.
    ic : H rank correlations of the score with the outcomes.
    features : feature -> the same of its part of the score.
    vetoes : (rule, overridden) -> who was vetoed.
    """

    rows: int
    winners: tuple[str, ...] = ()
    clusters: Mapping[str, int]
    stage: int = 0
    failure: str = ""
    sparse: bool = True
    bets: float = NONE
    silent: int = 0
    alpha: float = NONE
    ic: Floats
    features: Mapping[str, FeatureWindow]
    vetoes: Mapping[tuple[str, bool], Vetoed]


def nothing_chosen(*, rows: int, horizons: int, failure: str) -> SelectionWindow:
    """Return the window of a decision that has no response: there was nobody, or there is a failure."""
    return SelectionWindow(
        rows=rows, clusters={}, failure=failure, ic=np.full(horizons, np.nan), features={}, vetoes={}
    )


def measured(response: SelectionResponse, after: Outcomes, *, rows: int) -> SelectionWindow:
    """Return a selection with what came of it; `after` is of the atoms of its pool, in any order."""
    scores = np.array([response.scores[symbol] for symbol in after.ids])
    winners = tuple(atom.symbol for atom in response.winners)
    earned = after.window
    return SelectionWindow(
        rows=rows,
        winners=winners,
        clusters=response.clusters,
        stage=response.stage,
        sparse="sparse" in response.flags,
        bets=NONE if not winners or response.effective_bets is None else response.effective_bets,
        silent=sum(math.isnan(one) for one in earned.values()),
        alpha=_mean(earned, winners) - _mean(earned, after.ids),
        ic=_information(scores, after),
        features=_features(response, after),
        vetoes=_vetoed(response, winners, earned),
    )


def _information(values: Floats, after: Outcomes) -> Floats:
    return np.array([spearman(values, row) for row in after.returns])


def _features(response: SelectionResponse, after: Outcomes) -> dict[str, FeatureWindow]:
    """Return each feature by its part of the score, which orders atoms as the score uses it: a penalty turned over."""
    parts = [response.parts[symbol] for symbol in after.ids] if response.parts else []
    found = {}
    for name in next(iter(parts), {}):
        part = np.array([one[name] for one in parts])
        found[name] = FeatureWindow(ic=_information(part, after), share=response.shares.get(name, NONE))
    return found


def _vetoed(
    response: SelectionResponse, winners: tuple[str, ...], earned: Mapping[str, float]
) -> dict[tuple[str, bool], Vetoed]:
    """Return who was vetoed by each rule; apart, whose veto was overridden: these are compared with other winners."""
    fallen: dict[tuple[str, bool], list[str]] = {}
    for symbol, veto in response.vetoes.items():
        fallen.setdefault((veto.rule, veto.overridden), []).append(symbol)
    found = {}
    for key, symbols in fallen.items():
        others = [symbol for symbol in winners if symbol not in set(symbols)]
        found[key] = Vetoed(count=len(symbols), regret=_mean(earned, symbols) - _mean(earned, others))
    return found


def _mean(earned: Mapping[str, float], ids: Sequence[str]) -> float:
    """Return the mean over those that have an outcome; NaN of none."""
    there = [earned[symbol] for symbol in ids if not math.isnan(earned[symbol])]
    return math.fsum(there) / len(there) if there else NONE
