"""The moving-average group of TradingView's technical rating, rebuilt from bars. Importing this module imports numba.

1. Fourteen averages vote 1 below the close, -1 above it, 0 at it: SMA and EMA of 10, 20, 30, 50, 100, 200 bars,
   Hull 9, VWMA 20.
2. The Ichimoku cloud (9, 26, 52 bars, displaced by 26) votes 1 when the lead lines of 26 bars ago rise, the base stands
   above them, the conversion above the base and the close above the conversion; -1 when all four are the other way; 0
   otherwise. It is missing as long as the slower lead line is.
3. A vote that is missing leaves both the sum and the count: the rating is the mean of the votes there are.

These are the rules of the public Pine library TechnicalRating, version 3. What TradingView's screener serves is close
to it but not equal: its Ichimoku vote follows older rules. Equality with served ratings is not promised.
"""

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats
from tvquant.features.moving_averages import (
    aligned,
    compiled,
    exponential,
    hull_weights,
    midrange,
    simple,
    volume_weighted,
    weighted,
)

type Votes = NDArray[np.int8]

MISSING = np.int8(-128)
"""The vote of an indicator that has no value."""
TOLERANCE = 1e-10
"""Absolute, as in Pine: prices that differ by no more are equal. A price below 1e-7 sees little but equality."""
LENGTHS = (10, 20, 30, 50, 100, 200)
VOLUME_LENGTH = 20
HULL = hull_weights(9)
CONVERSION, BASE, LEAD = CLOUD = (9, 26, 52)
DISPLACEMENT = 26
INDICATORS = (
    *(f"SMA{n}" for n in LENGTHS),
    *(f"EMA{n}" for n in LENGTHS),
    "HullMA9",
    "VWMA20",
    "Ichimoku",
)
BLOCK = 32
"""Columns taken at once: all of their averages stay in the processor's cache for some hundred rows."""


def moving_average_votes(
    high: Floats | None, low: Floats | None, close: Floats, volume: Floats | None, *, rows: int
) -> Votes:
    """Votes of the fifteen `INDICATORS` on the last `rows` rows, rows x N x 15: -1, 0, 1 or `MISSING`.

    Row t is what the same fields cut after row t give, bit for bit.

    Parameters
    ----------
    high, low, close, volume : T x N, NaN where there is no bar. A row is a bar of a name where it has a close; others
        are skipped, not counted as bars. Without high and low Ichimoku is missing, without volume VWMA.
    rows : at most T.

    Source: Pine library TradingView/TechnicalRating v3 (2024), function of the moving averages.
    """
    columns = close.shape[1]
    out = np.empty((rows, columns, len(INDICATORS)), np.int8)
    for begin in range(0, columns, BLOCK):
        cut = slice(begin, begin + BLOCK)
        tops, bottoms, traded = (None if field is None else field[:, cut] for field in (high, low, volume))
        votes = _block(tops, bottoms, close[:, cut], traded, rows)
        _place(votes, close[:, cut], out[:, cut])
    return out


@compiled
def recommend_ma(votes: Votes) -> Floats:
    """Mean of the votes there are, in [-1, 1], NaN where there is none; from rows x N x 15 to rows x N."""
    out = np.empty(votes.shape[:2])
    for t in range(len(votes)):
        for j in range(votes.shape[1]):
            count = total = 0
            for m in range(votes.shape[2]):
                if votes[t, j, m] != MISSING:
                    count += 1
                    total += votes[t, j, m]
            out[t, j] = total / count if count else np.nan
    return out


def _block(high: Floats | None, low: Floats | None, close: Floats, volume: Floats | None, rows: int) -> Votes:
    """Votes of some columns at the last `rows` bars of each, 15 x N x rows."""
    bars = aligned(close, close, max(len(close), rows + LENGTHS[-1] - 1))
    now = np.ascontiguousarray(bars[:, -rows:])
    votes = np.full((len(INDICATORS), *now.shape), MISSING, np.int8)
    n = len(LENGTHS)
    judge(simple(bars, LENGTHS, rows), now, votes[:n])
    judge(exponential(bars, LENGTHS, rows), now, votes[n : 2 * n])
    judge(weighted(bars, HULL, rows)[None], now, votes[2 * n : 2 * n + 1])
    if volume is not None:
        traded = aligned(volume, close, rows + VOLUME_LENGTH - 1)
        judge(volume_weighted(bars, traded, VOLUME_LENGTH, rows)[None], now, votes[2 * n + 1 : 2 * n + 2])
    if high is not None and low is not None:
        reach = rows + DISPLACEMENT
        tops, bottoms = (aligned(field, close, reach + LEAD - 1) for field in (high, low))
        _judge_cloud(midrange(tops, bottoms, CLOUD, reach), now, votes[-1])
    return votes


@compiled
def _greater(a: float, b: float) -> bool:
    """The one meaning of `greater` in a rating; false when either is NaN."""
    return bool(a - b > TOLERANCE)


@compiled
def judge(averages: Floats, now: Floats, votes: Votes) -> None:
    """Write the votes of L averages (L x N x rows) against the close (N x rows)."""
    for m in range(len(averages)):
        for j in range(len(now)):
            for i in range(now.shape[1]):
                average, price = averages[m, j, i], now[j, i]
                if not np.isnan(average):
                    votes[m, j, i] = _greater(price, average) - _greater(average, price)


@compiled
def _judge_cloud(lines: Floats, now: Floats, votes: Votes) -> None:
    """Write Ichimoku's votes (N x rows) from the three midranges, 3 x N x (rows + displacement)."""
    for j in range(len(now)):
        for i in range(now.shape[1]):
            conversion, base, slow = lines[:, j, i + DISPLACEMENT]
            if np.isnan(slow):
                continue
            price, lead, slow_lead = now[j, i], (lines[0, j, i] + lines[1, j, i]) / 2.0, lines[2, j, i]
            rises = _greater(lead, slow_lead) and _greater(base, lead)
            falls = _greater(slow_lead, lead) and _greater(lead, base)
            rises = rises and _greater(conversion, base) and _greater(price, conversion)
            falls = falls and _greater(base, conversion) and _greater(conversion, price)
            votes[j, i] = rises - falls


@compiled
def _place(votes: Votes, close: Floats, out: Votes) -> None:
    """Move votes from the last bars of each name (15 x N x rows) to their rows (rows x N x 15)."""
    skipped = len(close) - len(out)
    bars = np.full(close.shape[1], votes.shape[2])
    for t in range(len(out) - 1, -1, -1):
        for j in range(close.shape[1]):
            there = not np.isnan(close[skipped + t, j])
            bars[j] -= there
            for m in range(len(votes)):
                out[t, j, m] = votes[m, j, bars[j]] if there else MISSING
