import pytest
from pydantic import TypeAdapter, ValidationError

from tvquant.profiles.filters import AnyOf, Condition, Filter

CONDITIONS: TypeAdapter[Filter | AnyOf] = TypeAdapter(Condition)


@pytest.mark.requirement("R-UNI-02")
@pytest.mark.parametrize(
    ("name", "sense"), [("above", "above"), ("at_least", "above"), ("below", "below"), ("at_most", "below")]
)
def test_strict_and_inclusive_are_one_sense(name: str, sense: str) -> None:
    made = CONDITIONS.validate_python({"field": "a", name: 0})
    assert isinstance(made, Filter)
    assert (made.sense, made.comparison, made.comparisons) == (("a", sense), (name, 0.0), (made,))
    assert made.model_dump(mode="json") == {"field": "a", name: 0.0}, "a zero is a bound"


def test_a_choice_has_the_senses_of_its_parts_and_is_read_back() -> None:
    made = CONDITIONS.validate_python({"any": [{"field": "a", "above": 1}, {"field": "b", "at_most": 2}]})
    assert isinstance(made, AnyOf)
    assert made.sense == (("a", "above"), ("b", "below"))
    assert made.comparisons == (Filter(field="a", above=1.0), Filter(field="b", at_most=2.0))
    assert CONDITIONS.validate_python(made.model_dump(mode="json")) == made
    assert CONDITIONS.validate_python(made) is made


@pytest.mark.parametrize(
    "value",
    [
        {"any": []},
        {"any": [{"field": "a", "above": 1}]},
        {"any": [{"field": "a", "above": 1}, {"any": []}]},
        {"any": [{"field": "a", "above": 1}, {"field": "a", "above": 1}], "field": "a"},
        {"field": "a"},
        {"field": "a", "above": 1, "at_least": 2},
        {"field": "a", "above": True},
        "a > 1",
        None,
    ],
)
def test_what_is_no_condition_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        CONDITIONS.validate_python(value)
