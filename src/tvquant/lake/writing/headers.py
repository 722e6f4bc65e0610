"""Names of columns: those of the lake, and what other programs call the same thing."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tvquant.core.errors import DataError
from tvquant.core.quoting import shown
from tvquant.lake.reading.funding import RATE
from tvquant.lake.storage.tables import VALUES

REQUIRED = ("symbol", "timestamp", "close")
ACTIONS = ("dividends", "stock_splits")
COLUMNS = ("symbol", "timestamp", *VALUES, *ACTIONS, RATE)
FUNDED = frozenset({"symbol", "timestamp", RATE})
"""Columns of a file of funding, which stands as an interval of its own."""

_OTHERS = {
    "ticker": "symbol",
    "date": "timestamp",
    "datetime": "timestamp",
    "time": "timestamp",
    "opentime": "timestamp",
    "vol": "volume",
    "adjustedclose": "adj_close",
    "quotevolume": "quote_volume",
    "quoteassetvolume": "quote_volume",
    "fundingrate": RATE,
}
_NAMES: Mapping[str, str] = {name.replace("_", ""): name for name in COLUMNS} | _OTHERS
MOST_NAMED = 12


def meant(name: str) -> str | None:
    """Return the lake's column that a name means, whatever its case and marks: `Adj Close`, `<VOL>`.

    None for others.
    """
    return _NAMES.get(re.sub(r"[^a-z0-9]", "", name.lower()))


def renamed(path: Path, found: Sequence[str]) -> dict[str, str]:
    """Return columns of a file that are read, and the lake's name of each; the lake's own names go before others.

    Raises
    ------
    DataError : two columns are the same thing.
    """
    names: dict[str, str] = {}
    for wanted in COLUMNS:
        mine = [name for name in found if name == wanted] or [name for name in found if meant(name) == wanted]
        if len(mine) > 1 and len(set(mine)) == 1:
            raise DataError(f"{path}: column {wanted!r} stands there twice; keep one")
        if len(mine) > 1:
            both = " and ".join(shown(name) for name in mine)
            raise DataError(f"{path}: columns {both} may each be {wanted!r}; give that name to one of them")
        names |= dict.fromkeys(mine, wanted)
    return names


def read_as(names: Mapping[str, str]) -> tuple[str, ...]:
    """Return what was read under another name, in words; nothing where all names are the lake's."""
    other = [f"{shown(name)} as {wanted}" for name, wanted in names.items() if name != wanted]
    return (f"columns {', '.join(other)}",) if other else ()


def check(path: Path, found: Sequence[str], names: Mapping[str, str], *, funded: bool) -> None:
    """Refuse a file that lacks a column, or has funding beside bars.

    Parameters
    ----------
    found, names : all its columns, and those that are read (see `renamed`); `funded` : some row has a rate.
    """
    have = set(names.values())
    if have == FUNDED and len(found) == len(FUNDED):
        return
    if RATE in have and funded:
        alone = f"symbol, timestamp and {RATE}"
        raise DataError(f"{path}: column {RATE!r} stands beside others; put funding into a file of {alone} alone")
    absent = [name for name in REQUIRED if name not in have]
    if absent:
        raise DataError(f"{path}: column {absent[0]!r} is missing; found {listed(found)}{_program(found, absent[0])}")


def listed(found: Sequence[str]) -> str:
    """Return the names of columns, the first of many."""
    text = ", ".join(shown(name)[1:-1] for name in found[:MOST_NAMED])
    return text if len(found) <= MOST_NAMED else f"{text} and {len(found) - MOST_NAMED} more"


def _program(found: Sequence[str], absent: str) -> str:
    """Return whose columns these are, and what such files leave out."""
    plain = {re.sub(r"[^a-z]", "", name.lower()) for name in found}
    if absent != "symbol":
        return ""
    whose = "; these are columns of Yahoo" if "adjclose" in plain else ""
    return (
        f"{whose}; say whose bars they are (`tvquant data import FILE --as NASDAQ:AAPL`, or --as NASDAQ:{{name}} by "
        "the name of each file), or add a column symbol with EXCHANGE:TICKER in each row"
    )
