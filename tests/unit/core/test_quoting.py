"""What came from outside is shown on one line, short, with nothing invisible in it."""

import pytest

from tvquant.core.quoting import LONGEST, several, shown, visible

TURNED = "BINANCE:\u202eTDSUCTB"
"""A mark turns the direction of writing: on a screen it reads BINANCE:BTCUSDT."""
LONG = {"text": "x" * 5_000, "lines": "a\n" * 90, "turned": TURNED * 90, "list": ["x" * 500] * 9, "number": 10**3999}


@pytest.mark.parametrize("kind", LONG)
def test_whatever_is_found_is_one_short_printable_line(kind: str) -> None:
    line = shown(LONG[kind])
    assert len(line) == LONGEST
    assert line.endswith("...")
    assert line.isprintable()


def test_short_values_are_whole_and_their_marks_escaped() -> None:
    assert shown(None) == "nothing (null)"
    assert shown("a\nb") == r"'a\nb'"
    assert shown(TURNED) == r"'BINANCE:\u202eTDSUCTB'"
    assert shown("x" * (LONGEST - 2)) == "'" + "x" * (LONGEST - 2) + "'"


def test_a_number_too_long_to_be_written_out_is_told_so() -> None:
    for value in (10**60_000, -(10**4300), {"seed": [10**5000]}):
        assert shown(value) == "a number of more than 4,300 digits"


def test_what_is_nested_too_deeply_is_told_so() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert shown({"rows": deep}) == "what is nested too deeply"


def test_a_line_is_escaped_where_it_does_not_print() -> None:
    assert visible("BINANCE:\u5e01\u5b89USDT is fine, \u00e9 too") == "BINANCE:\u5e01\u5b89USDT is fine, \u00e9 too"
    assert visible(f"{TURNED}\x1b[2J\u200f") == r"BINANCE:\u202eTDSUCTB\x1b[2J\u200f"


def test_of_many_names_the_first_are_told() -> None:
    assert several(["A", "B"]) == "A, B"
    assert several(list("ABCDEFG")) == "A, B, C, D, E and 2 more"
    assert several(list("ABCDE"), 5) == "A, B, C, D, E"
