"""TradingView's technical ratings, rebuilt from bars, and the number of votes of each."""

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats, Panel
from tvquant.features.terms.contract import Settings, Term

type Tally = NDArray[np.int8]


def _averages(view: Panel, settings: Settings, rows: int) -> Tally:
    """Return the sum and number of the votes of moving averages at the last rows."""
    from tvquant.features.ratings import moving_average_tally

    high, low, volume = (view.fields.get(name) for name in ("high", "low", "volume"))
    return moving_average_tally(high, low, view.fields["close"], volume, rows=rows, rules=settings.rating_rules)


def _oscillators(view: Panel, settings: Settings, rows: int) -> Tally:
    """Return the sum and number of the votes of oscillators at the last rows."""
    from tvquant.features.oscillator_votes import oscillator_tally

    high, low = (view.fields.get(name) for name in ("high", "low"))
    return oscillator_tally(high, low, view.fields["close"], rows=rows, rules=settings.rating_rules)


def _mean(_view: Panel, _settings: Settings, _rows: int, group: Tally) -> Floats:
    from tvquant.features.ratings import mean

    return mean(group)


def _mean_of_both(_view: Panel, _settings: Settings, _rows: int, averages: Tally, oscillators: Tally) -> Floats:
    from tvquant.features.ratings import mean_of_both

    return mean_of_both(averages, oscillators)


def _number(_view: Panel, _settings: Settings, _rows: int, group: Tally) -> Floats:
    """Return the number of votes, however few bars there are; NaN where a name has no bar."""
    return np.where(group[1] >= 0, group[1], np.nan)


RECOMMEND_MA = Term(
    name="recommend_ma",
    meaning="Mean vote of fifteen moving averages, from -1 (all above the price) to 1 (all below it).",
    unit="1",
    needs=(),
    compute=_mean,
    measures=(_averages,),
    floored=True,
)
RECOMMEND_OTHER = Term(
    name="recommend_other",
    meaning="Mean vote of eleven oscillators, from -1 (all sell) to 1 (all buy).",
    unit="1",
    needs=(),
    compute=_mean,
    measures=(_oscillators,),
    floored=True,
)
RECOMMEND_ALL = Term(
    name="recommend_all",
    meaning="Mean of the ratings by moving averages and by oscillators.",
    unit="1",
    needs=(),
    compute=_mean_of_both,
    measures=(_averages, _oscillators),
    floored=True,
)
VOTES_MA = Term(
    name="votes_ma",
    meaning="Moving averages that have a vote, of fifteen; a rating below its floor of bars has votes too.",
    unit="1",
    needs=(),
    compute=_number,
    measures=(_averages,),
)
VOTES_OTHER = Term(
    name="votes_other",
    meaning="Oscillators that have a vote, of eleven; a rating below its floor of bars has votes too.",
    unit="1",
    needs=(),
    compute=_number,
    measures=(_oscillators,),
)
