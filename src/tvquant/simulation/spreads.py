"""Bid-ask spreads from daily bars, for markets whose quotes nobody stored.

Highs are mostly bought and lows mostly sold, so a range holds the spread beside the volatility. Volatility grows with
time and the spread does not: two days together tell them apart.
"""

import numpy as np

from tvquant.core.books import Spread
from tvquant.core.panel import Floats

ROOT_OF_TWO = np.sqrt(2.0)
DAYS = 3.0 - 2.0 * ROOT_OF_TWO
"""The constant of Corwin and Schultz for two days."""


def two_day_spreads(high: Floats, low: Floats, close: Floats, estimator: Spread) -> Floats:
    """Return what each bar and the one before say of the spread (... x n), a fraction of the price; NaN for the first.

    A pair of days of which the estimate is negative has a spread of 0, as both papers have it.

    Parameters
    ----------
    high, low, close : ... x n prices of names, of consecutive bars, adjusted for splits.
    estimator : Corwin and Schultz (2012), "A Simple Way to Estimate Bid-Ask Spreads from Daily High and Low Prices",
        equations 14 and 18, with their adjustment for overnight moves; Abdi and Ranaldo (2017), "A Simple Estimation of
        Bid-Ask Spreads from Daily Close, High, and Low Prices", the two-day corrected version.
    """
    found = np.full(close.shape, np.nan)
    if close.shape[-1] > 1:
        pairs = _corwin_schultz if estimator is Spread.CORWIN_SCHULTZ else _abdi_ranaldo
        found[..., 1:] = pairs(high, low, close)
    return found


def _corwin_schultz(high: Floats, low: Floats, close: Floats) -> Floats:
    """Return ... x (n - 1) spreads: S = 2 (e^a - 1) / (1 + e^a).

    a = (sqrt(2 b) - sqrt(b)) / (3 - 2 sqrt 2) - sqrt(g / (3 - 2 sqrt 2)), b the sum of both days' squared log ranges, g
    the squared log range of the two days together. Where the second day lies above or below the first one's close as a
    whole, it is moved to it: what happened overnight is no range.
    """
    overnight = np.maximum(low[..., 1:] - close[..., :-1], 0.0) + np.minimum(high[..., 1:] - close[..., :-1], 0.0)
    second_high, second_low = high[..., 1:] - overnight, low[..., 1:] - overnight
    ranges = np.log(high[..., :-1] / low[..., :-1]) ** 2 + np.log(second_high / second_low) ** 2
    both = np.log(np.maximum(high[..., :-1], second_high) / np.minimum(low[..., :-1], second_low))
    alpha = np.sqrt(ranges) * (ROOT_OF_TWO - 1.0) / DAYS - both / np.sqrt(DAYS)
    spread: Floats = np.maximum(2.0 * np.expm1(alpha) / (1.0 + np.exp(alpha)), 0.0)
    return spread


def _abdi_ranaldo(high: Floats, low: Floats, close: Floats) -> Floats:
    """Return ... x (n - 1) spreads sqrt(max(4 (c - m)(c - m'), 0)): c the first day's log close, m the mid-ranges."""
    last, middle = np.log(close), 0.5 * (np.log(high) + np.log(low))
    spread: Floats = np.sqrt(
        np.maximum(4.0 * (last[..., :-1] - middle[..., :-1]) * (last[..., :-1] - middle[..., 1:]), 0.0)
    )
    return spread
