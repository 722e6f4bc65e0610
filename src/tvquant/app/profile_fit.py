"""A profile against the lake: the symbols that a run pins, and what of the profile the lake cannot give.

What a preset asks for and the lake lacks is left out with a notice. What the user wrote (a file, the environment, an
argument) is refused: leaving it out would be another profile than the one asked for.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date

from tvquant.allocation.risk.catalogue import FIXED
from tvquant.allocation.risk.fixed import FixedWeights
from tvquant.app.rate_keys import rate_keys
from tvquant.core.errors import DataError
from tvquant.core.quoting import several
from tvquant.lake import Contents
from tvquant.profiles import Profile, ResolvedProfile
from tvquant.profiles.sections.universe import UniverseSection
from tvquant.selection.models.baseline import Baseline
from tvquant.selection.models.every_name import EveryName
from tvquant.simulation.borrow_fee import BORROWED
from tvquant.universe.membership import absent

MARKET = "benchmark.market"
WEIGHTS = "allocation.fixed.weights"
FLOOR = "selection.min_winners"
LOANS = "costs.borrow_rates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A profile as the lake can serve it, its notices saying what was left out, and the symbols to pin.

    Those `beside` are rates, and no columns of the panel.
    """

    resolved: ResolvedProfile
    symbols: tuple[str, ...]
    beside: tuple[str, ...] = ()


def fitted(contents: Contents, resolved: ResolvedProfile) -> Fitted:
    """Return the profile as a lake of these contents can serve it, and the symbols of its universe and benchmark.

    Raises
    ------
    DataError : the lake holds no symbol of the universe, or lacks one that the user named.
    """
    profile, held = resolved.profile, frozenset(contents.names())
    universe = profile.universe
    # Excluded kinds are pinned too: decisions count what they leave out.
    wanted = _named(universe, contents.names(kinds=frozenset(universe.kinds)))
    if not wanted:
        raise DataError(
            f"the lake holds no symbol that profile {profile.name!r} asks for (kinds: {_kinds_of(universe)}); "
            "import some with `tvquant data import FILE`"
        )
    missing = [s for s in universe.symbols or () if s not in held]
    if missing:
        raise DataError(f"universe.symbols names {missing[0]}, which the lake does not hold; import it or drop it")
    for key, what, symbol in profile.allocation.limits.named:
        if symbol not in wanted:
            why = f"is of none of the kinds {_kinds_of(universe)}" if symbol in held else "the lake does not hold"
            raise DataError(f"{key}: {what}names {symbol}, which {why}; import it, or drop it there")
    _check_loans(contents, profile, wanted | set(profile.benchmark.symbols))
    unheld = [s for s in profile.benchmark.symbols if s not in held]
    if unheld and (neutral := profile.neutral):
        raise DataError(
            f"{MARKET} names {unheld[0]}, which the lake does not hold, and {neutral[0]} keeps its beta to it near 0; "
            f"import it, set {MARKET} to symbols that are there, or leave {neutral[0]} out"
        )
    if unheld:
        resolved = _without_market(resolved, unheld[0])
    names = _named(universe, contents.names(kinds=frozenset(universe.kinds), exclude_kinds=universe.exclude_kinds))
    notices = (
        *resolved.notices,
        *scarce(resolved.profile, len(names)),
        *_unlisted(contents, universe, wanted, profile.data.end),
        *_declared(contents, resolved.profile, names),
    )
    return Fitted(
        resolved=replace(resolved, notices=tuple(dict.fromkeys(notices))),
        symbols=tuple(sorted(wanted | set(resolved.profile.benchmark.symbols))),
        beside=_rates(profile, wanted, held),
    )


def _rates(profile: Profile, wanted: set[str], held: frozenset[str]) -> tuple[str, ...]:
    """Return the symbols of the rates that the profile names.

    Raises
    ------
    DataError : the lake does not hold it, or the profile may hold it or compares with it: its closes are no prices.
    """
    found = rate_keys(profile)
    for key, series in found.items():
        if series.symbol not in held:
            raise DataError(f"{key} names {series.symbol}, which the lake does not hold; import it, or set a number")
        if series.symbol in wanted | set(profile.benchmark.symbols):
            raise DataError(
                f"{key} names {series.symbol}, which the universe or {MARKET} names too; a rate is no price: take it "
                "out there (universe.exclude_symbols)"
            )
    return tuple(dict.fromkeys(series.symbol for series in found.values()))


def _check_loans(contents: Contents, profile: Profile, traded: set[str]) -> None:
    """Refuse a borrow rate of what is not traded, or not borrowed."""
    lent = contents.names(kinds=BORROWED)
    for symbol, _ in profile.costs.borrow_rates:
        if symbol not in traded:
            raise DataError(
                f"{LOANS} names {symbol}, which is not in the universe of this lake; import it, or drop it there"
            )
        if symbol not in lent:
            raise DataError(f"{LOANS} names {symbol}, a short of which is not borrowed; drop it there")


def _kinds_of(universe: UniverseSection) -> str:
    """Return the kinds that a universe asks for, on one line."""
    return ", ".join(kind.value for kind in universe.kinds)


def scarce(profile: Profile, names: int) -> tuple[str, ...]:
    """Return a notice where so few names cannot have as many winners as the scarcity protocol fills up to."""
    chosen, scanners = profile.selection, profile.universe.scanners
    atoms = names * max(len({(scanner.logic, scanner.direction) for scanner in scanners}), 1)
    if chosen.model in (Baseline().name, EveryName().name) or chosen.min_winners <= atoms:
        return ()
    return (
        f"{FLOOR} asks for {chosen.min_winners} of a universe of {names} names: every decision is sparse, and a model "
        f"that relaxes its soft vetoes goes to the last stage; set it to {names} or less, or widen the universe",
    )


def _declared(contents: Contents, profile: Profile, names: Collection[str]) -> Iterator[str]:
    """Yield notices on declared weights that will not be held, or not always.

    Raises
    ------
    DataError : none of them ever can be.
    """
    if FIXED not in (*profile.allocation.profiles, *profile.allocation.fallbacks):
        return
    own = profile.allocation.options(FixedWeights)
    never = [symbol for symbol in own.symbols if symbol not in names]
    if len(never) == len(own.symbols):
        raise DataError(f"{WEIGHTS}: none of {several(never)} is in the universe of this lake; import them")
    if own.first and own.first > (last := str(contents.span()[1])[:10]):
        raise DataError(f"{WEIGHTS}: its first date is {own.first}, and the last bar of the lake is of {last}")
    if never:
        yield f"{WEIGHTS} names {several(never)}, not in this lake's universe: that share is cash at every decision"
    limits, total = profile.allocation.limits, max(sum(abs(w) for _, w in book) for _, book in own.weights)
    if limits.cluster < total:
        yield (
            f"allocation.limits.cluster is {limits.cluster:g} and {WEIGHTS} holds {total:g}: more than that in one "
            "cluster is cut; set it to 1.0 to hold the weights as they are"
        )
    if profile.selection.model not in (Baseline().name, EveryName().name):
        yield (
            f"selection.model {profile.selection.model} chooses among the names: the share of those it leaves out is "
            f"cash; selection.model: {EveryName().name} holds every healthy name"
        )


def _unlisted(contents: Contents, universe: UniverseSection, symbols: set[str], end: date | None) -> Iterator[str]:
    """Yield a notice for each list of members with names that the lake lacks: a list alone does not bring them."""
    lists = {scanner.members.list: scanner.members for scanner in universe.scanners if scanner.members is not None}
    if not lists:
        return
    first, last = (moment.astype("datetime64[D]").item() for moment in contents.span())
    last = min(last, end or last)
    for name, members in lists.items():
        total, gone = absent(members, symbols, first, last)
        if gone:
            yield (
                f"of {total} names that the list {name} has from {first} to {last}, the lake lacks {len(gone)} "
                f"({several(gone)}): results are of the others alone; import them, those that left included"
            )


def _named(universe: UniverseSection, symbols: tuple[str, ...]) -> set[str]:
    """Return those of the symbols that the universe names."""
    asked = set(symbols) if universe.symbols is None else set(symbols) & set(universe.symbols)
    return asked - set(universe.exclude_symbols)


def _without_market(resolved: ResolvedProfile, absent: str) -> ResolvedProfile:
    """Return the profile without the baseline `market`, where a preset named it.

    Half of a benchmark would be another one.
    """
    if resolved.is_own(MARKET):
        raise DataError(
            f"{MARKET} names {absent}, which the lake does not hold; import it, or set "
            f"{MARKET} to symbols that are there (or to [])"
        )
    label = resolved.layers[MARKET]
    profile = resolved.profile
    notice = (
        f"{MARKET} of {label} names {absent}, which the lake does not hold: results are without the baseline `market`; "
        f"import {absent}, or set {MARKET} to symbols that are there"
    )
    bare = profile.model_copy(update={"benchmark": profile.benchmark.model_copy(update={"market": ()})})
    return replace(
        resolved,
        profile=bare,
        layers={**resolved.layers, MARKET: f"{label}, left out: the lake lacks {absent}"},
        notices=(*resolved.notices, notice),
    )
