"""Momentum in percent, of the panel's own prices: the rate of change, and performance since a day in the past.

A screener does not say how it counts a month. Here a horizon is a number of calendar days before the day of the last
row, and performance is that of the close since the last bar of the name on that day or before.
"""

from collections.abc import Callable

import numpy as np

from tvquant.core.panel import Floats, Panel
from tvquant.features.terms.contract import Settings, Term

ROC_BARS = 9
"""The provider's length."""
HORIZONS = {"1w": 7, "1m": 30, "3m": 90, "6m": 180, "1y": 365}
"""Calendar days."""


def _rate_of_change(view: Panel, _: Settings) -> Floats:
    from tvquant.features.moving_averages import aligned

    close = view.fields["close"]
    closes = aligned(close, close, ROC_BARS + 1)
    return np.where(view.tradable[-1], _percent(closes[:, -1], closes[:, 0]), np.nan)


def _since(view: Panel, day: np.datetime64) -> Floats:
    """Percent (N) from the last close of each name on `day` or before it."""
    close = view.fields["close"]
    past = close[: np.searchsorted(view.times, day, side="right")]
    if not len(past):
        return np.full(close.shape[1], np.nan)
    then = past[-1].copy()
    for j in np.flatnonzero(np.isnan(then)):  # no bar on that very day
        bars = np.flatnonzero(~np.isnan(past[:, j]))
        then[j] = past[bars[-1], j] if len(bars) else np.nan
    return _percent(close[-1], then)


def _percent(now: Floats, then: Floats) -> Floats:
    """Change in percent; NaN where either is missing or the past is not above zero."""
    grown = np.divide(now, then, out=np.full(now.shape, np.nan), where=then > 0.0)
    return np.asarray(100.0 * (grown - 1.0))


def _performance(days: int) -> Callable[[Panel, Settings], Floats]:
    def compute(view: Panel, _: Settings) -> Floats:
        return _since(view, view.times[-1].astype("datetime64[D]") - np.timedelta64(days, "D"))

    return compute


def _year_to_date(view: Panel, _: Settings) -> Floats:
    return _since(view, view.times[-1].astype("datetime64[Y]").astype("datetime64[D]") - np.timedelta64(1, "D"))


ROC_9 = Term(
    name="roc_9",
    meaning="Change of the close over the last 9 bars of the name.",
    unit="%",
    needs=(),
    compute=_rate_of_change,
)
PERFORMANCE = (
    *(
        Term(
            name=f"perf_{name}",
            meaning=f"Change of the close since the last bar {days} calendar days ago or before.",
            unit="%",
            needs=(),
            compute=_performance(days),
        )
        for name, days in HORIZONS.items()
    ),
    Term(
        name="perf_ytd",
        meaning="Change of the close since the last bar of the year before or earlier.",
        unit="%",
        needs=(),
        compute=_year_to_date,
    ),
)
