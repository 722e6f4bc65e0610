"""Layers into one meta-profile, and its sleeves followed to their own files (R-META-01, 03).

1. Sources are those of a profile (`layers`): defaults, the chain of files, the environment, arguments.
2. A sleeve may be a meta-portfolio itself; at most `LEVELS` of them stand above each other, and none above itself.
3. A sleeve's book is a cell of its own grid: by the engine and simulator that the meta-profile names, and by the
   meta-profile's own risk profile. Where the grid lacks one of them there is no such book, and another is no proxy.
4. The environment holds for sleeves as it does where they are played by themselves; arguments are the meta-profile's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from tvquant.core.errors import DataError, ProfileError
from tvquant.profiles.exclusions import grid_of
from tvquant.profiles.files import DEFAULTS, SLEEVES, Layer, RawProfile, load
from tvquant.profiles.layers import ResolvedProfile, resolve
from tvquant.profiles.merging import (
    Arguments,
    ProfileProblem,
    Resolved,
    Value,
    argument_layers,
    check_options,
    environment_layers,
    invalid,
    merged,
    nested,
)
from tvquant.profiles.meta import MetaProfile
from tvquant.profiles.meta_vocabulary import complaints, refused_books, unfit_options
from tvquant.profiles.options import defaults_of
from tvquant.profiles.schema import Profile
from tvquant.profiles.vocabulary import Vocabulary

LEVELS = 3
"""Meta-portfolios of the longest chain of sleeves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedMeta(Resolved[MetaProfile]):
    """A checked meta-profile; its notices say what of equity and of its simulators is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where sleeves are looked for, what they may name, and the meta-profiles above, the outermost first."""

    search: Sequence[Path]
    vocabulary: Vocabulary
    environment: Mapping[str, str]
    above: tuple[str, ...] = ()


def resolve_meta(
    raw: RawProfile,
    vocabulary: Vocabulary,
    *,
    environment: Mapping[str, str] | None = None,
    arguments: Arguments | None = None,
) -> ResolvedMeta:
    """Return one meta-profile from all layers, its sleeves checked as far as their own files go.

    The parameters are those of `resolve`.

    Raises
    ------
    ProfileError : it has no sleeves; or the first problem, in one line, and how many more there are.
    """
    if not raw.is_meta:
        raise ProfileError(f"profile {raw.name} has no sleeves, so it is no meta-portfolio; `tvquant run` plays it")
    place = _Place(search=raw.search, vocabulary=vocabulary, environment=environment or {})
    return _whole(raw, place, arguments or {})


def lint_meta(
    raw: RawProfile, vocabulary: Vocabulary, *, environment: Mapping[str, str] | None = None
) -> list[ProfileProblem]:
    """Return everything that is wrong with a meta-profile, its sleeves included; empty when it resolves."""
    place = _Place(search=raw.search, vocabulary=vocabulary, environment=environment or {})
    return _resolve(raw, place, {})[1]


def sleeves_of(
    meta: MetaProfile,
    vocabulary: Vocabulary,
    *,
    search: Sequence[Path] = (),
    environment: Mapping[str, str] | None = None,
) -> dict[str, ResolvedProfile | ResolvedMeta]:
    """Return the profile of each sleeve, as it is played by itself.

    Raises
    ------
    ProfileError : one does not resolve, or comes back to `meta`, or is a meta-portfolio too deep below it.
    """
    place = _Place(search=search, vocabulary=vocabulary, environment=environment or {}, above=(meta.name,))
    return {name: _sleeve(name, sleeve.profile, place) for name, sleeve in meta.sleeves.items()}


def _whole(raw: RawProfile, place: _Place, arguments: Arguments) -> ResolvedMeta:
    resolved, problems = _resolve(raw, place, arguments)
    if resolved is None:
        more = f"; and {len(problems) - 1} more (tvquant profile lint lists all)" if len(problems) > 1 else ""
        raise ProfileError(f"meta-profile {raw.name}: {problems[0]}{more}")
    return resolved


def _resolve(raw: RawProfile, place: _Place, arguments: Arguments) -> tuple[ResolvedMeta | None, list[ProfileProblem]]:
    """Return the meta-profile, or None, and all problems; one of both is empty."""
    problems: list[ProfileProblem] = []
    words = place.vocabulary
    keys = words.meta_keys
    members = Layer(label=DEFAULTS, values=defaults_of(words.meta_options))
    outside = (*environment_layers(place.environment, keys, words.keys, problems), *argument_layers(arguments))
    values = merged((members, *raw.layers, *outside), keys, problems)
    check_options(words.meta_options, values, keys, problems)
    meta: MetaProfile | None = None
    try:
        meta = MetaProfile.model_validate(nested(raw.name, values))
    except ValidationError as error:
        problems += invalid(error, values, keys)
    _blame(complaints(words, {key: one.value for key, one in values.items()}), values, problems)
    if meta is None or problems:
        return None, problems
    _blame(_unfit(meta, place), values, problems)
    _blame(unfit_options(words, meta), values, problems)
    if problems:
        return None, problems
    layers = {key: values[key].layer for key in keys.leaves}
    return ResolvedMeta(profile=meta, layers=layers, notices=tuple(_noted(meta, words))), []


def _blame(found: Iterator[tuple[str, str]], values: Mapping[str, Value], problems: list[ProfileProblem]) -> None:
    """Add key and text of what was found, with the layer that set the key."""
    problems += [ProfileProblem(key=key, text=text, layer=values[key].where) for key, text in found]


def _unfit(meta: MetaProfile, place: _Place) -> Iterator[tuple[str, str]]:
    """Yield what the sleeves' own profiles cannot be below this one."""
    below = _Place(
        search=place.search,
        vocabulary=place.vocabulary,
        environment=place.environment,
        above=(*place.above, meta.name),
    )
    for name, sleeve in meta.sleeves.items():
        try:
            found = _sleeve(name, sleeve.profile, below)
        except (ProfileError, DataError) as error:
            yield SLEEVES, str(error)
        else:
            lacking = list(_lacking(meta, found, place.vocabulary))
            yield from ((SLEEVES, f"sleeve {name}: {found.profile.name} {text}") for text in lacking)


def _sleeve(name: str, profile: str, place: _Place) -> ResolvedProfile | ResolvedMeta:
    """Return the profile of a sleeve; ProfileError as `sleeves_of`."""
    try:
        raw = load(profile, search=place.search)
        if not raw.is_meta:
            return resolve(raw, place.vocabulary, environment=place.environment)
        trail = (*place.above, profile)
        line = " -> ".join(trail)
        if profile in place.above:
            raise ProfileError(f"circle {line}; a meta-portfolio cannot be a sleeve of itself")
        if len(trail) > LEVELS:
            raise ProfileError(f"expected at most {LEVELS} meta-portfolios above each other, found {line}")
        return _whole(raw, place, {})
    except ProfileError as error:
        raise ProfileError(f"sleeve {name}: {error}") from error


def _lacking(meta: MetaProfile, found: ResolvedProfile | ResolvedMeta, words: Vocabulary) -> Iterator[str]:
    """Yield what a sleeve has no cell for, of engine, risk profiles and simulator that the meta-profile takes."""
    engine, simulator = meta.streams.engine, meta.streams.simulator
    held = found.profile
    if isinstance(held, Profile):
        engines, key = held.allocation.engines, "allocation.engines"
        barred = _barred(held, engine, simulator, words)
    else:
        engines, key = (held.allocation.engine,), "allocation.engine"
        refused = refused_books(words, held, simulator)
        barred = {simulator: f"{simulator} refuses {', '.join(refused)}"} if refused else {}
    grids = {
        key: ("streams.engine", (engine,), engines),
        "allocation.profiles": ("allocation.profiles", meta.allocation.profiles, held.allocation.profiles),
        "execution.simulators": ("streams.simulator", (simulator,), held.execution.simulators),
    }
    for own, (asked, names, offered) in grids.items():
        for name in names:
            if name not in offered:
                text = f"has no stream of {name}: its {own} has {', '.join(offered)}"
                yield f"{text}; add {name} there, or change {asked} of {meta.name}"
            elif name in barred:
                yield f"has no stream of {name}: {barred[name]}; change {asked} of {meta.name}"


def _barred(profile: Profile, engine: str, simulator: str, words: Vocabulary) -> dict[str, str]:
    """Return risk profile or simulator -> why the sleeve's own grid leaves out every cell of it with this engine."""
    out = {}
    for one in grid_of(profile, words.engines, words.refusals).exclusions:
        if one.members.get("engine") == engine:
            out[one.members["risk_profile"]] = f"{engine} {one.why}"
        elif one.members.get("simulator") == simulator and not one.members["costs"]:
            out[simulator] = f"{simulator} {one.why}"
    return out


def _noted(meta: MetaProfile, words: Vocabulary) -> Iterator[str]:
    """Yield what of equity no sleeve may hold, and simulators that keep no book."""
    if meta.most_invested < 1.0:
        n, most = len(meta.sleeves), meta.allocation.bounds[1]
        yield f"{1.0 - meta.most_invested:.0%} of equity is always cash: {n} sleeves hold at most {most:g} each"
    for simulator in meta.execution.simulators:
        if refused := refused_books(words, meta, simulator):
            yield f"simulator {simulator} refuses {', '.join(refused)}: no book of it is made"
