"""Which assets a sync is for: those that are named, those of a profile, or all that its providers list."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tvquant.app.deliveries import Deliveries
from tvquant.core.calendars import CRYPTO
from tvquant.core.errors import DataError, TvquantError
from tvquant.lake.storage.tables import DAILY
from tvquant.market.orchestrator import DataPipelineOrchestrator
from tvquant.market.providers.contract import Offer
from tvquant.profiles import ResolvedProfile
from tvquant.profiles.files import DEFAULTS, PROFILES
from tvquant.symbology.kinds import kinds_of, structure

PACKAGED = (DEFAULTS, f"{PROFILES.preset} ")
"""How labels of layers begin that no user wrote."""
NAME_THEM = "name its assets by --symbol, or by universe.symbols of the profile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is wanted: symbols alone, or a profile's universe, of bars of one interval."""

    symbols: Sequence[str]
    profile: ResolvedProfile | None
    interval: str


async def universe(
    wanted: Wanted,
    pipelines: Sequence[DataPipelineOrchestrator],
    offers: Sequence[Offer | None],
    deliveries: Deliveries,
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the assets that are asked for; and what of the providers' listings is left aside -> why.

    Parameters
    ----------
    pipelines, offers : one per provider of the deliveries, in their order.

    Raises
    ------
    ProfileError : an asset that is named is delivered by no one.
    DataError : no provider serves anything that is asked for.
    """
    profile = None if wanted.profile is None else wanted.profile.profile
    named = set(wanted.symbols)
    if not named and profile is not None and profile.universe.symbols:
        named = {*profile.universe.symbols, *profile.benchmark.symbols}
    if named:
        names = tuple(sorted(named))
        deliveries.require(names)
        return names, {}
    listed, silent = await _listed(pipelines, offers, deliveries)
    found = set(listed)
    if profile is not None:
        kinds = set(profile.universe.kinds)
        found = {name for name in listed - set(profile.universe.exclude_symbols) if kinds_of(name) & kinds}
    aside = {name: why for name in sorted(found) if (why := _unfit(name, wanted.interval))}
    found -= set(aside)
    if silent and not found:
        raise DataError(f"provider {', '.join(silent)} lists nothing; {NAME_THEM}")
    aside |= dict.fromkeys(silent, f"it lists nothing; {NAME_THEM}")
    if wanted.profile is not None:
        benchmark, preset = _benchmark(wanted.profile, listed, deliveries)
        found |= benchmark
        aside |= preset
    if not found:
        raise DataError(f"provider {deliveries.name} serves nothing that is asked for; {NAME_THEM}")
    return tuple(sorted(found)), aside


async def _listed(
    pipelines: Sequence[DataPipelineOrchestrator], offers: Sequence[Offer | None], deliveries: Deliveries
) -> tuple[set[str], list[str]]:
    """Return what each provider lists of its own exchanges; and those that list nothing, by label."""
    listed: set[str] = set()
    silent = []
    for at, (pipeline, offer) in enumerate(zip(pipelines, offers, strict=True)):
        if offer is not None:
            names = set(offer.times)
        elif pipeline.provider.capabilities.instruments:
            names = set((await pipeline.listings.table())["symbol"].drop_nulls())
        else:
            silent.append(deliveries.labels[at])
            continue
        listed |= {name for name in names if deliveries.of(name) == at}
    return listed, silent


def _benchmark(
    resolved: ResolvedProfile, listed: Collection[str], deliveries: Deliveries
) -> tuple[set[str], dict[str, str]]:
    """Return the benchmark's assets that are asked for; one that only a preset names must be listed, else is aside."""
    symbols = set(resolved.profile.benchmark.symbols)
    if resolved.layers["benchmark.market"].startswith(PACKAGED):
        why = f"the preset's benchmark, which provider {deliveries.name} does not list"
        return symbols & set(listed), dict.fromkeys(sorted(symbols - set(listed)), why)
    deliveries.require(sorted(symbols))
    return symbols, {}


def _unfit(symbol: str, interval: str) -> str:
    """Return why a listed symbol cannot have bars of this interval here; empty where it can."""
    try:
        market = structure(symbol).calendar
    except TvquantError as error:
        return str(error)
    return f"its market has no {interval} bars" if market != CRYPTO and interval != DAILY else ""
