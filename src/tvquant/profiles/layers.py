"""Layers into one profile (R-CFG-01).

1. Sources from weakest to strongest: defaults (of members' options, then the packaged ones), the chain of files (child
   over parent), the environment, the command's arguments. Mappings merge, everything else replaces.
2. Each layer is flattened to the dotted keys of schema and vocabulary, which finds unknown keys in every layer.
3. The names of scanners become their definitions; defaults that this takes are notices.
4. The merged values are checked against members' options, schema and vocabulary; every key remembers the layer it came
   from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from tvquant.core.errors import DataError, ProfileError
from tvquant.profiles.files import DEFAULTS, Layer, RawProfile
from tvquant.profiles.merging import (
    Arguments,
    ProfileProblem,
    Resolved,
    Value,
    argument_layers,
    check_options,
    environment_layers,
    flat,
    invalid,
    is_own,
    merged,
    nested,
)
from tvquant.profiles.options import places_of
from tvquant.profiles.scanner_expansion import Recruiters
from tvquant.profiles.scanner_schema import below_floor
from tvquant.profiles.schema import Profile
from tvquant.profiles.vocabulary import Vocabulary

_SETTINGS = ("universe.rating_band", "universe.direction")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedProfile(Resolved[Profile]):
    """A checked profile; its notices are as `Resolved` says, and on pairs of the grid that are no cells."""


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
    ProfileError : the first problem, in one line, and how many more there are; `lint` lists all. A meta-profile is
        none of these: `resolve_meta` takes it.
    """
    if raw.is_meta:
        raise ProfileError(
            f"{raw.name} is a meta-portfolio, whose sleeves are profiles: `tvquant meta {raw.name}` plays it; name a "
            "profile"
        )
    resolved, problems = _resolve(raw, vocabulary, environment or {}, arguments or {})
    if resolved is None:
        more = f"; and {len(problems) - 1} more (tvquant profile lint lists all)" if len(problems) > 1 else ""
        raise ProfileError(f"profile {raw.name}: {problems[0]}{more}")
    return resolved


def lint_raw(
    raw: RawProfile, vocabulary: Vocabulary, *, environment: Mapping[str, str] | None = None
) -> list[ProfileProblem]:
    """Return everything that is wrong with a profile; empty when it resolves and asks enough."""
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
    outside = (*environment_layers(environment, keys, vocabulary.meta_keys, problems), *argument_layers(arguments))
    values = merged((members, *raw.layers, *outside), keys, problems)
    notices = _fetch_scanners(values, raw.search, problems)
    test, step = values.get("windows.test"), values.get("windows.step")
    if test is not None and step is not None and test.value is None and isinstance(step.value, int):
        label = f"windows.step of {step.layer}"
        values["windows.test"] = Value(value=step.value, layer=label, where=label)
    _fit_risk(values)
    _read_files(vocabulary, values, raw.search, problems)
    check_options(vocabulary.options, values, keys, problems)
    profile: Profile | None = None
    try:
        profile = Profile.model_validate(nested(raw.name, values))
    except ValidationError as error:
        problems += invalid(error, values, keys)
    for key, text in vocabulary.complaints({key: v.value for key, v in values.items()}):
        problems.append(ProfileProblem(key=key, text=text, layer=values[key].where))
    if profile is not None:
        # a profile that was written out whole sets nothing by that
        usual = dict((*flat(members, keys, []), *flat(raw.layers[0], keys, [])))
        own = {key: v.value for key, v in values.items() if is_own(v.layer) and v.value != usual.get(key)}
        unfit = () if problems else (*vocabulary.unfit(profile), *vocabulary.unfit_selections(profile))
        for key, text in (*vocabulary.contradicted(profile.selection.model, own), *unfit):
            problems.append(ProfileProblem(key=key, text=text, layer=values[key].where))
    if profile is None or problems:
        return None, problems
    notices = (*notices, *vocabulary.excluded(profile))
    return ResolvedProfile(profile=profile, layers={key: values[key].layer for key in keys.leaves}, notices=notices), []


def _fit_risk(merged: dict[str, Value]) -> None:
    """Fit the defaults of `risk` to the grid: its first risk profile is primary where it lacks the default one.

    Of the default anchors those are left that it has beside the primary. What a profile sets itself is only checked.
    """
    primary, anchors, grid = (merged.get(key) for key in ("risk.primary", "risk.anchors", "allocation.profiles"))
    if primary is None or anchors is None or grid is None or not isinstance(grid.value, list | tuple) or not grid.value:
        return
    if primary.layer == DEFAULTS and primary.value not in grid.value:
        label = f"first of allocation.profiles of {grid.layer}"
        primary = merged["risk.primary"] = Value(value=grid.value[0], layer=label, where=grid.where)
    if anchors.layer == DEFAULTS:
        kept = [name for name in anchors.value if name in grid.value and name != primary.value]
        merged["risk.anchors"] = Value(value=kept, layer=anchors.layer, where=anchors.where)


def _read_files(
    vocabulary: Vocabulary, merged: dict[str, Value], search: Sequence[Path], problems: list[ProfileProblem]
) -> None:
    """Put the content of files in place of their names, where members' options may name one."""
    for place, declared in places_of(vocabulary.options):
        for name, read in declared.from_files.items():
            found = merged[f"{place}.{name}"]
            if not isinstance(found.value, str):
                continue
            try:
                merged[f"{place}.{name}"] = replace(found, value=read(found.value, search))
            except (ProfileError, DataError) as error:
                problems.append(ProfileProblem(key=f"{place}.{name}", text=str(error), layer=found.where))
                merged[f"{place}.{name}"] = replace(found, value=declared().model_dump(mode="json")[name])


def _fetch_scanners(
    merged: dict[str, Value], search: Sequence[Path], problems: list[ProfileProblem]
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
