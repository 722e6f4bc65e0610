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
    Tile,
    compiled,
    exponential,
    hull_weights,
    midrange,
    simple,
    volume_weighted,
    weighted,
)
from tvquant.features.rating_rules import LIBRARY_V3, CloudRule, RatingRules
from tvquant.features.votes import LANES, MISSING, Counts, Votes, by_tiles, chunks, greater, placed, tally

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
    lanes, width = min(LANES, columns), max(len(close), rows + LENGTHS[-1] - 1)
    out = np.empty((len(INDICATORS), rows, columns), np.int8)

    def vote(tile: Tile) -> None:
        bars = tile.stacked(close, width)
        traded = None if volume is None else tile.stacked(volume, width)
        ranges = None if high is None or low is None else (tile.stacked(high, width), tile.stacked(low, width))
        votes = np.full((len(bars), len(INDICATORS), rows, lanes), MISSING, np.int8)
        for g, block in enumerate(votes):
            _vote_by_averages(bars[g], block)
            if traded is not None:
                _vote_by_volume(bars[g], traded[g], block)
            if ranges is not None:
                _vote_by_cloud(bars[g], ranges[0][g], ranges[1][g], rules.ichimoku, block)
        placed(votes, tile, out)

    by_tiles(close, lanes, vote)
    return out.transpose(1, 2, 0)


def mean_vote(votes: Votes) -> Floats:
    """Recommend.MA or Recommend.Other: mean of a group's votes, in [-1, 1], NaN where there is none.

    From rows x N x M to rows x N.
    """
    return _share(*tally(_by_indicator(votes)))


def mean_of_groups(averages: Votes, oscillators: Votes) -> Floats:
    """Recommend.All: mean of the two groups' means, the one there is where the other has no vote; rows x N.

    Source: published readings, all of which are (Recommend.MA + Recommend.Other) / 2, none the mean of 26 votes.
    """
    return _share_of_two(*tally(_by_indicator(averages)), *tally(_by_indicator(oscillators)))


def _by_indicator(votes: Votes) -> Votes:
    """M x rows x N, as the votes of this room are stored: then nothing is copied."""
    return np.ascontiguousarray(votes.transpose(2, 0, 1))


@compiled
def _share(total: Counts, count: Counts) -> Floats:
    out = np.empty(total.shape)
    for t in range(len(out)):
        for j in range(out.shape[1]):
            out[t, j] = total[t, j] / count[t, j] if count[t, j] else np.nan
    return out


@compiled
def _share_of_two(total: Counts, count: Counts, other: Counts, others: Counts) -> Floats:
    out = np.empty(total.shape)
    for t in range(len(out)):
        for j in range(out.shape[1]):
            a, n, b, m = total[t, j], count[t, j], other[t, j], others[t, j]
            whole, parts = (a * m + b * n, 2 * n * m) if n and m else (a + b, n + m)
            out[t, j] = whole / parts if parts else np.nan
    return out


def _vote_by_averages(bars: Floats, votes: Votes) -> None:
    """The averages of closes at the last bars of a block: SMA, EMA, Hull."""
    n, rows = len(LENGTHS), votes.shape[1]
    judge(exponential(bars, LENGTHS, rows), bars[-rows:], votes[n : 2 * n])
    for end, some in chunks(len(bars), votes):
        size = some.shape[1]
        judge(simple(bars[:end], LENGTHS, size), bars[end - size : end], some[:n])
        judge(weighted(bars[:end], HULL, size)[None], bars[end - size : end], some[2 * n : 2 * n + 1])


def _vote_by_volume(bars: Floats, volume: Floats, votes: Votes) -> None:
    for end, some in chunks(len(bars), votes):
        size, place = some.shape[1], INDICATORS.index("VWMA20")
        average = volume_weighted(bars[:end], volume[:end], VOLUME_LENGTH, size)
        judge(average[None], bars[end - size : end], some[place : place + 1])


def _vote_by_cloud(bars: Floats, high: Floats, low: Floats, rule: CloudRule, votes: Votes) -> None:
    judge_cloud = _judge_cloud if rule is CloudRule.DISPLACED else _judge_cloud_of_today
    for end, some in chunks(len(bars), votes):
        size = some.shape[1]
        lines = midrange(high[:end], low[:end], CLOUD, size + DISPLACEMENT).reshape(len(CLOUD), -1)
        judge_cloud(lines, bars[end - size - 1 : end].reshape(-1), bars.shape[1], some[-1].reshape(-1))


def judge(averages: Floats, now: Floats, votes: Votes) -> None:
    """Write the votes of L averages against the close: L x rows x K against rows x K."""
    for average, line in zip(averages, votes, strict=True):
        _judge(average.reshape(-1), now.reshape(-1), line.reshape(-1))


@compiled
def _judge(average: Floats, price: Floats, votes: Votes) -> None:
    for i in range(len(votes)):
        vote = np.int8(greater(price[i], average[i])) - np.int8(greater(average[i], price[i]))
        votes[i] = vote if average[i] == average[i] else MISSING


@compiled
def _judge_cloud(lines: Floats, close: Floats, columns: int, votes: Votes) -> None:
    """Write Ichimoku's votes from the three midranges, which begin `DISPLACEMENT` bars earlier; each is one line.

    `close` begins one bar earlier.
    """
    then = len(lines[0]) - len(votes)
    _judge_displaced(
        lines[0, then:], lines[1, then:], lines[2, then:], close[columns:], lines[0], lines[1], lines[2], votes
    )


@compiled
def _judge_displaced(
    conversion: Floats,
    base: Floats,
    slow: Floats,
    price: Floats,
    faster: Floats,
    middle: Floats,
    slower: Floats,
    votes: Votes,
) -> None:
    """`faster`, `middle` and `slower` are of the displaced bar."""
    for i in range(len(votes)):
        lead = (faster[i] + middle[i]) / 2.0
        rises = greater(lead, slower[i]) & greater(base[i], lead)
        falls = greater(slower[i], lead) & greater(lead, base[i])
        rises = rises & greater(conversion[i], base[i]) & greater(price[i], conversion[i])
        falls = falls & greater(base[i], conversion[i]) & greater(conversion[i], price[i])
        votes[i] = np.int8(rises) - np.int8(falls) if slow[i] == slow[i] else MISSING


@compiled
def _judge_cloud_of_today(lines: Floats, close: Floats, columns: int, votes: Votes) -> None:
    """The same by the older rule, whose lead lines are not displaced."""
    then = len(lines[0]) - len(votes)
    _judge_of_today(lines[0, then:], lines[1, then:], lines[2, then:], close[columns:], close, votes)


@compiled
def _judge_of_today(
    conversion: Floats, base: Floats, slow: Floats, price: Floats, before: Floats, votes: Votes
) -> None:
    for i in range(len(votes)):
        lead = (conversion[i] + base[i]) / 2.0
        rises = greater(lead, slow[i]) & greater(price[i], lead) & greater(base[i], price[i])
        falls = greater(slow[i], lead) & greater(slow[i], price[i]) & greater(price[i], base[i])
        rises = rises & greater(conversion[i], before[i]) & greater(price[i], conversion[i])
        falls = falls & greater(before[i], conversion[i]) & greater(conversion[i], price[i])
        known = slow[i] + lead + before[i]
        votes[i] = np.int8(rises) - np.int8(falls) if known == known else MISSING
