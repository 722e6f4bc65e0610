"""A profile of a workspace, however it is given, resolved from all layers."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tvquant.app.vocabulary import vocabulary
from tvquant.app.workspace import Workspace
from tvquant.profiles import ResolvedProfile, load, load_mapping, resolve


def resolved_here(
    workspace: Workspace | None,
    profile: str | Path | Mapping[str, Any],
    arguments: Mapping[str, tuple[str, Any]] | None = None,
) -> ResolvedProfile:
    """Return a profile (name, file or mapping) resolved: arguments over environment over files over defaults.

    Without a workspace there are the packaged presets only.

    Raises
    ------
    ProfileError : as `load`, `load_mapping` and `resolve`.
    """
    search = [workspace.profiles] if workspace else []
    raw = load_mapping(profile, search=search) if isinstance(profile, Mapping) else load(profile, search=search)
    return resolve(raw, vocabulary(), environment=os.environ, arguments=arguments)
