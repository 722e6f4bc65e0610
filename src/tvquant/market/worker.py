"""One task from request to registry: fetch, validate, merge, register (R-DAT-21)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

import numpy as np
import polars as pl

from tvquant.core.clock import Clock
from tvquant.core.errors import DataError, DiskError, ProfileError, TvquantError
from tvquant.core.instants import instant, moment
from tvquant.core.instruments import Instant
from tvquant.core.panel import Basis
from tvquant.lake import Lake
from tvquant.lake.reading.funding import last_settlement, pays
from tvquant.lake.storage.tables import DAILY
from tvquant.lake.writing.actions import store_actions
from tvquant.lake.writing.funding import sound
from tvquant.market.asset_assessment import MINIMUM, TO_THE_DAY, assess, open_holes, wanted
from tvquant.market.coverage import Coverage, Grid, Hole, coverage, stored_rows
from tvquant.market.fetching import NO_ROWS, Fetched, Fetcher
from tvquant.market.limiter import Limiter
from tvquant.market.listings import Listings
from tvquant.market.merging import NO_FUNDING, Merged, Merger
from tvquant.market.providers.contract import Provider, basis_of
from tvquant.market.registry import AssetRecord, AssetState, RegistryManager, Span
from tvquant.market.retry import Backoff
from tvquant.market.scales import OutOfStep, in_step, touching
from tvquant.market.tasks import DataTask
from tvquant.symbology.kinds import SHARES, structure

NEXT_SETTLEMENT = timedelta(milliseconds=1)
"""Behind the last stored settlement."""
RECENT = timedelta(days=90)
"""An end that is no older is asked about again: some return."""
FILLS = 50
"""Holes that one targeted repair asks for, the newest ones."""


class Result(StrEnum):
    """What became of a task."""

    UNTOUCHED = "untouched"
    """The lake had all of it: no provider was asked."""
    FETCHED = "fetched"
    FAILED = "failed"
    """The provider did not deliver, or the lake refused; the lake is as it was."""
    CRASHED = "crashed"
    """A bug; the other tasks went on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOutcome:
    """What became of one task.

    Parameters
    ----------
    state, reason : of the asset's data afterwards.
    requests : sent to the provider, those that failed included.
    inserted, changed : bars new in the lake, and stored ones whose values were changed (journalled in `repairs`).
    rejected : reason -> rows of answers that were dropped.
    notes : oddities worth a look.
    error : why it failed; `retryable` : asking again may help.
    coverage : of the asset afterwards.
    """

    task: DataTask
    result: Result
    state: AssetState
    reason: str = ""
    requests: int = 0
    inserted: int = 0
    changed: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    error: str | None = None
    retryable: bool = True
    coverage: Coverage = field(default_factory=Coverage)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DataWorker:
    """Executes tasks against one provider; holds nothing between them.

    Parameters
    ----------
    minimum : valid bars an asset needs.
    seed : of the jitter between attempts.
    """

    provider: Provider
    lake: Lake
    registry: RegistryManager
    clock: Clock
    limiter: Limiter
    merger: Merger
    listings: Listings
    backoff: Backoff = field(default_factory=Backoff)
    minimum: int = MINIMUM
    seed: int = 0

    async def run(self, task: DataTask, covered: Coverage | None = None) -> TaskOutcome:
        """Bring the asset up to the task: fetch what is missing (all, when forced), merge and register it.

        Expected failures become an outcome; `covered` saves reading what the caller knows already.
        """
        if covered is None:
            covered = coverage(self.lake, [task.physical_symbol], task.interval)[task.physical_symbol]
        with self.merger.expecting(task):
            return await self._work(task, covered, None)

    async def mend(self, task: DataTask, covered: Coverage) -> TaskOutcome:
        """Ask for the asset's holes alone, the newest first; those that bring no new bars are registered as such."""
        record = self._record(task)
        with self.merger.expecting(task):
            return await self._work(task, covered, open_holes(covered, record)[:FILLS])

    async def _work(self, task: DataTask, covered: Coverage, holes: Sequence[Hole] | None) -> TaskOutcome:
        symbol = task.physical_symbol
        record = self._record(task)
        seed = f"{self.seed}/{symbol}/{task.interval}/{task.attempt}"
        fetcher = Fetcher(self.provider, self.limiter, self.backoff, seed=seed)
        try:
            grid = Grid.of(symbol, task.interval, self.clock.now())
            live = self.provider.capabilities.live
            if self._in_doubt(task, record, grid):
                record = replace(record, delisted=await self.listings.ended(symbol, gone=record.delisted))
            spans = wanted(task, covered, record, grid, live=live) if holes is None else holes
            spans = touching(spans, grid) if basis_of(self.provider, symbol) is not Basis.RAW else spans
            if not spans:
                return self._untouched(task, covered, record, grid)
            stored = stored_rows(self.lake, symbol, task.interval) if covered.bars else NO_ROWS
            fetched = await fetcher.fetch(symbol, grid, spans, stored)
            fetched = await in_step(fetcher, task, grid, covered, stored, fetched)
            notes = await self._actions(task, fetcher, covered, fetched.rows)
            paid, why = await self._funding(task, fetcher)
            fetched = replace(fetched, notes=(*fetched.notes, *notes, *why))
            merged = await self.merger.merge(task, fetched.rows, paid)
        except DiskError:
            raise
        except TvquantError as error:
            return self._failed(task, covered, fetcher.requests, error)
        asked = () if holes is None else tuple(holes)
        genesis = None if holes is not None else fetched.genesis
        return await self._registered(task, grid, fetched, merged, genesis, asked, fetcher.requests)

    def _record(self, task: DataTask) -> AssetRecord:
        """Return what is known of the asset where this provider is asked."""
        return self.registry.read().record(*task.key).of(self.provider.name)

    @staticmethod
    def _in_doubt(task: DataTask, record: AssetRecord, grid: Grid) -> bool:
        """Whether an asset that ended may go on: its ticker may have been given to another, or it was halted."""
        if record.delisted is None:
            return False
        return task.force_sync or grid.now - record.delisted < RECENT

    async def _actions(
        self, task: DataTask, fetcher: Fetcher, covered: Coverage, fetched: pl.DataFrame
    ) -> tuple[str, ...]:
        """Store the actions of a share or fund, of its stored bars and of those fetched, before these are merged.

        So a kill leaves no raw bar without its split. Returns why there are none, where they could not be had.
        """
        symbol = task.physical_symbol
        able = self.provider.capabilities.actions and task.interval == DAILY
        if not able or basis_of(self.provider, symbol) is Basis.TOTAL or not structure(symbol).kinds & SHARES:
            return ()
        edges = [moment(edge) for edge in (covered.first, covered.last) if edge is not None]
        stamps = [*edges, *fetched["timestamp"]]
        if not stamps:
            return ()
        span = {"first": min(stamps), "last": max(stamps)}
        try:
            rows = await fetcher.actions(symbol)
            store_actions(self.lake, symbol, rows, **span, source=self.provider.name, recorded_at=self.clock.now())
        except DiskError:
            raise
        except DataError as error:  # its bars are good, and are stamped price_return where dividends are not known
            return (f"no corporate actions: {error}",)
        return ()

    async def _funding(self, task: DataTask, fetcher: Fetcher) -> tuple[pl.DataFrame, tuple[str, ...]]:
        """Payments of a swap behind the last stored one; why there are none, or fewer, where that is so."""
        symbol = task.physical_symbol
        if not self.provider.capabilities.funding or task.interval != DAILY or not pays(symbol):
            return NO_FUNDING, ()
        last = last_settlement(self.lake.root, symbol)
        try:
            told = await fetcher.funding(symbol, None if last is None else last + NEXT_SETTLEMENT)
        except DataError as error:  # its bars are good
            return NO_FUNDING, (f"no funding: {error}",)
        good = told.filter(sound())
        paid = await self.listings.living(symbol, good)
        counts = {"are no fractions": len(told) - len(good), "came after its end": len(good) - len(paid)}
        return paid, tuple(f"{count} funding rates {why}: dropped" for why, count in counts.items() if count)

    async def _registered(
        self,
        task: DataTask,
        grid: Grid,
        fetched: Fetched,
        merged: Merged,
        genesis: Instant | None,
        asked: Sequence[Hole],
        requests: int,
    ) -> TaskOutcome:
        """Write down what is known now; an asset that stays behind is looked up among those that ended."""
        record, covered = self._record(task), merged.coverage
        changes: dict[str, Any] = {"last_attempt": grid.now, "error": None, "refused": None}
        changes |= {"told_by": self.provider.name, "genesis": record.genesis}
        changes["irreparable"] = _beyond_repair(record, covered, asked)
        if genesis is not None:
            changes["genesis"] = moment(genesis if covered.first is None else np.minimum(genesis, covered.first))
        behind = covered.last is None or covered.last < grid.closed()
        kept = record.delisted if _over(covered, record, grid) else None
        changes["delisted"] = None
        if behind:
            changes["delisted"] = await self.listings.ended(task.physical_symbol, gone=kept, untold=kept)
        record = self._update(task, covered, changes, grid)
        wrote = merged.upsert
        return TaskOutcome(
            task=task,
            result=Result.FETCHED,
            state=record.state,
            reason=record.reason,
            requests=requests,
            inserted=wrote.inserted if wrote else 0,
            changed=wrote.changed if wrote else 0,
            rejected=fetched.rejected,
            notes=fetched.notes,
            coverage=covered,
        )

    def _untouched(self, task: DataTask, covered: Coverage, record: AssetRecord, grid: Grid) -> TaskOutcome:
        found = assess(covered, record, grid, as_of=self._as_of(grid, covered), minimum=self.minimum)
        # The lake has all of it, so what went wrong when it was last asked for is of no account any more.
        held = record.state, record.reason, record.bars, record.error
        if (found.state, found.reason, covered.bars, None) != held:
            self._update(task, covered, {"error": None}, grid)
        return TaskOutcome(task=task, result=Result.UNTOUCHED, state=found.state, reason=found.reason, coverage=covered)

    def _failed(self, task: DataTask, covered: Coverage, requests: int, error: TvquantError) -> TaskOutcome:
        """The data are as they were; the registry learns that they were asked for, and what went wrong."""
        why, now = str(error), self.clock.now()
        changes: dict[str, Any] = {"last_attempt": now, "error": why}
        if isinstance(error, ProfileError | OutOfStep):
            changes["refused"] = why
        if covered.bars:
            record = self._update(task, covered, changes, Grid.of(task.physical_symbol, task.interval, now))
        else:
            changes |= {"state": AssetState.DEGRADED, "reason": f"no bars: {why}"}
            record = self.registry.update(*task.key, **changes)
        return TaskOutcome(
            task=task,
            result=Result.FAILED,
            state=record.state,
            reason=record.reason,
            requests=requests,
            error=why,
            retryable=isinstance(error, DataError) and error.retryable,
            coverage=covered,
        )

    def _update(self, task: DataTask, covered: Coverage, changes: Mapping[str, Any], grid: Grid) -> AssetRecord:
        """Register coverage, and the state that follows from it and the changes."""
        record = replace(self.registry.read().record(*task.key), **changes)
        found = assess(covered, record, grid, as_of=self._as_of(grid, covered), minimum=self.minimum)
        return self.registry.update(
            *task.key,
            **changes,
            state=found.state,
            reason=found.reason,
            first_bar=None if covered.first is None else moment(covered.first),
            last_bar=None if covered.last is None else moment(covered.last),
            bars=covered.bars,
            gaps=covered.missing,
        )

    def _as_of(self, grid: Grid, covered: Coverage) -> Instant:
        """Freshness is judged now where the provider is live; else at the asset's own last bar (see `rejudged`)."""
        if self.provider.capabilities.live or covered.last is None:
            return instant(grid.now)
        return grid.known_at(covered.last)


def _over(covered: Coverage, record: AssetRecord, grid: Grid) -> bool:
    """Return whether an end is known that no bar is behind."""
    if record.delisted is None or covered.last is None:
        return record.delisted is not None
    return bool(grid.known_at(covered.last) <= instant(record.delisted) + TO_THE_DAY)


def _beyond_repair(record: AssetRecord, covered: Coverage, asked: Sequence[Hole]) -> tuple[Span, ...]:
    """Holes that are still there after they were asked for one by one, now or before."""
    known = [(instant(first), instant(last)) for first, last in record.irreparable]
    still = [
        h for h in (*covered.holes, *covered.tolerated) if any(a <= h[0] and h[1] <= b for a, b in (*known, *asked))
    ]
    return tuple((moment(first), moment(last)) for first, last in still)
