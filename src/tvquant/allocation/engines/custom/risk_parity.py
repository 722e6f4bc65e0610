"""Risk parity: every name contributes the same share of the variance (equal risk contribution, ERC).

They do so before caps: with caps inside the program the contributions would not be equal anywhere.
"""

import numpy as np

from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.engines.custom.quadratic import NOT_CONVEX
from tvquant.allocation.solver_attempts import Solution, first_solution
from tvquant.core.panel import Floats
from tvquant.core.problems import Covariance, positive_definite

TOLERANCE = 1e-11
"""Largest relative difference of a risk contribution from the mean."""
SWEEPS = 100
STEPS = 100
WHOLE = 0.25
"""A Newton step that is not longer is made whole."""


def solve(covariance: Covariance) -> EngineAnswer:
    """Return weights with equal risk contributions, before caps."""
    return first_solution(covariance, {"coordinate_descent": equal_risk})


def equal_risk(matrix: Floats) -> Solution:
    """Return N positive weights, of sum 1, with w_i (Sw)_i equal for all names.

    The minimum of y'Cy / 2 - sum ln(y_i) / N has y_i (Cy)_i = 1 / N. It is sought on the correlations C, where units
    are gone and the start, equal y, is the answer already when all correlations are alike; then w_i ~ y_i / sigma_i.
    Cyclical coordinate descent ends in a few sweeps where one factor moves all names. Where factors pull names apart it
    crawls (thousands of sweeps for longs beside shorts), so what is left after 100 sweeps is Newton's.
    Sources: Spinu (2013), An algorithm for computing risk parity weights (the function, Newton); Griveau-Billion,
    Richard & Roncalli (2013), A fast algorithm for computing high-dimensional risk parity portfolios (the descent).
    """
    from tvquant.allocation.engines.custom.kernels import equalise

    if not positive_definite(matrix):
        return Solution(None, NOT_CONVEX)
    deviation = np.sqrt(np.diag(matrix))
    correlation = np.ascontiguousarray(matrix / np.outer(deviation, deviation))
    exposures = np.full(len(matrix), 1.0 / np.sqrt(correlation.sum()))
    sweeps, miss = equalise(correlation, exposures, TOLERANCE, SWEEPS)
    outcome = f"solved, sweeps: {sweeps}"
    if not miss <= TOLERANCE:
        exposures, steps, miss = _newton(correlation, exposures)
        outcome += f", Newton steps: {steps}"
        if not miss <= TOLERANCE:
            return Solution(None, f"risk contributions differ by {miss:.1e} after {steps} Newton steps")
    weights = exposures / deviation
    return Solution(weights / weights.sum(), outcome)


def _newton(correlation: Floats, exposures: Floats) -> tuple[Floats, int, float]:
    """Return exposures with equal risk, the steps made, and the largest |N y_i (Cy)_i - 1| that is left.

    N times the function is self-concordant: a step divided by 1 + its own length never leaves y > 0 and always
    descends; near the minimum the whole step converges quadratically (Boyd & Vandenberghe 2004, section 9.6).
    """
    from scipy.linalg.lapack import dposv

    n, y = len(exposures), exposures
    identity = np.eye(n)
    for step in range(STEPS + 1):
        slope = n * y * (correlation @ y) - 1.0
        miss = float(np.abs(slope).max())
        if miss <= TOLERANCE or step == STEPS:
            break
        _, change, fault = dposv(n * correlation * np.outer(y, y) + identity, slope)  # relative to y
        if fault:
            break
        length = float(np.sqrt(slope @ change))
        y = y * (1.0 - change / (1.0 + length if length > WHOLE else 1.0))
    return y, step, miss
