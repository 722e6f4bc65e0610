"""A resolved profile written down: for the run (`manifest.json`), for people (`explain`), as a file (`dump`)."""

from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import ValidationError

from tvquant.core.errors import ProfileError
from tvquant.profiles.fields import Row
from tvquant.profiles.layers import ResolvedProfile
from tvquant.profiles.schema import LEAVES, Profile


def explain(resolved: ResolvedProfile) -> tuple[Row, ...]:
    """Every key in the order of the schema."""
    values = resolved.profile.values()
    return tuple(Row(key, _at(values, key), resolved.layers[key]) for key in LEAVES)


def to_manifest(resolved: ResolvedProfile) -> dict[str, Any]:
    """JSON-able: the values, the layer of each, what was assumed, and the digest of the values."""
    return {
        "profile": resolved.profile.values(),
        "layers": {key: resolved.layers[key] for key in LEAVES},
        "notices": list(resolved.notices),
        "digest": resolved.digest,
    }


def from_manifest(manifest: Mapping[str, Any]) -> ResolvedProfile:
    """The inverse of `to_manifest`.

    Raises
    ------
    ProfileError : not a manifest of this schema version, or values that do not have the digest it states.
    """
    layers = manifest.get("layers")
    if not isinstance(layers, Mapping) or set(layers) != set(LEAVES):
        raise ProfileError("manifest: layers: expected the layer of every key; was it written by another version?")
    notices = manifest.get("notices")
    if not isinstance(notices, list) or not all(isinstance(notice, str) for notice in notices):
        raise ProfileError("manifest: notices: expected a list of texts; was it written by another version?")
    try:
        profile = Profile.model_validate(manifest.get("profile"))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(("profile", *map(str, first["loc"])))
        raise ProfileError(f"manifest: {place}: {first['msg']}; was it written by another version?") from error
    resolved = ResolvedProfile(profile=profile, layers=dict(layers), notices=tuple(notices))
    if resolved.digest != manifest.get("digest"):
        raise ProfileError(
            f"manifest: digest: expected {resolved.digest}, found {manifest.get('digest')}; "
            "it was changed after the run began, start another run"
        )
    return resolved


def dump(resolved: ResolvedProfile) -> str:
    """A profile file (YAML) that stands alone and resolves to the same digest."""
    values = resolved.profile.values()
    name = values.pop("name")
    body = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
    return f"# Profile {name}, resolved.\n{body}"


def _at(values: Mapping[str, Any], key: str) -> Any:
    found: Any = values
    for part in key.split("."):
        found = found[part]
    return found
