"""What the covariance of a problem expects of a book that came of it."""

from collections.abc import Mapping

import numpy as np

from tvquant.core.allocations import Expected, Problem


def expected_of(problem: Problem, weights: Mapping[str, float]) -> Expected:
    """Return the expected volatility of weights by stream id (those that are absent are 0), beside equal weights."""
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
    )
