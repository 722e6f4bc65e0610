"""Wiring of a sync: which provider, which assets, how deep; and the pipeline that does it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from tvquant.app import consents
from tvquant.app.progress import Watcher
from tvquant.app.workspace import Workspace
from tvquant.core.calendars import CRYPTO
from tvquant.core.clock import Clock
from tvquant.core.errors import DataError, ProfileError, TvquantError
from tvquant.core.instants import instant
from tvquant.core.panel import Basis
from tvquant.lake.reading import sources
from tvquant.lake.storage.intervals import table_of
from tvquant.lake.storage.tables import DAILY
from tvquant.lake.writing.declared_basis import Doubt
from tvquant.lake.writing.imports import check_declared
from tvquant.market.account import Account, accounted
from tvquant.market.coverage import Grid
from tvquant.market.healing import HealReport, heal
from tvquant.market.metadata import Metadata, store_metadata
from tvquant.market.orchestrator import DataPipelineOrchestrator, Summary
from tvquant.market.plans import PlanBook, SyncPlan
from tvquant.market.preparation import Mode, depth
from tvquant.market.providers.catalogue import PROVIDERS
from tvquant.market.providers.contract import Offer, Provider
from tvquant.market.registry import RegistryManager
from tvquant.market.tasks import FORCED_DEPTH, DataTask
from tvquant.profiles import ResolvedProfile
from tvquant.profiles.files import DEFAULTS, PROFILES
from tvquant.profiles.messages import unknown
from tvquant.symbology.kinds import structure

SYNC, REPAIR = "sync", "repair"
PACKAGED = (DEFAULTS, f"{PROFILES.preset} ")
"""How labels of layers begin that no user wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where bars come from, and how prices that contradict their basis are met.

    Parameters
    ----------
    name : of a provider.
    options : what it is opened with, by name.
    basis : what its prices are adjusted for, of those that do not say; None where it was not declared.
    """

    name: str
    options: Mapping[str, object] = field(default_factory=dict)
    basis: Basis | None = None
    doubt: Doubt = Doubt.REFUSE

    def opened(self, home: Workspace, clock: Clock) -> Provider:
        """Return the provider, open.

        Raises
        ------
        ProfileError : there is none of that name, it does not take these options, or the user of this workspace has
            not agreed to its terms.
        """
        if self.name not in PROVIDERS:
            raise ProfileError(f"--provider: {unknown('provider', self.name, tuple(PROVIDERS))}")
        factory = PROVIDERS[self.name]
        consents.require(home, factory.name, factory.terms)
        return factory.opened(self.options, clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a sync is asked for.

    Parameters
    ----------
    command : what a person repeats to ask for the same.
    profile : whose universe; all that the provider has, when None and no symbols are named.
    symbols : these alone.
    bars : depth of each asset's history; that of the profile's walk-forward when None, 2000 without one.
    since : the first day of each asset's history, in place of a depth.
    forced : fetch stored bars again as well.
    mixing : simulated bars may be stored beside real ones of the same exchange.
    """

    command: str
    profile: ResolvedProfile | None = None
    symbols: Sequence[str] = ()
    interval: str = DAILY
    bars: int | None = None
    since: date | None = None
    forced: bool = False
    mixing: bool = False

    @property
    def depth(self) -> int:
        """Bars of each asset's history, where no first day is named."""
        return self.bars or (FORCED_DEPTH if self.profile is None else depth(self.profile.profile, Mode.FULL))

    def depth_of(self, symbol: str, now: datetime) -> int:
        """Bars of one asset's history: since the first day on its own calendar, at least the last one that closed."""
        if self.since is None:
            return self.depth
        try:
            grid = Grid.of(symbol, self.interval, now)
        except TvquantError:  # which the task meets as well, and says
            return self.depth
        return max(1, len(grid.bars(instant(datetime.combine(self.since, time(), UTC)), grid.closed())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What a sync did, the repair that followed it, what is known of ticks and lots, and what it all came to.

    Parameters
    ----------
    depth : bars of the asset that was asked for most; since : the first day that was asked for in place of a depth.
    aside : what was left out of the plan -> why.
    unfinished : plans of other syncs, which were interrupted.
    """

    summary: Summary
    healed: HealReport
    metadata: Metadata
    account: Account
    depth: int
    since: date | None
    aside: Mapping[str, str]
    unfinished: tuple[SyncPlan, ...]


def sync(workspace: Workspace, source: Source, asked: Asked, *, clock: Clock, watcher: Watcher) -> Synced:
    """Fetch what the lake lacks of what is asked for, and heal what is not good then.

    The plan is written down before anything is fetched; where the same was asked for before and interrupted, what was
    promised then is fetched as well.

    Raises
    ------
    ProfileError : what the prices are adjusted for is not known; real and simulated bars would be mixed.
    DataError : there is nothing to sync, the interval is not stored, or no asset could be fetched.
    """
    book = PlanBook(workspace.lake().folder)

    async def work(pipeline: DataPipelineOrchestrator) -> Synced:
        table_of(asked.interval)
        offer = await pipeline.provider.offer(asked.interval)
        names, aside = await _universe(pipeline, asked, offer)
        if asked.symbols and offer is not None:
            offer = offer.to(names)
        plan = SyncPlan(
            command=asked.command,
            provider=source.name,
            interval=asked.interval,
            symbols=names,
            begun=clock.now(),
        )
        _check_basis(pipeline.provider, source, names)
        sources.check(pipeline.lake.root, names, source=source.name, mixing=asked.mixing)
        plan = book.begin(plan)
        tasks = [
            DataTask(
                physical_symbol=name,
                interval=asked.interval,
                depth=asked.depth_of(name, clock.now()),
                force_sync=asked.forced,
                reason=SYNC,
            )
            for name in plan.symbols
        ]
        summary = await pipeline.run(tasks)
        if len(summary.failed) == len(summary.outcomes):
            book.end(plan)
            first = summary.failed[0]
            raise DataError(
                f"none of {len(summary.outcomes)} assets could be fetched from {source.name}: {first.error}"
            )
        sound = [one.task.physical_symbol for one in summary.outcomes if one.retryable]
        metadata = await store_metadata(pipeline.listings, pipeline.lake, sound, clock=clock)
        healed = await heal(pipeline, sound, interval=asked.interval)
        account = accounted(pipeline, tasks, offer)
        book.end(plan)
        return Synced(
            summary=summary,
            healed=healed,
            metadata=metadata,
            account=account,
            depth=max(task.depth for task in tasks),
            since=asked.since,
            aside=aside,
            unfinished=book.unfinished(),
        )

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
    """Return heal the named assets, each whatever its state; else those of the lake that asking could mend.

    Raises
    ------
    DataError : the lake is empty and no symbol was named.
    ProfileError : what the prices are adjusted for is not known; real and simulated bars would be mixed.
    """

    async def work(pipeline: DataPipelineOrchestrator) -> HealReport:
        names = symbols or pipeline.lake.symbols()
        _check_basis(pipeline.provider, source, names)
        sources.check(pipeline.lake.root, names, source=source.name, mixing=True)
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
        provider = source.opened(workspace, clock)
        try:
            pipeline = DataPipelineOrchestrator(
                provider=provider,
                lake=lake,
                registry=RegistryManager(lake.folder),
                clock=clock,
                progress=watcher.steps,
                doubt=source.doubt,
            )
            return await work(pipeline)
        finally:
            await provider.close()

    with workspace.writing():
        return asyncio.run(main())


def _check_basis(provider: Provider, source: Source, names: Sequence[str]) -> None:
    """Refuse prices of which no one says what they are adjusted for, as an import does."""
    if provider.capabilities.tells_basis:
        return
    found = {name: structure(name) for name in names if _kinds_of(name)}
    check_declared(found, source.basis)


async def _universe(
    pipeline: DataPipelineOrchestrator, asked: Asked, offer: Offer | None
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return symbols that are asked for; and what of the provider's listing is left aside -> why."""
    if asked.symbols:
        return tuple(sorted(set(asked.symbols))), {}
    profile = None if asked.profile is None else asked.profile.profile
    if profile is not None and profile.universe.symbols:
        return tuple(sorted({*profile.universe.symbols, *profile.benchmark.symbols})), {}
    listed = set((await pipeline.listings.table())["symbol"].drop_nulls()) if offer is None else set(offer.times)
    found = set(listed)
    if profile is not None:
        kinds = set(profile.universe.kinds)
        found = {name for name in listed - set(profile.universe.exclude_symbols) if _kinds_of(name) & kinds}
    aside = {name: why for name in sorted(found) if (why := _unfit(name, asked.interval))}
    found -= set(aside)
    if asked.profile is not None:
        wanted = set(asked.profile.profile.benchmark.symbols)
        if asked.profile.layers["benchmark.market"].startswith(PACKAGED):
            why = f"the preset's benchmark, which provider {pipeline.provider.name} does not list"
            aside |= dict.fromkeys(sorted(wanted - listed), why)
            wanted &= listed
        found |= wanted
    if not found:
        raise DataError(f"provider {pipeline.provider.name} serves nothing that is asked for; name symbols by --symbol")
    return tuple(sorted(found)), aside


def _unfit(symbol: str, interval: str) -> str:
    """Return why a listed symbol cannot have bars of this interval here; empty where it can."""
    try:
        market = structure(symbol).calendar
    except TvquantError as error:
        return str(error)
    return f"its market has no {interval} bars" if market != CRYPTO and interval != DAILY else ""


def _kinds_of(symbol: str) -> frozenset[object]:
    """Return kinds of a symbol; none where it is not understood, as providers list many things."""
    try:
        return structure(symbol).kinds
    except TvquantError:
        return frozenset()
