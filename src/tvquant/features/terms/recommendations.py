"""Technical ratings, rebuilt from bars."""

import numpy as np

from tvquant.core.panel import Floats, Panel
from tvquant.features.terms.contract import Settings, Term


def _recommend_ma(view: Panel, settings: Settings) -> Floats:
    from tvquant.features.ratings import moving_average_votes, recommend_ma

    high, low, volume = (view.fields.get(name) for name in ("high", "low", "volume"))
    rating = recommend_ma(moving_average_votes(high, low, view.fields["close"], volume, rows=1))[0]
    return np.where(view.tradable.sum(axis=0) >= settings.rating_min_bars, rating, np.nan)


RECOMMEND_MA = Term(
    name="recommend_ma",
    meaning="Mean vote of fifteen moving averages, from -1 (all above the price) to 1 (all below it).",
    unit="1",
    needs=(),
    compute=_recommend_ma,
)
