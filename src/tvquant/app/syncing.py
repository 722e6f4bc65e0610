"""Wiring of a sync: which assets, how deep; and the pipeline that does it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from tvquant.app.deliveries import EVERYTHING, Deliveries, Source
from tvquant.app.progress import Watcher
from tvquant.app.sync_universe import Wanted, universe
from tvquant.app.workspace import Workspace
from tvquant.core.clock import Clock
from tvquant.core.errors import DataError, TvquantError
from tvquant.core.instants import instant
from tvquant.lake.reading import sources
from tvquant.lake.storage.intervals import table_of
from tvquant.lake.storage.tables import DAILY
from tvquant.lake.writing.imports import check_declared
from tvquant.market import joining
from tvquant.market.account import Account, accounted
from tvquant.market.coverage import Grid
from tvquant.market.healing import HealReport, heal
from tvquant.market.metadata import Metadata, store_metadata
from tvquant.market.orchestrator import DataPipelineOrchestrator, Summary
from tvquant.market.plans import PlanBook, SyncPlan
from tvquant.market.preparation import Mode, depth
from tvquant.market.providers.contract import Provider
from tvquant.market.registry import RegistryManager
from tvquant.market.tasks import FORCED_DEPTH, DataTask
from tvquant.market.worker import TaskOutcome
from tvquant.profiles import ResolvedProfile
from tvquant.symbology.kinds import kinds_of, structure

SYNC, REPAIR = "sync", "repair"
LOST = "an earlier sync that was interrupted had promised it, and data.providers names no one for its exchange now"


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
    """

    command: str
    profile: ResolvedProfile | None = None
    symbols: Sequence[str] = ()
    interval: str = DAILY
    bars: int | None = None
    since: date | None = None
    forced: bool = False

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
    metadata : provider -> what is known of its assets.
    shares : provider -> how many assets were asked of it.
    depth : bars of the asset that was asked for most; since : the first day that was asked for in place of a depth.
    aside : what was left out of the plan -> why.
    unfinished : plans of other syncs, which were interrupted.
    """

    summary: Summary
    healed: HealReport
    metadata: Mapping[str, Metadata]
    shares: Mapping[str, int]
    account: Account
    depth: int
    since: date | None
    aside: Mapping[str, str]
    unfinished: tuple[SyncPlan, ...]

    @property
    def provider(self) -> str:
        """Who delivered, in a line."""
        return ", ".join(self.shares)


def sync(workspace: Workspace, source: Source | Deliveries, asked: Asked, *, clock: Clock, watcher: Watcher) -> Synced:
    """Fetch what the lake lacks of what is asked for, and heal what is not good then; one provider after the other.

    The plan is written down before anything is fetched; where the same was asked for before and interrupted, what was
    promised then is fetched as well.

    Raises
    ------
    ProfileError : what the prices are adjusted for is not known; real and simulated bars would be mixed; an asset is
        named whose exchange no one delivers.
    DataError : there is nothing to sync, the interval is not stored, or no asset could be fetched.
    """
    book, who = PlanBook(workspace.lake().folder), _together(source)
    wanted = Wanted(symbols=asked.symbols, profile=asked.profile, interval=asked.interval)

    async def work(pipelines: Sequence[DataPipelineOrchestrator]) -> Synced:
        table_of(asked.interval)
        offers = [await one.provider.offer(asked.interval) for one in pipelines]
        names, aside = await universe(wanted, pipelines, offers, who)
        if asked.symbols:
            offers = [None if offer is None else offer.to(names) for offer in offers]
        plan = SyncPlan(
            command=asked.command, provider=who.name, interval=asked.interval, symbols=names, begun=clock.now()
        )
        for pipeline, one, own in zip(pipelines, who.every, who.shared(names), strict=True):
            _check_basis(pipeline.provider, one, own)
            sources.check(pipeline.lake.root, own, source=one.name, mixing=one.mixing)
        plan = book.begin(plan)
        aside |= {name: LOST for name in plan.symbols if who.of(name) is None}
        shares = who.shared(plan.symbols)
        tasks = [[_task(asked, name, clock.now()) for name in own] for own in shares]
        summaries = [await pipeline.run(own) for pipeline, own in zip(pipelines, tasks, strict=True)]
        summary = joining.summary_of(summaries)
        if len(summary.failed) == len(summary.outcomes):
            book.end(plan)
            raise DataError(_nothing(summary.failed, who.name))
        metadata, healed, accounts = {}, [], []
        for label, pipeline, offer, planned, part in zip(who.labels, pipelines, offers, tasks, summaries, strict=True):
            sound = [one.task.physical_symbol for one in part.outcomes if one.retryable]
            metadata[label] = await store_metadata(pipeline.listings, pipeline.lake, sound, clock=clock)
            healed.append(await heal(pipeline, sound, interval=asked.interval))
            accounts.append(accounted(pipeline, planned, offer))
        book.end(plan)
        return Synced(
            summary=summary,
            healed=joining.heal_report_of(healed),
            metadata=metadata,
            shares={label: len(own) for label, own in zip(who.labels, shares, strict=True)},
            account=joining.account_of(accounts),
            depth=max(task.depth for planned in tasks for task in planned),
            since=asked.since,
            aside=aside,
            unfinished=book.unfinished(),
        )

    return _piped(workspace, who, clock, watcher, work)


def _together(source: Source | Deliveries) -> Deliveries:
    return Deliveries(by_key={EVERYTHING: source}) if isinstance(source, Source) else source


def _nothing(failed: Sequence[TaskOutcome], whose: str) -> str:
    """Return why nothing came at all; and who says more, where asking again may help."""
    more = "; `tvquant doctor --online` says how the sources are" if any(one.retryable for one in failed) else ""
    return f"none of {len(failed)} assets could be fetched from {whose}: {failed[0].error}{more}"


def _task(asked: Asked, name: str, now: datetime) -> DataTask:
    return DataTask(
        physical_symbol=name,
        interval=asked.interval,
        depth=asked.depth_of(name, now),
        force_sync=asked.forced,
        reason=SYNC,
    )


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

    async def work(pipelines: Sequence[DataPipelineOrchestrator]) -> HealReport:
        (pipeline,) = pipelines
        names = symbols or pipeline.lake.symbols()
        _check_basis(pipeline.provider, source, names)
        sources.check(pipeline.lake.root, names, source=source.name, mixing=True)
        return await heal(pipeline, names, interval=interval, forced=bool(symbols), reason=REPAIR)

    return _piped(workspace, _together(source), clock, watcher, work)


def _piped[T](
    workspace: Workspace,
    who: Deliveries,
    clock: Clock,
    watcher: Watcher,
    work: Callable[[Sequence[DataPipelineOrchestrator]], Awaitable[T]],
) -> T:
    """Run the work with a pipeline from each source into the workspace's lake; no one else writes meanwhile.

    All of them are open before any is asked, so that one that cannot be opened is said before anything is fetched.
    """
    lake = workspace.lake()
    registry = RegistryManager(lake.folder)

    def pipeline(source: Source, provider: Provider) -> DataPipelineOrchestrator:
        return DataPipelineOrchestrator(
            provider=provider,
            lake=lake,
            registry=registry,
            clock=clock,
            progress=watcher.steps,
            doubt=source.doubt,
        )

    async def main() -> T:
        async with AsyncExitStack() as closing:
            pipelines = []
            for source in who.every:
                provider = source.opened(workspace, clock)
                closing.push_async_callback(provider.close)
                pipelines.append(pipeline(source, provider))
            return await work(pipelines)

    with workspace.writing():
        return asyncio.run(main())


def _check_basis(provider: Provider, source: Source, names: Sequence[str]) -> None:
    """Refuse prices of which no one says what they are adjusted for, as an import does."""
    if provider.capabilities.tells_basis:
        return
    found = {name: structure(name) for name in names if kinds_of(name)}
    check_declared(found, source.basis)
