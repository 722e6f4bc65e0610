"""Technical ratings, rebuilt from bars."""

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats, Panel
from tvquant.features.terms.contract import Settings, Term

type Votes = NDArray[np.int8]


def _averages(view: Panel, settings: Settings) -> Votes:
    """Votes of the moving averages at the last row, 1 x N x 15."""
    from tvquant.features.ratings import moving_average_votes

    high, low, volume = (view.fields.get(name) for name in ("high", "low", "volume"))
    return moving_average_votes(high, low, view.fields["close"], volume, rows=1, rules=settings.rating_rules)


def _oscillators(view: Panel, settings: Settings) -> Votes:
    """Votes of the oscillators at the last row, 1 x N x 11."""
    from tvquant.features.oscillator_votes import oscillator_votes

    high, low = (view.fields.get(name) for name in ("high", "low"))
    return oscillator_votes(high, low, view.fields["close"], rows=1, rules=settings.rating_rules)


def _mean_vote(view: Panel, settings: Settings, votes: Votes) -> Floats:
    from tvquant.features.ratings import mean_vote

    return _of_the_grown(mean_vote(votes)[0], view, settings)


def _mean_of_groups(view: Panel, settings: Settings, averages: Votes, oscillators: Votes) -> Floats:
    from tvquant.features.ratings import mean_of_groups

    return _of_the_grown(mean_of_groups(averages, oscillators)[0], view, settings)


def _of_the_grown(rating: Floats, view: Panel, settings: Settings) -> Floats:
    """NaN for names of fewer bars than a rating needs."""
    return np.where(view.tradable.sum(axis=0) >= settings.rating_min_bars, rating, np.nan)


RECOMMEND_MA = Term(
    name="recommend_ma",
    meaning="Mean vote of fifteen moving averages, from -1 (all above the price) to 1 (all below it).",
    unit="1",
    needs=(),
    compute=_mean_vote,
    measures=(_averages,),
)
RECOMMEND_OTHER = Term(
    name="recommend_other",
    meaning="Mean vote of eleven oscillators, from -1 (all sell) to 1 (all buy).",
    unit="1",
    needs=(),
    compute=_mean_vote,
    measures=(_oscillators,),
)
RECOMMEND_ALL = Term(
    name="recommend_all",
    meaning="Mean of the ratings by moving averages and by oscillators.",
    unit="1",
    needs=(),
    compute=_mean_of_groups,
    measures=(_averages, _oscillators),
)
