"""Ratings and directional movement on closed weekly and monthly bars, by the same rules as on daily ones."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats, Panel
from tvquant.features.terms.contract import Settings, Term

if TYPE_CHECKING:
    from tvquant.features.long_bars import LongBars

SPANS = {"1w": "weekly", "1m": "monthly"}


class _Votes(NamedTuple):
    """Votes at the last long bars that are asked for, and the bars."""

    bars: "LongBars"
    votes: NDArray[np.int8]


def _averages(span: str) -> Callable[[Panel, Settings, int], _Votes]:
    def measure(view: Panel, settings: Settings, rows: int) -> _Votes:
        from tvquant.features.long_bars import Long, long_bars
        from tvquant.features.ratings import INDICATORS, moving_average_votes

        bars = long_bars(view, rows, Long(span))
        if not bars.rows:
            return _Votes(bars, np.empty((0, len(view.instruments), len(INDICATORS)), np.int8))
        fields = (bars.high, bars.low, bars.close, bars.volume)
        return _Votes(bars, moving_average_votes(*fields, rows=bars.rows, rules=settings.rating_rules))

    return measure


def _oscillators(span: str) -> Callable[[Panel, Settings, int], _Votes]:
    def measure(view: Panel, settings: Settings, rows: int) -> _Votes:
        from tvquant.features.long_bars import Long, long_bars
        from tvquant.features.oscillator_votes import OSCILLATORS, oscillator_votes

        bars = long_bars(view, rows, Long(span))
        if not bars.rows:
            return _Votes(bars, np.empty((0, len(view.instruments), len(OSCILLATORS)), np.int8))
        fields = (bars.high, bars.low, bars.close)
        return _Votes(bars, oscillator_votes(*fields, rows=bars.rows, rules=settings.rating_rules))

    return measure


def _mean_vote(view: Panel, _: Settings, _rows: int, found: _Votes) -> Floats:
    from tvquant.features.ratings import mean_vote

    return found.bars.by_day(found.bars.grown(mean_vote(found.votes)), view)


def _mean_of_groups(view: Panel, _: Settings, _rows: int, averages: _Votes, oscillators: _Votes) -> Floats:
    from tvquant.features.ratings import mean_of_groups

    return averages.bars.by_day(averages.bars.grown(mean_of_groups(averages.votes, oscillators.votes)), view)


def _strength(span: str) -> Callable[[Panel, Settings, int], Floats]:
    def compute(view: Panel, _: Settings, rows: int) -> Floats:
        from tvquant.features.long_bars import Long, long_bars
        from tvquant.statistics.directional import directional_movement

        bars = long_bars(view, rows, Long(span))
        if bars.high is None or bars.low is None or not bars.rows:
            return np.full((rows, len(view.instruments)), np.nan)
        return bars.by_day(directional_movement(bars.high, bars.low, bars.close, rows=bars.rows)[0], view)

    return compute


def _terms(span: str, word: str) -> tuple[Term, ...]:
    averages, oscillators = _averages(span), _oscillators(span)

    def rating(name: str, meaning: str, compute: Callable[..., Floats], *measures: Callable[..., Any]) -> Term:
        return Term(
            name=f"{name}_{span}",
            meaning=f"{meaning} on closed {word} bars, from -1 to 1; from 30 of them on.",
            unit="1",
            needs=(),
            compute=compute,
            measures=measures,
        )

    return (
        rating("recommend_ma", "Mean vote of fifteen moving averages", _mean_vote, averages),
        rating("recommend_other", "Mean vote of eleven oscillators", _mean_vote, oscillators),
        rating("recommend_all", "Mean of both groups of votes", _mean_of_groups, averages, oscillators),
        Term(
            name=f"adx_14_{span}",
            meaning=f"Average directional index over 14 closed {word} bars, from 0 (no trend) to 100.",
            unit="1",
            needs=("high", "low"),
            compute=_strength(span),
        ),
    )


LONG_RATINGS = tuple(term for span, word in SPANS.items() for term in _terms(span, word))
