"""JSON that is read strictly."""

from typing import Any

import pytest

from tvquant.market.strict_json import finite, parsed


def test_json_is_what_it_says() -> None:
    assert parsed(b'{"a": [1, 2.5, null, true, "x"]}') == {"a": [1, 2.5, None, True, "x"]}
    assert parsed("7") == 7


@pytest.mark.parametrize(
    "body", ["", "{", "[NaN]", "[Infinity]", "[-Infinity]", b"\xff\xfe", "[" * 100_000, "9" * 5_000]
)
def test_anything_else_is_a_value_error(body: str | bytes) -> None:
    with pytest.raises(ValueError):
        parsed(body)


@pytest.mark.parametrize(
    ("value", "number"),
    [(7, 7.0), (-2.5, -2.5), (0, 0.0), (True, None), ("7", None), (None, None), ([7], None)]
    + [(strange, None) for strange in (parsed("1e999"), float("nan"), float("-inf"), 10**400)],
)
def test_a_number_is_finite(value: Any, number: float | None) -> None:
    assert finite(value) == number
    assert number is None or type(finite(value)) is float
