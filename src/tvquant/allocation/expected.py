"""What the covariance of a problem expects of a book that came of it."""

from collections.abc import Mapping

import numpy as np

from tvquant.allocation.loading import l2_of
from tvquant.allocation.risk.catalogue import RISK_PROFILES
from tvquant.core.allocations import Expected
from tvquant.core.problems import Problem


def expected_of(problem: Problem, weights: Mapping[str, float], risk_profile: str) -> Expected:
    """Return the expected volatility of weights by stream id (those that are absent are 0), beside equal weights.

    `risk_profile` is the one that made the weights.
    """
    given, matrix = problem.covariance, problem.covariance.matrix
    held = np.array([weights.get(key, 0.0) for key in problem.keys])
    return Expected(
        volatility=float(np.sqrt(held @ matrix @ held)),
        even_volatility=float(np.sqrt(matrix.mean())),
        method=given.method,
        shrinkage=given.shrinkage,
        ridge=given.ridge,
        condition=given.condition,
        observations=given.observations,
        effective=given.effective,
        factors=given.factors,
        means_method=given.means_method,
        means_shrinkage=given.means_shrinkage,
        l2=l2_of(problem, RISK_PROFILES[risk_profile]),
    )
