"""Layers into one profile (R-CFG-01).

1. Sources from weakest to strongest: defaults (of members' options, then the packaged ones), the chain of files (child
   over parent), the environment, the command's arguments. Mappings merge, everything else replaces.
2. Each layer is flattened to the dotted keys of schema and vocabulary, which finds unknown keys in every layer.
3. The names of scanners become their definitions; defaults that this takes are notices.
4. The merged values are checked against members' options, schema and vocabulary; every key remembers the layer it came
   from.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tvquant.core.digests import digest_json
from tvquant.core.errors import DataError, ProfileError
from tvquant.core.quoting import shown
from tvquant.profiles.fields import VERSION
from tvquant.profiles.files import DEFAULTS, PROFILES, Layer, RawProfile, load, parse_value
from tvquant.profiles.keys import Keys
from tvquant.profiles.messages import explained
from tvquant.profiles.scanner_expansion import Recruiters
from tvquant.profiles.scanner_schema import below_floor
from tvquant.profiles.schema import Profile
from tvquant.profiles.vocabulary import Vocabulary

PREFIX = "TVQUANT_"
_SETTINGS = ("universe.rating_band", "universe.direction")

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedProfile:
    """A checked profile and, for each dotted key, the label of the layer its value came from.

    `notices` name the defaults taken where a scanner declares nothing, and what a preset asks for in vain, and
    pairs of the grid that are no cells.
    """

    profile: Profile
    layers: Mapping[str, str]
    notices: tuple[str, ...] = ()

    def is_own(self, key: str) -> bool:
        """Return whether the user set this key (file, environment or argument), and no packaged file did."""
        return _is_own(self.layers[key])

    @property
    def digest(self) -> str:
        """Digest of the resolved values."""
        return digest_of(self.profile.values())


def digest_of(values: Mapping[str, Any]) -> str:
    """Return the digest of a profile's plain values; name and description, which change nothing, are left out."""
    return digest_json({key: value for key, value in values.items() if key not in ("name", "description")})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    """One value, the layer that set it, and the line of a file."""

    value: Any
    layer: str
    where: str


def _is_own(layer: str) -> bool:
    """Return whether the label of a layer is of no packaged file."""
    return layer != DEFAULTS and not layer.startswith(f"{PROFILES.preset} ")


def resolve(
    raw: RawProfile,
    vocabulary: Vocabulary,
    *,
    environment: Mapping[str, str] | None = None,
    arguments: Arguments | None = None,
) -> ResolvedProfile:
    """Return one profile from all layers.

    Parameters
    ----------
    raw : the files.
    vocabulary : names that exist.
    environment : variables; `TVQUANT_<SECTION>__<KEY>` (and `TVQUANT_SEED`) count, each a YAML value or list.
    arguments : option -> (dotted key, value).

    Raises
    ------
    ProfileError : the first problem, in one line, and how many more there are; `lint` lists all.
    """
    resolved, problems = _resolve(raw, vocabulary, environment or {}, arguments or {})
    if resolved is None:
        more = f"; and {len(problems) - 1} more (tvquant profile lint lists all)" if len(problems) > 1 else ""
        raise ProfileError(f"profile {raw.name}: {problems[0]}{more}")
    return resolved


def lint(
    profile: str | Path,
    vocabulary: Vocabulary,
    *,
    search: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
) -> list[ProfileProblem]:
    """Return everything that is wrong with a profile, given by name or file; empty when it resolves and asks enough."""
    try:
        raw = load(profile, search=search)
    except (ProfileError, DataError) as error:
        return [ProfileProblem(key="", text=str(error), layer="")]
    resolved, problems = _resolve(raw, vocabulary, environment or {}, {})
    if resolved is not None and not resolved.profile.universe.research:
        layer = resolved.layers["universe.scanners"]
        low = filter(None, map(below_floor, resolved.profile.universe.scanners))
        problems += [ProfileProblem(key="universe.scanners", text=text, layer=layer) for text in low]
    return problems


def _resolve(
    raw: RawProfile, vocabulary: Vocabulary, environment: Mapping[str, str], arguments: Arguments
) -> tuple[ResolvedProfile | None, list[ProfileProblem]]:
    """Return the profile, or None, and all problems; one of both is empty."""
    problems: list[ProfileProblem] = []
    keys = vocabulary.keys
    members = Layer(label=DEFAULTS, values=vocabulary.option_defaults())
    given = (members, *raw.layers, *_environment(environment, keys, problems), *_arguments(arguments))
    merged: dict[str, _Value] = {}
    for layer in given:
        for key, value in _flat(layer, keys, problems):
            merged[key] = _Value(value=value, layer=layer.label, where=layer.where(key))
    notices = _fetch_scanners(merged, raw.search, problems)
    test, step = merged.get("windows.test"), merged.get("windows.step")
    if test is not None and step is not None and test.value is None and isinstance(step.value, int):
        label = f"windows.step of {step.layer}"
        merged["windows.test"] = _Value(value=step.value, layer=label, where=label)
    _fit_risk(merged)
    _read_files(vocabulary, merged, raw.search, problems)
    _check_options(vocabulary, merged, problems)
    profile: Profile | None = None
    try:
        profile = Profile.model_validate(_nested(raw.name, merged))
    except ValidationError as error:
        problems += _invalid(error, merged, keys)
    for key, text in vocabulary.complaints({key: v.value for key, v in merged.items()}):
        problems.append(ProfileProblem(key=key, text=text, layer=merged[key].where))
    if profile is not None:
        usual = dict(_flat(raw.layers[0], keys, []))  # a profile that was written out whole sets nothing by that
        own = {key: v.value for key, v in merged.items() if _is_own(v.layer) and v.value != usual.get(key)}
        unfit = () if problems else (*vocabulary.unfit(profile), *vocabulary.unfit_selections(profile))
        for key, text in (*vocabulary.contradicted(profile.selection.model, own), *unfit):
            problems.append(ProfileProblem(key=key, text=text, layer=merged[key].where))
    if profile is None or problems:
        return None, problems
    notices = (*notices, *vocabulary.excluded(profile))
    return ResolvedProfile(profile=profile, layers={key: merged[key].layer for key in keys.leaves}, notices=notices), []


def _fit_risk(merged: dict[str, _Value]) -> None:
    """Fit the defaults of `risk` to the grid: its first risk profile is primary where it lacks the default one.

    Of the default anchors those are left that it has beside the primary. What a profile sets itself is only checked.
    """
    primary, anchors, grid = (merged.get(key) for key in ("risk.primary", "risk.anchors", "allocation.profiles"))
    if primary is None or anchors is None or grid is None or not isinstance(grid.value, list | tuple) or not grid.value:
        return
    if primary.layer == DEFAULTS and primary.value not in grid.value:
        label = f"first of allocation.profiles of {grid.layer}"
        primary = merged["risk.primary"] = _Value(value=grid.value[0], layer=label, where=grid.where)
    if anchors.layer == DEFAULTS:
        kept = [name for name in anchors.value if name in grid.value and name != primary.value]
        merged["risk.anchors"] = _Value(value=kept, layer=anchors.layer, where=anchors.where)


def _read_files(
    vocabulary: Vocabulary, merged: dict[str, _Value], search: Sequence[Path], problems: list[ProfileProblem]
) -> None:
    """Put the content of files in place of their names, where members' options may name one."""
    for place, declared in vocabulary.declarations():
        for name, read in declared.from_files.items():
            found = merged[f"{place}.{name}"]
            if not isinstance(found.value, str):
                continue
            try:
                merged[f"{place}.{name}"] = replace(found, value=read(found.value, search))
            except (ProfileError, DataError) as error:
                problems.append(ProfileProblem(key=f"{place}.{name}", text=str(error), layer=found.where))
                merged[f"{place}.{name}"] = replace(found, value=declared().model_dump(mode="json")[name])


def _check_options(vocabulary: Vocabulary, merged: dict[str, _Value], problems: list[ProfileProblem]) -> None:
    """Put the checked values of members' options in place of those given; what does not fit is added to `problems`."""
    for place, declared in vocabulary.declarations():
        given = {name: merged[f"{place}.{name}"].value for name in declared.model_fields}
        try:
            values = declared.model_validate(given).model_dump(mode="json")
        except ValidationError as error:
            problems += _invalid(error, merged, vocabulary.keys, tuple(place.split(".")))
        else:
            for name, value in values.items():
                merged[f"{place}.{name}"] = replace(merged[f"{place}.{name}"], value=value)


def _fetch_scanners(
    merged: dict[str, _Value], search: Sequence[Path], problems: list[ProfileProblem]
) -> tuple[str, ...]:
    """Put whole definitions where the profile has names; what was assumed in doing so."""
    named, grouped = merged.get("universe.scanners"), merged.get("universe.strategies")
    if named is None or not isinstance(named.value, list):
        return ()
    band, direction = (merged[key].value if key in merged else None for key in _SETTINGS)
    found = Recruiters(
        search=search,
        band=band if isinstance(band, int | float) and band >= 0 else None,
        directional=direction in ("long", "short"),
    )
    strategies = grouped.value if grouped is not None and isinstance(grouped.value, Mapping) else {}
    found.fetch(named.value, strategies)
    problems += [ProfileProblem(key=key, text=text, layer=merged[key].where) for key, text in found.problems]
    source = grouped if grouped is not None and strategies and not named.value else named
    merged["universe.scanners"] = replace(source, value=found.definitions)
    return tuple(found.notices)


def _environment(environment: Mapping[str, str], keys: Keys, problems: list[ProfileProblem]) -> Iterator[Layer]:
    """Yield a layer for each variable that sets a key.

    Variables that are no keys (`TVQUANT_HOME`) are someone else's.
    """
    for variable in sorted(environment):
        if not variable.startswith(PREFIX):
            continue
        rest = variable.removeprefix(PREFIX).lower()
        label = f"environment {variable}"
        section = next((name for name in keys.branches if rest.startswith(f"{name}_")), None)
        if "__" in rest or rest in keys.leaves:
            try:
                value = parse_value(environment[variable], label)
            except ProfileError as error:
                problems.append(ProfileProblem(key="", text=str(error), layer=label))
            else:
                yield _layer(label, rest.replace("__", "."), value)
        elif section:
            right = f"{PREFIX}{section.upper()}__{rest.removeprefix(f'{section}_').upper()}"
            text = f"sets nothing: between section and key stand two underscores, as in {right}"
            problems.append(ProfileProblem(key=variable, text=text, layer="environment"))


def _arguments(arguments: Arguments) -> Iterator[Layer]:
    for option, (key, value) in arguments.items():
        yield _layer(f"argument {option}", key, value)


def _layer(label: str, key: str, value: Any) -> Layer:
    """Return a layer of one dotted key."""
    for name in reversed(key.split(".")):
        value = {name: value}
    return Layer(label=label, values=value)


def _flat(layer: Layer, keys: Keys, problems: list[ProfileProblem]) -> Iterator[tuple[str, Any]]:
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


def _nested(name: str, merged: Mapping[str, _Value]) -> dict[str, Any]:
    out: dict[str, Any] = {"version": VERSION, "name": name}
    for key, found in merged.items():
        *sections, last = key.split(".")
        at = out
        for section in sections:
            at = at.setdefault(section, {})
        at[last] = found.value
    return out


def _invalid(
    error: ValidationError, merged: Mapping[str, _Value], keys: Keys, place: tuple[str, ...] = ()
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
