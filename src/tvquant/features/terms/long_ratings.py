"""Ratings and directional movement on closed weekly and monthly bars, by the same rules as on daily ones."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats, Panel
from tvquant.features.terms.contract import Settings, Term

if TYPE_CHECKING:
    from tvquant.features.long_bars import LongBars

SPANS = {"1w": "weekly", "1m": "monthly"}

type Tally = NDArray[np.int8]


class LongMarket:
    """Long bars of a view, and the tallies of votes at the last of them, taken when the first term asks for them."""

    def __init__(self, bars: "LongBars", settings: Settings) -> None:
        self.bars = bars
        self._rules = settings.rating_rules

    @cached_property
    def averages(self) -> Tally:
        """Of the moving averages."""
        from tvquant.features.ratings import moving_average_tally

        bars = self.bars
        if not bars.rows:
            return np.empty((2, 0, bars.close.shape[1]), np.int8)
        return moving_average_tally(bars.high, bars.low, bars.close, bars.volume, rows=bars.rows, rules=self._rules)

    @cached_property
    def oscillators(self) -> Tally:
        """Of the oscillators."""
        from tvquant.features.oscillator_votes import oscillator_tally

        bars = self.bars
        if not bars.rows:
            return np.empty((2, 0, bars.close.shape[1]), np.int8)
        return oscillator_tally(bars.high, bars.low, bars.close, rows=bars.rows, rules=self._rules)


def _market(span: str) -> Callable[[Panel, Settings, int], LongMarket]:
    def measure(view: Panel, settings: Settings, rows: int) -> LongMarket:
        from tvquant.features.long_bars import Long, long_bars

        return LongMarket(long_bars(view, rows, Long(span)), settings)

    return measure


def _of_averages(view: Panel, _settings: Settings, _rows: int, market: LongMarket) -> Floats:
    from tvquant.features.ratings import mean

    return market.bars.by_day(market.bars.grown(mean(market.averages)), view)


def _of_oscillators(view: Panel, _settings: Settings, _rows: int, market: LongMarket) -> Floats:
    from tvquant.features.ratings import mean

    return market.bars.by_day(market.bars.grown(mean(market.oscillators)), view)


def _of_both(view: Panel, _settings: Settings, _rows: int, market: LongMarket) -> Floats:
    from tvquant.features.ratings import mean_of_both

    return market.bars.by_day(market.bars.grown(mean_of_both(market.averages, market.oscillators)), view)


def _strength(view: Panel, _settings: Settings, rows: int, market: LongMarket) -> Floats:
    from tvquant.statistics.directional import directional_movement

    bars = market.bars
    if bars.high is None or bars.low is None or not bars.rows:
        return np.full((rows, len(view.instruments)), np.nan)
    return bars.by_day(directional_movement(bars.high, bars.low, bars.close, rows=bars.rows)[0], view)


def _terms(span: str, word: str) -> tuple[Term, ...]:
    measures = (_market(span),)

    def rating(name: str, meaning: str, compute: Callable[..., Floats]) -> Term:
        return Term(
            name=f"{name}_{span}",
            meaning=f"{meaning} on closed {word} bars, from -1 to 1; from 30 of them on.",
            unit="1",
            needs=(),
            compute=compute,
            measures=measures,
        )

    return (
        rating("recommend_ma", "Mean vote of fifteen moving averages", _of_averages),
        rating("recommend_other", "Mean vote of eleven oscillators", _of_oscillators),
        rating("recommend_all", "Mean of both groups of votes", _of_both),
        Term(
            name=f"adx_14_{span}",
            meaning=f"Average directional index over 14 closed {word} bars, from 0 (no trend) to 100.",
            unit="1",
            needs=("high", "low"),
            compute=_strength,
            measures=measures,
        ),
    )


LONG_RATINGS = tuple(term for span, word in SPANS.items() for term in _terms(span, word))
