"""Profiles as mappings of a program: layers of the same schema as files, with the same messages."""

from collections.abc import Mapping, Sequence
from datetime import date
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from tvquant.core.errors import ProfileError
from tvquant.core.quoting import shown
from tvquant.profiles.fields import VERSION
from tvquant.profiles.files import PROFILES, Layer, RawProfile, headed, over_defaults, with_parents

NAMELESS = "from_python"
"""Name of a profile that names none."""


def load_mapping(values: Mapping[str, Any], *, search: Sequence[Path] = ()) -> RawProfile:
    """Read a profile that is given as a mapping, nested or with dotted keys as a file may have them, and its parents.

    `version` may be left out, and so may `name` (it is `from_python` then); lists may be tuples.

    Raises
    ------
    ProfileError : as `load`; a value that no file could have.
    """
    name = values.get("name", NAMELESS)
    if not isinstance(name, str):
        raise ProfileError(f"profile: name: expected 1 to 64 of a-z, 0-9 and _, found {shown(name)}")
    PROFILES.check_name(name)
    label = f"profile {name} (a mapping)"
    given = {"version": VERSION, **_plain_mapping(values, label, "")}
    layer, parent = headed(PROFILES, Layer(label=label, values=given), name, own=True)
    layers = over_defaults(with_parents(layer, parent, name, search))
    return RawProfile(name=name, layers=layers, search=tuple(search))


def _plain_mapping(values: Mapping[Any, Any], label: str, prefix: str) -> dict[str, Any]:
    for key in values:
        if not isinstance(key, str):
            raise ProfileError(f"{label}: expected text as a key, found {shown(key)}")
    return {key: _plain(value, label, f"{prefix}{key}") for key, value in values.items()}


def _plain(value: Any, label: str, key: str) -> Any:
    """Return a value as a file would have it: numbers of other libraries as Python's, tuples as lists."""
    match value:
        case Mapping():
            return _plain_mapping(value, label, f"{key}.")
        case list() | tuple():
            return [_plain(one, label, key) for one in value]
        case None | bool() | str() | date():
            return value
        case Integral():
            return int(value)
        case Real():
            return float(value)
    raise ProfileError(f"{label}: {key}: expected a plain value, list or mapping, found {shown(value)}")
