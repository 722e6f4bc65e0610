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

1. What stands in brackets holds where the rules ask for a fresh cross; Stoch is then missing without any of K, D, K1,
   D1. A saucer is a third value beyond the second, which is before a dip: AO over AO1 under AO2, all above 0.
2. A vote is missing where the value in the last column is NaN; any other NaN makes a condition false, and the vote 0.
3. TradingView's bars always have highs and lows. Where they are not known the votes that need them are missing: Stoch,
   ADX, AO, WilliamsR14, BBPower13, UO, and CCI20 of the typical price. On closes alone RSI14, CCI20 of the close,
   Mom10, MACD and StochRSI vote.

Source: Pine library TradingView/TechnicalRating v3 (2024), function of the oscillators; the older built-in (`classic`).
"""

import numpy as np

from tvquant.core.panel import Floats
from tvquant.features.moving_averages import compiled
from tvquant.features.oscillators import BEFORE, Oscillators, oscillators
from tvquant.features.rating_rules import LIBRARY_V3, AdxRule, CrossRule, RatingRules
from tvquant.features.votes import MISSING, Votes, greater, placed

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
BLOCK = 16
"""Columns taken at once: all of their series stay in the processor's cache for some hundred rows."""


def oscillator_votes(
    high: Floats | None, low: Floats | None, close: Floats, *, rows: int, rules: RatingRules = LIBRARY_V3
) -> Votes:
    """Votes of the eleven `OSCILLATORS` on the last `rows` rows, rows x N x 11: -1, 0, 1 or `MISSING`.

    Row t is what the same fields cut after row t give, bit for bit.

    Parameters
    ----------
    high, low, close : T x N, NaN where there is no bar. A row is a bar of a name where it has a close; others are
        skipped, not counted as bars.
    rows : at most T.
    rules : which technical rating is meant.
    """
    columns = close.shape[1]
    out = np.empty((rows, columns, len(OSCILLATORS)), np.int8)
    for begin in range(0, columns, BLOCK):
        cut = slice(begin, begin + BLOCK)
        tops, bottoms = (None if field is None else field[:, cut] for field in (high, low))
        values = oscillators(tops, bottoms, close[:, cut], rows=rows, cci_source=rules.cci)
        placed(judge_oscillators(values, rules), close[:, cut], out[:, cut])
    return out


def judge_oscillators(values: Oscillators, rules: RatingRules) -> Votes:
    """Votes of the eleven at the last rows of the values (N x (rows + 2) each), 11 x N x rows."""
    fresh, fresh_rsi = (rule is CrossRule.FRESH for rule in (rules.stochastic, rules.stochastic_rsi))
    shape = values.close.shape
    votes = np.full((len(OSCILLATORS), shape[0], shape[1] - BEFORE), MISSING, np.int8)
    _judge_turn(values.rsi, 30.0, 70.0, votes[0])
    _judge_stochastic(values.k, values.d, fresh, votes[1])
    _judge_turn(values.cci, -100.0, 100.0, votes[2])
    if rules.adx is AdxRule.CROSS:
        _judge_crossing(values.adx, values.plus, values.minus, votes[3])
    else:
        _judge_rising(values.adx, values.plus, values.minus, votes[3])
    _judge_awesome(values.awesome, votes[4])
    _judge_momentum(values.momentum, votes[5])
    _judge_signal(values.macd, values.signal, votes[6])
    _judge_against_trend(values.close, values.trend, values.rsi_k, values.rsi_d, fresh_rsi, votes[7])
    _judge_turn(values.williams, -80.0, -20.0, votes[8])
    _judge_power(values.close, values.trend, values.bull, values.bear, votes[9])
    _judge_ultimate(values.ultimate, votes[10])
    return votes


@compiled
def _judge_turn(values: Floats, low: float, high: float, votes: Votes) -> None:
    """RSI, CCI, Williams: back from below the lower bound, or from above the upper one."""
    for j in range(len(votes)):
        for i in range(votes.shape[1]):
            now, before = values[j, i + 2], values[j, i + 1]
            if before == before:
                buy = greater(low, now) & greater(now, before)
                votes[j, i] = np.int8(buy) - np.int8(greater(now, high) & greater(before, now))


@compiled
def _crossed(k: Floats, d: Floats, i: int, fresh: bool) -> tuple[bool, bool]:
    """%K over %D with both below 20, and under it with both above 80; if asked for, on this very bar."""
    now, base, now1, base1 = k[i + 2], d[i + 2], k[i + 1], d[i + 1]
    buy = greater(20.0, now) & greater(20.0, base) & greater(now, base)
    sell = greater(now, 80.0) & greater(base, 80.0) & greater(base, now)
    if fresh:
        buy, sell = buy & greater(base1, now1), sell & greater(now1, base1)
    return buy, sell


@compiled
def _judge_stochastic(k: Floats, d: Floats, fresh: bool, votes: Votes) -> None:
    for j in range(len(votes)):
        for i in range(votes.shape[1]):
            known = d[j, i + 1] == d[j, i + 1]
            if fresh:
                known = (
                    known & (k[j, i + 1] == k[j, i + 1]) & (d[j, i + 2] == d[j, i + 2]) & (k[j, i + 2] == k[j, i + 2])
                )
            if known:
                buy, sell = _crossed(k[j], d[j], i, fresh)
                votes[j, i] = np.int8(buy) - np.int8(sell)


@compiled
def _judge_rising(adx: Floats, plus: Floats, minus: Floats, votes: Votes) -> None:
    for j in range(len(votes)):
        for i in range(votes.shape[1]):
            now, up, down = adx[j, i + 2], plus[j, i + 2], minus[j, i + 2]
            if now == now:
                strong = greater(now, 20.0) & greater(now, adx[j, i + 1])
                votes[j, i] = np.int8(strong & greater(up, down)) - np.int8(strong & greater(down, up))


@compiled
def _judge_crossing(adx: Floats, plus: Floats, minus: Floats, votes: Votes) -> None:
    for j in range(len(votes)):
        for i in range(votes.shape[1]):
            now, up, down, up1, down1 = adx[j, i + 2], plus[j, i + 2], minus[j, i + 2], plus[j, i + 1], minus[j, i + 1]
            if not np.isnan(now + up + down + up1 + down1):
                strong = greater(now, 20.0)
                buy = strong & greater(up, down) & (not greater(up1, down1))
                votes[j, i] = np.int8(buy) - np.int8(strong & greater(down, up) & (not greater(down1, up1)))


@compiled
def _judge_awesome(values: Floats, votes: Votes) -> None:
    for j in range(len(votes)):
        for i in range(votes.shape[1]):
            now, before, earlier = values[j, i + 2], values[j, i + 1], values[j, i]
            if before == before:
                up, was_up = greater(now, 0.0), greater(before, 0.0)
                down, was_down = greater(0.0, now), greater(0.0, before)
                buy = up & ((not was_up) | (greater(now, before) & greater(earlier, before)))
                votes[j, i] = np.int8(buy) - np.int8(
                    down & ((not was_down) | (greater(before, now) & greater(before, earlier)))
                )


@compiled
def _judge_momentum(values: Floats, votes: Votes) -> None:
    for j in range(len(votes)):
        for i in range(votes.shape[1]):
            now, before = values[j, i + 2], values[j, i + 1]
            if before == before:
                votes[j, i] = np.int8(greater(now, before)) - np.int8(greater(before, now))


@compiled
def _judge_signal(macd: Floats, signal: Floats, votes: Votes) -> None:
    for j in range(len(votes)):
        for i in range(votes.shape[1]):
            now, base = macd[j, i + 2], signal[j, i + 2]
            if base == base:
                votes[j, i] = np.int8(greater(now, base)) - np.int8(greater(base, now))


@compiled
def _judge_against_trend(close: Floats, trend: Floats, k: Floats, d: Floats, fresh: bool, votes: Votes) -> None:
    """Stochastic RSI: a buy in a falling trend, a sell in a rising one."""
    for j in range(len(votes)):
        for i in range(votes.shape[1]):
            price, middle = close[j, i + 2], trend[j, i + 2]
            if middle == middle:
                buy, sell = _crossed(k[j], d[j], i, fresh)
                votes[j, i] = np.int8(buy & greater(middle, price)) - np.int8(sell & greater(price, middle))


@compiled
def _judge_power(close: Floats, trend: Floats, bull: Floats, bear: Floats, votes: Votes) -> None:
    for j in range(len(votes)):
        for i in range(votes.shape[1]):
            price, middle, top, bottom = close[j, i + 2], trend[j, i + 2], bull[j, i + 2], bear[j, i + 2]
            if not np.isnan(middle + top + bottom):
                buy = greater(price, middle) & greater(0.0, bottom) & greater(bottom, bear[j, i + 1])
                sell = greater(middle, price) & greater(top, 0.0) & greater(bull[j, i + 1], top)
                votes[j, i] = np.int8(buy) - np.int8(sell)


@compiled
def _judge_ultimate(values: Floats, votes: Votes) -> None:
    for j in range(len(votes)):
        for i in range(votes.shape[1]):
            now = values[j, i + 2]
            if now == now:
                votes[j, i] = np.int8(greater(now, 70.0)) - np.int8(greater(30.0, now))
