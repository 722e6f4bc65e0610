"""How a pool's streams take shocks: antifragility, fragility and survival, measured against each other.

All three are of T x K streams over the lookback, NaN where a stream has no return. A short history cannot show much,
so each is scaled by min(1, n / 252), n being the number of returns.
"""

from collections.abc import Sequence

import numpy as np

from tvquant.core.panel import Bools, Floats
from tvquant.selection.mapping import min_max
from tvquant.statistics import Moments, stress_windows, survived

FULL_HISTORY = 252
"""Returns from which on a history is long enough."""


def antifragility(measured: Moments, tail_gain: Floats) -> Floats:
    """Return [min-max(skewness) + min-max(tail gain / sigma)] x min(1, n / 252), K in [0, 2] (R-FEA-10).

    `tail_gain` (K) is the mean of the best 5 % of returns; it is divided by sigma, for else it rewards raw volatility.
    NaN where a part is.
    """
    return _both_tails(measured, measured.skewness, tail_gain)


def fragility(measured: Moments, cvar: Floats) -> Floats:
    """Return [min-max(-skewness) + min-max(|CVaR95 / sigma|)] x min(1, n / 252), K in [0, 2]."""
    return _both_tails(measured, -measured.skewness, np.abs(cvar))


def survival(returns: Floats, ids: Sequence[str]) -> Floats:
    """Return history length x completeness x share of stress windows survived, K in [0, 1] (R-FEA-11).

    History is min(1, rows since the first return / 252), completeness the share of these rows that have a return.
    Stress is the worst 5 % of the windows of 20 rows of the pool's mean return; a window is survived by a stream that
    has a return on every row of it and keeps more than half. A stream is tested by the windows since its first return
    only: its short history counts already. `ids` (K) fix the order of the mean, so that the order of the pool does not
    matter. NaN for a stream without a return.
    """
    there = np.isfinite(returns)
    count = np.full(len(ids), len(returns)) if there.all() else there.sum(axis=0)
    age = np.where(count > 0, len(returns) - there.argmax(axis=0), 0)
    complete = np.divide(count, age, out=np.full(len(count), np.nan), where=age > 0)
    windows = stress_windows(_mean(returns, there, ids))
    return np.asarray(np.minimum(1.0, age / FULL_HISTORY) * complete * survived(returns, windows))


def _both_tails(measured: Moments, skewness: Floats, tail: Floats) -> Floats:
    spread = np.divide(tail, measured.std, out=np.full(len(tail), np.nan), where=np.isfinite(measured.skewness))
    whole = (min_max(skewness) + min_max(spread)) * np.minimum(1.0, measured.n / FULL_HISTORY)
    return np.where(np.isfinite(skewness) & np.isfinite(spread), whole, np.nan)


def _mean(returns: Floats, there: Bools, ids: Sequence[str]) -> Floats:
    """Return mean return (T) of the streams that have one; NaN where none has."""
    order = sorted(range(len(ids)), key=ids.__getitem__)
    whole = there.all()
    known = returns if whole else np.where(there, returns, 0.0)
    total = known[:, order].sum(axis=1)
    count = np.full(len(total), len(ids)) if whole else there.sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0))
