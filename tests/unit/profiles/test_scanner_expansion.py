from typing import Any

import pytest

from tvquant.profiles.scanner_expansion import Recruiters
from tvquant.profiles.scanners import load_scanner


def fetched(*items: Any, strategies: Any = None, band: float | None = None, directional: bool = False) -> Recruiters:
    found = Recruiters(search=[], band=band, directional=directional)
    found.fetch(items, strategies or {})
    return found


def definition(name: str, **changes: Any) -> dict[str, Any]:
    return load_scanner(name).model_dump(mode="json") | changes


def test_names_and_definitions_in_their_order_then_groups() -> None:
    whole = definition("sp500_trend")
    found = fetched("binance_spot_trend", whole, strategies={"mine": ["binance_perp_trend_short", "sp500_trend"]})
    assert [each["name"] for each in found.definitions] == [
        "binance_spot_trend",
        "sp500_trend",
        "binance_perp_trend_short",
    ]
    assert found.definitions[1] == whole
    assert (found.notices, found.problems) == ([], [])


@pytest.mark.requirement("R-CFG-02")
def test_a_definition_without_a_logic_takes_the_group_only_by_name() -> None:
    bare = definition("sp500_trend", logic=None)
    found = fetched(bare, strategies={"mine": ["sp500_trend"]})
    assert [each["logic"] for each in found.definitions] == ["trend"], "a definition is no member of a group"
    assert found.notices == ["scanner sp500_trend declares no logic: its recruits are held for 'trend'"]


def test_what_is_no_scanner_is_left_for_the_schema() -> None:
    assert fetched(3, None, {"name": "x"}).definitions == [3, None, {"name": "x"}]
    for strategies in ({"a": 3}, {3: ["sp500_trend"]}, {"a": [3]}, {"a": None}):
        assert fetched(strategies=strategies).definitions == []


@pytest.mark.requirement("R-UNI-14")
@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        ([{"field": "recommend_all", "above": 0.1}], [{"field": "recommend_all", "above": 0.3}]),
        ([{"field": "recommend_all", "at_most": -0.1}], [{"field": "recommend_all", "at_most": -0.3}]),
        ([{"field": "recommend_all", "above": 0.2}], [{"field": "recommend_all", "above": 0.2}]),
        ([{"field": "recommend_all", "above": -0.1}], [{"field": "recommend_all", "above": -0.1}]),
        (
            [{"any": [{"field": "recommend_all", "above": 0.1}, {"field": "recommend_ma", "above": 0.5}]}],
            [{"any": [{"field": "recommend_all", "above": 0.3}, {"field": "recommend_ma", "above": 0.5}]}],
        ),
    ],
)
def test_only_the_neutral_band_moves_and_only_in_rating_scanners(
    signal: list[dict[str, Any]], expected: list[dict[str, Any]]
) -> None:
    rated = definition("binance_spot_rating_all_long", signal=signal)
    assert fetched(rated, band=0.3).definitions[0]["signal"] == expected
    assert fetched(rated, band=0.1).definitions[0]["signal"] == signal
    assert fetched(rated).definitions == [rated]
    assert fetched(rated | {"logic": "trend"}, band=0.3).definitions[0]["signal"] == signal


@pytest.mark.requirement("R-UNI-19")
def test_one_direction_takes_no_default() -> None:
    bare = definition("sp500_trend", direction=None)
    assert fetched(bare).definitions[0]["direction"] == "LONG"
    found = fetched(bare, directional=True)
    assert found.problems == [
        (
            "universe.scanners",
            "scanner sp500_trend declares no direction, and the profile holds one only; declare it there",
        )
    ]
