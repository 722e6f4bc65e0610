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

from tvquant.core.panel import Floats
from tvquant.features.oscillators import BEFORE, REACH, Oscillators, Recursive, recursive, windowed
from tvquant.features.rating_rules import LIBRARY_V3, AdxRule, CrossRule, PriceSource, RatingRules
from tvquant.features.tiles import CHUNK, Tile, by_tiles
from tvquant.features.votes import (
    MISSING,
    Tally,
    Votes,
    judge_awesome,
    judge_crossing,
    judge_difference,
    judge_power,
    judge_rising,
    judge_stochastic,
    judge_turn,
    judge_ultimate,
    only_against_trend,
    only_fresh,
    tally,
)

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
    _judge(Oscillators(*(np.ascontiguousarray(block.T) for block in values)), votes, *_asked(rules))
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
        until = Recursive(*(values[:end] for values in smooth))
        values = windowed(highs[:end], lows[:end], closes[:end], until, size, typical)
        _judge(values, votes[:, first : first + size], *asked)


def _judge(values: Oscillators, votes: Votes, fresh: bool, fresh_rsi: bool, crossing: bool) -> None:
    """Write the votes (11 x rows x K) of the rows that the values end with."""
    end, rows = len(values.close), votes.shape[1]

    def line(block: Floats, back: int = 0) -> Floats:
        return block[end - back - rows : end - back].reshape(-1)

    rsi, stochastic, cci, adx, awesome, momentum, macd, rsi_stochastic, williams, power, ultimate = (
        one.reshape(-1) for one in votes
    )
    price, trend = line(values.close), line(values.trend)
    judge_turn(line(values.rsi), line(values.rsi, 1), 30.0, 70.0, rsi)
    judge_turn(line(values.cci), line(values.cci, 1), -100.0, 100.0, cci)
    judge_turn(line(values.williams), line(values.williams, 1), -80.0, -20.0, williams)
    k, d, d1 = line(values.k), line(values.d), line(values.d, 1)
    if fresh:
        k1 = line(values.k, 1)
        judge_stochastic(k, d, k + d + k1 + d1, stochastic)
        only_fresh(k1, d1, stochastic)
    else:
        judge_stochastic(k, d, d1, stochastic)
    judge_stochastic(line(values.rsi_k), line(values.rsi_d), trend, rsi_stochastic)
    if fresh_rsi:
        only_fresh(line(values.rsi_k, 1), line(values.rsi_d, 1), rsi_stochastic)
    only_against_trend(price, trend, rsi_stochastic)
    plus, minus = line(values.plus), line(values.minus)
    if crossing:
        judge_crossing(line(values.adx), plus, minus, line(values.plus, 1), line(values.minus, 1), adx)
    else:
        judge_rising(line(values.adx), line(values.adx, 1), plus, minus, adx)
    judge_awesome(price, line(values.awesome), line(values.awesome, 1), line(values.awesome, 2), awesome)
    judge_difference(price, line(values.momentum), line(values.momentum, 1), momentum)
    judge_difference(price, line(values.macd), line(values.signal), macd)
    bull, bear = line(values.bull), line(values.bear)
    judge_power(price, trend, bull, line(values.bull, 1), bear, line(values.bear, 1), power)
    judge_ultimate(line(values.ultimate), ultimate)
