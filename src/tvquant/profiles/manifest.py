"""A resolved profile written down: for the run (`manifest.json`), for people (`explain`), as a file (`dump`)."""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from tvquant.core.errors import ProfileError
from tvquant.profiles.fields import Row
from tvquant.profiles.files import DEFAULTS, SLEEVES, Layer, packaged_defaults, packaged_meta_defaults
from tvquant.profiles.keys import OF_THE_FILE, Keys
from tvquant.profiles.layers import ResolvedProfile
from tvquant.profiles.merging import digest_of
from tvquant.profiles.meta import MetaProfile
from tvquant.profiles.meta_layers import ResolvedMeta
from tvquant.profiles.schema import Profile


def explain(resolved: ResolvedProfile | ResolvedMeta) -> tuple[Row, ...]:
    """Return every key in the order of the schema, options of members last in their section."""
    values = _flat(resolved.profile.values(), resolved.layers)
    return tuple(Row(key, value, resolved.layers[key]) for key, value in values.items())


def to_manifest(resolved: ResolvedProfile | ResolvedMeta) -> dict[str, Any]:
    """Return a JSON-able mapping: the values, the layer of each, what was assumed, the digest of the values."""
    return {
        "profile": resolved.profile.values(),
        "layers": dict(resolved.layers),
        "notices": list(resolved.notices),
        "digest": resolved.digest,
    }


def from_manifest(manifest: Mapping[str, Any]) -> ResolvedProfile:
    """Return the profile that `to_manifest` wrote.

    Keys that an earlier version did not know have the packaged defaults, and a notice names them; the digest of such a
    profile is not the one that its run was planned with.

    Raises
    ------
    ProfileError : not a manifest of this schema version, or values that do not have the digest it states; the manifest
        of a meta-portfolio.
    """
    if is_of_meta(manifest):
        raise ProfileError("manifest: it is of a meta-portfolio, and a profile was expected; take a run of a profile")
    profile, layers, notices = _read(manifest, Profile, packaged_defaults)
    return ResolvedProfile(profile=profile, layers=layers, notices=notices)


def meta_from_manifest(manifest: Mapping[str, Any]) -> ResolvedMeta:
    """Return the meta-profile that `to_manifest` wrote; all else is as `from_manifest`."""
    if not is_of_meta(manifest):
        raise ProfileError("manifest: it is of a profile without sleeves, and a meta-portfolio was expected")
    meta, layers, notices = _read(manifest, MetaProfile, packaged_meta_defaults)
    return ResolvedMeta(profile=meta, layers=layers, notices=notices)


def is_of_meta(manifest: Mapping[str, Any]) -> bool:
    """Return whether a manifest is of a meta-profile."""
    given = manifest.get("profile")
    return isinstance(given, Mapping) and SLEEVES in given


def _read[P: BaseModel](
    manifest: Mapping[str, Any], schema: type[P], defaults: Callable[[], Layer]
) -> tuple[P, dict[str, str], tuple[str, ...]]:
    """Return values by a schema, their layers and notices; ProfileError as `from_manifest`."""
    layers = manifest.get("layers")
    notices = manifest.get("notices")
    if not isinstance(notices, list) or not all(isinstance(notice, str) for notice in notices):
        raise ProfileError("manifest: notices: expected a list of texts; was it written by another version?")
    given = manifest.get("profile")
    later = _later(given, layers, schema, defaults)
    try:
        profile = schema.model_validate(_completed(given, later))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(("profile", *map(str, first["loc"])))
        raise ProfileError(f"manifest: {place}: {first['msg']}; was it written by another version?") from error
    every = {**layers, **dict.fromkeys(later, DEFAULTS)} if isinstance(layers, Mapping) else {}
    if set(every) != set(_flat(profile.model_dump(mode="json"), every)):
        raise ProfileError("manifest: layers: expected the layer of every key; was it written by another version?")
    found = digest_of(given or {})
    if found != manifest.get("digest"):
        raise ProfileError(
            f"manifest: digest: expected {found}, found {manifest.get('digest')}; "
            "it was changed after the run began, start another run"
        )
    return profile, every, (*notices, *_unknown_then(later))


def _later(given: object, layers: object, schema: type[BaseModel], packaged: Callable[[], Layer]) -> dict[str, Any]:
    """Return the packaged default of each key that neither the values nor the layers of a manifest have."""
    if not isinstance(given, Mapping) or not isinstance(layers, Mapping):
        return {}
    lacking = [key for key in Keys.of({}, schema).leaves if key not in layers and not _has(given, key)]
    defaults = packaged().values if lacking else {}
    return {key: _section(defaults, key)[key.rpartition(".")[2]] for key in lacking if _has(defaults, key)}


def _has(values: Mapping[str, Any], key: str) -> bool:
    return key.rpartition(".")[2] in _section(values, key)


def _section(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the mapping that holds, or would hold, the last part of a dotted key; empty where there is none."""
    found: Any = values
    for name in key.split(".")[:-1]:
        found = found.get(name, {}) if isinstance(found, Mapping) else {}
    return found if isinstance(found, Mapping) else {}


def _completed(given: Any, later: Mapping[str, Any]) -> Any:
    """Return the values of a manifest with those of the later keys."""
    values = copy.deepcopy(given) if later else given
    for key, value in later.items():
        *sections, last = key.split(".")
        at = values
        for name in sections:
            at = at.setdefault(name, {})
        at[last] = value
    return values


def _unknown_then(later: Mapping[str, Any]) -> Iterator[str]:
    if later:
        yield (
            f"recorded by a version that did not know {', '.join(later)}: shown with the defaults of these keys, which "
            "change nothing"
        )


def dump(resolved: ResolvedProfile | ResolvedMeta) -> str:
    """Return a profile file (YAML) that needs no other and resolves to the same digest."""
    values = resolved.profile.values()
    name = values.pop("name")
    body = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
    return f"# Profile {name}, resolved.\n{body}"


def _flat(every: Mapping[str, Any], layers: Mapping[str, str]) -> dict[str, Any]:
    """Return the plain value of each dotted key that a layer may set; a mapping with a layer of its own is a value."""

    def walk(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
        for name, value in values.items():
            key = f"{prefix}{name}"
            if isinstance(value, Mapping) and key not in layers:
                yield from walk(value, f"{key}.")
            else:
                yield key, value

    return {key: value for key, value in walk(every, "") if key not in OF_THE_FILE}
