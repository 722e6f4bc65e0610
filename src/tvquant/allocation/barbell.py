"""Barbell: a few bold names beside a broad core, with nothing between.

1. The leader of each of K clusters is its best by score at selection. Clusters are ranked by the antifragility of their
   leaders, the highest first; who has none comes last, and ties go by the number of the cluster.
2. The first min(aggressors, K // 2) leaders are the aggressors. They share equally a part of equity that follows from
   the market's regime, and their clusters hold nothing else (R-RSK-13, R-RSK-14). One cluster alone is all core.
3. The streams of the other clusters are the core: by the engine's own HRP from ten of them on, else equal.
4. Both together are projected onto the limits of the whole book. The aggressors are never given more than their part:
   what the core has no room for is cash.

Source: Taleb (2012), Antifragile, chapter 11, for the shape; shares and ranks are the house's.
"""

from dataclasses import replace

import numpy as np

from tvquant.allocation import budgets
from tvquant.allocation.caps import DUST, NEGLIGIBLE, FeasibleSet, open_set
from tvquant.allocation.engines.contract import Engine, EngineAnswer
from tvquant.allocation.projection import onto_caps
from tvquant.allocation.risk.aggressors import Aggressors
from tvquant.allocation.risk.contract import RiskProfile
from tvquant.core.allocations import Attempt
from tvquant.core.barbells import NO_AGGRESSORS, Barbell, Leader
from tvquant.core.panel import Bools, Floats, frozen
from tvquant.core.problems import Problem
from tvquant.profiles.options import Options

FEWEST = 10
"""Streams from which on a core is weighted by HRP."""
CORE = "core"
"""Cause of the cash that the core has no room for."""


def solve(
    problem: Problem, feasible: FeasibleSet, engine: Engine, hrp: RiskProfile, options: tuple[Options, ...]
) -> tuple[EngineAnswer, Barbell]:
    """Return the book within the limits, and what it is made of; `hrp` is the profile by which the engine weighs."""
    declared = Aggressors.among(options)
    share = declared.share(problem.regime.label)
    leaders = ranked(problem, declared.aggressors)
    bold = np.isin(problem.clusters, [one.cluster for one in leaders if one.aggressor])
    leading = np.isin(problem.keys, [one.atom for one in leaders if one.aggressor])
    by_hrp = int((~bold).sum()) >= FEWEST
    made = Barbell(
        share=share if leading.any() else 0.0,
        regime=problem.regime.label.value,
        core="hrp" if by_hrp else "equal",
        leaders=leaders,
        flags=() if leading.any() else (NO_AGGRESSORS,),
    )
    core = _core(problem, ~bold, engine, hrp, options) if by_hrp else _equal(int((~bold).sum()))
    if core.weights is None:
        return core, made
    target = np.zeros(len(problem.keys))
    target[leading] = share / max(1, int(leading.sum()))
    target[~bold] = (1.0 - made.share) * core.weights / core.weights.sum()
    own = _own_limits(feasible, target, bold)
    if own.budget <= NEGLIGIBLE:
        empty = Attempt(
            what="limits", outcome="they leave nothing to hold where no aggressor may have more than its part"
        )
        return EngineAnswer(weights=None, attempts=(*core.attempts, empty)), made
    lost = feasible.budget - own.budget
    answer = onto_caps(replace(core, weights=target), own, problem.covariance.matrix)
    return replace(answer, taken={CORE: lost} if lost > DUST else {}), made


def ranked(problem: Problem, most: int) -> tuple[Leader, ...]:
    """Return the leader of each cluster, the most antifragile first; the first of them are aggressors."""
    scores, antifragility = (_known(given, len(problem.keys)) for given in (problem.scores, problem.antifragility))
    best: dict[int, int] = {}
    for i, cluster in enumerate(problem.clusters):
        held = best.setdefault(cluster, i)
        if (-scores[i], problem.keys[i]) < (-scores[held], problem.keys[held]):
            best[cluster] = i
    order = sorted(best, key=lambda cluster: (-antifragility[best[cluster]], cluster))
    aggressors = min(most, len(order) // 2)
    return tuple(
        Leader(
            atom=problem.keys[best[cluster]],
            cluster=cluster,
            score=_or_none(scores[best[cluster]]),
            antifragility=_or_none(antifragility[best[cluster]]),
            aggressor=rank < aggressors,
        )
        for rank, cluster in enumerate(order)
    )


def _known(given: Floats | None, n: int) -> list[float]:
    """Return N figures, minus infinity where there is none."""
    found: list[float] = np.full(n, -np.inf).tolist() if given is None else np.nan_to_num(given, nan=-np.inf).tolist()
    return found


def _or_none(figure: float) -> float | None:
    return None if figure == -np.inf else figure


def _equal(n: int) -> EngineAnswer:
    return EngineAnswer(weights=np.full(n, 1.0 / n), attempts=(Attempt(what="equal core", outcome="solved"),))


def _core(
    problem: Problem, core: Bools, engine: Engine, hrp: RiskProfile, options: tuple[Options, ...]
) -> EngineAnswer:
    """Return the engine's weights of the core alone, before limits."""
    alone = problem.unlimited.of(core)
    answer = engine.solve(alone, open_set(alone), hrp, options)
    return replace(answer, attempts=tuple(replace(one, what=f"core, {one.what}") for one in answer.attempts))


def _own_limits(feasible: FeasibleSet, target: Floats, bold: Bools) -> FeasibleSet:
    """Return the limits with those of a barbell: in bold clusters no stream holds more than it is meant to.

    A stream that a least binds is left to it.
    """
    least = np.zeros(len(target), np.bool_)
    for one in feasible.named:
        if one.limit.least > 0.0:
            least |= one.gross > 0.0
    part = target if feasible.trades is None else np.maximum(target, feasible.trades.room)  # sold as turnover allows
    upper = np.where(bold & ~least, np.minimum(part, feasible.upper), feasible.upper)
    most = budgets.most(feasible.lower, upper, feasible.rows, feasible.bounds, feasible.budget, feasible.trades)
    return replace(feasible, upper=frozen(upper), budget=max(0.0, most))
