"""Whose history is good enough: limits of every rule, on panels made by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tvquant.core.instruments import Fact
from tvquant.core.panel import Floats, Panel
from tvquant.profiles import Profile
from tvquant.universe import Health, judge

ROWS = 200
DAY = np.timedelta64(1, "D")

type Prices = Callable[..., Floats]
type Market = Callable[..., Panel]
type Judge = Callable[..., Health]


@pytest.fixture
def judged(profile: Callable[..., Profile]) -> Judge:
    """Health of every column of a panel, under the crypto preset with keys changed."""

    def judged(panel: Panel, **settings: Any) -> Health:
        made = profile(**settings)
        return judge(panel, np.arange(len(panel.instruments)), made.data, train=made.windows.train)

    return judged


@pytest.mark.requirement("R-DAT-02")
def test_ninety_bars_are_enough_and_eighty_nine_are_not(judged: Judge, market: Market, prices: Prices) -> None:
    found = judged(market({"A": prices(), "B": prices(slice(0, ROWS - 90)), "C": prices(slice(0, ROWS - 89))}))
    assert found.failed == {"X:C": "history"}
    assert found.has_history


def test_nobody_has_history_before_the_ninetieth_row(judged: Judge, market: Market, prices: Prices) -> None:
    panel = market({"A": prices()})
    assert not judged(panel.until(panel.known_at[88, 0])).has_history
    assert judged(panel.until(panel.known_at[89, 0])).has_history


@pytest.mark.requirement("R-DAT-04")
@pytest.mark.parametrize(
    ("name", "hole", "passes"),
    [
        ("24x7", slice(150, 151), False),
        ("XNYS", slice(150, 151), True),
        ("XNYS", slice(150, 152), False),
    ],
)
def test_gaps_are_tolerated_as_the_calendar_says(
    judged: Judge, market: Market, prices: Prices, name: str, hole: slice, passes: bool
) -> None:
    found = judged(market({"A": prices(), "B": prices(hole)}, name=name))
    assert found.failed == ({} if passes else {"X:B": "gap"})
    assert found.tolerated == (1 if passes else 0)


def test_separate_single_sessions_are_each_tolerated_and_counted(judged: Judge, market: Market, prices: Prices) -> None:
    found = judged(market({"A": prices(150, 152), "B": prices(slice(10, 12), 160)}, name="XNYS"))
    assert found.failed == {"X:B": "gap"}
    assert found.tolerated == 2  # those of the healthy only


@pytest.mark.parametrize(("hole", "passes"), [(ROWS - 101, True), (ROWS - 100, False)])
def test_a_gap_counts_within_the_lookback_only(
    judged: Judge, market: Market, prices: Prices, hole: int, passes: bool
) -> None:
    """The first row of the lookback is missing to a name that had a bar before it."""
    found = judged(market({"A": prices(hole)}), data__lookback=100)
    assert found.failed == ({} if passes else {"X:A": "gap"})


def test_rows_before_the_listing_are_no_gap(judged: Judge, market: Market, prices: Prices) -> None:
    assert judged(market({"A": prices(), "B": prices(slice(0, 100))})).failed == {}


@pytest.mark.parametrize(("share", "passes"), [(0.05, True), (0.03, False)])
def test_the_share_of_missing_rows_is_of_those_since_the_listing(
    judged: Judge, market: Market, prices: Prices, share: float, passes: bool
) -> None:
    """Listed 100 rows ago, within 150 training rows: 4 of those 100 are missing, not 54 of 150."""
    panel = market({"A": prices(slice(0, 100), 110, 120, 130, 140)}, name="XNYS")
    found = judged(panel, windows__train=150, data__max_missing=share)
    assert found.failed == ({} if passes else {"X:A": "missing_rows"})


@pytest.mark.requirement("R-DAT-07")
def test_every_reason_has_its_name(judged: Judge, market: Market, prices: Prices) -> None:
    """On XNYS, where one session may miss: a name for every reason, and one for none."""
    jump = prices()
    jump[-30:] *= 8.0
    close = {
        "fine": prices(),
        "extreme_return": jump,
        "zero_variance": np.full(ROWS, 7.0),
        "missing_rows": prices(*range(ROWS - 58, ROWS - 1, 5)),
        "gap": prices(slice(ROWS - 20, ROWS - 18)),
        "history": prices(slice(0, ROWS - 50)),
    }
    found = judged(market(close, name="XNYS"))
    assert found.failed == {f"X:{reason}": reason for reason in close if reason != "fine"}


@pytest.mark.requirement("R-DAT-07")
def test_the_first_reason_that_is_asked_counts(judged: Judge, market: Market, prices: Prices) -> None:
    found = judged(market({"A": prices(), "B": np.where(np.arange(ROWS) < 150, np.nan, 7.0)}))
    assert found.failed == {"X:B": "history"}


def test_limits_themselves_are_allowed(judged: Judge, market: Market, prices: Prices) -> None:
    """A return of exactly the limit and a share missing of exactly the limit pass; the next ones do not."""
    limit = np.tile([1.0, 1.5], ROWS // 2)  # +50 % and -33 %
    missing = prices(*range(ROWS - 58, ROWS, 4))  # 15 of 60 training rows: a quarter, which floats hold exactly
    panel = market({"A": limit, "B": missing}, name="XNYS")
    assert judged(panel, data__max_abs_return=0.5, data__max_missing=0.25).failed == {}
    assert judged(panel, data__max_abs_return=0.49, data__max_missing=0.24).failed == {
        "X:A": "extreme_return",
        "X:B": "missing_rows",
    }


def test_an_extreme_return_before_the_training_rows_is_forgotten(judged: Judge, market: Market, prices: Prices) -> None:
    jump = prices()
    jump[-61:] *= 8.0  # the jump is the return of row -61, the one before the training rows
    assert judged(market({"A": jump})).failed == {}
    jump[-61] /= 8.0  # now it is that of row -60, the first of them
    assert judged(market({"A": jump})).failed == {"X:A": "extreme_return"}


@pytest.mark.requirement("R-SIM-03")
def test_who_crashes_or_is_delisted_tomorrow_is_healthy_today(
    judged: Judge, market: Market, prices: Prices, instrument: Callable[..., Any]
) -> None:
    today = 150
    times = market({"A": prices()}).times
    gone = Fact(field="delisted_at", value=times[today + 1], known_at=times[today + 1] + DAY)
    crash = prices()
    crash[today + 1 :] *= 1e-4
    panel = market({instrument("A", facts=(gone,)): prices(slice(today + 1, None)), "B": crash})
    assert judged(panel.until(panel.known_at[today, 0])).failed == {}
    tomorrow = judged(panel.until(panel.known_at[today + 10, 0]), data__max_abs_return=0.9)
    assert tomorrow.failed == {"X:A": "missing_rows", "X:B": "extreme_return"}


def test_only_the_columns_that_are_asked_for_are_judged(
    profile: Callable[..., Profile], market: Market, prices: Prices
) -> None:
    panel = market({"A": prices(), "B": prices(slice(0, ROWS - 50)), "C": prices(slice(0, ROWS - 40))})
    made = profile()
    found = judge(panel, np.array([2, 0]), made.data, train=60)
    assert (found.failed, found.has_history) == ({"X:C": "history"}, True)
    assert not judge(panel, np.array([1, 2]), made.data, train=60).has_history
    none = judge(panel, np.array([], dtype=np.intp), made.data, train=60)
    assert (none.failed, none.has_history, none.tolerated) == ({}, False, 0)
