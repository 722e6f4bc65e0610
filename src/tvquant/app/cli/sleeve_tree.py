"""Sleeves of a meta-portfolio in lines: whose book each one is, and what it is made of itself."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tvquant.app.workspace import Workspace
    from tvquant.profiles import MetaProfile, Profile, ResolvedMeta

INDENT = "  "


def tree(home: "Workspace", meta: "ResolvedMeta") -> Iterator[str]:
    """Yield a line per sleeve, those of a sleeve that is a meta-portfolio indented below it.

    Each names the cells whose books are its streams, by the risk profile that weighs the sleeves.

    Raises
    ------
    ProfileError : a sleeve does not resolve.
    """
    from tvquant.app.resolving import sleeves_here
    from tvquant.profiles import ResolvedMeta

    above = meta.profile
    for name, found in sleeves_here(home, meta).items():
        of = above.sleeves[name]
        run = f", run {of.run}" if of.run else ""
        yield f"{name}: {of.profile}{run}; cell {', '.join(_cells(above, found.profile))}"
        if isinstance(found, ResolvedMeta):
            yield from (f"{INDENT}{line}" for line in tree(home, found))


def _cells(meta: "MetaProfile", profile: "Profile | MetaProfile") -> Iterator[str]:
    """Yield the key of each cell of a sleeve that a meta-profile takes."""
    from tvquant.profiles import Profile

    selected = profile.selection.model if isinstance(profile, Profile) else "meta"
    for risk in meta.allocation.profiles:
        yield f"{selected}/{meta.streams.engine}/{risk}/{meta.streams.simulator}"


def listed(name: str, sleeves: Mapping[str, Mapping[str, Any]], trail: Sequence[str] = ()) -> Iterator[tuple[int, str]]:
    """Yield depth and text of each sleeve below a profile as files name them: nothing is resolved.

    `sleeves` has name -> profile of each meta-profile by its name; what comes back to a profile above is left off.
    """
    for sleeve, profile in sleeves.get(name, {}).items():
        yield len(trail) + 1, sleeve if sleeve == profile else f"{sleeve}: {profile}"
        if profile not in (*trail, name):
            yield from listed(profile, sleeves, (*trail, name))
