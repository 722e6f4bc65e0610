"""What a feature term is, and how terms are evaluated."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from tvquant.core.panel import Floats, Panel
from tvquant.features.rating_rules import LIBRARY_V3, RatingRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a profile sets about terms.

    Parameters
    ----------
    rating_min_bars : bars a name needs before it has a technical rating.
    rating_rules : which technical rating is meant.
    """

    rating_min_bars: int
    rating_rules: RatingRules = LIBRARY_V3


type Measure = Callable[[Panel, Settings], NDArray[Any]]
"""What several terms are made of, as known at the last row of a view; it is taken once for all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A named number per instrument, as known at the last row of a view.

    Parameters
    ----------
    name : as profiles and scanners write it.
    meaning : one sentence.
    unit : `USD`, `%`, or `1` for a pure number.
    needs : panel fields beside the close of which any one will do; empty where the close is enough.
    compute : from a view of N instruments, the settings and one array per measure to N float64, NaN where an instrument
        has no bar at the last row or too few before it. Rows after the last are not there to be looked at.
    measures : what the term shares with others and would be dear to take again for each of them.
    """

    name: str
    meaning: str
    unit: str
    needs: tuple[str, ...]
    compute: Callable[..., Floats]
    measures: tuple[Measure, ...] = ()


def evaluate(terms: Iterable[Term], view: Panel, settings: Settings) -> Iterator[Floats]:
    """The N values of each term in turn; a measure is taken when the first term asks for it, and only once."""
    taken: dict[Measure, NDArray[Any]] = {}
    for term in terms:
        for measure in term.measures:
            if measure not in taken:
                taken[measure] = measure(view, settings)
        yield term.compute(view, settings, *(taken[measure] for measure in term.measures))
