"""The rule of promotion: which reason binds, and how many challengers were looked at."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tvquant.profiles.sections.promotion import PromotionSection
from tvquant.tournament.promotion import JudgedBook, Verdict, compared, judged

DAYS = np.arange("2021-01-01", "2021-12-31", dtype="datetime64[D]").astype("datetime64[us]")
NOISE = np.random.default_rng(1).normal(0.0, 0.01, (2, len(DAYS)))


def book(name: str, better: float, **changed: Any) -> JudgedBook:
    """Return a book near the champion's that earns so much more every day; its last window is not over."""
    excess = NOISE[0] + 0.1 * NOISE[1] * (name != "champion") + better
    whole = JudgedBook(name=name, times=DAYS, excess=excess, windows=frozenset(range(18)))
    return replace(whole, **changed)


def rule(**changed: Any) -> PromotionSection:
    stated = {"statistic": "sharpe_difference", "margin": 0.5, "windows": 18, "confidence": 0.95, "block": 10}
    return PromotionSection(**{**stated, **changed})


CHAMPION = book("champion", 0.0)


def verdict(challenger: JudgedBook, stated: PromotionSection, champion: JudgedBook = CHAMPION) -> tuple[Verdict, str]:
    (found,) = judged(champion, [challenger], stated, periods_per_year=365, seed=0)
    return found.verdict, found.reason


@pytest.mark.requirement("R-TRN-02")
def test_the_whole_interval_must_lie_above_the_margin() -> None:
    better = book("better", 0.001)
    (found,) = judged(CHAMPION, [better], rule(), periods_per_year=365, seed=0)
    assert (found.verdict, found.windows) == (Verdict.PROMOTED, 18)
    assert found.found is not None
    assert 0.5 < found.found.low < found.found.difference < found.found.high
    between = (found.found.low + found.found.difference) / 2
    kept, why = verdict(better, rule(margin=between))
    assert kept is Verdict.NOT_PROMOTED
    assert why == f"the interval begins at {found.found.low:.3f}, not above the margin {between:g}"
    assert verdict(better, rule(margin=found.found.low))[0] is Verdict.NOT_PROMOTED
    assert verdict(better, rule(statistic="mean_difference", margin=0.3))[0] is Verdict.PROMOTED
    assert verdict(better, rule(statistic="mean_difference", margin=0.4))[0] is Verdict.NOT_PROMOTED


@pytest.mark.requirement("R-TRN-02")
def test_a_small_sample_is_not_judged_and_a_lost_book_is_never_promoted() -> None:
    better = book("better", 0.005)
    assert verdict(better, rule(windows=19)) == (
        Verdict.TOO_SMALL, "18 windows are over, promotion.windows asks for 19",
    )  # fmt: skip
    fewer = replace(better, windows=frozenset(range(1, 19)))
    assert verdict(fewer, rule(windows=18))[1].startswith("17 windows"), "windows that both have"
    assert verdict(better, rule(block=50)) == (
        Verdict.TOO_SMALL, "364 rows in blocks of 50 are fewer than 10 blocks, which says nothing",
    )  # fmt: skip
    lost = replace(better, end="was liquidated")
    assert verdict(lost, rule(windows=99)) == (Verdict.NOT_PROMOTED, "its book was liquidated")
    gone = replace(CHAMPION, end="was liquidated")
    assert verdict(better, rule(), gone)[0] is Verdict.NOT_PROMOTED
    with pytest.raises(ValueError, match=r"promotion\.margin"):
        verdict(better, rule(margin=None))


def test_several_looks_widen_every_interval_and_rows_are_matched_by_their_time() -> None:
    every = [book("one", 0.001), book("two", 0.0), book("three", 0.002)]
    one, two, three = judged(CHAMPION, every, rule(), periods_per_year=365, seed=0)
    alone = compared(CHAMPION, every[0], rule(), looks=1, periods_per_year=365, seed=0)
    assert one.found is not None
    assert one.found.confidence == pytest.approx(1 - 0.05 / 3)
    assert one.found.low < alone.low < alone.high < one.found.high
    assert (two.verdict, three.verdict) == (Verdict.NOT_PROMOTED, Verdict.PROMOTED)
    later = replace(every[0], times=DAYS[40:], excess=every[0].excess[40:])
    both = compared(CHAMPION, later, rule(), looks=1, periods_per_year=365, seed=0)
    first = replace(CHAMPION, times=DAYS[40:], excess=CHAMPION.excess[40:])
    assert both == compared(first, later, rule(), looks=1, periods_per_year=365, seed=0)
    assert both.rows == len(DAYS) - 40
