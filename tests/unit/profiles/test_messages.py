from typing import Literal

import pytest
from pydantic import BaseModel, ValidationError

from tvquant.profiles.messages import closest, explained, suggested, unknown


def test_closest_name_or_none() -> None:
    assert closest("Custm", ["custom", "skfolio"]) == "custom"
    assert closest("zzz", ["custom"]) is None
    assert closest(3, ["custom"]) is None
    assert (suggested("custom"), suggested(None)) == (" - did you mean custom?", "")


def test_unknown_names_list_what_is_known() -> None:
    assert unknown("engine", "x", ["b", "a"]) == "unknown engine 'x' (known: a, b)"
    assert unknown("engine", "x", []) == "unknown engine 'x' (known: none)"
    many = [f"name_{k:02}" for k in range(60)]
    assert unknown("engine", "nam_07", many) == "unknown engine 'nam_07' - did you mean name_07? (60 are known)"
    assert unknown("engine", "zzz", many).endswith(", name_58, name_59)")


class Inner(BaseModel):
    number: float


class Sample(BaseModel):
    number: float = 0.0
    span: int | Literal["all"] = "all"
    way: Literal["up", "down"] = "up"
    inner: Inner = Inner(number=0.0)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"number": "x"}, "expected a valid number, unable to parse string as a number, found 'x'"),
        ({"span": "al"}, "expected a valid integer, unable to parse string as an integer or 'all', found 'al'"),
        ({"inner": 3}, "expected a mapping of keys, found 3"),
        ({"inner": {}}, "no value; set it"),
        ({"way": "upp"}, "unknown name 'upp' - did you mean up? (known: down, up)"),
    ],
)
def test_pydantics_words_become_ours(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Sample.model_validate(values)
    assert explained(caught.value.errors(include_url=False)) == said
