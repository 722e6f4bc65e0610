from typing import Any

import pytest
from pydantic import ValidationError

from tvquant.profiles.fields import Distinct, Name, OneLine, Real, Section, Symbol, broken


class Sample(Section):
    names: Distinct[Name] = ()
    real: Real = 0.0
    symbol: Symbol = "A:B"
    line: OneLine = ""


def test_minus_zero_is_zero() -> None:
    assert str(Sample(real=-0.0).real) == "0.0"
    assert Sample(real=3).real == 3.0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"names": ["a", "b", "a"]}, "names 'a' more than once; name it once"),
        ({"names": ["A"]}, "pattern"),
        ({"names": ["x" * 65]}, "pattern"),
        ({"real": "1"}, "number"),
        ({"real": True}, "number"),
        ({"real": float("nan")}, "finite"),
        ({"real": float("inf")}, "finite"),
        ({"symbol": "A"}, "pattern"),
        ({"symbol": "A:B#2"}, "pattern"),
        ({"line": "a\nb"}, "pattern"),
        ({"lin": 1}, "unknown key 'lin' - did you mean line"),
    ],
)
def test_what_does_not_fit_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Sample.model_validate(values)


def test_a_section_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Sample().real = 1.0  # type: ignore[misc]


def test_a_broken_rule_says_its_words_and_the_key_to_blame() -> None:
    error = broken("expected {braces} to stay", "windows.train")
    assert error.message() == "expected {braces} to stay"
    assert error.context == {"rule": "expected {braces} to stay", "key": "windows.train"}
