"""Liquidity: what was traded in closed bars, in quote currency. Prices and volumes are on the panel's own basis."""

from tvquant.core.panel import Floats, Panel, value_traded
from tvquant.features.terms.contract import Settings, Term

ADV_BARS = 30


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
