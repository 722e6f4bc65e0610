"""Stress: the worst windows of a pool, and what share of them each of its members came through."""

import numpy as np
from numpy.typing import NDArray

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats


def stress_windows(pool: Floats, *, rows: int = 20, share: float = 0.05) -> NDArray[np.intp]:
    """Return the first rows of the windows of `rows` rows in which the pool's return (T) was worst, in order of time.

    Windows overlap. The worst `share` of them, at least one, are taken, and those as bad as the last of these. The
    return of a window is compounded; a row without a return (NaN) counts as no move, and no row loses more than all.
    None when T < `rows`.

    Raises
    ------
    ModelError : a share outside (0, 1], or no row in a window.
    """
    if not 0.0 < share <= 1.0 or rows < 1:
        raise ModelError(f"stress windows: expected a share in (0, 1] and a row at least, found {share} and {rows}")
    if len(pool) < rows:
        return np.empty(0, np.intp)
    grown = np.where(np.isnan(pool), 1.0, np.maximum(1.0 + pool, 0.0))
    worth = np.lib.stride_tricks.sliding_window_view(grown, rows).prod(axis=1)
    limit = np.sort(worth)[int(np.ceil(share * len(worth))) - 1]
    return np.flatnonzero(worth <= limit)


def survived(returns: Floats, starts: NDArray[np.intp], *, rows: int = 20, loss: float = 0.5) -> Floats:
    """Return the share (K, in [0, 1]) of windows of `rows` rows from `starts` on that each of K columns survived.

    A window is survived that has a return in every row and in which less than `loss` was lost, compounded. Windows that
    begin before a column's first return do not count for or against it; a column without any other has share 1.
    """
    listed = np.where(np.isfinite(returns).any(axis=0), np.isfinite(returns).argmax(axis=0), len(returns))
    tested, passed = np.zeros(returns.shape[1]), np.zeros(returns.shape[1])
    for start in starts:  # 5 % of the windows at most, each over all columns at once
        worth = np.maximum(1.0 + returns[start : start + rows], 0.0).prod(axis=0)  # NaN where a return is missing
        counts = listed <= start
        tested += counts
        passed += counts & (worth > 1.0 - loss)
    return np.divide(passed, tested, out=np.ones(len(tested)), where=tested > 0)
