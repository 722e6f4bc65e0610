"""The oscillators of the rating once more, slowly: one series, plain loops, fifty decimal digits, from the definitions.

Series are lists with None for what is not known; `referee` has the averages.
"""

from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

import numpy as np
from referee import TOLERANCE, above, ema, exact, mean

HUNDRED = Decimal(100)


def smooth(values, n, rate):
    """Mean of the first n known values, then step by step; unknown ones are passed over."""
    out, seen, average = [], [], None
    for value in values:
        if value is None:
            out.append(None)
            continue
        seen.append(value)
        if len(seen) == n:
            average = mean(seen)
        elif len(seen) > n:
            average = average + rate * (value - average)
        out.append(average)
    return out


def wilder(values, n):
    return smooth(values, n, Decimal(1) / n)


def average(values, n):
    """SMA that does not know what it would be of an unknown value."""
    out = []
    for t in range(len(values)):
        window = values[max(t - n + 1, 0) : t + 1]
        out.append(mean(window) if len(window) == n and None not in window else None)
    return out


def each(function, *series):
    """The function place by place; unknown where an argument is."""
    return [None if None in args else function(*args) for args in zip(*series, strict=True)]


def before(values, back=1):
    return ([None] * back + values)[: len(values)]


def rsi(closes, n=14):
    changes = each(lambda now, then: now - then, closes, before(closes))
    up = wilder(each(lambda x: max(x, Decimal(0)), changes), n)
    down = wilder(each(lambda x: max(-x, Decimal(0)), changes), n)

    def value(rise, fall, price):
        if fall <= TOLERANCE * price:
            return HUNDRED
        return Decimal(0) if rise <= TOLERANCE * price else HUNDRED - HUNDRED / (1 + rise / fall)

    return each(value, up, down, closes)


def directional(highs, lows, closes, n=14):
    """ADX, +DI, -DI; a bar of unknown high or low is no bar to them."""
    bars = [t for t in range(len(closes)) if None not in (highs[t], lows[t])]
    ranges, ups, downs = [], [], []
    for then, now in pairwise(bars):
        up, down = highs[now] - highs[then], lows[then] - lows[now]
        ranges.append(max(highs[now] - lows[now], abs(highs[now] - closes[then]), abs(lows[now] - closes[then])))
        ups.append(up if up > down and up > 0 else Decimal(0))
        downs.append(down if down > up and down > 0 else Decimal(0))
    spread = wilder(ranges, n)
    plus, minus = (
        each(lambda moved, of: None if of == 0 else HUNDRED * moved / of, wilder(moves, n), spread)
        for moves in (ups, downs)
    )
    index = each(lambda a, b: HUNDRED * abs(a - b) / (1 if a + b == 0 else a + b), plus, minus)
    out = [[None] * len(closes) for _ in range(3)]
    for line, found in zip(out, (wilder(index, n), plus, minus), strict=True):
        for t, value in zip(bars[1:], found, strict=True):
            line[t] = value
    return out


def position(source, highs, lows, n=14, nothing=Decimal(0)):
    out = []
    for t in range(len(source)):
        tops, bottoms = highs[max(t - n + 1, 0) : t + 1], lows[max(t - n + 1, 0) : t + 1]
        if len(tops) < n or None in tops + bottoms + [source[t]] or max(tops) - min(bottoms) <= nothing:
            out.append(None)
        else:
            out.append(HUNDRED * (source[t] - min(bottoms)) / (max(tops) - min(bottoms)))
    return out


def stochastic(source, highs, lows, nothing=Decimal(0)):
    k = average(position(source, highs, lows, nothing=nothing), 3)
    return k, average(k, 3)


def cci(source, n=20):
    out = []
    for t, middle in enumerate(average(source, n)):
        spread = None if middle is None else mean([abs(x - middle) for x in source[t - n + 1 : t + 1]])
        out.append((source[t] - middle) / (Decimal("0.015") * spread) if spread else None)
    return out


def ultimate(highs, lows, closes):
    bought, moved = [], []
    for t in range(len(closes)):
        known = t > 0 and None not in (highs[t], lows[t])
        bottom, top = (min(lows[t], closes[t - 1]), max(highs[t], closes[t - 1])) if known else (None, None)
        bought.append(closes[t] - bottom if known else None)
        moved.append(top - bottom if known else None)
    out = []
    for t in range(len(closes)):
        shares = []
        for n in (7, 14, 28):
            a, b = bought[max(t - n + 1, 0) : t + 1], moved[max(t - n + 1, 0) : t + 1]
            shares.append(sum(a) / sum(b) if len(a) == n and None not in a + b and sum(b) > 0 else None)
        out.append(None if None in shares else HUNDRED * (4 * shares[0] + 2 * shares[1] + shares[2]) / 7)
    return out


def values(high, low, close, typical=False):
    """All series by the names of `Oscillators`, bars only; and the rows of the bars."""
    bars, series = _both(
        *(None if field is None else np.asarray(field, float).tobytes() for field in (high, low, close))
    )
    return bars, series | {"cci": series["typical" if typical else "cci"]}


@lru_cache(maxsize=32)
def _both(*given):
    """The series of a name, those of the typical price too: what the rules of every profile are asked of, made once."""
    high, low, close = (None if field is None else np.frombuffer(field) for field in given)
    bars = [t for t in range(len(close)) if close[t] == close[t]]
    highs, lows, closes = (
        [None] * len(bars) if field is None else exact([field[t] for t in bars]) for field in (high, low, close)
    )
    adx, plus, minus = directional(highs, lows, closes)
    k, d = stochastic(closes, highs, lows)
    strength = rsi(closes)
    rsi_k, rsi_d = stochastic(strength, strength, strength, HUNDRED * TOLERANCE)
    middle = each(lambda h, w: (h + w) / 2, highs, lows)
    macd = each(lambda a, b: a - b, ema(closes, 12), ema(closes, 26))
    base = ema(closes, 13)

    def minus_of(a, b):
        return each(lambda x, y: x - y, a, b)

    return bars, {
        "close": closes,
        "trend": ema(closes, 50),
        "rsi": strength,
        "k": k,
        "d": d,
        "cci": cci(closes),
        "typical": cci(each(lambda h, w, c: (h + w + c) / 3, highs, lows, closes)),
        "adx": adx,
        "plus": plus,
        "minus": minus,
        "awesome": minus_of(average(middle, 5), average(middle, 34)),
        "momentum": minus_of(closes, before(closes, 10)),
        "macd": macd,
        "signal": smooth(macd, 9, Decimal(2) / 10),
        "rsi_k": rsi_k,
        "rsi_d": rsi_d,
        "williams": each(lambda x: x - HUNDRED, position(closes, highs, lows)),
        "bull": minus_of(highs, base),
        "bear": minus_of(lows, base),
        "ultimate": ultimate(highs, lows, closes),
    }


def vote(buy, sell):
    return int(buy) - int(sell)


def votes(high, low, close, *, stochastic="side", stochastic_rsi="side", source="close", adx="rising"):
    """Votes of one name, T x 11 with None for a missing one; arguments are float sequences, or None."""
    bars, series = values(high, low, close, typical=source == "hlc3")
    table = [[None] * 11 for _ in close]
    for i, t in enumerate(bars):
        now = {name: line[i] for name, line in series.items()}
        was = {name: line[i - 1] if i else None for name, line in series.items()}
        older = {name: line[i - 2] if i > 1 else None for name, line in series.items()}
        row = table[t]

        def dearer(a, b, price=now["close"]):
            return above(a, b, price)

        def turn(name, low_end, high_end, now=now, was=was):
            if was[name] is None:
                return None
            return vote(
                above(low_end, now[name]) and above(now[name], was[name]),
                above(now[name], high_end) and above(was[name], now[name]),
            )

        def crossed(a, b, fresh, now=now, was=was):
            buy = above(20, now[a]) and above(20, now[b]) and above(now[a], now[b])
            sell = above(now[a], 80) and above(now[b], 80) and above(now[b], now[a])
            return buy and (not fresh or above(was[b], was[a])), sell and (not fresh or above(was[a], was[b]))

        row[0] = turn("rsi", 30, 70)
        asked = [was["d"]] if stochastic == "side" else [now["k"], now["d"], was["k"], was["d"]]
        row[1] = None if None in asked else vote(*crossed("k", "d", stochastic == "fresh"))
        row[2] = turn("cci", -100, 100)
        if adx == "rising":
            rises = above(now["adx"], 20) and above(now["adx"], was["adx"])
            buy, sell = above(now["plus"], now["minus"]), above(now["minus"], now["plus"])
            row[3] = None if now["adx"] is None else vote(rises and buy, rises and sell)
        elif None not in (now["adx"], now["plus"], now["minus"], was["plus"], was["minus"]):
            strong = above(now["adx"], 20)
            up = above(now["plus"], now["minus"]) and not above(was["plus"], was["minus"])
            down = above(now["minus"], now["plus"]) and not above(was["minus"], was["plus"])
            row[3] = vote(strong and up, strong and down)
        x, y, z = now["awesome"], was["awesome"], older["awesome"]
        if y is not None:
            up = dearer(x, 0) and (not dearer(y, 0) or (dearer(x, y) and dearer(z, y)))
            down = dearer(0, x) and (not dearer(0, y) or (dearer(y, x) and dearer(y, z)))
            row[4] = vote(up, down)
        if was["momentum"] is not None:
            row[5] = vote(dearer(now["momentum"], was["momentum"]), dearer(was["momentum"], now["momentum"]))
        if now["signal"] is not None:
            row[6] = vote(dearer(now["macd"], now["signal"]), dearer(now["signal"], now["macd"]))
        row[8] = turn("williams", -80, -20)
        rising, falling = dearer(now["close"], now["trend"]), dearer(now["trend"], now["close"])
        if now["trend"] is not None:
            buy, sell = crossed("rsi_k", "rsi_d", stochastic_rsi == "fresh")
            row[7] = vote(falling and buy, rising and sell)
        if None not in (now["trend"], now["bull"], now["bear"]):
            buy = rising and dearer(0, now["bear"]) and dearer(now["bear"], was["bear"])
            row[9] = vote(buy, falling and dearer(now["bull"], 0) and dearer(was["bull"], now["bull"]))
        if now["ultimate"] is not None:
            row[10] = vote(above(now["ultimate"], 70), above(30, now["ultimate"]))
    return table
