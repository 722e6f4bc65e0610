"""A profile of a workspace, however it is given, resolved from all layers."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tvquant.app.vocabulary import vocabulary
from tvquant.app.workspace import Workspace
from tvquant.profiles import (
    RawProfile,
    ResolvedMeta,
    ResolvedProfile,
    load,
    load_mapping,
    resolve,
    resolve_meta,
    sleeves_of,
)

type Given = str | Path | Mapping[str, Any]
type Arguments = Mapping[str, tuple[str, Any]]


def resolved_here(workspace: Workspace | None, profile: Given, arguments: Arguments | None = None) -> ResolvedProfile:
    """Return a profile (name, file or mapping) resolved: arguments over environment over files over defaults.

    Without a workspace there are the packaged presets only.

    Raises
    ------
    ProfileError : as `load`, `load_mapping` and `resolve`; a meta-profile.
    """
    return resolve(_raw(workspace, profile), vocabulary(), environment=os.environ, arguments=arguments)


def resolved_meta_here(workspace: Workspace | None, profile: Given, arguments: Arguments | None = None) -> ResolvedMeta:
    """Return a meta-profile resolved the same way; ProfileError for a profile without sleeves."""
    return resolve_meta(_raw(workspace, profile), vocabulary(), environment=os.environ, arguments=arguments)


def either_here(
    workspace: Workspace | None, profile: Given, arguments: Arguments | None = None
) -> ResolvedProfile | ResolvedMeta:
    """Return a profile, or a meta-profile where the file has sleeves, resolved the same way."""
    raw = _raw(workspace, profile)
    resolver = resolve_meta if raw.is_meta else resolve
    return resolver(raw, vocabulary(), environment=os.environ, arguments=arguments)


def sleeves_here(workspace: Workspace | None, meta: ResolvedMeta) -> dict[str, ResolvedProfile | ResolvedMeta]:
    """Return the profile of each sleeve of a meta-profile, as it is played by itself.

    Raises
    ------
    ProfileError : as `sleeves_of`.
    """
    return sleeves_of(meta.profile, vocabulary(), search=_search(workspace), environment=os.environ)


def _search(workspace: Workspace | None) -> list[Path]:
    return [workspace.profiles] if workspace else []


def _raw(workspace: Workspace | None, profile: Given) -> RawProfile:
    search = _search(workspace)
    return load_mapping(profile, search=search) if isinstance(profile, Mapping) else load(profile, search=search)
