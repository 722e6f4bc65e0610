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

from collections.abc import Callable

import numpy as np

from tvquant.core.panel import Floats
from tvquant.features.moving_averages import (
    exponential,
    hull_weights,
    lengths_of,
    midrange,
    simple,
    volume_weighted,
    weighted,
)
from tvquant.features.rating_rules import LIBRARY_V3, CloudRule, RatingRules
from tvquant.features.tiles import CHUNK, Tile, by_tiles
from tvquant.features.votes import (
    MISSING,
    Tally,
    Votes,
    average_of_means,
    judge_average,
    judge_displaced,
    judge_of_today,
    tally,
)

LENGTHS = lengths_of(10, 20, 30, 50, 100, 200)
VOLUME_LENGTH = 20
HULL = hull_weights(9)
CLOUD = lengths_of(9, 26, 52)
"""Bars of the conversion, the base and the slower lead line."""
DISPLACEMENT = 26
INDICATORS = (
    *(f"SMA{n}" for n in LENGTHS),
    *(f"EMA{n}" for n in LENGTHS),
    "HullMA9",
    "VWMA20",
    "Ichimoku",
)
VWMA, CLOUDS = (INDICATORS.index(name) for name in ("VWMA20", "Ichimoku"))


def moving_average_votes(
    high: Floats | None,
    low: Floats | None,
    close: Floats,
    volume: Floats | None,
    *,
    rows: int,
    rules: RatingRules = LIBRARY_V3,
) -> Votes:
    """Return votes of the fifteen `INDICATORS` on the last `rows` rows, rows x N x 15: -1, 0, 1 or `MISSING`.

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
    return _of_tiles(high, low, close, volume, rows, rules, len(INDICATORS), lambda votes: votes).transpose(1, 2, 0)


def moving_average_tally(
    high: Floats | None,
    low: Floats | None,
    close: Floats,
    volume: Floats | None,
    *,
    rows: int,
    rules: RatingRules = LIBRARY_V3,
) -> Tally:
    """Return sum and number of those votes."""
    return _of_tiles(high, low, close, volume, rows, rules, 2, tally)


def _of_tiles(
    high: Floats | None,
    low: Floats | None,
    close: Floats,
    volume: Floats | None,
    rows: int,
    rules: RatingRules,
    planes: int,
    made: Callable[[Votes], Votes],
) -> Votes:
    """Return what is made of the votes of blocks."""
    width = max(len(close), rows + LENGTHS[-1] - 1)

    def vote(tile: Tile) -> Votes:
        bars = tile.stacked(close, width)
        traded = None if volume is None else tile.stacked(volume, width)
        ranges = None if high is None or low is None else (tile.stacked(high, width), tile.stacked(low, width))
        votes = np.full((len(bars), len(INDICATORS), rows, tile.lanes), MISSING, np.int8)
        for g, block in enumerate(votes):
            _vote_by_averages(bars[g], exponential(bars[g], LENGTHS, width), block)
            if traded is not None:
                _vote_by_volume(bars[g], traded[g], block)
            if ranges is not None:
                _vote_by_cloud(bars[g], ranges[0][g], ranges[1][g], rules.ichimoku is CloudRule.DISPLACED, block)
        return made(votes)

    return by_tiles(close, rows, planes, MISSING, vote)


def mean_vote(votes: Votes) -> Floats:
    """Return Recommend.MA or Recommend.Other from votes, rows x N x M to rows x N."""
    return mean(tallied(votes))


def mean_of_groups(averages: Votes, oscillators: Votes) -> Floats:
    """Return Recommend.All from votes."""
    return mean_of_both(tallied(averages), tallied(oscillators))


def tallied(votes: Votes) -> Tally:
    """Return sum and number of rows x N x M votes."""
    return np.asarray(tally(np.ascontiguousarray(votes.transpose(2, 0, 1))[None])[0])


def mean(group: Tally) -> Floats:
    """Return Recommend.MA or Recommend.Other: mean of a group's votes, in [-1, 1], NaN where there is none.

    Rows x N.
    """
    out = np.full(group.shape[1:], np.nan)
    return np.asarray(np.divide(group[0], group[1], out=out, where=group[1] > 0))


def mean_of_both(averages: Tally, oscillators: Tally) -> Floats:
    """Return Recommend.All: mean of the two groups' means, the one there is where the other has no vote; rows x N.

    Source: published readings, all of which are (Recommend.MA + Recommend.Other) / 2, none the mean of 26 votes.
    """
    out = np.empty(averages.shape[1:])
    total, count = (line.reshape(-1) for line in averages)
    other_total, other_count = (line.reshape(-1) for line in oscillators)
    average_of_means(total, count, other_total, other_count, out.reshape(-1))
    return out


def _vote_by_averages(bars: Floats, smooth: Floats, votes: Votes) -> None:
    """Vote by SMA, EMA and Hull of the closes of a block; `smooth` is its six EMA at every bar."""
    n, rows = len(LENGTHS), votes.shape[1]
    for first in range(0, rows, CHUNK):
        size = min(CHUNK, rows - first)
        end = len(bars) - rows + first + size
        now, mine = bars[end - size : end], votes[:, first : first + size]
        judge(simple(bars[:end], LENGTHS, size), now, mine[:n])
        judge(smooth[:, end - size : end], now, mine[n : 2 * n])
        judge(weighted(bars[:end], HULL, size)[None], now, mine[2 * n : 2 * n + 1])


def _vote_by_volume(bars: Floats, volume: Floats, votes: Votes) -> None:
    """Vote by the VWMA."""
    rows = votes.shape[1]
    for first in range(0, rows, CHUNK):
        size = min(CHUNK, rows - first)
        end = len(bars) - rows + first + size
        average = volume_weighted(bars[:end], volume[:end], VOLUME_LENGTH, size)
        judge(average[None], bars[end - size : end], votes[VWMA : VWMA + 1, first : first + size])


def _vote_by_cloud(bars: Floats, high: Floats, low: Floats, displaced: bool, votes: Votes) -> None:
    """Vote by Ichimoku, from the three midranges, which begin `DISPLACEMENT` bars earlier."""
    rows, names = votes.shape[1:]
    for first in range(0, rows, CHUNK):
        size = min(CHUNK, rows - first)
        end = len(bars) - rows + first + size
        lines = midrange(high[:end], low[:end], CLOUD, size + DISPLACEMENT).reshape(len(CLOUD), -1)
        now, mine = bars[end - size : end].reshape(-1), votes[CLOUDS, first : first + size].reshape(-1)
        conversion, base, slow = lines[:, DISPLACEMENT * names :]
        if displaced:
            faster, middle, slower = lines[:, : len(now)]
            judge_displaced(conversion, base, slow, now, faster, middle, slower, mine)
        else:
            judge_of_today(conversion, base, slow, now, bars[end - size - 1 : end - 1].reshape(-1), mine)


def judge(averages: Floats, now: Floats, votes: Votes) -> None:
    """Write the votes of L averages against the close: L x rows x K against rows x K."""
    price = now.reshape(-1)
    for average, line in zip(averages, votes, strict=True):
        judge_average(average.reshape(-1), price, line.reshape(-1))
