"""How a complaint about a profile is put: always one line, always with what would have been right."""

import difflib
from collections.abc import Iterable

LONGEST = 80


def shown(value: object) -> str:
    """A found value on one line, cut where it is long."""
    text = "nothing (null)" if value is None else repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def closest(name: object, known: Iterable[str]) -> str | None:
    """The known name that is most like `name`, if any is like it."""
    close = difflib.get_close_matches(name.lower(), list(known), n=1) if isinstance(name, str) else []
    return close[0] if close else None


def suggested(name: str | None) -> str:
    """` - did you mean X?`, or nothing."""
    return f" - did you mean {name}?" if name else ""


def unknown(noun: str, name: object, known: Iterable[str]) -> str:
    """`unknown engine 'custm' - did you mean custom? (known: custom)`."""
    names = sorted(known)
    return f"unknown {noun} {shown(name)}{suggested(closest(name, names))} (known: {', '.join(names) or 'none'})"
