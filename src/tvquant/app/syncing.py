"""Wiring of a sync: which provider, which assets, how deep; and the pipeline that does it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tvquant.app.watching import Watcher
from tvquant.app.workspace import Workspace
from tvquant.core.clock import Clock
from tvquant.core.errors import DataError, ProfileError, TvquantError
from tvquant.lake import Lake
from tvquant.lake.kinds import structure
from tvquant.market.healing import HealReport, heal
from tvquant.market.metadata import Metadata, store_metadata
from tvquant.market.orchestrator import DataPipelineOrchestrator, Summary
from tvquant.market.preparation import Mode, depth
from tvquant.market.providers.catalogue import PROVIDERS
from tvquant.market.providers.contract import Provider, Setting
from tvquant.market.registry import RegistryManager
from tvquant.market.tasks import FORCED_DEPTH, DataTask
from tvquant.profiles import Profile
from tvquant.profiles.wording import unknown

SYNC, REPAIR = "sync", "repair"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where bars come from: a provider by name, and what it is opened with."""

    name: str
    setting: Setting

    def opened(self) -> Provider:
        """The provider.

        Raises
        ------
        ProfileError : there is none of that name.
        """
        if self.name not in PROVIDERS:
            raise ProfileError(f"--provider: {unknown('provider', self.name, tuple(PROVIDERS))}")
        return PROVIDERS[self.name](self.setting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What a sync did, the repair that followed it, and what is known of ticks and lots."""

    summary: Summary
    healed: HealReport
    metadata: Metadata


def sync(
    workspace: Workspace,
    source: Source,
    *,
    clock: Clock,
    profile: Profile | None = None,
    symbols: Sequence[str] = (),
    interval: str = "1d",
    bars: int | None = None,
    forced: bool = False,
    watcher: Watcher,
) -> Synced:
    """Fetch what the lake lacks of the named symbols, else of the profile's universe, and heal what is not good then.

    Parameters
    ----------
    bars : depth of each asset's history; that of the profile's walk-forward when None, 2000 without one.
    forced : fetch all of them again.

    Raises
    ------
    DataError : there is nothing to sync, or no asset could be fetched.
    """

    async def work(pipeline: DataPipelineOrchestrator) -> Synced:
        names = symbols or await _universe(pipeline, profile)
        deep = bars or (FORCED_DEPTH if profile is None else depth(profile, Mode.FULL))
        tasks = [
            DataTask(physical_symbol=name, interval=interval, depth=deep, force_sync=forced, reason=SYNC)
            for name in names
        ]
        summary = await pipeline.run(tasks)
        if len(summary.failed) == len(summary.outcomes):
            first = summary.failed[0]
            raise DataError(
                f"none of {len(summary.outcomes)} assets could be fetched from {source.name}: {first.error}"
            )
        sound = [one.task.physical_symbol for one in summary.outcomes if one.retryable]
        metadata = await store_metadata(pipeline.listings, pipeline.lake, sound, clock=clock)
        healed = await heal(pipeline, sound, interval=interval)
        return Synced(summary=summary, healed=healed, metadata=metadata)

    return _piped(workspace, source, clock, watcher, work)


def repair(
    workspace: Workspace,
    source: Source,
    *,
    clock: Clock,
    symbols: Sequence[str] = (),
    interval: str = "1d",
    watcher: Watcher,
) -> HealReport:
    """Heal the named assets, each whatever its state; else those of the lake that asking could mend.

    Raises
    ------
    DataError : the lake is empty and no symbol was named.
    """

    async def work(pipeline: DataPipelineOrchestrator) -> HealReport:
        names = symbols or pipeline.lake.symbols()
        return await heal(pipeline, names, interval=interval, forced=bool(symbols), reason=REPAIR)

    return _piped(workspace, source, clock, watcher, work)


def _piped[T](
    workspace: Workspace,
    source: Source,
    clock: Clock,
    watcher: Watcher,
    work: Callable[[DataPipelineOrchestrator], Awaitable[T]],
) -> T:
    """Run the work with a pipeline from the source into the workspace's lake; no one else writes meanwhile."""
    lake = workspace.lake()

    async def main() -> T:
        provider = source.opened()
        try:
            pipeline = DataPipelineOrchestrator(
                provider=provider,
                lake=lake,
                registry=RegistryManager(lake.folder),
                clock=clock,
                seed=source.setting.seed,
                progress=watcher.steps,
            )
            return await work(pipeline)
        finally:
            await provider.close()

    with workspace.writing():
        return asyncio.run(main())


async def _universe(pipeline: DataPipelineOrchestrator, profile: Profile | None) -> tuple[str, ...]:
    """Symbols of the profile's universe and benchmark; without one, what lake and provider share, else all it has."""
    if profile is not None and profile.universe.symbols:
        return tuple(sorted({*profile.universe.symbols, *profile.benchmark.market}))
    listed = sorted((await pipeline.listings.table())["symbol"].unique().drop_nulls())
    if profile is None:
        held = set(_held(pipeline.lake))
        found = [name for name in listed if name in held] or listed
    else:
        kinds, excluded = set(profile.universe.kinds), set(profile.universe.exclude_symbols)
        found = [name for name in listed if name not in excluded and _kinds_of(name) & kinds]
        found += profile.benchmark.market
    if not found:
        raise DataError(f"provider {pipeline.provider.name} serves nothing that is asked for; name symbols by --symbol")
    return tuple(sorted(set(found)))


def _held(lake: Lake) -> tuple[str, ...]:
    from tvquant.lake import tables

    return () if tables.version(lake.root, "bars") is None else lake.symbols()


def _kinds_of(symbol: str) -> frozenset[object]:
    """Kinds of a symbol; none where it is not understood, as providers list many things."""
    try:
        return structure(symbol).kinds
    except TvquantError:
        return frozenset()
