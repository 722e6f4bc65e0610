"""Numbers as people read them; what has no value, or is not known (NaN), is a dash."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from tvquant.core.atoms import Atom, Direction

NOTHING = "–"
TOGETHER = "\N{NO-BREAK SPACE}"


def percent(value: float | None, digits: int = 1) -> str:
    """Return a fraction as per cent."""
    return NOTHING if value is None or not isfinite(value) else f"{value:.{digits}%}".replace("%", " %")


def probability(value: float | None) -> str:
    """Return a probability as per cent; one that only rounds to certainty does not say so."""
    if value is not None and value > 0.999:
        return "> 99.9 %"
    return "< 0.1 %" if value is not None and value < 0.001 else percent(value)


def number(value: float | None, digits: int = 2) -> str:
    """Return a number with a fixed count of decimals."""
    return NOTHING if value is None or not isfinite(value) else f"{value:.{digits}f}"


def count(value: int | None) -> str:
    """Return a whole number with its thousands apart."""
    return NOTHING if value is None else f"{value:,}"


def day(value: Any) -> str:
    """Return the date of a bar, from a datetime or from ISO text."""
    return NOTHING if value is None else str(value)[:10]


def plain(name: str) -> str:
    """Return a name from the code as words."""
    return name.replace("_", " ")


def short(atom: Atom) -> str:
    """Return an atom in little room, on one line: ticker, logic, and an arrow for its direction."""
    ticker = atom.physical_symbol.partition(":")[2] or atom.physical_symbol
    return TOGETHER.join((ticker, atom.logic, "▲" if atom.direction is Direction.LONG else "▼"))


def some(names: Sequence[str], most: int) -> str:
    """Return the first of the names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
