"""Implementation risk: the same problems solved by several engines, the same books kept by several simulators.

1. The distance of two books is half the L1 distance of their weights, cash among them: 0 is the same book, 1 another
   one altogether. It is what one would have to trade to come from one to the other.
2. Only answers to the question that was asked are compared: a window in which one of two engines failed, or another
   risk profile made its book, is left out and counted. No engine is judged by another's weights.
3. What the engines then earn differs too. That spread stands beside the edge that a risk profile claims over the best
   baseline: an edge that is not larger than it is a matter of which library was installed.
4. Simulators keep the same weights: what their books differ by, in annual return and in the last equity, is told in
   basis points of every path.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tvquant.core.panel import Floats

BPS = 1e4

type Books = Mapping[int, Floats]
"""Window -> weights of all its winners, in their order, where the engine answered for itself."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gap:
    """How far the books of two engines are apart for one risk profile.

    Parameters
    ----------
    windows, distances : in which both answered, and the distance in each.
    left_out : windows in which only one of the two did.
    """

    risk_profile: str
    first: str
    second: str
    windows: tuple[int, ...]
    distances: Floats
    left_out: int

    @property
    def median(self) -> float:
        """The distance that half of the windows do not exceed; NaN where there is none."""
        return quantile(self.distances, 0.5)

    @property
    def ninth(self) -> float:
        """The distance that nine windows of ten do not exceed."""
        return quantile(self.distances, 0.9)

    @property
    def most(self) -> float:
        """The largest distance."""
        return quantile(self.distances, 1.0)

    @property
    def widest(self) -> int | None:
        """The window in which it is largest, the first of several."""
        return self.windows[int(np.argmax(self.distances))] if self.windows else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """What one risk profile comes to by different engines.

    Parameters
    ----------
    values : engine -> the figure, the first engine of the profile first; NaN where it is not known.
    baseline : the best baseline's; NaN where there is none.
    """

    risk_profile: str
    values: Mapping[str, float]
    baseline: float

    @property
    def low(self) -> float:
        """The least that is known."""
        return quantile(np.array(list(self.values.values())), 0.0)

    @property
    def high(self) -> float:
        """The most that is known."""
        return quantile(np.array(list(self.values.values())), 1.0)

    @property
    def width(self) -> float:
        """The most less the least."""
        return self.high - self.low

    @property
    def edge(self) -> float:
        """What the first engine has over the best baseline."""
        return next(iter(self.values.values())) - self.baseline

    @property
    def swallowed(self) -> bool:
        """Whether there is an edge, and engines lie as far apart as it is large."""
        return 0.0 < self.edge <= self.width


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What one path comes to by different simulators.

    Parameters
    ----------
    annual, final : simulator -> annual return and last equity, the first simulator of the profile first; NaN where it
        is not known.
    """

    path: str
    annual: Mapping[str, float]
    final: Mapping[str, float]

    @property
    def annual_bps(self) -> float:
        """The most less the least annual return, in basis points; NaN where fewer than two are known."""
        return BPS * _width(self.annual)

    @property
    def final_bps(self) -> float:
        """The most less the least last equity, in basis points of the first simulator's; NaN where two are not known.

        Of a first one that has lost everything nothing is a part.
        """
        first = next(iter(self.final.values()))
        return BPS * _width(self.final) / first if first > 0.0 else float("nan")


def _width(values: Mapping[str, float]) -> float:
    known = [value for value in values.values() if np.isfinite(value)]
    return max(known) - min(known) if len(known) > 1 else float("nan")


def quantile(values: Floats, share: float) -> float:
    """Return a quantile of those values that are known (linear between order statistics); NaN where none is."""
    known = values[np.isfinite(values)]
    return float(np.quantile(known, share)) if len(known) else float("nan")


def distance(first: Floats, second: Floats) -> float:
    """Return half the L1 distance of two vectors of N weights, with the cash that is left of 1."""
    moved = second - first
    return 0.5 * float(np.abs(moved).sum() + abs(moved.sum()))


def gaps(books: Mapping[str, Mapping[str, Books]]) -> tuple[Gap, ...]:
    """Return every pair of engines of every risk profile: risk profile -> engine -> books."""
    return tuple(
        _gap(risk_profile, (one, by_engine[one]), (other, by_engine[other]))
        for risk_profile, by_engine in books.items()
        for one, other in combinations(by_engine, 2)
    )


def _gap(risk_profile: str, one: tuple[str, Books], other: tuple[str, Books]) -> Gap:
    (first, mine), (second, theirs) = one, other
    both = sorted(mine.keys() & theirs.keys())
    return Gap(
        risk_profile=risk_profile,
        first=first,
        second=second,
        windows=tuple(both),
        distances=np.array([distance(mine[window], theirs[window]) for window in both]),
        left_out=len(mine.keys() ^ theirs.keys()),
    )


def median_distances(books: Sequence[Books]) -> Floats:
    """Return the median distance of every two of K books (K x K) over the windows of both; NaN where there are none."""
    found = np.zeros((len(books), len(books)))
    for i, j in combinations(range(len(books)), 2):
        both = books[i].keys() & books[j].keys()
        apart = quantile(np.array([distance(books[i][window], books[j][window]) for window in both]), 0.5)
        found[i, j] = found[j, i] = apart
    return found
