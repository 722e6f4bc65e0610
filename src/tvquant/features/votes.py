"""Votes of indicators, and what is equal and what greater in a rating. Importing this module imports numba."""

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats
from tvquant.statistics.kernels import compiled, inner

type Votes = NDArray[np.int8]
type Tally = NDArray[np.int8]
"""2 x rows x N: sum and number of votes; `MISSING` where there is no bar."""

MISSING = np.int8(-128)
"""The vote of an indicator that has no value."""
TOLERANCE = 1e-12
"""Share of what values are measured by, a price or a hundred percent: those that differ by no more of it are equal.

Pine's is 1e-10 in units of the price. That is this at a price of 100, but below 1e-7 it sees little but equality, and a
rating shall not depend on the unit."""
WHOLE = 100.0
"""Percent; what an oscillator without a unit is measured by."""


@inner
def greater(a: float, b: float) -> bool:
    """Return whether a percent value is greater, the one meaning of it in a rating; false when either is NaN."""
    return bool(a - b > TOLERANCE * WHOLE)


@inner
def dearer(a: float, b: float, price: float) -> bool:
    """Return whether a price or difference is greater, for a name whose price is `price`."""
    return bool(a - b > TOLERANCE * price)


def tally(votes: Votes) -> Votes:
    """Return sum and number of the votes there are, from G x M x rows x K to G x 2 x rows x K; M is 127 at most."""
    blocks, _, rows, names = votes.shape
    out = np.zeros((blocks, 2, rows, names), np.int8)
    for block, (total, count) in zip(votes, out.reshape(blocks, 2, -1), strict=True):
        for line in block:
            _count(line.reshape(-1), total, count)
    return out


@compiled
def _count(votes: Votes, total: Votes, count: Votes) -> None:
    for j in range(len(votes)):
        there = votes[j] != MISSING
        total[j] += votes[j] if there else np.int8(0)
        count[j] += there


@compiled
def average_of_means(total: Votes, count: Votes, other_total: Votes, other_count: Votes, out: Floats) -> None:
    """Write the mean of two groups' means, the one there is where the other has no vote."""
    for i in range(len(out)):
        a, n, b, m = int(total[i]), int(count[i]), int(other_total[i]), int(other_count[i])
        if n > 0 and m > 0:
            out[i] = (a * m + b * n) / (2 * n * m)
        elif n > 0:
            out[i] = a / n
        else:
            out[i] = b / m if m > 0 else np.nan


# Each takes lines of values as long as the votes, of this bar and of the one or two before.
@compiled
def judge_turn(now: Floats, before: Floats, low: float, high: float, votes: Votes) -> None:
    """Vote on RSI, CCI or Williams: back from below the lower bound, or from above the upper one."""
    for i in range(len(votes)):
        buy = greater(low, now[i]) & greater(now[i], before[i])
        sell = greater(now[i], high) & greater(before[i], now[i])
        votes[i] = np.int8(buy) - np.int8(sell) if before[i] == before[i] else MISSING


@compiled
def judge_stochastic(k: Floats, d: Floats, known: Floats, votes: Votes) -> None:
    """Vote on %K over %D with both below 20, and under it with both above 80; missing where `known` is NaN."""
    for i in range(len(votes)):
        buy = greater(20.0, k[i]) & greater(20.0, d[i]) & greater(k[i], d[i])
        sell = greater(k[i], 80.0) & greater(d[i], 80.0) & greater(d[i], k[i])
        votes[i] = np.int8(buy) - np.int8(sell) if known[i] == known[i] else MISSING


@compiled
def only_fresh(k: Floats, d: Floats, votes: Votes) -> None:
    """Keep the votes of a crossing on this very bar; %K and %D are of the bar before."""
    for i in range(len(votes)):
        stale = ((votes[i] == 1) & (not greater(d[i], k[i]))) | ((votes[i] == -1) & (not greater(k[i], d[i])))
        votes[i] = 0 if stale else votes[i]


@compiled
def only_against_trend(price: Floats, trend: Floats, votes: Votes) -> None:
    """Keep a buy in a falling trend and a sell in a rising one."""
    for i in range(len(votes)):
        p = price[i]
        up, down = dearer(p, trend[i], p), dearer(trend[i], p, p)
        other = ((votes[i] == 1) & (not down)) | ((votes[i] == -1) & (not up))
        votes[i] = 0 if other else votes[i]


@compiled
def judge_rising(now: Floats, before: Floats, plus: Floats, minus: Floats, votes: Votes) -> None:
    """Vote by the side that leads while the ADX is above 20 and rising."""
    for i in range(len(votes)):
        strong = greater(now[i], 20.0) & greater(now[i], before[i])
        vote = np.int8(strong & greater(plus[i], minus[i])) - np.int8(strong & greater(minus[i], plus[i]))
        votes[i] = vote if now[i] == now[i] else MISSING


@compiled
def judge_crossing(now: Floats, plus: Floats, minus: Floats, plus1: Floats, minus1: Floats, votes: Votes) -> None:
    """Vote by the side that has come to lead on this very bar while the ADX is above 20."""
    for i in range(len(votes)):
        strong, known = greater(now[i], 20.0), now[i] + plus[i] + minus[i] + plus1[i] + minus1[i]
        buy = strong & greater(plus[i], minus[i]) & (not greater(plus1[i], minus1[i]))
        sell = strong & greater(minus[i], plus[i]) & (not greater(minus1[i], plus1[i]))
        votes[i] = np.int8(buy) - np.int8(sell) if known == known else MISSING


@compiled
def judge_awesome(price: Floats, now: Floats, before: Floats, earlier: Floats, votes: Votes) -> None:
    """Vote on the awesome oscillator: it crosses zero, or turns back to its side of it."""
    for i in range(len(votes)):
        p = price[i]
        x, y, z = now[i], before[i], earlier[i]
        up, was_up, down, was_down = dearer(x, 0.0, p), dearer(y, 0.0, p), dearer(0.0, x, p), dearer(0.0, y, p)
        buy = up & ((not was_up) | (dearer(x, y, p) & dearer(z, y, p)))
        sell = down & ((not was_down) | (dearer(y, x, p) & dearer(y, z, p)))
        votes[i] = np.int8(buy) - np.int8(sell) if y == y else MISSING


@compiled
def judge_difference(price: Floats, now: Floats, against: Floats, votes: Votes) -> None:
    """Vote on momentum against that of the bar before, or MACD against its signal."""
    for i in range(len(votes)):
        p = price[i]
        vote = np.int8(dearer(now[i], against[i], p)) - np.int8(dearer(against[i], now[i], p))
        votes[i] = vote if against[i] == against[i] else MISSING


@compiled
def judge_power(
    price: Floats, trend: Floats, bull: Floats, bull1: Floats, bear: Floats, bear1: Floats, votes: Votes
) -> None:
    """Vote on bear power in a rising trend and on bull power in a falling one."""
    for i in range(len(votes)):
        p = price[i]
        buy = dearer(p, trend[i], p) & dearer(0.0, bear[i], p) & dearer(bear[i], bear1[i], p)
        sell = dearer(trend[i], p, p) & dearer(bull[i], 0.0, p) & dearer(bull1[i], bull[i], p)
        known = trend[i] + bull[i] + bear[i]
        votes[i] = np.int8(buy) - np.int8(sell) if known == known else MISSING


@compiled
def judge_ultimate(values: Floats, votes: Votes) -> None:
    """Vote on the ultimate oscillator: above 70, or below 30."""
    for i in range(len(votes)):
        vote = np.int8(greater(values[i], 70.0)) - np.int8(greater(30.0, values[i]))
        votes[i] = vote if values[i] == values[i] else MISSING


@compiled
def judge_average(average: Floats, price: Floats, votes: Votes) -> None:
    """Vote on a moving average: below the price, or above it."""
    for i in range(len(votes)):
        vote = np.int8(dearer(price[i], average[i], price[i])) - np.int8(dearer(average[i], price[i], price[i]))
        votes[i] = vote if average[i] == average[i] else MISSING


@compiled
def judge_displaced(
    conversion: Floats,
    base: Floats,
    slow: Floats,
    price: Floats,
    faster: Floats,
    middle: Floats,
    slower: Floats,
    votes: Votes,
) -> None:
    """Vote on the cloud; `faster`, `middle` and `slower` are of the displaced bar."""
    for i in range(len(votes)):
        p = price[i]
        lead = (faster[i] + middle[i]) / 2.0
        rises = dearer(lead, slower[i], p) & dearer(base[i], lead, p)
        falls = dearer(slower[i], lead, p) & dearer(lead, base[i], p)
        rises = rises & dearer(conversion[i], base[i], p) & dearer(p, conversion[i], p)
        falls = falls & dearer(base[i], conversion[i], p) & dearer(conversion[i], p, p)
        votes[i] = np.int8(rises) - np.int8(falls) if slow[i] == slow[i] else MISSING


@compiled
def judge_of_today(conversion: Floats, base: Floats, slow: Floats, price: Floats, before: Floats, votes: Votes) -> None:
    """Vote on the cloud of the older rule, by the lead lines of the bar itself; `before` are the closes before."""
    for i in range(len(votes)):
        p = price[i]
        lead = (conversion[i] + base[i]) / 2.0
        rises = dearer(lead, slow[i], p) & dearer(p, lead, p) & dearer(base[i], p, p)
        falls = dearer(slow[i], lead, p) & dearer(slow[i], p, p) & dearer(p, base[i], p)
        rises = rises & dearer(conversion[i], before[i], p) & dearer(p, conversion[i], p)
        falls = falls & dearer(before[i], conversion[i], p) & dearer(conversion[i], p, p)
        known = slow[i] + lead + before[i]
        votes[i] = np.int8(rises) - np.int8(falls) if known == known else MISSING
