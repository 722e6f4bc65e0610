"""Numbers as people read them; what has no value, or is not known (NaN), is a dash.

What is shown keeps the number behind it, so that a table can be taken away unrounded.
"""

from collections.abc import Sequence
from math import isfinite
from typing import Any, Self

from tvquant.core.atoms import Atom, Direction

NOTHING = "–"
TOGETHER = "\N{NO-BREAK SPACE}"


class Shown(str):
    """A number as text; `value` is the number itself, None where there is none."""

    __slots__ = ("value",)
    value: float | None

    @classmethod
    def of(cls, text: str, value: float | None) -> Self:
        """Return the text with its number."""
        made = cls(text)
        made.value = value if value is None or isfinite(value) else None
        return made


def percent(value: float | None, digits: int = 1) -> Shown:
    """Return a fraction as per cent."""
    known = value is not None and isfinite(value)
    return Shown.of(f"{value:z.{digits}%}".replace("%", " %") if known else NOTHING, value)


def probability(value: float | None) -> Shown:
    """Return a probability as per cent; one that only rounds to certainty does not say so."""
    if value is not None and value > 0.999:
        return Shown.of("> 99.9 %", value)
    return Shown.of("< 0.1 %", value) if value is not None and value < 0.001 else percent(value)


def number(value: float | None, digits: int = 2) -> Shown:
    """Return a number with a fixed count of decimals."""
    known = value is not None and isfinite(value)
    return Shown.of(f"{value:z.{digits}f}" if known else NOTHING, value)


def count(value: int | None) -> Shown:
    """Return a whole number with its thousands apart."""
    return Shown.of(NOTHING if value is None else f"{value:,}", value)


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
