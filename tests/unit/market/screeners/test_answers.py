"""What the screener answers is read whole or not at all."""

import json
from typing import Any

import pytest

from tvquant.market.providers.contract import Malformed, ProviderError
from tvquant.market.screeners.answers import fields_of, page_of

COLUMNS = ("name", "typespecs", "ADX")
CELLS = ["AB", ["etf"], 25]


def body(*rows: Any, **document: Any) -> bytes:
    return json.dumps({"totalCount": len(rows), "data": list(rows)} | document).encode()


def row(*cells: Any, **changes: Any) -> dict[str, Any]:
    return {"s": "X:AB", "d": list(cells)} | changes


def test_a_page_is_rows_by_column() -> None:
    page = page_of(body(row(*CELLS), row(None, None, None, s="X:CD"), totalCount=9), COLUMNS, 2)
    assert page.total == 9
    assert page.rows == (
        ("X:AB", {"name": "AB", "typespecs": ("etf",), "ADX": 25.0}),
        ("X:CD", {"name": None, "typespecs": None, "ADX": None}),
    )
    assert page_of(body(), COLUMNS, 2).rows == ()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b" ", "an empty answer"),
        (b"<html>Please wait</html>", "is no JSON, it begins '<html>Please wait"),
        (b"\xff\x00", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b'{"totalCount": 1, "data": [{"s": "X:AB", "d": ["AB", [], NaN]}]}', "is no JSON"),
        (b"[1]", "expected an object, found [1]"),
        (body(data=None), "data: expected rows, found nothing"),
        (body(totalCount=True), "totalCount: expected a number of rows, found True"),
        (body(totalCount=-1), "totalCount: expected a number of rows, found -1"),
        (body(totalCount="7"), "totalCount: expected a number of rows, found '7'"),
        (body(*[row(*CELLS)] * 3), "3 rows where 2 at most"),
        (body(row("AB")), "'X:AB': expected 3 cells, found 1"),
        (body(row(*CELLS, 1)), "'X:AB': expected 3 cells, found 4"),
        (body(row(*CELLS, s=7)), "expected a symbol and its cells"),
        (body(row(*CELLS, d=None)), "expected a symbol and its cells"),
        (body("X:AB"), "expected a symbol and its cells"),
        (body(row("AB", [], "25")), "column ADX: expected a number, found '25'"),
        (body(row("AB", [], True)), "column ADX: expected a number, found True"),
        (body(row("AB", [], 10**400)), "column ADX: expected a number"),
        (body(row(5, [], 1)), "column name: expected text, found 5"),
        (body(row("AB", "etf", 1)), "column typespecs: expected a list of texts, found 'etf'"),
        (body(row("AB", [1], 1)), "column typespecs: expected a list of texts"),
    ],
)
def test_anything_else_is_malformed(answer: bytes, said: str) -> None:
    with pytest.raises(Malformed) as caught:
        page_of(answer, COLUMNS, 2)
    assert said in str(caught.value)
    assert str(caught.value).isprintable()
    assert caught.value.retryable


def test_what_the_screener_calls_an_error_is_its_word_and_final() -> None:
    with pytest.raises(ProviderError, match="refuses the request: 'no such market'") as caught:
        page_of(body(error="no such market", data=None), COLUMNS, 2)
    assert not caught.value.retryable


def test_its_list_of_columns() -> None:
    assert fields_of(json.dumps({"fields": [{"n": "ADX", "t": "number"}, {"n": "name"}]}).encode()) == {"ADX", "name"}
    for wrong in ({}, {"fields": []}, {"fields": [{"t": "number"}]}, {"fields": ["ADX"]}, {"fields": {"n": "ADX"}}):
        with pytest.raises(Malformed, match="list of columns"):
            fields_of(json.dumps(wrong).encode())
