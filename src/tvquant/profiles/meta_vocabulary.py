"""What a meta-profile may name: the words of profiles, as far as they are of use where sleeves are weighed."""

from collections.abc import Collection, Iterator, Mapping

from tvquant.core.demands import demands
from tvquant.profiles.messages import unknown
from tvquant.profiles.meta import MetaProfile
from tvquant.profiles.vocabulary import Vocabulary, names_in, unplayed

AGREED = ("windows", "execution", "costs")
"""Sections of profiles that sleeves must have alike."""


def named(words: Vocabulary) -> Mapping[str, tuple[str, Collection[str]]]:
    """Return key that names members of a family -> what they are called, and their names."""
    suited = words.risk_profiles - words.unsuited.keys()
    return {
        "streams.engine": ("engine", words.engines),
        "streams.simulator": ("simulator", words.simulators),
        "allocation.engine": ("engine", words.engines),
        "allocation.profiles": ("risk profile", suited),
        "allocation.fallbacks": ("risk profile", suited),
        "allocation.covariance.estimator": ("estimator", words.covariances),
        "allocation.means.estimator": ("estimator", words.means),
        "execution.simulators": ("simulator", words.simulators),
    }


def complaints(words: Vocabulary, values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield dotted key and text of each name that is unknown, not installed, or of no use for sleeves.

    `values` are the merged values of the layers by dotted key; what is not a name is the schema's business.
    """
    for key, (noun, known) in named(words).items():
        for name in names_in(values.get(key)):
            if extra := words.missing.get(name):
                yield key, f"{noun} {name!r} is not installed; install tvquant[{extra}]"
            elif noun == "risk profile" and (why := words.unsuited.get(name)):
                yield key, f"{name} cannot weigh sleeves: {why}; name another risk profile"
            elif name not in known:
                yield key, unknown(noun, name, known)
    yield from _unsolved(words, values)
    yield from words.untold(values)
    for key in names_in(values.get("gates.exceptions")):
        if key not in words.keys.leaves:
            yield "gates.exceptions", f"{key}: {words.keys.unknown(key)}"
        elif not must_agree(key):
            yield "gates.exceptions", f"{key}: sleeves may differ in it anyway; leave it out"
    gross = {"allocation.limits.gross": values.get("limits.gross")}
    for key, text in unplayed(words, {**values, **gross}):
        yield "limits.gross" if key in gross else key, text


def must_agree(key: str) -> bool:
    """Return whether sleeves must have a key of profiles alike, unless `gates.exceptions` names it (R-META-15)."""
    return key == "selection.model" or (key.split(".")[0] in AGREED and key != "execution.simulators")


def _unsolved(words: Vocabulary, values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield risk profiles that the engine does not solve."""
    for engine in names_in(values.get("allocation.engine")):
        solved = words.engines.get(engine)
        for key in ("allocation.profiles", "allocation.fallbacks"):
            for name in names_in(values.get(key)):
                if solved is not None and name in words.risk_profiles - words.unsuited.keys() - solved:
                    yield key, f"engine {engine} does not solve {name}; name another engine or risk profile"


def refused_books(words: Vocabulary, meta: MetaProfile, simulator: str) -> tuple[str, ...]:
    """Return the capabilities that a meta-profile asks of a simulator, and that it refuses."""
    values = {
        **{f"execution.{name}": value for name, value in dict(meta.execution).items()},
        **{f"costs.{name}": value for name, value in dict(meta.costs).items()},
        "allocation.limits.gross": meta.limits.gross,
    }
    refused = words.refusals.get(simulator, frozenset())
    return tuple(sorted({what for _, what in demands(values)} & refused))


def unfit_options(words: Vocabulary, meta: MetaProfile) -> Iterator[tuple[str, str]]:
    """Yield key and text of options that do not fit the meta-profile that names their members."""
    taken = {meta.allocation.engine, *meta.weighing, *meta.execution.simulators, meta.allocation.covariance.estimator}
    sections = {"allocation": meta.allocation, "allocation.covariance": meta.allocation.covariance}
    for section, every in words.meta_options.items():
        held = sections.get(section, meta.execution)
        for declared in every:
            if not declared.under or declared.under in taken:
                place = f"{section}.{declared.under}" if declared.under else section
                yield from ((f"{place}.{key}", text) for key, text in held.options(declared).complaints(meta))
