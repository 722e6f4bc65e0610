"""What a feature term is."""

from collections.abc import Callable
from dataclasses import dataclass

from tvquant.core.panel import Floats, Panel


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a profile sets about terms: `rating_min_bars`, the bars a name needs before it has a technical rating."""

    rating_min_bars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A named number per instrument, as known at the last row of a view.

    Parameters
    ----------
    name : as profiles and scanners write it.
    meaning : one sentence.
    unit : `USD`, or `1` for a pure number.
    needs : panel fields beside the close of which any one will do; empty where the close is enough.
    compute : from a view of N instruments to N float64, NaN where an instrument has no bar at the last row or too few
        before it. Rows after the last are not there to be looked at.
    """

    name: str
    meaning: str
    unit: str
    needs: tuple[str, ...]
    compute: Callable[[Panel, Settings], Floats]
