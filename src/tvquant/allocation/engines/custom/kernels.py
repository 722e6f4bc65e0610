"""Compiled loops of HRP, of equal risk contribution and of proofs. Importing this module imports numba."""

import numpy as np

from tvquant.allocation.caps import DUST
from tvquant.core.panel import Floats
from tvquant.statistics.kernels import Integers, compiled, inner


@inner
def branch_variance(matrix: Floats, low: int, high: int) -> float:
    """Return variance of the names low ... high - 1 of `matrix`, held by inverse variance."""
    total = 0.0
    for i in range(low, high):
        total += 1.0 / matrix[i, i]
    variance = 0.0
    for i in range(low, high):
        row = 0.5 * matrix[i, i] / matrix[i, i]
        for j in range(low, i):
            row += matrix[i, j] / matrix[j, j]
        variance += 2.0 * row / matrix[i, i]
    return variance / (total * total)


def bisect(matrix: Floats) -> Floats:
    """Return shares (N, sum 1) by recursive bisection of the names in the order of `matrix` (N x N).

    A stretch of n names is cut after its first n // 2; the left part gets 1 - V_L / (V_L + V_R) of what the stretch
    has, V being the variance of a part whose names are held by inverse variance.
    """
    n = len(matrix)
    shares, stretches = np.ones(n), np.zeros((2, n), np.int64)
    stretches[1, 0] = n
    _bisect(np.ascontiguousarray(matrix), stretches, shares)
    return shares


@compiled
def _bisect(matrix: Floats, stretches: Integers, shares: Floats) -> None:
    """Divide the shares, which are ones; `stretches` are first names and those behind the last, to begin with of all.

    The caller makes the arrays: to make them here takes longer to compile than all else.
    """
    lows, highs, depth = stretches[0], stretches[1], 1
    while depth:
        depth -= 1
        low, high = lows[depth], highs[depth]
        if high - low < 2:
            continue
        middle = low + (high - low) // 2
        left, right = branch_variance(matrix, low, middle), branch_variance(matrix, middle, high)
        share = 1.0 - left / (left + right)
        for i in range(low, high):
            shares[i] *= share if i < middle else 1.0 - share
        lows[depth], highs[depth] = low, middle
        lows[depth + 1], highs[depth + 1] = middle, high
        depth += 2


@compiled
def equalise(correlation: Floats, exposures: Floats, tolerance: float, sweeps: int) -> tuple[int, float]:
    """Change `exposures` y (N, positive) in place until every y_i (C y)_i is 1 / N; sweeps made, and the largest miss.

    One sweep sets each y_i in turn to the root of C_ii y^2 + c y = 1 / N, where c = (C y)_i - C_ii y_i. The miss is
    that of N y_i (C y)_i from 1, on products computed anew after the sweep.
    """
    n = len(exposures)
    budget = 1.0 / n
    miss = np.inf
    for sweep in range(sweeps + 1):
        product = correlation @ exposures
        miss = 0.0
        for i in range(n):
            miss = max(miss, abs(n * exposures[i] * product[i] - 1.0))
        if not miss > tolerance or sweep == sweeps:
            return sweep, miss
        for i in range(n):
            own = correlation[i, i]
            rest = product[i] - own * exposures[i]
            root = np.sqrt(rest * rest + 4.0 * own * budget)
            # Of the two forms of the root, the one that does not subtract nearly equal numbers.
            now = 2.0 * budget / (rest + root) if rest > 0.0 else (root - rest) / (2.0 * own)
            step = now - exposures[i]
            exposures[i] = now
            for j in range(n):
                product[j] += step * correlation[i, j]
    return sweeps, miss


@compiled
def prove(
    matrix: Floats, vectors: Floats, rows: Floats, sides: Floats, total: float, level: float, made: Floats
) -> tuple[float, float]:
    """Write the weights that an answer's come to in `made[0]` (2 x N); the largest miss of a limit, and the excess.

    `vectors` are the raw weights, the lower and upper bounds and, where a ratio is sought, the means (3 or 4 x N);
    `sides` the bounds of the R rows and their multipliers (2 x R). What is meant is told in `quadratic.proof`.
    """
    n, trace, held, variance, miss, above = len(matrix), 0.0, 0.0, 0.0, 0.0, 0.0
    weights, slope = made[0], made[1]
    for i in range(n):
        raw = weights[i] = vectors[0, i]
        if raw > vectors[2, i] - DUST:
            weights[i] = vectors[2, i]
        elif raw < vectors[1, i] + DUST:
            weights[i] = vectors[1, i]
        miss, held, trace = max(miss, abs(weights[i] - raw)), held + weights[i], trace + matrix[i, i]
        slope[i] = 0.0
    if not abs(held - total) <= miss:  # nor where it is no number
        miss = abs(held - total)
    scale = total / held if held > total + DUST else 1.0
    for i in range(n):
        weights[i] *= scale
        if weights[i] != 0.0:
            for j in range(n):
                slope[j] += weights[i] * matrix[i, j]
    mean = 0.0
    for i in range(n):
        slope[i] /= trace / n
        variance += weights[i] * slope[i]
        mean += weights[i] * vectors[-1, i]
    for k in range(len(rows)):
        room, multiplier = sides[0, k], max(0.0, sides[1, k])
        for i in range(n):
            room -= rows[k, i] * weights[i]
            slope[i] += multiplier * rows[k, i]
        above += multiplier * room
        miss = max(miss, -room)
    for i in range(n):
        slope[i] -= level
        if len(vectors) > 3:
            slope[i] -= variance / mean * vectors[3, i]
        above += slope[i] * (weights[i] - vectors[1 if slope[i] > 0.0 else 2, i])
    return miss, above / variance
