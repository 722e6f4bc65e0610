"""What a profile asks for in vain, whatever the data are: refused by name before any work."""

from typing import Any

import pytest

from builders.profiles import profile_of
from tvquant.core.errors import ProfileError

LONG = {"universe__direction": "long"}
HRP = {"allocation__profiles": ["hrp", "barbell"], "risk__primary": "barbell"}
NEUTRAL = {"allocation__profiles": ["hrp", "market_neutral"], "risk__primary": "hrp"}


def limits(**given: Any) -> dict[str, Any]:
    return {f"allocation__limits__{key}": value for key, value in given.items()}


@pytest.mark.requirement("R-RSK-18")
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            limits(net=[0.6, 1.0], gross=0.5),
            r"allocation\.limits\.net: cannot be kept together: allocation\.limits\.gross: longs and shorts together "
            r"at most 50 % and allocation\.limits\.net: net at least 60 %; raise allocation\.limits\.gross .* from "
            r"50 % to 60 %, or lower allocation\.limits\.net \(net at least\) from 60 % to 50 %",
        ),
        (limits(net=[0.5, 1.0], long=0.4), r"net at least 50 % and allocation\.limits\.long: long at most 40 %"),
        (limits(net=[-1.0, -0.2]) | LONG, r"cannot be kept: allocation\.limits\.net: net at most -20 %"),
        (
            limits(net=[-1.0, -0.5], short=0.3) | {"universe__direction": "both"},
            r"net at most -50 % and allocation\.limits\.short: short at most 30 %",
        ),
        (
            limits(net=[0.8, 1.0]) | {"universe__symbols": ["X:A", "X:B", "X:C"]},
            r"net at least 80 % and allocation\.limits\.position: a name at most 25 %",
        ),
        (
            limits(net=[0.8, 1.0], groups={"g": {"symbols": ["X:A", "X:B"], "max": 0.2}})
            | {"universe__symbols": ["X:A", "X:B", "X:C", "X:D"]},
            r"group g at most 20 %",
        ),
        (
            NEUTRAL | {"benchmark__market": []},
            r"allocation\.profiles: market_neutral keeps its beta to benchmark\.market near 0, and that names no",
        ),
        (
            {
                "allocation__neutrality__profiles": ["hrp"],
                "benchmark__market": [],
                "allocation__profiles": ["hrp"],
                "risk__primary": "hrp",
            },
            r"allocation\.profiles: hrp keeps its beta",
        ),
        (
            {"allocation__neutrality__profiles": ["risk_parity"], **NEUTRAL},
            r"allocation\.neutrality\.profiles: risk_parity is not among allocation\.profiles",
        ),
        (
            {
                "allocation__neutrality__profiles": ["equal_weight"],
                "allocation__profiles": ["equal_weight"],
                "risk__primary": "equal_weight",
            },
            r"allocation\.neutrality\.profiles: equal_weight cannot keep a beta: its weights are given",
        ),
        ({"allocation__neutrality__tolerances": [0.15, 0.05]}, r"expected each wider than the one before"),
        (
            limits(turnover=0.2),
            r"allocation\.limits\.turnover: equal_weight cannot keep it: its weights are given, and cut at the limits",
        ),
        (
            limits(turnover=0.2) | HRP | {"allocation__fallbacks": ["equal_names"]},
            r"allocation\.limits\.turnover: equal_names cannot keep it",
        ),
        (
            limits(turnover=0.2) | HRP | {"allocation__engines": ["custom", "skfolio"]},
            r"allocation\.limits\.turnover: engine skfolio bounds no turnover; leave it out of allocation\.engines",
        ),
        (
            limits(turnover=0.2) | HRP | {"allocation__layers": "two"},
            r"allocation\.limits\.turnover: shares within clusters are given",
        ),
        (
            HRP | {"allocation__risk_aversion": 2.0},
            r"allocation\.risk_aversion: only min_variance and market_neutral weigh costs against variance",
        ),
        (
            {"allocation__risk_aversion": 2.0, "allocation__engines": ["custom", "cvxportfolio"]},
            r"allocation\.risk_aversion: engine cvxportfolio weighs no costs",
        ),
        ({"allocation__risk_aversion": 0.0}, r"allocation\.risk_aversion"),
        (limits(turnover=0.0), r"allocation\.limits\.turnover"),
    ],
)  # fmt: skip
def test_a_profile_that_no_data_can_serve_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ProfileError, match=said):
        profile_of(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        limits(net=[0.6, 1.0]),
        limits(turnover=0.2) | HRP,
        limits(net=[0.5, 1.0], long=0.5),
        limits(net=[0.75, 1.0]) | {"universe__symbols": ["X:A", "X:B", "X:C"]},
        limits(net=[-1.0, -0.3], short=0.3) | {"universe__direction": "both"},
        limits(net=[0.2, 1.0], names={"X:A": [0.1, 0.2]}),
        NEUTRAL,
        {"allocation__neutrality__profiles": ["hrp"], **NEUTRAL},
    ],
)
def test_what_some_data_can_serve_is_left_to_them(settings: dict[str, Any]) -> None:
    assert profile_of(**settings).allocation.limits.limits()
