"""May a challenger take the champion's place? The rule that the profile stated before the run, applied to its books.

1. A book that was liquidated, or could not be kept, is not promoted, whatever it earned.
2. Before the stated number of windows is over, nothing is judged.
3. Both books are compared row by row, on the rows that both have: what is promoted has its whole interval above the
   margin. With several challengers the intervals hold together at the stated confidence (Bonferroni).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats, Times
from tvquant.profiles.sections.promotion import PromotionSection, Statistic
from tvquant.statistics.paired_differences import PairedDifference, paired_difference

USUAL: Statistic = "sharpe_difference"
"""What is compared, but not judged, where the profile states no rule."""


class Verdict(StrEnum):
    """What becomes of a challenger."""

    PROMOTED = "promoted"
    NOT_PROMOTED = "not promoted"
    TOO_SMALL = "sample too small"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JudgedBook:
    """A settled book.

    Parameters
    ----------
    times, excess : R bar stamps, and returns less the risk-free rate.
    windows : ids of the windows that were filled and are over.
    end : why it has no more returns than that: it failed, or was liquidated; empty where it was played.
    """

    name: str
    times: Times
    excess: Floats
    windows: frozenset[int]
    end: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedChallenger:
    """What the rule says of one challenger, and the reason that binds.

    Parameters
    ----------
    windows : that both books have.
    found : the difference; None where there is none.
    """

    name: str
    verdict: Verdict
    reason: str
    windows: int
    found: PairedDifference | None


def judged(
    champion: JudgedBook,
    challengers: Sequence[JudgedBook],
    rule: PromotionSection,
    *,
    periods_per_year: int,
    seed: int,
) -> tuple[JudgedChallenger, ...]:
    """Return what a stated rule says of every challenger; ValueError where it is not stated."""
    if rule.statistic is None or rule.margin is None or rule.windows is None:
        raise ValueError(f"no rule without {', '.join(rule.unstated)}")
    made = []
    for one in challengers:
        windows, reason = len(champion.windows & one.windows), ""
        try:
            found = compared(champion, one, rule, looks=len(challengers), periods_per_year=periods_per_year, seed=seed)
        except ModelError as error:
            found, reason = None, str(error)
        verdict, why = _verdict(champion, one, windows, found, rule.margin, rule.windows)
        made.append(
            JudgedChallenger(name=one.name, verdict=verdict, reason=why or reason, windows=windows, found=found)
        )
    return tuple(made)


def compared(
    champion: JudgedBook,
    challenger: JudgedBook,
    rule: PromotionSection,
    *,
    looks: int,
    periods_per_year: int,
    seed: int,
) -> PairedDifference:
    """Return how much better a challenger did, with the interval of one of so many that are looked at.

    Raises
    ------
    ModelError : too few rows, or a book that does not vary.
    """
    _, here, there = np.intersect1d(challenger.times, champion.times, return_indices=True)
    return paired_difference(
        np.column_stack([challenger.excess[here], champion.excess[there]]),
        statistic=rule.statistic or USUAL,
        periods_per_year=periods_per_year,
        confidence=1.0 - (1.0 - rule.confidence) / looks,
        block=rule.block,
        seed=seed,
    )


def _verdict(
    champion: JudgedBook,
    challenger: JudgedBook,
    windows: int,
    found: PairedDifference | None,
    margin: float,
    needed: int,
) -> tuple[Verdict, str]:
    """Return the verdict and its reason; no reason where it is that nothing was found."""
    if challenger.end:
        return Verdict.NOT_PROMOTED, f"its book {challenger.end}"
    if champion.end:
        return Verdict.NOT_PROMOTED, f"the champion's book {champion.end}: there is nothing to compare with"
    if windows < needed:
        return Verdict.TOO_SMALL, f"{windows} windows are over, promotion.windows asks for {needed}"
    if found is None:
        return Verdict.TOO_SMALL, ""
    if found.low > margin:
        return Verdict.PROMOTED, f"the interval begins at {found.low:.3f}, above the margin {margin:g}"
    return Verdict.NOT_PROMOTED, f"the interval begins at {found.low:.3f}, not above the margin {margin:g}"
