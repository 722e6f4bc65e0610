"""Volatility of bars: the range of each, and the average true range."""

import numpy as np

from tvquant.core.panel import Floats, Panel
from tvquant.features.split_adjustment import units
from tvquant.features.terms.contract import Settings, Term


def _daily(view: Panel, _: Settings, rows: int) -> Floats:
    high, low = view.fields.get("high"), view.fields.get("low")
    out = np.full((rows, len(view.instruments)), np.nan)
    if high is None or low is None:
        return out
    top, bottom = high[-rows:], low[-rows:]
    there = view.tradable[-rows:] & (bottom > 0.0)
    return np.asarray(np.divide(100.0 * (top - bottom), bottom, out=out, where=there))


def _average_true_range(view: Panel, _: Settings, rows: int) -> Floats:
    from tvquant.statistics.directional import average_true_range

    high, low = view.fields.get("high"), view.fields.get("low")
    if high is None or low is None:
        return np.full((rows, len(view.instruments)), np.nan)
    found, grown = average_true_range(high, low, view.fields["close"], rows=rows), units(view)
    return found if grown is None else found / grown[-rows:]


VOLATILITY_D = Term(
    name="volatility_d",
    meaning="Range of the last closed bar, (high - low) / low: our own formula, as the provider's is not published.",
    unit="%",
    needs=("high", "low"),
    compute=_daily,
)
ATR_14 = Term(
    name="atr_14",
    meaning="Average true range over 14 bars of the name, smoothed as Wilder does, in units of that row's price.",
    unit="USD",
    needs=("high", "low"),
    compute=_average_true_range,
)
