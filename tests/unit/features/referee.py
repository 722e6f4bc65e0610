"""The rating's rules once more, slowly: one series, plain loops, fifty decimal digits, from the definitions."""

import decimal
from decimal import Decimal
from itertools import pairwise

import numpy as np

LENGTHS = (10, 20, 30, 50, 100, 200)
TOLERANCE = Decimal("1e-12")
decimal.getcontext().prec = 50


def exact(values):
    """Floats as decimals, exactly; None for NaN."""
    return [None if np.isnan(value) else Decimal(float(value)) for value in values]


def mean(values):
    return sum(values) / len(values)


def sma(closes, n):
    return [mean(closes[t - n + 1 : t + 1]) if t >= n - 1 else None for t in range(len(closes))]


def ema(closes, n):
    out = []
    for t, price in enumerate(closes):
        if t < n - 1:
            out.append(None)
        elif t == n - 1:
            out.append(mean(closes[:n]))
        else:
            out.append(out[-1] + Decimal(2) / (n + 1) * (price - out[-1]))
    return out


def wma(values, n):
    out = []
    for t in range(len(values)):
        window = values[max(t - n + 1, 0) : t + 1]
        known = len(window) == n and None not in window
        out.append(sum((k + 1) * x for k, x in enumerate(window)) / Decimal(n * (n + 1) // 2) if known else None)
    return out


def hull(closes):
    fast, slow = wma(closes, 4), wma(closes, 9)
    return wma([None if b is None else 2 * a - b for a, b in zip(fast, slow, strict=True)], 3)


def vwma(closes, volumes, n=20):
    out = []
    for t in range(len(closes)):
        prices, traded = closes[max(t - n + 1, 0) : t + 1], volumes[max(t - n + 1, 0) : t + 1]
        known = len(prices) == n and None not in traded and sum(traded) > 0
        out.append(sum(p * v for p, v in zip(prices, traded, strict=True)) / sum(traded) if known else None)
    return out


def mid(highs, lows, n):
    out = []
    for t in range(len(highs)):
        tops, bottoms = highs[max(t - n + 1, 0) : t + 1], lows[max(t - n + 1, 0) : t + 1]
        known = len(tops) == n and None not in tops + bottoms
        out.append((max(tops) + min(bottoms)) / 2 if known else None)
    return out


def above(a, b, measure=100):
    return a is not None and b is not None and a - b > TOLERANCE * measure


def cloud(highs, lows, closes):
    conversions, bases, leads_b = mid(highs, lows, 9), mid(highs, lows, 26), mid(highs, lows, 52)
    leads_a = [None if None in pair else mean(pair) for pair in zip(conversions, bases, strict=True)]
    out = []
    for t in range(len(closes)):
        if leads_b[t] is None:
            out.append(None)
            continue
        a, b = (leads_a[t - 26], leads_b[t - 26]) if t >= 26 else (None, None)
        rising = [b, a, bases[t], conversions[t], closes[t]]
        pairs = list(pairwise(rising))
        up, down = all(above(y, x, closes[t]) for x, y in pairs), all(above(x, y, closes[t]) for x, y in pairs)
        out.append(1 if up else -1 if down else 0)
    return out


def cloud_of_today(highs, lows, closes):
    """The older rule: the lead lines are not displaced, and the close stands between two lines."""
    conversions, bases, slow = mid(highs, lows, 9), mid(highs, lows, 26), mid(highs, lows, 52)
    out = []
    for t, (conversion, base, b) in enumerate(zip(conversions, bases, slow, strict=True)):
        if t == 0 or None in (conversion, base, b):
            out.append(None)
            continue
        a, was, now = mean([conversion, base]), closes[t - 1], closes[t]
        up = [(a, b), (now, a), (base, now), (conversion, was), (now, conversion)]
        down = [(b, a), (b, now), (now, base), (was, conversion), (conversion, now)]
        out.append(next((sign for sign, pairs in ((1, up), (-1, down)) if all(above(*p, now) for p in pairs)), 0))
    return out


def known(close, *fields):
    """The rows that have a close, and of each field its decimals there."""
    bars = [t for t in range(len(close)) if not np.isnan(close[t])]
    return bars, *([None] * len(bars) if field is None else exact([field[t] for t in bars]) for field in fields)


def older_clouds(high, low, close):
    """Votes of one name by the older rule, T with None for a missing one."""
    out = [None] * len(close)
    bars, *fields = known(close, high, low, close)
    for t, found in zip(bars, cloud_of_today(*fields), strict=True):
        out[t] = found
    return out


def votes(high, low, close, volume):
    """Votes of one name, T x 15 with None for a missing one; arguments are float sequences, or None."""
    bars, highs, lows, closes, volumes = known(close, high, low, close, volume)
    averages = [sma(closes, n) for n in LENGTHS] + [ema(closes, n) for n in LENGTHS] + [hull(closes)]
    averages.append(vwma(closes, volumes))
    clouds = cloud(highs, lows, closes)
    table = [[None] * 15 for _ in close]
    for k, t in enumerate(bars):
        price = closes[k]
        row = [
            None if ma[k] is None else int(above(price, ma[k], price)) - int(above(ma[k], price, price))
            for ma in averages
        ]
        table[t] = [*row, clouds[k]]
    return table
