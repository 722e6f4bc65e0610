"""What a meta-profile declares, as the values that decide and settle: specs, mixes, rules of the union, books.

1. Each risk profile of the meta-profile is a path `meta/ENGINE/RISK`, the first of them in every book; the headline is
   in the first book.
2. Each mix is a path `mix/NAME`, on the dates and the streams of the headline; it stands in the first book. The mix of
   equal weights also stands in the house's own book, so that any two meta-portfolios have one in common.
"""

from collections.abc import Sequence

from tvquant.allocation import ENGINES, RISK_PROFILES, risk_profiles_of
from tvquant.core.demands import demands
from tvquant.core.errors import ProfileError
from tvquant.profiles.meta import MetaProfile
from tvquant.profiles.sections.sleeves import EQUAL
from tvquant.simulation import SIMULATORS, refusals_of
from tvquant.tournament.cells import Book, estimates_of
from tvquant.tournament.sleeves.specs import META, MetaSpec, Mix, UnionRules

HOUSE = "custom"
"""The simulator that plays whatever is asked."""


def spec_of(profile: MetaProfile, risk_profile: str) -> MetaSpec:
    """Return how sleeves are weighed by one of the profile's risk profiles."""
    allocation = profile.allocation
    known = risk_profiles_of(ENGINES[allocation.engine])
    fallbacks = tuple(name for name in allocation.fallbacks if name in known and name != risk_profile)
    return MetaSpec(
        engine=allocation.engine,
        risk_profile=risk_profile,
        fallbacks=fallbacks,
        bounds=allocation.bounds,
        train=profile.windows.train,
        step=profile.windows.rule,
        estimates=estimates_of(allocation),
        options=allocation.options_of(
            ENGINES[allocation.engine], *(RISK_PROFILES[name] for name in (risk_profile, *fallbacks))
        ),
    )


def rules_of(profile: MetaProfile) -> UnionRules:
    """Return what the netted book keeps."""
    found = profile.clusters
    return UnionRules(
        limits=profile.limits.limits(),
        distance=found.distance,
        linkage=found.linkage,
        most=found.max,
        lookbacks=found.lookbacks,
    )


def mixes_of(profile: MetaProfile, names: Sequence[str]) -> tuple[Mix, ...]:
    """Return the mix of equal weights of the sleeves that are there, then those of the profile.

    The weight of a sleeve that is not there is cash.
    """
    even = Mix(name=EQUAL, weights=tuple((name, 1.0 / len(names)) for name in names))
    own = (
        Mix(name=mix, weights=tuple((name, weights[name]) for name in names if name in weights))
        for mix, weights in profile.allocation.mixes.items()
    )
    return (even, *own)


def books_of(profile: MetaProfile) -> tuple[Book, ...]:
    """Return one book per simulator that plays what the profile asks for; the first is the headline's.

    A simulator that refuses some of it has none, which is a notice of the profile.

    Raises
    ------
    ProfileError : the first one refuses it.
    """
    execution, costs = profile.execution.execution(), profile.costs.cost_model()
    asked = {capability for _, capability in demands(_values(profile))}
    first = profile.execution.simulators[0]
    if refused := sorted(asked & refusals_of(SIMULATORS[first])):
        raise ProfileError(
            f"execution.simulators: {first}, which keeps the headline's book, refuses {', '.join(refused)}; name "
            "another one first"
        )
    return tuple(
        Book(
            key=name, simulator=name, costs=costs, execution=execution,
            options=profile.execution.options_of(SIMULATORS[name]),
        )
        for name in profile.execution.simulators
        if not asked & refusals_of(SIMULATORS[name])
    )  # fmt: skip


def house_book(profile: MetaProfile, books: Sequence[Book]) -> Book:
    """Return the book of the house's own simulator, which may be among those of the profile."""
    found = next((one for one in books if one.simulator == HOUSE), None)
    if found is not None:
        return found
    return Book(
        key=HOUSE, simulator=HOUSE, costs=profile.costs.cost_model(), execution=profile.execution.execution(),
        options=profile.execution.options_of(SIMULATORS[HOUSE]),
    )  # fmt: skip


def _values(profile: MetaProfile) -> dict[str, object]:
    """Return by dotted key of a profile what may be asked of a simulator."""
    sections = {"execution": profile.execution, "costs": profile.costs}
    found = {f"{name}.{key}": value for name, section in sections.items() for key, value in dict(section).items()}
    return {**found, "allocation.limits.gross": profile.limits.gross}


def headline_of(profile: MetaProfile) -> str:
    """Return the key of the headline: the first risk profile in the first book."""
    return f"{META}/{profile.allocation.engine}/{profile.allocation.profiles[0]}/{profile.execution.simulators[0]}"
