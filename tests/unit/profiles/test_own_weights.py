"""Own weights: from a map or a file, one canonical form, and what is refused with its line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tvquant.core.errors import ProfileError
from tvquant.profiles.own_weights import Books, load_weights

BOOKS: TypeAdapter[Any] = TypeAdapter(Books)


@pytest.fixture
def weights(folder: Path) -> Callable[[str], dict[str, Any]]:
    """What a file of this text holds."""

    def read(text: str) -> dict[str, Any]:
        (folder / "weights").mkdir(exist_ok=True)
        (folder / "weights" / "mine.csv").write_text(text, encoding="utf-8")
        return load_weights("mine", [folder])

    return read


@pytest.mark.parametrize(
    ("given", "books"),
    [
        ({}, ()),
        ({"A:B": 0.6, "A:C": -0.2}, (("", (("A:B", 0.6), ("A:C", -0.2))),)),
        (
            {"2021-02-01": {"A:B": 0.5}, "2020-12-31": {"A:C": 1.0}},
            (("2020-12-31", (("A:C", 1.0),)), ("2021-02-01", (("A:B", 0.5),))),
        ),
    ],
)
def test_a_map_and_what_is_written_of_it_are_the_same_books(given: Any, books: Any) -> None:
    found = BOOKS.validate_python(given)
    assert found == books
    written = BOOKS.dump_python(found, mode="json")
    assert BOOKS.validate_python(written) == BOOKS.validate_python(found) == books
    assert sorted(written) == sorted(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"A:B": 0.6, "2020-01-01": {"A:B": 1.0}}, "found both"),
        ({"2020-13-01": {"A:B": 1.0}}, "expected dates YYYY-MM-DD, found '2020-13-01'"),
        ({"20200131": {"A:B": 1.0}}, "expected dates YYYY-MM-DD"),
        ({"B": 0.6}, "match pattern"),
        ({"A:\x1b[31mB": 0.6}, "match pattern"),
        ({"A:B\u202e": 0.6}, "match pattern"),
        (None, r"expected symbol: weight, or date: {symbol: weight}, or a file's name, found nothing \(null\)"),
        (["A:B"], r"or a file's name, found \['A:B'\]"),
        ({"2020-01-01": {"A:B": 1.0}, "2020-02-01": {"A:B": [1.0]}}, "valid number"),
        ({"A:B": "0.6"}, "valid number"),
        ((("", (("A:B", 0.1), ("A:B", 0.2))),), "names A:B more than once"),
    ],
)
def test_a_map_that_makes_no_sense_is_refused(given: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        BOOKS.validate_python(given)


def test_a_file_reads_as_the_map_that_it_stands_for(weights: Callable[[str], dict[str, Any]]) -> None:
    assert weights("# mine\nsymbol,weight\nA:B,0.6\n\nA:C,-2e-1\n") == {"A:B": 0.6, "A:C": -0.2}
    dated = weights("date,symbol,weight\n2021-02-01,A:B,0.5\n2020-12-31, A:C ,1\n2021-02-01,A:C,0.25\n")
    assert dated == {"2020-12-31": {"A:C": 1.0}, "2021-02-01": {"A:B": 0.5, "A:C": 0.25}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no weight"),
        ("symbol,weight\n", "holds no weight"),
        ("ticker,weight\nA:B,1\n", "line 1: expected the columns symbol,weight or date,symbol,weight"),
        ("# x\nsymbol,weight\nA:B,1,2\n", "line 3: expected 2 values, found 3"),
        ("symbol,weight\nA:B,60 %\n", "line 2: expected a weight such as 0.25, found '60 %'"),
        ("symbol,weight\nA:B,inf\n", "line 2: expected a weight such as 0.25"),
        ("date,symbol,weight\n31.01.2020,A:B,1\n", "line 2: expected a date YYYY-MM-DD, found '31.01.2020'"),
        ("symbol,weight\nA:B,0_5\n", "line 2: expected a weight such as 0.25, found '0_5'"),
        ('symbol,weight\n"A:B\nA:C",1\n', "line 2: expected 2 values, found 1"),
        (f"symbol,weight\n{'A' * 140_000},1\n", "line 2: no line of a csv file: field larger than field limit"),
        ("symbol,weight\nA:B,1\nA:B,0\n", "line 3: names 'A:B' more than once; keep one"),
        ("date,symbol,weight\n2020-01-31,A:B,1\n2020-01-31,A:B,0\n", "more than once on 2020-01-31"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_by_its_line(
    text: str, said: str, weights: Callable[[str], dict[str, Any]]
) -> None:
    with pytest.raises(ProfileError, match=said) as refused:
        weights(text)
    assert str(refused.value).startswith("file of weights mine (weights/mine.csv)")


def test_a_file_that_is_not_there_is_named_with_a_near_one(weights: Callable[..., Any], folder: Path) -> None:
    weights("symbol,weight\nA:B,1\n")
    with pytest.raises(ProfileError, match="no file of weights 'mien' - did you mean mine"):
        load_weights("mien", [folder])
