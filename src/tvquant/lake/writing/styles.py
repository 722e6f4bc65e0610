"""Files as they are downloaded: what the header of some well-known ones implies, and whose bars a file holds.

1. Klines of Binance have no header, or one that begins with `open_time`: twelve fields, times in milli- or
   microseconds since 1970. Which of the two is told by the digits: thirteen are milliseconds of the years 2001 to 2286,
   sixteen microseconds of the same.
2. Files of Stooq have names in angles: dates are written as 20240102, and a column of times that are all midnight is
   left out beside them.
3. Others (Yahoo, yfinance) need nothing but names: see `headers`.

None of them says its exchange, some not even their ticker: the user says whose bars they are, by a symbol or by one
that has the file's name in it. What was taken for what is said.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from tvquant.core.errors import DataError, ProfileError
from tvquant.core.quoting import shown
from tvquant.lake.writing.headers import meant
from tvquant.lake.writing.sheets import Sheet
from tvquant.lake.writing.timestamps import COMPACT, EPOCH, Times

KLINES = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count", "taker_buy_volume",
    "taker_buy_quote_volume", "ignore",
)  # fmt: skip
"""Fields of a kline of Binance, by the names that its own headers have."""
MIDNIGHT = ("0", "000000", "0000", "00:00", "00:00:00")
NAME = "{name}"
"""Stands for the file's name in a symbol."""
_PERIOD = re.compile(r"-\d+(mo|[smhdw])(-\d{4}-\d{2}(-\d{2})?)?$|\.(us|uk|de|jp|hk|pl|hu)$", re.IGNORECASE)
"""What follows a ticker in the names of downloaded files: interval and month, or a country."""


def headless_klines(fields: Sequence[str]) -> bool:
    """Return whether the first line of a file is a kline already: a time since 1970, and numbers."""
    numbers = all(re.fullmatch(r"-?\d+(\.\d*)?([eE][-+]?\d+)?", one) for one in fields)
    return len(fields) == len(KLINES) and numbers and EPOCH.fullmatch(fields[0]) is not None


def times_of(found: Sequence[str]) -> Times:
    """Return how a file with these columns writes times."""
    if any(re.sub(r"[^a-z]", "", name.lower()) == "opentime" for name in found):
        return Times.EPOCH
    return Times.COMPACT if _of_stooq(found) else Times.ISO


def told(found: Sequence[str], cells: pl.DataFrame) -> list[str]:
    """Return how times are written, in words, where that is not ISO 8601."""
    style = times_of(found)
    column = next((name for name in found if meant(name) == "timestamp" and name in cells.columns), None)
    if column is None or style is Times.ISO:
        return []
    pattern, words = (EPOCH.pattern, "times in milli- or microseconds since 1970")
    if style is Times.COMPACT:
        pattern, words = COMPACT.pattern, "dates such as 20240102"
    return [words] if cells[column].unique().cast(pl.String).str.contains(f"^({pattern})$").any() else []


def without_midnights(path: Path, found: Sequence[str], cells: pl.DataFrame) -> list[str]:
    """Return the columns but a time of day beside a date, in a file of Stooq.

    Raises
    ------
    DataError : it is not midnight, so the bars are of a part of a day.
    """
    beside = [name for name in found if name.startswith("<") and meant(name) == "timestamp"]
    if not _of_stooq(found) or beside != ["<DATE>", "<TIME>"]:
        return list(found)
    odd = cells["<TIME>"].drop_nulls().filter(~cells["<TIME>"].drop_nulls().is_in(MIDNIGHT))
    if len(odd):
        raise DataError(
            f"{path}: column '<TIME>' has {shown(odd[0])}: the zone of such times is not told; deliver daily bars"
        )
    return [name for name in found if name != "<TIME>"]


def _of_stooq(found: Sequence[str]) -> bool:
    return {"<TICKER>", "<PER>", "<DATE>"} <= set(found)


def symbol_for(path: Path, whose: str) -> str:
    """Return the symbol that a file's bars are of: as it is said, with the file's name in it where that is asked for.

    Raises
    ------
    ProfileError : it is no EXCHANGE:TICKER.
    """
    if not re.fullmatch(r"[^\s:#{}]+:([^\s:#{}]|\{name\})+", whose):
        raise ProfileError(f"--as takes EXCHANGE:TICKER such as NASDAQ:AAPL, or EXCHANGE:{NAME}, found {shown(whose)}")
    return whose.replace(NAME, _PERIOD.sub("", path.stem).upper())


def attributed(path: Path, sheet: Sheet, whose: str | None) -> Sheet:
    """Return the file with every row as a bar of the symbol that the user says; as it is where nothing is said.

    Raises
    ------
    ProfileError : the symbol is none.
    DataError : the file says itself whose its bars are: of several symbols, or of another exchange's one.
    """
    if whose is None:
        return sheet
    symbol = symbol_for(path, whose)
    column = next((name for name, wanted in sheet.names.items() if wanted == "symbol"), None)
    given = sheet.cells[column].drop_nulls().cast(pl.String).unique().sort().to_list() if column is not None else []
    full = [one for one in given if ":" in one and one != symbol]
    if len(given) > 1 or full:
        several = f"{len(given)} symbols, {given[0]} and {given[1]} among them" if len(given) > 1 else full[0]
        raise DataError(
            f"{path}: column {column!r} has {several}; --as {whose} is for files of one that has no exchange"
        )
    says_something = pl.any_horizontal(pl.all().is_not_null())
    name = column or "symbol"
    cells = sheet.cells.with_columns(pl.when(says_something).then(pl.lit(symbol)).alias(name))
    instead = f" instead of {given[0]}" if given and given != [symbol] else ""
    said = f"every row as {symbol}{instead}" + (", by the name of the file" if NAME in whose else "")
    return replace(sheet, cells=cells, names={**sheet.names, name: "symbol"}, said=(*sheet.said, said))
