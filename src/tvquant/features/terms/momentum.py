"""Momentum in percent, of the panel's own prices: the rate of change, and performance since a day in the past.

A screener does not say how it counts a month. Here a horizon is a number of calendar days before the day of a row,
and performance is that of the close since the last bar of the name on that day or before.
"""

from collections.abc import Callable

import numpy as np

from tvquant.core.panel import Floats, Panel, Times
from tvquant.features.terms.contract import Settings, Term

ROC_BARS = 9
"""The provider's length."""
HORIZONS = {"1w": 7, "1m": 30, "3m": 90, "6m": 180, "1y": 365}
"""Calendar days."""


def _rate_of_change(view: Panel, _: Settings, rows: int) -> Floats:
    from tvquant.features.rolling import on_rows
    from tvquant.features.tiles import aligned

    close = view.fields["close"]
    closes = aligned(close, close, rows + ROC_BARS)
    return on_rows(_percent(closes[:, ROC_BARS:], closes[:, :-ROC_BARS]), close)


def _closes_so_far(view: Panel, _: Settings, _rows: int) -> Floats:
    """Return the last close of each name at every row or before it, T x N."""
    from tvquant.features.rolling import last_known

    return last_known(view.fields["close"])


def _since(view: Panel, stamps: Times, days: int, closes: Floats) -> Floats:
    """Return the change (rows x N, percent) from the last close at least so many days before each row's stamp."""
    past = np.searchsorted(view.times, stamps - np.timedelta64(days, "D"), side="right") - 1
    then = np.where((past >= 0)[:, None], closes[past], np.nan)
    return _percent(view.fields["close"][-len(stamps) :], then)


def _percent(now: Floats, then: Floats) -> Floats:
    """Return the change in percent; NaN where either is missing or the past is not above zero."""
    grown = np.divide(now, then, out=np.full(now.shape, np.nan), where=then > 0.0)
    return np.asarray(100.0 * (grown - 1.0))


def _performance(days: int) -> Callable[[Panel, Settings, int, Floats], Floats]:
    def compute(view: Panel, _: Settings, rows: int, closes: Floats) -> Floats:
        return _since(view, view.times[-rows:].astype("datetime64[D]"), days, closes)

    return compute


def _year_to_date(view: Panel, _: Settings, rows: int, closes: Floats) -> Floats:
    first = view.times[-rows:].astype("datetime64[Y]").astype("datetime64[D]")
    return _since(view, first, 1, closes)


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
            measures=(_closes_so_far,),
        )
        for name, days in HORIZONS.items()
    ),
    Term(
        name="perf_ytd",
        meaning="Change of the close since the last bar of the year before or earlier.",
        unit="%",
        needs=(),
        compute=_year_to_date,
        measures=(_closes_so_far,),
    ),
)
