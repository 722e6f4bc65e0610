"""Liquidity: what was traded in closed bars, in quote currency. Prices and volumes are on the panel's own basis."""

import numpy as np

from tvquant.core.panel import Floats, Panel
from tvquant.features.terms.contract import Settings, Term

ADV_BARS = 30


def value_traded(view: Panel, rows: int) -> Floats:
    """Return the value traded in the last rows, rows x N, in quote currency: quote volume, else volume times close."""
    fields = view.fields
    value = np.full((rows, len(view.instruments)), np.nan)
    if "volume" in fields:
        value = fields["volume"][-rows:] * fields["close"][-rows:]
    if "quote_volume" in fields:
        quote = fields["quote_volume"][-rows:]
        value = np.where(np.isnan(quote), value, quote)
    return value


def _last(view: Panel, _: Settings, rows: int) -> Floats:
    return value_traded(view, rows)


def _adv_median(view: Panel, _: Settings, rows: int) -> Floats:
    """Return the rows x N median of thirty bars; NaN with a bar of unknown traded value among them, none is skipped."""
    from tvquant.features.rolling import rolling_median
    from tvquant.features.tiles import by_blocks

    close, width = view.fields["close"], rows + ADV_BARS - 1
    traded = value_traded(view, len(close))
    return by_blocks(close, width, rows, lambda bars: rolling_median(bars, ADV_BARS, rows), traded)


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
