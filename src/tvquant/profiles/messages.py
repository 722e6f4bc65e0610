"""How a complaint about a profile is put: always one line, always with what would have been right."""

import difflib
import re
from collections.abc import Iterable, Sequence

from pydantic_core import ErrorDetails

from tvquant.core.quoting import shown

MANY = 40


def closest(name: object, known: Iterable[str]) -> str | None:
    """Return the known name that is most like `name`, if any is like it."""
    lowered = {one.lower(): one for one in known}
    close = difflib.get_close_matches(name.lower(), list(lowered), n=1) if isinstance(name, str) else []
    return lowered[close[0]] if close else None


def suggested(name: str | None) -> str:
    """` - did you mean X?`, or nothing."""
    return f" - did you mean {name}?" if name else ""


def unknown(noun: str, name: object, known: Iterable[str]) -> str:
    """Return `unknown engine 'custm' - did you mean custom? (known: custom)`."""
    return f"unknown {noun} {shown(name)}{instead_of(name, sorted(known))}"


def instead_of(name: object, known: Sequence[str]) -> str:
    """Return what would have been right; of many names only the nearest, if one is near."""
    near = closest(name, known)
    if near and len(known) > MANY:
        return f"{suggested(near)} ({len(known)} are known)"
    return f"{suggested(near)} (known: {', '.join(known) or 'none'})"


def explained(details: Sequence[ErrorDetails]) -> str:
    """Return expected and found at one place, from the words of pydantic; the branches of a union are put together."""
    first = details[0]
    if first["type"] == "rule":
        return first["msg"]
    if first["type"] == "missing":
        return "no value; set it"
    if len(details) == 1 and first["type"] in ("enum", "literal_error"):
        return unknown("name", first["input"], re.findall(r"'([^']+)'", first["ctx"]["expected"]))
    expected = " or ".join(dict.fromkeys(_plain(detail["msg"]) for detail in details))
    return f"expected {expected}, found {shown(first['input'])}{_hint(first)}"


def _plain(message: str) -> str:
    """Return the part of pydantic's message that names what was expected, in the words of a profile's author."""
    if letters := re.search(r"\[a-z0-9(_\.?)\]\{(\d+),(\d+)\}", message):
        return f"{letters[2]} to {letters[3]} of a-z, 0-9{', _ and .' if letters[1] == '_.' else ' and _'}"
    if "should match pattern" in message:
        return "one line of text" if r"\r\n" in message else "EXCHANGE:TICKER"
    wanted = re.sub(r"^\w+ should (be|have) | after validation.*$", "", message)
    named = wanted.replace("valid tuple", "list").replace(
        "a valid dictionary or instance of Scanner", "a scanner's name"
    )
    return re.sub(r"a valid dictionary( or instance of \w+)?", "a mapping of keys", named)


def _hint(detail: ErrorDetails) -> str:
    """Return a hint where YAML 1.1 has read a number such as `1e-3` as text."""
    found = detail["input"]
    if detail["type"] == "float_type" and isinstance(found, str) and re.fullmatch(r"[-+]?\d+e[-+]?\d+", found, re.I):
        return "; YAML wants a dot and a sign in such a number, as in 1.0e-3"
    return ""
