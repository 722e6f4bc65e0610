"""Numbers as people read them; what has no value is a dash."""

from typing import Any

NOTHING = "–"


def percent(value: float | None, digits: int = 1) -> str:
    """A fraction as per cent."""
    return NOTHING if value is None else f"{value:.{digits}%}".replace("%", " %")


def probability(value: float | None) -> str:
    """A probability as per cent; one that only rounds to certainty does not say so."""
    if value is not None and value > 0.999:
        return "> 99.9 %"
    return "< 0.1 %" if value is not None and value < 0.001 else percent(value)


def number(value: float | None, digits: int = 2) -> str:
    """A number with a fixed count of decimals."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def count(value: int | None) -> str:
    """A whole number with its thousands apart."""
    return NOTHING if value is None else f"{value:,}"


def day(value: Any) -> str:
    """The date of a bar, from a datetime or from ISO text."""
    return NOTHING if value is None else str(value)[:10]
