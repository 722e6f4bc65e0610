"""What the screener answers, read and checked: pages of rows, and its list of columns.

A page is `{"totalCount": N, "data": [{"s": "EXCHANGE:TICKER", "d": [cells in the order of the columns]}]}`, the list of
columns `{"fields": [{"n": name, "t": type}]}`. Anything else is `Malformed`; nothing of it is used in part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tvquant.core.quoting import shown
from tvquant.market.providers.contract import Malformed, ProviderError
from tvquant.market.strict_json import finite, parsed

NAMES = frozenset({"name", "exchange", "type", "currency", "base_currency", "update_mode"})
SETS = frozenset({"typespecs"})
"""Columns of text, and of lists of text; all others are numbers."""

type Cell = float | str | tuple[str, ...] | None
type Row = dict[str, Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Rows in the order in which they came, each with its symbol; `total` is how many the screener says there are."""

    total: int
    rows: tuple[tuple[str, Row], ...]


def page_of(body: bytes, columns: Sequence[str], most: int) -> Page:
    """Return a page of at most so many rows.

    Raises
    ------
    Malformed : it cannot be read, or is not what was asked for.
    ProviderError : the screener says that the request is wrong.
    """
    found = _object(body)
    if error := found.get("error"):
        raise ProviderError(f"the screener refuses the request: {shown(error)}")
    total, data = found.get("totalCount"), found.get("data")
    if not isinstance(total, int) or isinstance(total, bool) or total < 0:
        raise Malformed(f"the screener's totalCount: expected a number of rows, found {shown(total)}")
    if not isinstance(data, list):
        raise Malformed(f"the screener's data: expected rows, found {shown(data)}")
    if len(data) > most:
        raise Malformed(f"the screener sent {len(data)} rows where {most} at most were asked for")
    return Page(total=total, rows=tuple(_row(each, columns) for each in data))


def fields_of(body: bytes) -> frozenset[str]:
    """Return the names of the screener's columns.

    Raises
    ------
    Malformed : it cannot be read, or lists none.
    """
    fields = _object(body).get("fields")
    names = [one.get("n") for one in fields if isinstance(one, dict)] if isinstance(fields, list) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise Malformed(f"the screener's list of columns: expected fields with names, found {shown(fields)}")
    return frozenset(map(str, names))


def _object(body: bytes) -> dict[str, Any]:
    """Return a JSON object; a body that is empty or a page of HTML is none."""
    if not body.strip():
        raise Malformed("the screener sent an empty answer")
    try:
        found = parsed(body)
    except ValueError as error:
        raise Malformed(
            f"the screener's answer is no JSON, it begins {shown(body[:60].decode('utf-8', 'replace'))}"
        ) from error
    if not isinstance(found, dict):
        raise Malformed(f"the screener's answer: expected an object, found {shown(found)}")
    return found


def _row(each: Any, columns: Sequence[str]) -> tuple[str, Row]:
    symbol, cells = (each.get("s"), each.get("d")) if isinstance(each, dict) else (None, None)
    if not isinstance(symbol, str) or not isinstance(cells, list):
        raise Malformed(f"a row of the screener: expected a symbol and its cells, found {shown(each)}")
    if len(cells) != len(columns):
        raise Malformed(f"the screener's row of {shown(symbol)}: expected {len(columns)} cells, found {len(cells)}")
    return symbol, {column: _cell(symbol, column, cell) for column, cell in zip(columns, cells, strict=True)}


def _cell(symbol: str, column: str, cell: Any) -> Cell:
    if cell is None:
        return None
    if column in NAMES:
        if isinstance(cell, str):
            return cell
    elif column in SETS:
        if isinstance(cell, list) and all(isinstance(one, str) for one in cell):
            return tuple(cell)
    elif (number := finite(cell)) is not None:
        return number
    wanted = "text" if column in NAMES else "a list of texts" if column in SETS else "a number"
    raise Malformed(f"the screener's row of {shown(symbol)}, column {column}: expected {wanted}, found {shown(cell)}")
