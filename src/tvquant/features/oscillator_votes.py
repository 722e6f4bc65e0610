"""The oscillator group of TradingView's technical rating. Importing this module imports numba.

Each vote is 1 (buy), -1 (sell) or 0; rising and falling are against the bar before, K1 and D1 are of that bar. The
trend is up with the close above its EMA of 50 bars, down below it.

| indicator   | 1                                         | -1                                    | missing     |
|-------------|-------------------------------------------|---------------------------------------|-------------|
| RSI14       | below 30, rising                          | above 70, falling                     | RSI1        |
| Stoch       | K and D below 20, K above D [K1 below D1] | above 80, K below D [K1 above D1]     | D1          |
| CCI20       | below -100, rising                        | above 100, falling                    | CCI1        |
| ADX         | above 20 and rising, +DI above -DI        | above 20 and rising, +DI below -DI    | ADX         |
| ADX, cross  | above 20, +DI crosses -DI upwards         | above 20, downwards                   | ADX, DI, DI1|
| AO          | crosses 0 upwards, or saucer above it     | downwards, or saucer below it         | AO1         |
| Mom10       | rising                                    | falling                               | Mom1        |
| MACD        | above its signal                          | below it                              | signal      |
| StochRSI    | trend down, as Stoch                      | trend up, as Stoch                    | trend       |
| WilliamsR14 | below -80, rising                         | above -20, falling                    | %R1         |
| BBPower13   | trend up, bear power below 0, rising      | trend down, bull above 0, falling     | trend, both |
| UO          | above 70                                  | below 30                              | UO          |

1. What is in brackets holds where the rules ask for a fresh cross; Stoch is then missing without any of K, D, K1,
   D1. A saucer is a third value beyond the second, which is before a dip: AO over AO1 under AO2, all above 0.
2. A vote is missing where the value in the last column is NaN; any other NaN makes a condition false, and the vote 0.
3. TradingView's bars always have highs and lows. Where they are not known the votes that need them are missing: Stoch,
   ADX, AO, WilliamsR14, BBPower13, UO, and CCI20 of the typical price. On closes alone RSI14, CCI20 of the close,
   Mom10, MACD and StochRSI vote.

Source: Pine library TradingView/TechnicalRating v3 (2024), function of the oscillators; the older built-in (`classic`).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats
from tvquant.features.oscillators import BEFORE, REACH, Oscillators, Recursive, recursive, windowed
from tvquant.features.rating_rules import LIBRARY_V3, AdxRule, CrossRule, PriceSource, RatingRules
from tvquant.features.tiles import CHUNK, Tile, by_tiles
from tvquant.features.votes import MISSING, Tally, Votes, dearer, greater, tally
from tvquant.statistics.kernels import compiled, inner

OSCILLATORS = (
    "RSI14",
    "Stoch",
    "CCI20",
    "ADX",
    "AO",
    "Mom10",
    "MACD",
    "StochRSI",
    "WilliamsR14",
    "BBPower13",
    "UO",
)


def oscillator_votes(
    high: Floats | None, low: Floats | None, close: Floats, *, rows: int, rules: RatingRules = LIBRARY_V3
) -> Votes:
    """Return votes of the eleven `OSCILLATORS` on the last `rows` rows, rows x N x 11: -1, 0, 1 or `MISSING`.

    Row t is what the same fields cut after row t give, bit for bit.

    Parameters
    ----------
    high, low, close : T x N, NaN where there is no bar. A row is a bar of a name where it has a close; others are
        skipped, not counted as bars.
    rows : at most T.
    rules : which technical rating is meant.
    """
    return _of_tiles(high, low, close, rows, rules, len(OSCILLATORS), lambda votes: votes).transpose(1, 2, 0)


def oscillator_tally(
    high: Floats | None, low: Floats | None, close: Floats, *, rows: int, rules: RatingRules = LIBRARY_V3
) -> Tally:
    """Return sum and number of those votes."""
    return _of_tiles(high, low, close, rows, rules, 2, tally)


def _of_tiles(
    high: Floats | None,
    low: Floats | None,
    close: Floats,
    rows: int,
    rules: RatingRules,
    planes: int,
    made: Callable[[Votes], Votes],
) -> Votes:
    """Return what `made` gives of the votes of blocks, at their rows and columns."""
    width, asked = max(len(close), rows + REACH), _asked(rules)

    def vote(tile: Tile) -> Votes:
        closes = tile.stacked(close, width)
        highs, lows = (
            np.full_like(closes, np.nan) if field is None else tile.stacked(field, width) for field in (high, low)
        )
        votes = np.empty((len(closes), len(OSCILLATORS), rows, tile.lanes), np.int8)
        for g, block in enumerate(votes):
            bars = highs[g], lows[g], closes[g]
            _vote(*bars, recursive(*bars), block, rules.cci is PriceSource.TYPICAL, asked)
        return made(votes)

    return by_tiles(close, rows, planes, MISSING, vote)


def judge_oscillators(values: Oscillators, rules: RatingRules) -> Votes:
    """Return votes of the eleven at the last rows of the values (N x (rows + 2) each), 11 x rows x N."""
    names, width = values.close.shape
    votes = np.empty((len(OSCILLATORS), width - BEFORE, names), np.int8)
    _judge(tuple(np.ascontiguousarray(block.T) for block in values), 0, votes, *_asked(rules))
    return votes


def _asked(rules: RatingRules) -> tuple[bool, bool, bool]:
    """Return which votes need a cross: of the stochastic, of that of the RSI, of the DIs."""
    return (
        rules.stochastic is CrossRule.FRESH,
        rules.stochastic_rsi is CrossRule.FRESH,
        rules.adx is AdxRule.CROSS,
    )


def _vote(
    highs: Floats, lows: Floats, closes: Floats, smooth: Recursive, votes: Votes, typical: bool,
    asked: tuple[bool, bool, bool],
) -> None:  # fmt: skip
    """Write the votes of one block, some bars at a time."""
    rows = votes.shape[1]
    for first in range(0, rows, CHUNK):
        size = min(CHUNK, rows - first)
        end = len(closes) - rows + first + size
        until = tuple(values[:end] for values in smooth)
        _judge(windowed(highs[:end], lows[:end], closes[:end], until, size, typical), first, votes, *asked)


@compiled
def _judge(series: tuple[Floats, ...], first: int, votes: Votes, fresh: bool, fresh_rsi: bool, crossing: bool) -> None:
    """Write the votes of the rows that the values end with, from row `first` on.

    `series` are those of `Oscillators` as a plain tuple: a cache of compiled code must not name a class. Each is one
    line, of which the same name stands K places earlier at the bar before.
    """
    values = Oscillators(*series)
    size = len(values.close) - BEFORE
    end = first + size
    price, trend = _line(values.close, 0, size), _line(values.trend, 0, size)
    rsi, cci, williams = _line(values.rsi, 0, size), _line(values.cci, 0, size), _line(values.williams, 0, size)
    _judge_turn(rsi, _line(values.rsi, 1, size), 30.0, 70.0, _line(votes[0, :end], 0, size))
    _judge_turn(cci, _line(values.cci, 1, size), -100.0, 100.0, _line(votes[2, :end], 0, size))
    _judge_turn(williams, _line(values.williams, 1, size), -80.0, -20.0, _line(votes[8, :end], 0, size))
    k, d = _line(values.k, 0, size), _line(values.d, 0, size)
    k1, d1 = _line(values.k, 1, size), _line(values.d, 1, size)
    line = _line(votes[1, :end], 0, size)
    if fresh:
        _judge_stochastic(k, d, k + d + k1 + d1, line)
        _only_fresh(k1, d1, line)
    else:
        _judge_stochastic(k, d, d1, line)
    line = _line(votes[7, :end], 0, size)
    _judge_stochastic(_line(values.rsi_k, 0, size), _line(values.rsi_d, 0, size), trend, line)
    if fresh_rsi:
        _only_fresh(_line(values.rsi_k, 1, size), _line(values.rsi_d, 1, size), line)
    _only_against_trend(price, trend, line)
    adx, plus, minus = _line(values.adx, 0, size), _line(values.plus, 0, size), _line(values.minus, 0, size)
    line = _line(votes[3, :end], 0, size)
    if crossing:
        _judge_crossing(adx, plus, minus, _line(values.plus, 1, size), _line(values.minus, 1, size), line)
    else:
        _judge_rising(adx, _line(values.adx, 1, size), plus, minus, line)
    x, y, z = _line(values.awesome, 0, size), _line(values.awesome, 1, size), _line(values.awesome, 2, size)
    _judge_awesome(price, x, y, z, _line(votes[4, :end], 0, size))
    now, before = _line(values.momentum, 0, size), _line(values.momentum, 1, size)
    _judge_difference(price, now, before, _line(votes[5, :end], 0, size))
    _judge_difference(price, _line(values.macd, 0, size), _line(values.signal, 0, size), _line(votes[6, :end], 0, size))
    bull, bear, bull1 = _line(values.bull, 0, size), _line(values.bear, 0, size), _line(values.bull, 1, size)
    _judge_power(price, trend, bull, bull1, bear, _line(values.bear, 1, size), _line(votes[9, :end], 0, size))
    _judge_ultimate(_line(values.ultimate, 0, size), _line(votes[10, :end], 0, size))


@inner
def _line[T: np.generic](block: NDArray[T], back: int, size: int) -> NDArray[T]:
    """Return the last `size` bars but `back` of a block (bars x K) as one line."""
    end = len(block) - back
    return block[end - size : end].reshape(-1)


# Each takes lines of values as long as the votes, of this bar and of the one or two before.
@inner
def _judge_turn(now: Floats, before: Floats, low: float, high: float, votes: Votes) -> None:
    """Vote on RSI, CCI or Williams: back from below the lower bound, or from above the upper one."""
    for i in range(len(votes)):
        buy = greater(low, now[i]) & greater(now[i], before[i])
        sell = greater(now[i], high) & greater(before[i], now[i])
        votes[i] = np.int8(buy) - np.int8(sell) if before[i] == before[i] else MISSING


@inner
def _judge_stochastic(k: Floats, d: Floats, known: Floats, votes: Votes) -> None:
    """Vote on %K over %D with both below 20, and under it with both above 80; missing where `known` is NaN."""
    for i in range(len(votes)):
        buy = greater(20.0, k[i]) & greater(20.0, d[i]) & greater(k[i], d[i])
        sell = greater(k[i], 80.0) & greater(d[i], 80.0) & greater(d[i], k[i])
        votes[i] = np.int8(buy) - np.int8(sell) if known[i] == known[i] else MISSING


@inner
def _only_fresh(k: Floats, d: Floats, votes: Votes) -> None:
    """Keep the votes of a crossing on this very bar; %K and %D are of the bar before."""
    for i in range(len(votes)):
        stale = ((votes[i] == 1) & (not greater(d[i], k[i]))) | ((votes[i] == -1) & (not greater(k[i], d[i])))
        votes[i] = 0 if stale else votes[i]


@inner
def _only_against_trend(price: Floats, trend: Floats, votes: Votes) -> None:
    """Keep a buy in a falling trend and a sell in a rising one."""
    for i in range(len(votes)):
        p = price[i]
        up, down = dearer(p, trend[i], p), dearer(trend[i], p, p)
        other = ((votes[i] == 1) & (not down)) | ((votes[i] == -1) & (not up))
        votes[i] = 0 if other else votes[i]


@inner
def _judge_rising(now: Floats, before: Floats, plus: Floats, minus: Floats, votes: Votes) -> None:
    for i in range(len(votes)):
        strong = greater(now[i], 20.0) & greater(now[i], before[i])
        vote = np.int8(strong & greater(plus[i], minus[i])) - np.int8(strong & greater(minus[i], plus[i]))
        votes[i] = vote if now[i] == now[i] else MISSING


@inner
def _judge_crossing(now: Floats, plus: Floats, minus: Floats, plus1: Floats, minus1: Floats, votes: Votes) -> None:
    for i in range(len(votes)):
        strong, known = greater(now[i], 20.0), now[i] + plus[i] + minus[i] + plus1[i] + minus1[i]
        buy = strong & greater(plus[i], minus[i]) & (not greater(plus1[i], minus1[i]))
        sell = strong & greater(minus[i], plus[i]) & (not greater(minus1[i], plus1[i]))
        votes[i] = np.int8(buy) - np.int8(sell) if known == known else MISSING


@inner
def _judge_awesome(price: Floats, now: Floats, before: Floats, earlier: Floats, votes: Votes) -> None:
    for i in range(len(votes)):
        p = price[i]
        x, y, z = now[i], before[i], earlier[i]
        up, was_up, down, was_down = dearer(x, 0.0, p), dearer(y, 0.0, p), dearer(0.0, x, p), dearer(0.0, y, p)
        buy = up & ((not was_up) | (dearer(x, y, p) & dearer(z, y, p)))
        sell = down & ((not was_down) | (dearer(y, x, p) & dearer(y, z, p)))
        votes[i] = np.int8(buy) - np.int8(sell) if y == y else MISSING


@inner
def _judge_difference(price: Floats, now: Floats, against: Floats, votes: Votes) -> None:
    """Vote on momentum against that of the bar before, or MACD against its signal."""
    for i in range(len(votes)):
        p = price[i]
        vote = np.int8(dearer(now[i], against[i], p)) - np.int8(dearer(against[i], now[i], p))
        votes[i] = vote if against[i] == against[i] else MISSING


@inner
def _judge_power(
    price: Floats, trend: Floats, bull: Floats, bull1: Floats, bear: Floats, bear1: Floats, votes: Votes
) -> None:
    for i in range(len(votes)):
        p = price[i]
        buy = dearer(p, trend[i], p) & dearer(0.0, bear[i], p) & dearer(bear[i], bear1[i], p)
        sell = dearer(trend[i], p, p) & dearer(bull[i], 0.0, p) & dearer(bull1[i], bull[i], p)
        known = trend[i] + bull[i] + bear[i]
        votes[i] = np.int8(buy) - np.int8(sell) if known == known else MISSING


@inner
def _judge_ultimate(values: Floats, votes: Votes) -> None:
    for i in range(len(votes)):
        vote = np.int8(greater(values[i], 70.0)) - np.int8(greater(30.0, values[i]))
        votes[i] = vote if values[i] == values[i] else MISSING
