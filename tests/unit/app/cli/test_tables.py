"""Tables at a terminal and elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvquant.app.cli import tables
from tvquant.app.cli.tables import cell_width, folded, prose, table

HEAD = ("cell", "Sharpe", "note")
ROWS = [("v4/custom/min_variance/custom", 1.5, "a b"), ("NASDAQ:日本語の銘柄", -0.25, "")]


def test_a_row_is_a_line_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert table(HEAD, ROWS, right=(1,)).split("\n") == [
        "cell                           Sharpe  note",
        "v4/custom/min_variance/custom     1.5  a b",
        "NASDAQ:日本語の銘柄             -0.25",
    ]


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (43, 3),
        (42, 4),  # the longest cell is folded once
        (25, 8),
    ],
)
def test_words_are_folded_until_a_terminal_holds_them(width: int, lines: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "columns", lambda: width)
    found = table(HEAD, ROWS, right=(1,)).split("\n")
    assert len(found) == lines
    assert max(map(cell_width, found)) <= width
    words = "".join(found).replace(" ", "")
    assert all(sign in words for sign in "日本語の銘柄")
    assert found[0].split() == list(HEAD)


def test_numbers_that_no_terminal_holds_are_listed_below_their_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "columns", lambda: 12)
    assert table(("cell", "a", "long"), [("x", 10.0**20, ""), ("y", 1, 2)], right=(1, 2)).split("\n") == [
        "x", "  a     1e+20", "  long", "y", "  a     1", "  long  2",
    ]  # fmt: skip


@given(st.text(alphabet="ab 本_:é", max_size=60), st.integers(2, 20))
def test_folding_keeps_every_sign_but_the_blanks_it_breaks_at(text: str, width: int) -> None:
    lines = folded(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(cell_width(line) <= width for line in lines)


def test_prose_is_broken_at_blanks_under_its_label_and_a_path_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "notice   one two three four\nreport   /a/path/that/is/long"
    assert prose(text) == text
    monkeypatch.setattr(tables, "columns", lambda: 20)
    assert prose(text).split("\n") == ["notice   one two", "         three four", "report   /a/path/that/is/long"]
    assert prose("    aa bb cc dd ee ff g") == "    aa bb cc dd ee\n    ff g"
