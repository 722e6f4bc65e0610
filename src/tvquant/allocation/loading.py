"""Loading: the L2 term of the objectives that minimise a variance, as a diagonal of the covariance they are handed.

w'(S + g m I)w is w'Sw plus g m times the squared weights: an engine that is given the loaded covariance need know
nothing of it. g is in mean variances m of the covariance before its ridge, and is added beside the ridge (R-RSK-07).
"""

from dataclasses import replace

import numpy as np

from tvquant.allocation.risk.contract import Objective, RiskProfile
from tvquant.core.problems import Problem

LOADED = frozenset({Objective.MIN_VARIANCE, Objective.MAX_RATIO})


def raised(asked: float, profile: RiskProfile) -> float:
    """Return an L2 coefficient, raised to the least of the risk profile; 0 adds nothing to any and stays 0."""
    return max(asked, profile.least_l2) if asked > 0.0 else 0.0


def l2_of(problem: Problem, profile: RiskProfile) -> float:
    """Return the coefficient by which this risk profile solves the problem; 0 where it minimises no variance."""
    return raised(problem.l2, profile) if profile.objective in LOADED else 0.0


def loaded(problem: Problem, profile: RiskProfile) -> Problem:
    """Return the problem as an engine gets it for this risk profile: its L2 is in the covariance, and is 0.

    The condition number stays that of the estimate; the L2 only lowers it.
    """
    given, l2 = problem.covariance, l2_of(problem, profile)
    if not l2:
        return problem
    n = len(given.matrix)
    mean_variance = float(np.trace(given.matrix)) / n / (1.0 + given.ridge)
    matrix = given.matrix.copy()
    matrix.flat[:: n + 1] += l2 * mean_variance
    return problem.with_l2_in(replace(given, matrix=matrix, ridge=given.ridge + l2))
