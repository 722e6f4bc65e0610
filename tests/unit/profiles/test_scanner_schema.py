from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tvquant.profiles.scanner_schema import Recruiter, Scanner, below_floor
from tvquant.profiles.scanners import load_scanner

RECRUITERS: TypeAdapter[Scanner] = TypeAdapter(Recruiter)


def made(**changes: Any) -> Scanner:
    plain = {
        "name": "s", "exchange": "BINANCE", "kinds": ["spot"], "exclude_kinds": [], "currency": None, "logic": "hold",
        "direction": "LONG", "pool": [], "signal": [],
    }  # fmt: skip
    return Scanner.model_validate(plain | changes)


def floor(**bound: float) -> list[dict[str, Any]]:
    return [{"field": "value_traded_last", **bound}]


def test_fields_name_every_feature_once() -> None:
    found = load_scanner("binance_perp_mean_reversion").fields
    assert found == ("value_traded_last", "volatility_d", "rsi_14", "bollinger_b_20")
    ranked = made(largest={"field": "a", "count": 3}, pool=[{"field": "b", "above": 1}, {"field": "a", "below": 1}])
    assert ranked.fields == ("a", "b")


@pytest.mark.requirement("R-UNI-15")
@pytest.mark.parametrize(
    "change",
    [
        {"largest": {"field": "adx_14", "count": 3}},
        {"signal": [{"any": [{"field": "recommend_ma", "above": 1}, {"field": "roc_9", "above": 1}]}]},
    ],
)
def test_a_rating_scanner_is_lean_in_ceilings_and_choices_too(change: dict[str, Any]) -> None:
    assert made(**change).name == "s"
    with pytest.raises(ValidationError, match="a rating scanner filters value_traded_last and ratings only"):
        made(logic="rating_ma", **change)
    assert made(logic="rating_ma", largest={"field": "value_traded_last", "count": 3}).largest


@pytest.mark.requirement("R-UNI-19")
@pytest.mark.parametrize("key", ["logic", "direction"])
def test_a_resolved_profile_holds_no_scanner_without_logic_and_direction(key: str) -> None:
    assert RECRUITERS.validate_python(made()) == made()
    with pytest.raises(ValidationError, match=f"scanner s declares no {key}"):
        RECRUITERS.validate_python(made(**{key: None}))


@pytest.mark.requirement("R-UNI-08")
@pytest.mark.parametrize(
    ("changes", "least"),
    [
        ({}, 20e6),
        ({"pool": floor(above=19.9e6)}, 20e6),
        ({"pool": floor(above=20e6)}, None),
        ({"signal": floor(at_least=20e6)}, None),
        ({"pool": floor(below=20e6)}, 20e6),
        ({"pool": [{"any": [*floor(above=20e6), {"field": "a", "above": 0}]}]}, 20e6),
        ({"kinds": ["swap"], "pool": floor(above=20e6)}, 50e6),
        ({"kinds": ["swap"], "pool": floor(above=50e6)}, None),
        ({"kinds": ["spot", "swap"], "pool": floor(above=20e6)}, 50e6),
        ({"kinds": [], "pool": floor(above=20e6)}, 50e6),
        ({"kinds": ["stock"]}, None),
        ({"exchange": "KRAKEN"}, None),
        ({"research": True}, None),
    ],
)
def test_the_floor_of_a_production_scanner(changes: dict[str, Any], least: float | None) -> None:
    said = below_floor(made(**changes))
    assert said.startswith(f"scanner s: expected value_traded_last above {least:.0f} at least") if least else not said
