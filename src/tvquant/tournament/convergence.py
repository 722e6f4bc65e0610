"""Risk profiles that come to the same book: where they do, and whether anything explains it (R-RSK-20).

Two profiles of one engine are the same book at a decision where all their weights, zeros included, differ by less than
1e-8, or where they correlate above .999: both vary, and there are four streams at least. One of three things explains
it: one of them fell back to another profile; the limits leave one book only; nothing. Only the last is an anomaly: it
says that the data are too thin for the two aims to differ.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from tvquant.core.panel import Floats

SAME, ALIKE, STREAMS = 1e-8, 0.999, 4
"""Largest difference of equal weights; correlation of weights that are alike, of at least so many streams."""


class Why(StrEnum):
    """Why two profiles are one book."""

    FALLBACK = "fallback"
    FORCED = "forced"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Held:
    """What a profile answered at one decision.

    Parameters
    ----------
    weights : of all N winners in their order.
    risk_profile : the one that made them.
    single : whether the limits admit them only.
    """

    weights: Floats
    risk_profile: str
    single: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two profiles over the windows in which both have weights, and in how many they were one book, by why."""

    first: str
    second: str
    windows: int
    same: Mapping[Why, int]


def same_book(first: Floats, second: Floats) -> bool:
    """Return whether two vectors of N weights are the same book."""
    if np.abs(first - second).max(initial=0.0) < SAME:
        return True
    if len(first) < STREAMS or first.min() == first.max() or second.min() == second.max():
        return False
    one, other = first - first.mean(), second - second.mean()
    return bool(one @ other > ALIKE * math.sqrt((one @ one) * (other @ other)))


def why_same(first: Held, second: Held) -> Why | None:
    """Return why two books are the same; None where they are not."""
    if not same_book(first.weights, second.weights):
        return None
    if first.risk_profile == second.risk_profile:
        return Why.FALLBACK
    return Why.FORCED if first.single or second.single else Why.UNEXPLAINED


def pairs(books: Mapping[str, Mapping[int, Held]]) -> Sequence[Pair]:
    """Return every pair of profiles: profile -> window with weights -> book, all of one engine and one selection."""
    names, found = list(books), []
    for k, first in enumerate(names):
        for second in names[k + 1 :]:
            both = [(books[first][window], books[second][window]) for window in books[first].keys() & books[second]]
            same = Counter(why for pair in both if (why := why_same(*pair)) is not None)
            found.append(Pair(first=first, second=second, windows=len(both), same=same))
    return found
