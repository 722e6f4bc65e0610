"""Layers of one schema merged into values by dotted key, whatever the schema is: that of profiles or of meta-profiles.

Each layer is flattened to the dotted keys that are known, which finds unknown ones in every layer; a later layer takes
the place of an earlier one key by key, and every value remembers the layer it came from.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tvquant.core.digests import digest_json
from tvquant.core.errors import ProfileError
from tvquant.core.quoting import shown
from tvquant.profiles.fields import VERSION
from tvquant.profiles.files import DEFAULTS, PROFILES, Layer, parse_value
from tvquant.profiles.keys import Declarations, Keys
from tvquant.profiles.messages import explained
from tvquant.profiles.options import places_of

PREFIX = "TVQUANT_"

type Arguments = Mapping[str, tuple[str, Any]]
"""Option as typed (`--train`) -> (dotted key, value)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileProblem:
    """One thing that is wrong with a profile: the dotted key (empty for a whole file), what, and in which layer."""

    key: str
    text: str
    layer: str

    def __str__(self) -> str:
        return f"{self.key}: {self.text} ({self.layer})" if self.key else self.text


class Valued(Protocol):
    """A model that has plain values."""

    def values(self) -> dict[str, Any]:
        """Return all keys as plain JSON values."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved[P: Valued]:
    """A checked profile and, for each dotted key, the label of the layer its value came from.

    `notices` name the defaults taken where a scanner declares nothing, and what a preset asks for in vain, and
    pairs of the grid that are no cells.
    """

    profile: P
    layers: Mapping[str, str]
    notices: tuple[str, ...] = ()

    def is_own(self, key: str) -> bool:
        """Return whether the user set this key (file, environment or argument), and no packaged file did."""
        return is_own(self.layers[key])

    @property
    def digest(self) -> str:
        """Digest of the resolved values."""
        return digest_of(self.profile.values())


def digest_of(values: Mapping[str, Any]) -> str:
    """Return the digest of a profile's plain values; name and description, which change nothing, are left out."""
    return digest_json({key: value for key, value in values.items() if key not in ("name", "description")})


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One value, the layer that set it, and the line of a file."""

    value: Any
    layer: str
    where: str


def is_own(layer: str) -> bool:
    """Return whether the label of a layer is of no packaged file."""
    return layer != DEFAULTS and not layer.startswith(f"{PROFILES.preset} ")


def merged(layers: Iterable[Layer], keys: Keys, problems: list[ProfileProblem]) -> dict[str, Value]:
    """Return the value of each dotted key that a layer sets, the last layer's; unknown keys are added to `problems`."""
    out: dict[str, Value] = {}
    for layer in layers:
        for key, value in flat(layer, keys, problems):
            out[key] = Value(value=value, layer=layer.label, where=layer.where(key))
    return out


def check_options(
    declarations: Declarations, given: dict[str, Value], keys: Keys, problems: list[ProfileProblem]
) -> None:
    """Put the checked values of members' options in place of those given; what does not fit is added to `problems`."""
    for place, declared in places_of(declarations):
        held = {name: given[f"{place}.{name}"].value for name in declared.model_fields}
        try:
            values = declared.model_validate(held).model_dump(mode="json")
        except ValidationError as error:
            problems += invalid(error, given, keys, tuple(place.split(".")))
        else:
            for name, value in values.items():
                given[f"{place}.{name}"] = replace(given[f"{place}.{name}"], value=value)


def environment_layers(
    environment: Mapping[str, str], keys: Keys, others: Keys, problems: list[ProfileProblem]
) -> Iterator[Layer]:
    """Yield a layer for each variable that sets a key.

    Variables that are no keys (`TVQUANT_HOME`) are someone else's, and so are those of the other schema (`others`).
    """
    for variable in sorted(environment):
        if not variable.startswith(PREFIX):
            continue
        rest = variable.removeprefix(PREFIX).lower()
        key, label = rest.replace("__", "."), f"environment {variable}"
        section = next((name for name in keys.branches if rest.startswith(f"{name}_")), None)
        if key in others.leaves and key not in keys.leaves:
            continue
        if "__" in rest or rest in keys.leaves:
            try:
                value = parse_value(environment[variable], label)
            except ProfileError as error:
                problems.append(ProfileProblem(key="", text=str(error), layer=label))
            else:
                yield _layer(label, key, value)
        elif section:
            right = f"{PREFIX}{section.upper()}__{rest.removeprefix(f'{section}_').upper()}"
            text = f"sets nothing: between section and key stand two underscores, as in {right}"
            problems.append(ProfileProblem(key=variable, text=text, layer="environment"))


def argument_layers(arguments: Arguments) -> Iterator[Layer]:
    """Yield a layer for each argument."""
    for option, (key, value) in arguments.items():
        yield _layer(f"argument {option}", key, value)


def _layer(label: str, key: str, value: Any) -> Layer:
    """Return a layer of one dotted key."""
    for name in reversed(key.split(".")):
        value = {name: value}
    return Layer(label=label, values=value)


def flat(layer: Layer, keys: Keys, problems: list[ProfileProblem]) -> Iterator[tuple[str, Any]]:
    """Yield dotted keys and values of a layer, as far as they are known; the rest is added to `problems`."""

    def walk(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
        for name, value in values.items():
            key = f"{prefix}{name}"
            if key in keys.branches and isinstance(value, Mapping):
                yield from walk(value, f"{key}.")
            elif key in keys.branches:
                text = f"expected a mapping of its keys, found {shown(value)}"
                problems.append(ProfileProblem(key=key, text=text, layer=layer.where(key)))
            elif key in keys.leaves:
                yield key, value
            else:
                problems.append(ProfileProblem(key=_printable(key), text=keys.unknown(key), layer=layer.where(key)))

    return walk(layer.values, "")


def _printable(key: str) -> str:
    return key if key.isprintable() and len(key) <= 80 else shown(key)


def nested(name: str, merged: Mapping[str, Value]) -> dict[str, Any]:
    """Return the values of a profile of that name, nested as its schema has them."""
    out: dict[str, Any] = {"version": VERSION, "name": name}
    for key, found in merged.items():
        *sections, last = key.split(".")
        at = out
        for section in sections:
            at = at.setdefault(section, {})
        at[last] = found.value
    return out


def invalid(
    error: ValidationError, merged: Mapping[str, Value], keys: Keys, place: tuple[str, ...] = ()
) -> Iterator[ProfileProblem]:
    """Yield a problem for each value below `place` that does not fit; the branches of a union are put together."""
    places: dict[tuple[str, int | None], list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        key = detail.get("ctx", {}).get("key") or keys.at((*place, *detail["loc"]))
        item = next((part for part in detail["loc"] if isinstance(part, int)), None)
        places.setdefault((key, item), []).append(detail)
    for (key, _), details in places.items():
        where = merged[key].where if key in merged else "in no layer"
        yield ProfileProblem(key=key, text=_text(key, details), layer=where)


def _text(key: str, details: list[ErrorDetails]) -> str:
    """Return what is wrong with a key; a definition that lacks keys is an item of a list or a mapping."""
    if details[0]["type"] != "missing":
        return explained(details)
    location = details[0]["loc"]
    item = next((part for part in location if isinstance(part, int)), None)
    if item is None:
        return "no value; set it, or extend a profile that does"
    lacking = [str(detail["loc"][-1]) for detail in details if detail["type"] == "missing"]
    mend = "name a scanner, or write the whole definition" if key == "universe.scanners" else "set what is missing"
    return f"item {item + 1} lacks {', '.join(lacking)}; {mend}"
