"""Weights of the user's own: symbol -> weight, for good or from a date on; in a profile, or in a file beside it.

A file is `weights/NAME.csv` in one of the user's folders; `#` begins a comment line:

    symbol,weight                date,symbol,weight
    AMEX:SPY,0.6                 2020-01-31,AMEX:SPY,0.6
    NASDAQ:TLT,0.4               2020-01-31,NASDAQ:TLT,0.4
                                 2021-01-29,AMEX:SPY,1.0

The rows of one date are the whole book from that session's close on: who is not among them is not held any more. A date
with a weight of 0 alone is all cash.
"""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from tvquant.core.errors import ProfileError
from tvquant.core.quoting import shown
from tvquant.profiles.fields import Real, Symbol, broken, pairs
from tvquant.profiles.files import Shelf, text_of

WEIGHTS = Shelf(noun="file of weights", preset="preset file of weights", below="weights", suffix=".csv")
COLUMNS = (["symbol", "weight"], ["date", "symbol", "weight"])

type Book = Annotated[tuple[tuple[Symbol, Real], ...], BeforeValidator(pairs)]
"""Symbol and weight of each name; negative is short."""


def _dated(value: object) -> object:
    """Return dates and books of a mapping; weights that hold for good have an empty date."""
    if isinstance(value, tuple):
        return value
    if not isinstance(value, Mapping):
        raise broken(f"expected symbol: weight, or date: {{symbol: weight}}, or a file's name, found {shown(value)}")
    if not value:
        return ()
    nested = [isinstance(one, Mapping) for one in value.values()]
    if any(nested) and not all(nested):
        raise broken("expected symbol: weight throughout, or date: {symbol: weight} throughout, found both")
    return tuple(value.items()) if all(nested) else (("", value),)


def _in_order(books: tuple[tuple[str, Book], ...]) -> tuple[tuple[str, Book], ...]:
    """Return the books by date; refused where one is no date."""
    for day, book in books:
        if day and not _is_date(day):
            raise broken(f"expected dates YYYY-MM-DD, found {shown(day)}")
        symbols = [symbol for symbol, _ in book]
        for symbol in symbols:
            if symbols.count(symbol) > 1:
                raise broken(f"names {symbol} more than once{f' on {day}' if day else ''}; name it once")
    return tuple(sorted(books, key=lambda one: one[0]))


def _plain(books: tuple[tuple[str, Book], ...]) -> dict[str, Any]:
    if len(books) == 1 and not books[0][0]:
        return dict(books[0][1])
    return {day: dict(book) for day, book in books}


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


type Books = Annotated[
    tuple[tuple[str, Book], ...], BeforeValidator(_dated), AfterValidator(_in_order), PlainSerializer(_plain)
]
"""Date (empty: for good) and book, in order of the dates."""


def load_weights(name: str, search: Sequence[Path]) -> dict[str, Any]:
    """Return the weights of a file as a profile would have them: by symbol, or by date and symbol.

    Raises
    ------
    ProfileError : no such file, or one that is not accepted; the message names the line.
    DataError : the file cannot be read.
    """
    path = WEIGHTS.find(name, search)
    label = WEIGHTS.label(path)
    books: dict[str, dict[str, float]] = {}
    for where, day, symbol, weight in _rows(text_of(path, label), label):
        book = books.setdefault(day, {})
        if symbol in book:
            raise ProfileError(f"{where}: names {shown(symbol)} more than once{f' on {day}' if day else ''}; keep one")
        book[symbol] = weight
    if not books:
        raise ProfileError(f"{label}: holds no weight")
    return dict(books.get("", {})) or dict(sorted(books.items()))


def _rows(text: str, label: str) -> Iterator[tuple[str, str, str, float]]:
    """Yield place, date (empty where the file has none), symbol and weight of each row."""
    lines = [(at, line) for at, line in enumerate(text.splitlines(), 1) if line.strip() and not line.startswith("#")]
    columns: list[str] = []
    for at, line in lines:
        where = f"{label}, line {at}"
        try:
            row = [cell.strip() for cell in next(csv.reader([line]))]
        except csv.Error as error:
            raise ProfileError(f"{where}: no line of a csv file: {error}") from error
        if not columns:
            columns = row
            if columns not in COLUMNS:
                raise ProfileError(
                    f"{where}: expected the columns symbol,weight or date,symbol,weight, found {shown(','.join(row))}"
                )
            continue
        if len(row) != len(columns):
            raise ProfileError(f"{where}: expected {len(columns)} values, found {len(row)}")
        *days, symbol, written = row
        if days and not _is_date(days[0]):
            raise ProfileError(f"{where}: expected a date YYYY-MM-DD, found {shown(days[0])}")
        try:
            weight = math.nan if "_" in written else float(written)  # 0_5 is 5 to Python, and to nobody else
        except ValueError:
            weight = math.nan
        if not math.isfinite(weight):
            raise ProfileError(f"{where}: expected a weight such as 0.25, found {shown(written)}")
        yield where, days[0] if days else "", symbol, weight
