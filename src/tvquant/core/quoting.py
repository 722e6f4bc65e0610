"""Text that came from outside (files, profiles, arguments), as messages show it: one line, short, nothing invisible.

A mark that turns the direction of writing, a line break or a control character would make a person read something else
than what is there.
"""

import sys
from collections.abc import Sequence

LONGEST = 80


def shown(value: object) -> str:
    """Return a value from outside on one line: quoted, escaped and cut to `LONGEST` characters."""
    if value is None:
        return "nothing (null)"
    try:
        text = repr(value[: LONGEST + 1] if isinstance(value, str) else value)
    except RecursionError:
        return "what is nested too deeply"
    except ValueError:
        return f"a number of more than {sys.get_int_max_str_digits():,} digits"  # Python does not write it out
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def visible(text: str) -> str:
    """Return a line with every character that does not print escaped; no quotes are added."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def several(names: Sequence[str], most: int = 5) -> str:
    """Return the first of some names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
