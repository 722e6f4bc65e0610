"""JSON of sources that nobody vouches for: read strictly, its numbers finite."""

import json
import math
from typing import Any


def parsed(body: str | bytes) -> Any:
    """Return what JSON says.

    Raises
    ------
    ValueError : it is none, is nested too deeply, or has NaN or Infinity, which Python would take for numbers.
    """
    try:
        return json.loads(body, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def finite(value: Any) -> float | None:
    """Return a number that a float holds (JSON's have no end); None where it is none, or a truth value."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number of JSON")
