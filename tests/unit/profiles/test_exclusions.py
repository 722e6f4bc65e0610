"""What a grid leaves out, counted cell by cell."""

import json
from typing import Any

import pytest

from builders.profiles import profile_of
from tvquant.core.calendar_steps import CalendarStep
from tvquant.profiles import Profile
from tvquant.profiles.exclusions import GridSize, grid_of, noted, windows_of

SOLVED = {"custom": frozenset({"hrp", "equal_weight", "adaptive"}), "skfolio": frozenset({"hrp"})}
NONE = frozenset[str]()


def grid(profile: Profile, **refusals: frozenset[str]) -> GridSize:
    return grid_of(profile, SOLVED, refusals)


def crossed(**settings: Any) -> Profile:
    """Two engines by two risk profiles, by three selections, in two simulators at two costs."""
    return profile_of(
        **{
            "allocation__engines": ["custom", "skfolio"],
            "allocation__profiles": ["hrp", "equal_weight"],
            "risk__anchors": [],
            "execution__simulators": ["custom", "vectorbt"],
            "costs__borrow_rate": 0.0,
            "grid__selections": {"v3.4": {"model": "v3.4"}, "v2": {"model": "v2"}},
            "grid__costs": {"lent": {"borrow_rate": 0.05}},
            **settings,
        }
    )


@pytest.mark.requirement("R-TRN-01")
def test_a_cell_that_several_reasons_leave_out_counts_for_the_first_of_them() -> None:
    profile = crossed(grid__step=[5], grid__test=[5])
    found = grid(profile, vectorbt=frozenset({"borrow"}))
    assert found.asked == 3 * (2 * 2) * 3 * (2 * 2)  # 60/20/20 and 60/5/5 are walked, 60/20/5 is not
    assert [(dict(one.members), one.cells) for one in found.exclusions] == [
        ({"train": "60", "step": "20", "test": "5"}, 3 * 4 * 4),
        ({"engine": "skfolio", "risk_profile": "equal_weight"}, 3 * 2 * 4),
        ({"simulator": "vectorbt", "costs": "lent"}, 3 * 2 * 3),
    ]
    assert found.cells == 3 * 3 * 2 * 3
    assert windows_of(profile) == ((60, 20, 20), (60, 5, 5))
    assert list(noted(profile, found)) == [
        "engine skfolio does not solve equal_weight: no cell of it is made with them",
        "train 60, step 20, test 5: not walked, for the test is shorter than the step: rows between would never be "
        "tested",
        "simulator vectorbt refuses borrow (costs.borrow_rate): no book of it is made at grid.costs.lent; it would "
        "keep one with costs.borrow_rate: 0.0",
    ]
    assert found.lines()[0] == "  54 of the grid's 144 strategy cells are made."
    assert found.lines()[-1] == (
        "  Left out: simulator vectorbt, costs lent: refuses borrow (costs.borrow_rate) (18 cells)."
    )
    assert GridSize.of(json.loads(json.dumps(found.payload()))).payload() == found.payload()


def test_windows_by_the_calendar_have_no_test_and_equal_ones_count_once() -> None:
    profile = crossed(grid__step=[20, "month_end"], grid__test=[20, 40], grid__train=[60, 90])
    month = CalendarStep("month_end")
    each = ((20, 20), (20, 40), (month, None))
    assert windows_of(profile) == tuple((train, *one) for train in (60, 90) for one in each)
    assert grid(profile).asked == 3 * 4 * 6 * 4
    assert GridSize.of(grid(crossed(allocation__engines=["custom"])).payload()).lines() == []


def test_adaptive_lacks_what_the_table_of_regimes_chooses() -> None:
    profile = crossed(allocation__profiles=["hrp", "adaptive"])
    found = grid(profile)
    lacking = [one for one in found.exclusions if one.members["risk_profile"] == "adaptive"]
    assert [one.members["engine"] for one in lacking] == ["custom", "skfolio"]
    assert lacking[0].why == "does not solve min_variance, risk_parity of risk.adaptive"
    assert next(noted(profile, found)) == f"engine custom {lacking[0].why}: it has no adaptive cell"
