"""What the options of a tournament make of a profile."""

from datetime import date
from typing import Any

import pytest

from builders.profiles import profile_of
from tvquant.app.tournament import Widening, widened
from tvquant.app.workspace import Workspace
from tvquant.core.errors import ProfileError
from tvquant.tournament.cells import cells, headline

TIGHT = {"tight": {"min_winners": 2}}
DEAR = {"dear": {"slippage_bps": 50.0}, "free": {"slippage_bps": 0.0}}


def keys(profile: Any = None, **asked: Any) -> dict[str, Any]:
    """Return key -> value of what the options set over crypto_spot, whose own are v4, custom, barbell, 60/20/20."""
    return dict(Widening(**asked).arguments(profile or profile_of()).values())


@pytest.mark.requirement("R-TRN-01")
def test_the_profiles_own_stays_first_where_it_is_named_and_else_the_first_of_the_list() -> None:
    assert keys() == {}
    assert keys(selections=["v3.4", "v4"]) == {"grid.selections": {"v3.4": {"model": "v3.4"}}}
    assert keys(selections=["v3.4", "v2"]) == {
        "selection.model": "v3.4", "grid.selections": {"v2": {"model": "v2"}},
    }  # fmt: skip
    assert keys(engines=["skfolio", "custom"]) == {"allocation.engines": ["custom", "skfolio"]}
    assert keys(simulators=["vectorbt"]) == {"execution.simulators": ["vectorbt"]}
    assert keys(risk=["hrp", "barbell"]) == {"allocation.profiles": ["hrp", "barbell"], "risk.anchors": []}
    assert keys(risk=["risk_parity", "max_sharpe"])["risk.primary"] == "risk_parity"
    assert keys(train=[120, 60], step=[5, {"week": "friday"}], test=[20]) == {
        "grid.train": [120], "windows.step": 5, "grid.step": [{"week": "friday"}], "grid.test": [20],
    }  # fmt: skip
    assert keys(phases="all", starts=[date(2024, 1, 1)]) == {"grid.phases": "all", "grid.starts": [date(2024, 1, 1)]}


def test_entrants_and_costs_of_the_profile_are_named_and_keep_what_they_say() -> None:
    profile = profile_of(grid__selections=TIGHT, grid__costs=DEAR)
    assert keys(profile, selections=["tight", "v4"]) == {
        "grid.selections": {"tight": {"model": "v4", "min_winners": 2}}
    }
    assert keys(profile, selections=["v2", "tight"]) == {
        "selection.model": "v2", "grid.selections": {"tight": {"model": "v4", "min_winners": 2}},
    }  # fmt: skip
    assert keys(profile, costs=["free"]) == {"grid.costs": {"free": DEAR["free"]}}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"engines": ["custom", "custom"]}, "--engines names custom more than once"),
        ({"selections": ["v9"]}, r"--selection: v9 is no selection model .* and no name of grid\.selections \(tight\)"),
        ({"selections": ["tight", "v2"]}, "--selection: tight is of grid.selections and cannot be the profile's own"),
        ({"costs": ["cheap"]}, r"--costs: cheap is no name of the profile's grid\.costs \(dear, free\)"),
    ],
)
def test_what_a_list_cannot_mean_is_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        keys(profile_of(grid__selections=TIGHT, grid__costs=DEAR), **asked)


def test_the_widened_profile_says_of_each_key_which_option_set_it(tmp_path: Any) -> None:
    home = Workspace(tmp_path)
    asked = Widening(selections=["v3.4", "v4"], risk=["hrp"], step=[5, 20], test=[20])
    found = widened(home, "crypto_spot", asked, {"--set costs.slippage_bps": ("costs.slippage_bps", 7.0)})
    assert found.layers["grid.selections"] == "argument --selection"
    assert found.layers["costs.slippage_bps"] == "argument --set costs.slippage_bps"
    assert headline(found.profile) == "v4/custom/hrp/custom"
    strategies = [cell.key for cell in cells(found.profile) if not cell.baseline]
    assert strategies == [
        "v4/custom/hrp/custom", "v3.4/custom/hrp/custom", "v4/custom/hrp/60-20-5/custom",
        "v3.4/custom/hrp/60-20-5/custom",
    ]  # fmt: skip
    with pytest.raises(ProfileError, match="unknown engine 'cvxopt'"):
        widened(home, "crypto_spot", Widening(engines=["cvxopt"]), {})
