"""TradingView's technical rating, rebuilt from bars: its moving averages and its means. Importing this imports numba.

1. Fourteen averages vote 1 below the close, -1 above it, 0 at it: SMA and EMA of 10, 20, 30, 50, 100, 200 bars,
   Hull 9, VWMA 20.
2. The Ichimoku cloud (9, 26, 52 bars, displaced by 26) votes 1 when the lead lines of 26 bars ago rise, the base stands
   above them, the conversion above the base and the close above the conversion; -1 when all four are the other way; 0
   otherwise. It is missing as long as the slower lead line is. The older rule takes today's lead lines: 1 when the
   faster is above the slower and the close above the faster and the conversion but below the base, the close before
   below the conversion; -1 mirrored, with the close below the slower line; missing when any of these is.
3. The oscillators vote in `oscillator_votes`.
4. A vote that is missing leaves both the sum and the count: the rating of a group is the mean of the votes there are.
5. The whole rating is the mean of the two groups, not of the votes; where one group has no vote the other stands alone.
   It is divided once, from whole numbers, so that a rating on a bound of the labels lies exactly on it.

On closes alone the averages but Ichimoku vote, without volume all but VWMA; for oscillators see there. `rating_rules`
says which published rating is meant, and what is not promised.
"""

import numpy as np

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
from tvquant.features.rating_rules import LIBRARY_V3, CloudRule, RatingRules
from tvquant.features.votes import MISSING, Votes, greater, placed, tally

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
    high: Floats | None,
    low: Floats | None,
    close: Floats,
    volume: Floats | None,
    *,
    rows: int,
    rules: RatingRules = LIBRARY_V3,
) -> Votes:
    """Votes of the fifteen `INDICATORS` on the last `rows` rows, rows x N x 15: -1, 0, 1 or `MISSING`.

    Row t is what the same fields cut after row t give, bit for bit.

    Parameters
    ----------
    high, low, close, volume : T x N, NaN where there is no bar. A row is a bar of a name where it has a close; others
        are skipped, not counted as bars. Without high and low Ichimoku is missing, without volume VWMA.
    rows : at most T.
    rules : which technical rating is meant.

    Source: Pine library TradingView/TechnicalRating v3 (2024), function of the moving averages; the older built-in for
    the cloud of `classic` and `screener`.
    """
    columns = close.shape[1]
    out = np.empty((rows, columns, len(INDICATORS)), np.int8)
    for begin in range(0, columns, BLOCK):
        cut = slice(begin, begin + BLOCK)
        tops, bottoms, traded = (None if field is None else field[:, cut] for field in (high, low, volume))
        votes = _block(tops, bottoms, close[:, cut], traded, rows, rules.ichimoku)
        placed(votes, close[:, cut], out[:, cut])
    return out


@compiled
def mean_vote(votes: Votes) -> Floats:
    """Recommend.MA or Recommend.Other: mean of a group's votes, in [-1, 1], NaN where there is none.

    From rows x N x M to rows x N.
    """
    out = np.empty(votes.shape[:2])
    for t in range(len(out)):
        for j in range(out.shape[1]):
            total, count = tally(votes, t, j)
            out[t, j] = total / count if count else np.nan
    return out


@compiled
def mean_of_groups(averages: Votes, oscillators: Votes) -> Floats:
    """Recommend.All: mean of the two groups' means, the one there is where the other has no vote; rows x N.

    Source: published readings, all of which are (Recommend.MA + Recommend.Other) / 2, none the mean of 26 votes.
    """
    out = np.empty(averages.shape[:2])
    for t in range(len(out)):
        for j in range(out.shape[1]):
            (total, count), (other, others) = tally(averages, t, j), tally(oscillators, t, j)
            if count and others:
                out[t, j] = (total * others + other * count) / (2 * count * others)
            else:
                out[t, j] = (total + other) / (count + others) if count + others else np.nan
    return out


def _block(
    high: Floats | None, low: Floats | None, close: Floats, volume: Floats | None, rows: int, cloud: CloudRule
) -> Votes:
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
        judge_cloud = _judge_cloud if cloud is CloudRule.DISPLACED else _judge_cloud_of_today
        judge_cloud(midrange(tops, bottoms, CLOUD, reach), bars[:, -rows - 1 :], votes[-1])
    return votes


@compiled
def judge(averages: Floats, now: Floats, votes: Votes) -> None:
    """Write the votes of L averages (L x N x rows) against the close (N x rows)."""
    for m in range(len(averages)):
        for j in range(len(now)):
            for i in range(now.shape[1]):
                average, price = averages[m, j, i], now[j, i]
                if not np.isnan(average):
                    votes[m, j, i] = greater(price, average) - greater(average, price)


@compiled
def _judge_cloud(lines: Floats, close: Floats, votes: Votes) -> None:
    """Write Ichimoku's votes (N x rows) from the three midranges, 3 x N x (rows + displacement).

    `close` is N x (rows + 1).
    """
    for j in range(len(votes)):
        for i in range(votes.shape[1]):
            conversion, base, slow = lines[:, j, i + DISPLACEMENT]
            if np.isnan(slow):
                continue
            price, lead, slow_lead = close[j, i + 1], (lines[0, j, i] + lines[1, j, i]) / 2.0, lines[2, j, i]
            rises = greater(lead, slow_lead) and greater(base, lead)
            falls = greater(slow_lead, lead) and greater(lead, base)
            rises = rises and greater(conversion, base) and greater(price, conversion)
            falls = falls and greater(base, conversion) and greater(conversion, price)
            votes[j, i] = rises - falls


@compiled
def _judge_cloud_of_today(lines: Floats, close: Floats, votes: Votes) -> None:
    """The same by the older rule, whose lead lines are not displaced."""
    for j in range(len(votes)):
        for i in range(votes.shape[1]):
            conversion, base, slow_lead = lines[:, j, i + DISPLACEMENT]
            lead, before, price = (conversion + base) / 2.0, close[j, i], close[j, i + 1]
            if np.isnan(slow_lead + lead + before):
                continue
            rises = greater(lead, slow_lead) and greater(price, lead) and greater(base, price)
            falls = greater(slow_lead, lead) and greater(slow_lead, price) and greater(price, base)
            rises = rises and greater(conversion, before) and greater(price, conversion)
            falls = falls and greater(before, conversion) and greater(conversion, price)
            votes[j, i] = rises - falls
