"""The names a profile may use: this room knows no catalogue, so `app` hands the words in."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any

from pydantic import ValidationError

from tvquant.core.demands import DEMANDS, demands
from tvquant.core.regimes import Regime
from tvquant.profiles.exclusions import grid_of, noted
from tvquant.profiles.keys import Declarations, Keys
from tvquant.profiles.messages import explained, unknown
from tvquant.profiles.meta import MetaProfile
from tvquant.profiles.options import FamilySection, defaults_of
from tvquant.profiles.schema import Profile
from tvquant.profiles.sections.allocation import ADAPTIVE


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Members of the plug-in families with what they can do, and the keys that they add to a profile.

    Parameters
    ----------
    selection_models, risk_profiles, covariances, means : names; the last two are estimators.
    uninformed : estimators of means that tell no name from another.
    reads_means : risk profiles that need to be told.
    engines : optimiser -> risk profiles it solves.
    simulators : names of the simulators.
    refusals : simulator -> capabilities that it refuses.
    features, logics : names that scanners may filter, and hold their recruits for.
    vetoes : names that a profile may leave in force.
    contradictions : selection model -> keys of `selection` that would cut what it holds.
    options : section -> what members of its families declare, each declaration once.
    meta_options : the same of the sections of a meta-profile.
    unsuited : risk profile -> why it cannot weigh sleeves; of those that cannot.
    missing : member -> the extra that would install it; named here only when it is not installed.
    checks : each yields dotted key and text of what of a whole profile can never be done, whatever the data are.
    """

    selection_models: frozenset[str]
    engines: Mapping[str, frozenset[str]]
    risk_profiles: frozenset[str]
    simulators: frozenset[str]
    covariances: frozenset[str]
    means: frozenset[str]
    uninformed: frozenset[str] = frozenset()
    reads_means: frozenset[str] = frozenset()
    features: frozenset[str] = frozenset()
    logics: frozenset[str] = frozenset()
    vetoes: frozenset[str] = frozenset()
    contradictions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    options: Declarations = field(default_factory=dict)
    meta_options: Declarations = field(default_factory=dict)
    unsuited: Mapping[str, str] = field(default_factory=dict)
    refusals: Mapping[str, frozenset[str]] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    checks: tuple[Callable[[Profile], Iterable[tuple[str, str]]], ...] = ()

    @cached_property
    def keys(self) -> Keys:
        """Every key that a layer may set."""
        return Keys.of(self.options)

    @cached_property
    def meta_keys(self) -> Keys:
        """Every key that a layer of a meta-profile may set."""
        return Keys.of(self.meta_options, MetaProfile)

    def option_defaults(self) -> dict[str, Any]:
        """Return the defaults of all options, nested as in a file."""
        return defaults_of(self.options)

    def shown_member(self, name: str) -> str:
        """Return the name of a member, with what would install it where it is not here."""
        extra = self.missing.get(name)
        return f"{name} (unavailable: install tvquant[{extra}])" if extra else name

    @property
    def named(self) -> Mapping[str, tuple[str, Collection[str]]]:
        """Key that names members of a family -> what they are called, and their names."""
        return {
            "selection.model": ("selection model", self.selection_models),
            "selection.vetoes": ("veto", self.vetoes),
            "allocation.engines": ("engine", self.engines),
            "allocation.profiles": ("risk profile", self.risk_profiles),
            "allocation.fallbacks": ("risk profile", self.risk_profiles),
            "allocation.covariance.estimator": ("estimator", self.covariances),
            "allocation.means.estimator": ("estimator", self.means),
            "execution.simulators": ("simulator", self.simulators),
            **{f"risk.adaptive.{regime}": ("risk profile", self.risk_profiles) for regime in Regime},
        }

    def complaints(self, values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        """Yield dotted key and text for each name that is unknown, not installed or left without a partner.

        `values` are the merged values of the layers by dotted key; what is not a name is the schema's business.
        """
        yield from self._misnamed(values)
        yield from self._lonely(values)
        yield from self.untold(values)
        yield from self._foreign(values.get("universe.scanners"))

    def excluded(self, profile: Profile) -> Iterator[str]:
        """Yield notices on what a profile's grid leaves out, and on fallbacks that an engine goes without.

        A pair that is named alone is refused, see `complaints`.
        """
        yield from noted(profile, grid_of(profile, self.engines, self.refusals))
        for engine in profile.allocation.engines:
            if unsolved := [name for name in profile.allocation.fallbacks if name not in self.engines[engine]]:
                yield f"engine {engine} does not solve {', '.join(unsolved)}: no fallback of it is made with them"

    def untold(self, values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        """Yield risk profiles that read means where the profile has them estimated as all alike."""
        means = values.get("allocation.means.estimator")
        adaptive = ADAPTIVE in names_in(values.get("allocation.profiles"))
        chosen = tuple(f"risk.adaptive.{regime}" for regime in Regime) if adaptive else ()
        for key in ("allocation.profiles", "allocation.fallbacks", *chosen):
            for name in names_in(values.get(key)):
                if means in self.uninformed and name in self.reads_means:
                    others = " or ".join(sorted(self.means - self.uninformed))
                    text = (
                        f"risk profile {name!r} goes by means, and allocation.means.estimator is {means}; take {others}"
                    )
                    yield key, text

    def _misnamed(self, values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        for key, (noun, known) in self.named.items():
            for name in names_in(values.get(key)):
                extra = self.missing.get(name)
                if extra:
                    yield key, f"{noun} {name!r} is not installed; install tvquant[{extra}]"
                elif name not in known:
                    yield key, unknown(noun, name, known)

    def unfit(self, profile: Profile) -> Iterator[tuple[str, str]]:
        """Yield key and text of options that do not fit the profile that names their members, and of failed checks."""
        values = {f"{s}.{name}": value for s in self.options for name, value in dict(_section(profile, s)).items()}
        named = {name for key in self.named for name in names_in(values.get(key))}
        for section, every in self.options.items():
            held = _section(profile, section)
            for declared in every:
                if not declared.under or declared.under in named:
                    place = f"{section}.{declared.under}" if declared.under else section
                    for key, text in held.options(declared).complaints(profile):
                        yield f"{place}.{key}", text
        for check in self.checks:
            yield from check(profile)

    def unfit_selections(self, profile: Profile) -> Iterator[tuple[str, str]]:
        """Yield key and text of what other selections name that is unknown, out of range or of no use to their model.

        They are those of challengers and of the grid.
        """
        entrants = profile.entrants
        others = [("challengers", name, given, profile.challenger(name)) for name, given in profile.challengers.items()]
        others += [("grid.selections", name, given, entrants[name]) for name, given in profile.grid.selections.items()]
        for place, name, given, other in others:
            own = {f"selection.{key}": value for key, value in given.items()}
            selection = other.selection
            found = [(key, self.keys.unknown(key)) for key in own if key not in self.keys.leaves]
            found += self._misnamed({key: value for key, value in own.items() if key in self.named})
            found += self.contradicted(selection.model, own)
            for declared in self.options.get("selection", ()):
                try:
                    selection.options(declared)
                except ValidationError as error:
                    found.append(("selection", explained(error.errors(include_url=False)[:1])))
            yield from ((place, f"{name}: {key}: {text}") for key, text in found)

    def contradicted(self, model: str, own: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        """Yield what a profile itself sets (`own`: dotted key -> value) and its selection model has no use for."""
        for name in sorted(self.contradictions.get(model, ())):
            if (key := f"selection.{name}") in own:
                text = (
                    f"is {own[key]}, and selection.model {model} does not use it; drop this key, or take another model"
                )
                yield key, text

    def _foreign(self, scanners: object) -> Iterator[tuple[str, str]]:
        """Yield logics and filters of scanners that nobody computes; the rest of a scanner is the schema's business."""
        for scanner in _items(scanners):
            if not isinstance(scanner, Mapping):
                continue
            filters = [each for part in ("pool", "signal") for each in _items(scanner.get(part))]
            choices = [each.get("any") for each in filters if isinstance(each, Mapping)]
            parts = (scanner.get("largest"), *filters, *(part for choice in choices for part in _items(choice)))
            fields = [each.get("field") for each in parts if isinstance(each, Mapping)]
            for noun, names, known in (
                ("logic", names_in(scanner.get("logic")), self.logics),
                ("feature", names_in(fields), self.features),
            ):
                for name in names:
                    if name not in known:
                        yield "universe.scanners", f"scanner {scanner.get('name')}: {unknown(noun, name, known)}"

    def _lonely(self, values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        """Yield risk profiles and a convention that no named partner supports: no cell of them would be left to run."""
        engines = [name for name in names_in(values.get("allocation.engines")) if name in self.engines]
        for key in ("allocation.profiles", "allocation.fallbacks"):
            for name in names_in(values.get(key)):
                if engines and name in self.risk_profiles and not any(name in self.engines[e] for e in engines):
                    yield key, f"risk profile {name!r} is solved by none of allocation.engines ({', '.join(engines)})"
        yield from self._idle(engines, values)
        yield from unplayed(self, values)

    def _idle(self, engines: Sequence[str], values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        """Yield engines that solve no named risk profile, and a headline that the first engine does not solve."""
        profiles = [name for name in names_in(values.get("allocation.profiles")) if name in self.risk_profiles]
        for engine in engines:
            if profiles and not self.engines[engine] & set(profiles):
                text = f"engine {engine!r} solves none of allocation.profiles ({', '.join(profiles)})"
                yield "allocation.engines", f"{text}; it solves {', '.join(sorted(self.engines[engine]))}"
        for primary in names_in(values.get("risk.primary")):
            able = [engine for engine in engines if primary in self.engines[engine]]
            if able and able[0] != engines[0]:
                yield (
                    "risk.primary",
                    f"the headline is {primary} by the first of allocation.engines, and {engines[0]} does not solve "
                    f"it; name {able[0]} first, or another primary",
                )


def unplayed(words: Vocabulary, values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield what no named simulator plays, and where the first, whose book is the headline, is none that does."""
    named = [name for name in names_in(values.get("execution.simulators")) if name in words.simulators]
    asked = list(demands(values))
    lacking = {name: [(key, what) for key, what in asked if what in words.refusals.get(name, ())] for name in named}
    if not named or not lacking[named[0]]:
        return
    shared = [pair for pair in asked if all(pair in lacking[name] for name in named)]
    who = f"all of execution.simulators ({', '.join(named)})"
    if not shared:
        who = f"{named[0]}, the first of execution.simulators, whose book is the headline"
    for key, what in shared or lacking[named[0]]:
        without = f"set {key}: {json.dumps(DEMANDS[key][1])}, or " if key in DEMANDS else ""
        yield key, f"{what} is refused by {who}; {without}name a simulator that plays it first"


def _section(profile: Profile, place: str) -> FamilySection:
    """Return the section of a profile that has the dotted place."""
    found: FamilySection = attrgetter(place)(profile)
    return found


def names_in(value: object) -> tuple[str, ...]:
    """Return the text in a value: itself, or the texts of a list."""
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in _items(value) if isinstance(item, str))


def _items(value: object) -> tuple[object, ...]:
    """Return the items of a list; none of anything else."""
    return tuple(value) if isinstance(value, list | tuple) else ()
