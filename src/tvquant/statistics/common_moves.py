"""Common moves: what names of a market have in common, told so that one name alone cannot pretend to be the market."""

import numpy as np

from tvquant.core.panel import Floats

LEAST_ROWS = 20
"""Returns from which on a name's past tells how it goes along."""
LEAST_NAMES = 3
"""Names from which on most of them can outvote one."""


def median_move(moves: Floats) -> Floats:
    """Return the median move of each of S rows (S x N, NaN: no move); 0 where no name has one."""
    found = np.zeros(len(moves))
    told = np.isfinite(moves).any(axis=1)
    ordered = np.sort(moves[told], axis=1)  # NaN last; numpy's own median of rows with holes takes fifty times as long
    count, row = (~np.isnan(ordered)).sum(axis=1), np.arange(len(ordered))
    found[told] = 0.5 * (ordered[row, (count - 1) // 2] + ordered[row, count // 2])
    return found


def betas_on(past: Floats, market: Floats) -> Floats:
    """Return the slope of each of K names (T x K, NaN: no return) on the market's move (T).

    It is 1 where fewer than `LEAST_ROWS` rows tell, or the market did not move on them.
    """
    told = np.isfinite(past)
    count = told.sum(axis=0)
    x = np.where(told, market[:, None], 0.0)
    y = np.where(told, past, 0.0)
    per = 1.0 / np.maximum(count, 1)
    dx = np.where(told, x - x.sum(axis=0) * per, 0.0)
    square, product = (dx**2).sum(axis=0), (dx * y).sum(axis=0)
    known = (count >= LEAST_ROWS) & (square > 0.0)
    return np.where(known, product / np.where(known, square, 1.0), 1.0)


def loadings_of(past: Floats) -> Floats | None:
    """Return how K names load on the first principal component of their correlations (T x K, NaN: no return).

    In units of returns; the sum is not negative. A name with fewer than `LEAST_ROWS` returns, or none that vary, loads
    0. None where fewer than `LEAST_NAMES` load.
    """
    told = np.isfinite(past)
    count = told.sum(axis=0)
    mean = np.where(told, past, 0.0).sum(axis=0) / np.maximum(count, 1)
    centred = np.where(told, past - mean, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / np.maximum(count, 1))
    known = (count >= LEAST_ROWS) & (spread > 0.0)
    if known.sum() < LEAST_NAMES:
        return None
    scaled = centred[:, known] / spread[known]
    vector = np.linalg.eigh(scaled.T @ scaled)[1][:, -1]
    found = np.zeros(past.shape[1])
    found[known] = spread[known] * (vector if vector.sum() >= 0.0 else -vector)
    return found


def component_move(moves: Floats, loadings: Floats) -> Floats:
    """Return the component's move in each of S rows: the one that leaves the least sum of absolute rests.

    `moves` are of K names (S x K, NaN: no move). That is the median of moves / loadings, weighted by the loadings; a
    least-squares fit would follow one name that leaps. Source: Koenker & Bassett (1978), Regression quantiles.
    """
    usable = np.isfinite(moves) & (loadings != 0.0)
    weight = np.where(usable, np.abs(loadings), 0.0)
    ratio = np.where(usable, np.nan_to_num(moves) / np.where(loadings != 0.0, loadings, 1.0), np.inf)
    order = np.argsort(ratio, axis=1, kind="stable")
    ratio, weight = np.take_along_axis(ratio, order, axis=1), np.take_along_axis(weight, order, axis=1)
    reached = weight.cumsum(axis=1)
    middle = (reached >= 0.5 * reached[:, -1:]).argmax(axis=1)
    found = ratio[np.arange(len(moves)), middle]
    return np.where(np.isfinite(found), found, 0.0)
