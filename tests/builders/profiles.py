"""Resolved profiles with single keys set."""

from functools import cache
from pathlib import Path
from typing import Any

from tvquant.app.vocabulary import vocabulary
from tvquant.profiles import Profile, ResolvedProfile, Vocabulary, available, load, resolve
from tvquant.profiles.sections.selection import SelectionSection


def resolved_of(name: str = "crypto_spot", *, search: Path | None = None, **settings: Any) -> ResolvedProfile:
    """Return a packaged profile, or one of the folder `search`, resolved; `data__span` is the key data.span."""
    keys = {key.replace("__", "."): value for key, value in settings.items()}
    arguments = {f"--{key}": (key, value) for key, value in keys.items()}
    return resolve(load(name, search=[search] if search else []), vocabulary(), arguments=arguments)


def plain_presets() -> frozenset[str]:
    """Return the names of the packaged profiles that are no meta-profiles."""
    return frozenset(name for name in available() if not load(name).is_meta)


_RESOLVED: dict[tuple[str, str], tuple[Vocabulary, Profile]] = {}


def profile_of(name: str = "crypto_spot", **settings: Any) -> Profile:
    """Return the profile that is resolved so, once for the same members; what is installed is not looked up again."""
    members, key = vocabulary(), (name, repr(sorted(settings.items())))
    if key not in _RESOLVED or _RESOLVED[key][0] != members:
        _RESOLVED[key] = members, resolved_of(name, **settings).profile
    return _RESOLVED[key][1]


def selection_of(**settings: Any) -> SelectionSection:
    """Return the section of a share profile, with keys of its own set and checked by no vocabulary."""
    return SelectionSection(**{**_selection_keys(), **settings})


@cache
def _selection_keys() -> dict[str, Any]:
    return profile_of("us_equities").selection.model_dump()
