"""Liquidity: what was traded in closed bars, in quote currency. Prices and volumes are on the panel's own basis."""

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats, Panel
from tvquant.features.terms.contract import Settings, Term

ADV_BARS = 30


def value_traded(view: Panel, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
    """Traded value in the given cells: quote volume, or volume times close where that is missing."""
    fields = view.fields
    value = np.full(len(rows), np.nan)
    if "volume" in fields:
        value = fields["volume"][rows, columns] * fields["close"][rows, columns]
    if "quote_volume" in fields:
        quote = fields["quote_volume"][rows, columns]
        value = np.where(np.isnan(quote), value, quote)
    return value


def _last(view: Panel, _: Settings) -> Floats:
    columns = np.arange(len(view.instruments))
    return value_traded(view, np.full(len(columns), len(view.times) - 1), columns)


def _adv_median(view: Panel, _: Settings) -> Floats:
    """A bar without a traded value among the thirty makes it NaN: a day that is not known is not skipped."""
    have = view.tradable
    age = have[::-1].cumsum(axis=0)[::-1]  # 1 at a name's newest bar
    rows, columns = np.nonzero(have & (age <= ADV_BARS))
    window = np.full((ADV_BARS, have.shape[1]), np.nan)
    window[age[rows, columns] - 1, columns] = value_traded(view, rows, columns)
    return np.where(have[-1], np.median(window, axis=0), np.nan)


VALUE_TRADED_LAST = Term(
    name="value_traded_last",
    meaning="Value traded in the last closed bar.",
    unit="USD",
    needs=("volume", "quote_volume"),
    compute=_last,
)
ADV_MEDIAN_30 = Term(
    name="adv_median_30",
    meaning="Median value traded over the last 30 bars of the name.",
    unit="USD",
    needs=("volume", "quote_volume"),
    compute=_adv_median,
)
