"""The only caller of providers: plans tasks, runs workers side by side, and says what became of each (R-DAT-21)."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tvquant.core.clock import Clock
from tvquant.core.errors import DiskError, TvquantError
from tvquant.core.instants import instant
from tvquant.core.instruments import Instant
from tvquant.lake import Lake
from tvquant.lake.quality.audit import arrivals
from tvquant.lake.storage.tables import DAILY
from tvquant.lake.writing.declared_basis import Doubt
from tvquant.market.asset_assessment import MINIMUM, Assessment, assess, repairable
from tvquant.market.coverage import STEPS, Coverage, Grid, coverage
from tvquant.market.limiter import Limiter
from tvquant.market.listings import Listings
from tvquant.market.merging import Merger
from tvquant.market.providers.contract import Provider, basis_of
from tvquant.market.registry import AssetRecord, AssetState, DataRegistry, RegistryManager
from tvquant.market.retry import Backoff
from tvquant.market.tasks import DataTask, merged
from tvquant.market.worker import DataWorker, Result, TaskOutcome

WORKERS = 32
"""Tasks under way at once. Most of them wait: for their turn at the provider, or for the common commit."""

DEFAULT_BACKOFF = Backoff()

type Progress = Callable[[int, int], None]
"""Is told how many of all tasks are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a sync did, outcomes in order of symbol and interval."""

    outcomes: tuple[TaskOutcome, ...]
    started: datetime
    ended: datetime

    @property
    def requests(self) -> int:
        """Requests for bars, failed ones included."""
        return sum(one.requests for one in self.outcomes)

    @property
    def inserted(self) -> int:
        """Bars new in the lake."""
        return sum(one.inserted for one in self.outcomes)

    @property
    def changed(self) -> int:
        """Stored bars whose values were changed."""
        return sum(one.changed for one in self.outcomes)

    @property
    def failed(self) -> tuple[TaskOutcome, ...]:
        """Tasks that did not end as they should."""
        return tuple(one for one in self.outcomes if one.result in (Result.FAILED, Result.CRASHED))

    def counted(self) -> dict[str, int]:
        """How many assets are in each state."""
        return dict(sorted(Counter(one.state.value for one in self.outcomes).items()))

    def of(self, symbol: str) -> TaskOutcome:
        """The outcome of a symbol's first task; KeyError where there is none."""
        found = next((one for one in self.outcomes if one.task.physical_symbol == symbol), None)
        if found is None:
            raise KeyError(symbol)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """One asset as it is: what the lake has, what the registry says, and what follows."""

    coverage: Coverage
    record: AssetRecord
    assessment: Assessment

    @property
    def repairable(self) -> bool:
        """Asking again could help."""
        return repairable(self.coverage, self.record, self.assessment)


class DataPipelineOrchestrator:
    """Runs tasks against one provider into one lake; limits, listings and commits are common to all of them.

    Parameters
    ----------
    minimum : valid bars an asset needs to be STABLE.
    seed : of the jitter between attempts.
    workers : tasks under way at once; open requests are bounded by the provider's own limit.
    progress : is told after each task.
    doubt : what becomes of prices that contradict the provider's basis.
    """

    def __init__(
        self,
        *,
        provider: Provider,
        lake: Lake,
        registry: RegistryManager,
        clock: Clock,
        backoff: Backoff = DEFAULT_BACKOFF,
        minimum: int = MINIMUM,
        seed: int = 0,
        workers: int = WORKERS,
        progress: Progress | None = None,
        doubt: Doubt = Doubt.REFUSE,
    ) -> None:
        self.provider = provider
        self.lake = lake
        self.registry = registry
        self.clock = clock
        self.minimum = minimum
        self.workers = workers
        self.progress = progress
        limiter = Limiter(provider.limits)
        self.listings = Listings(provider, limiter, backoff, seed=seed)
        self.worker = DataWorker(
            provider=provider,
            lake=lake,
            registry=registry,
            clock=clock,
            limiter=limiter,
            merger=Merger(
                lake, basis=lambda name: basis_of(provider, name), source=provider.name, clock=clock, doubt=doubt
            ),
            listings=self.listings,
            backoff=backoff,
            minimum=minimum,
            seed=seed,
        )

    async def run(self, tasks: Iterable[DataTask]) -> Summary:
        """Execute the tasks, one per asset and interval; a failure of one does not touch the others."""
        planned = merged(tasks)
        held = self.coverage(planned)
        return await self._all(planned, lambda task: self.worker.run(task, held[task.key]))

    async def mend(self, tasks: Iterable[DataTask]) -> Summary:
        """Ask for the holes of these assets alone."""
        planned = merged(tasks)
        held = self.coverage(planned)
        return await self._all(planned, lambda task: self.worker.mend(task, held[task.key]))

    def coverage(self, tasks: Collection[DataTask]) -> dict[tuple[str, str], Coverage]:
        """What the lake has of each task's asset."""
        found: dict[tuple[str, str], Coverage] = {}
        for interval in sorted({task.interval for task in tasks}):
            symbols = [task.physical_symbol for task in tasks if task.interval == interval]
            found |= {(name, interval): held for name, held in coverage(self.lake, symbols, interval).items()}
        return found

    async def _all(self, tasks: Sequence[DataTask], work: Callable[[DataTask], Awaitable[TaskOutcome]]) -> Summary:
        started = self.clock.now()
        self.registry.read()  # what is wrong with it is said once, before anything is fetched
        places, done = asyncio.Semaphore(self.workers), 0

        async def one(task: DataTask) -> TaskOutcome:
            nonlocal done
            async with places:
                try:
                    return await work(task)
                except DiskError:  # nothing that is under way could be stored
                    for other in running:
                        other.cancel()
                    raise
                finally:
                    done += 1
                    if self.progress:
                        self.progress(done, len(tasks))

        # Gathered with their exceptions: a bug met by one asset must not take the others down. It is named as one.
        running = [asyncio.ensure_future(one(task)) for task in tasks]
        found = await asyncio.gather(*running, return_exceptions=True)
        if full := next((told for told in found if isinstance(told, DiskError)), None):
            raise full
        outcomes = [
            self._crashed(task, told) if isinstance(told, BaseException) else told
            for task, told in zip(tasks, found, strict=True)
        ]
        return Summary(
            outcomes=tuple(sorted(self._rejudged(outcomes), key=lambda o: o.task.key)),
            started=started,
            ended=self.clock.now(),
        )

    def _crashed(self, task: DataTask, error: BaseException) -> TaskOutcome:
        """The outcome of a task that met a bug, or could not register; what was said to the whole process goes on."""
        if not isinstance(error, Exception | asyncio.CancelledError):
            raise error
        expected = isinstance(error, TvquantError)
        why = str(error) if expected else f"a bug: {type(error).__name__}: {' '.join(str(error).split())}"
        record = self.registry.update(
            *task.key, state=AssetState.DEGRADED, reason=why, error=why, last_attempt=self.clock.now()
        )
        held = self.coverage([task])[task.key]
        return TaskOutcome(task=task, result=Result.CRASHED, state=record.state, reason=why, error=why, coverage=held)

    def assessed(self, tasks: Collection[DataTask]) -> dict[tuple[str, str], Assessed]:
        """Each task's asset, judged as the lake stands.

        Freshness is judged now where the provider is live, else as the lake's health does it: by what an asset's bars
        came with, for imported history has no other present (R-DAT-09).
        """
        now, registry, held = self.clock.now(), self.registry.read(), self.coverage(tasks)
        live = self.provider.capabilities.live
        presents = {} if live else self._presents([key for key, covered in held.items() if covered.bars], registry)
        found: dict[tuple[str, str], Assessed] = {}
        for key, covered in held.items():
            record, as_of = registry.record(*key).of(self.provider.name), presents.get(key, instant(now))
            told = assess(covered, record, Grid.of(*key, now), as_of=as_of, minimum=self.minimum)
            found[key] = Assessed(coverage=covered, record=record, assessment=told)
        return found

    def _presents(self, keys: Collection[tuple[str, str]], registry: DataRegistry) -> dict[tuple[str, str], Instant]:
        """What "now" means for each asset and interval: up to when half of the living have come."""
        records = registry.records.values()
        over = {one.physical_symbol: instant(one.delisted) for one in records if one.delisted is not None}
        daily = [name for name, interval in keys if interval == DAILY]
        closes = arrivals(self.lake, daily, None, over).closes if daily else {}
        found = {(name, DAILY): close for name, close in closes.items()}
        for interval in {interval for _, interval in keys} - {DAILY}:
            ends = sorted(
                instant(one.last_bar) + STEPS[interval]
                for one in records
                if one.interval == interval and one.last_bar is not None and one.physical_symbol not in over
            )
            if ends:
                found |= {key: ends[len(ends) // 2] for key in keys if key[1] == interval}
        return found

    def _rejudged(self, outcomes: Sequence[TaskOutcome]) -> Sequence[TaskOutcome]:
        """States beside the assets that were synced together, known when all are done; a live provider's are right."""
        if self.provider.capabilities.live:
            return outcomes
        sound = [one.task for one in outcomes if one.coverage.bars and one.result is not Result.CRASHED]
        out, found = [], self.assessed(sound)
        for one in outcomes:
            told = found[one.task.key].assessment if one.task in sound else None
            if told and told.reason != one.reason:
                self.registry.update(*one.task.key, state=told.state, reason=told.reason)
                out.append(replace(one, state=told.state, reason=told.reason))
            else:
                out.append(one)
        return out
