"""A resolved profile written down: for the run (`manifest.json`), for people (`explain`), as a file (`dump`)."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic import ValidationError

from tvquant.core.errors import ProfileError
from tvquant.profiles.fields import Row
from tvquant.profiles.keys import OF_THE_FILE
from tvquant.profiles.layers import ResolvedProfile
from tvquant.profiles.schema import Profile


def explain(resolved: ResolvedProfile) -> tuple[Row, ...]:
    """Return every key in the order of the schema, options of members last in their section."""
    values = _flat(resolved.profile, resolved.layers)
    return tuple(Row(key, value, resolved.layers[key]) for key, value in values.items())


def to_manifest(resolved: ResolvedProfile) -> dict[str, Any]:
    """Return a JSON-able mapping: the values, the layer of each, what was assumed, the digest of the values."""
    return {
        "profile": resolved.profile.values(),
        "layers": dict(resolved.layers),
        "notices": list(resolved.notices),
        "digest": resolved.digest,
    }


def from_manifest(manifest: Mapping[str, Any]) -> ResolvedProfile:
    """Return the profile that `to_manifest` wrote.

    Raises
    ------
    ProfileError : not a manifest of this schema version, or values that do not have the digest it states.
    """
    layers = manifest.get("layers")
    notices = manifest.get("notices")
    if not isinstance(notices, list) or not all(isinstance(notice, str) for notice in notices):
        raise ProfileError("manifest: notices: expected a list of texts; was it written by another version?")
    try:
        profile = Profile.model_validate(manifest.get("profile"))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(("profile", *map(str, first["loc"])))
        raise ProfileError(f"manifest: {place}: {first['msg']}; was it written by another version?") from error
    if not isinstance(layers, Mapping) or set(layers) != set(_flat(profile, layers)):
        raise ProfileError("manifest: layers: expected the layer of every key; was it written by another version?")
    resolved = ResolvedProfile(profile=profile, layers=dict(layers), notices=tuple(notices))
    if resolved.digest != manifest.get("digest"):
        raise ProfileError(
            f"manifest: digest: expected {resolved.digest}, found {manifest.get('digest')}; "
            "it was changed after the run began, start another run"
        )
    return resolved


def dump(resolved: ResolvedProfile) -> str:
    """Return a profile file (YAML) that needs no other and resolves to the same digest."""
    values = resolved.profile.values()
    name = values.pop("name")
    body = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
    return f"# Profile {name}, resolved.\n{body}"


def _flat(profile: Profile, layers: Mapping[str, str]) -> dict[str, Any]:
    """Return the plain value of each dotted key that a layer may set; a mapping with a layer of its own is a value."""

    def walk(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
        for name, value in values.items():
            key = f"{prefix}{name}"
            if isinstance(value, Mapping) and key not in layers:
                yield from walk(value, f"{key}.")
            else:
                yield key, value

    return {key: value for key, value in walk(profile.values(), "") if key not in OF_THE_FILE}
