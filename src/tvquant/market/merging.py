"""Writing what workers fetched: many assets in one commit, one commit at a time.

Workers hand over their rows and wait. Whatever has come together within a moment is merged at once, because a commit
costs about the same for one asset and for fifty; it is written beside the loop, so that requests go out meanwhile.
The moment ends where nobody is at work any more whose rows could still come.
Where a batch is refused, its assets are tried alone, so that one of them cannot hold up the others; a disk that takes
nothing more refuses all of them.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from tvquant.core.clock import Clock
from tvquant.core.errors import DiskError, TvquantError
from tvquant.core.panel import Basis
from tvquant.lake import Lake
from tvquant.lake.writing.declared_basis import Doubt
from tvquant.lake.writing.funding import store_funding
from tvquant.lake.writing.upserts import SymbolUpsert, upsert
from tvquant.market.coverage import Coverage, coverage
from tvquant.market.providers.contract import FUNDING
from tvquant.market.tasks import DataTask

GATHER = 0.5
"""Seconds in which rows come together, at most; requests come at some tens a second, a commit costs a good tenth."""
NO_FUNDING = pl.DataFrame(schema={"symbol": pl.String(), **FUNDING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What became of an asset's rows (None: there were none to write), and what the lake has of it now."""

    upsert: SymbolUpsert | None
    coverage: Coverage


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    task: DataTask
    rows: pl.DataFrame
    funding: pl.DataFrame
    done: "asyncio.Future[Merged]"


class _Common(NamedTuple):
    """What the rows of one commit have in common."""

    interval: str
    reason: str
    basis: Basis


class Merger:
    """The only writer of bars and funding during a sync; `basis` says what the prices of a symbol are adjusted for."""

    def __init__(
        self, lake: Lake, *, basis: Callable[[str], Basis], source: str, clock: Clock, doubt: Doubt = Doubt.REFUSE
    ) -> None:
        self.lake = lake
        self.doubt = doubt
        self.basis = basis
        self.source = source
        self.clock = clock
        self._waiting: list[_Waiting] = []
        self._turn = asyncio.Lock()
        self._at_work: set[tuple[str, str]] = set()
        self._all_came: asyncio.Future[None] | None = None

    @contextmanager
    def expecting(self, task: DataTask) -> Iterator[None]:
        """Let others wait a moment for the rows of this asset, until they are handed over or the worker is done."""
        self._at_work.add(task.key)
        try:
            yield
        finally:
            self._came(task)

    def _came(self, task: DataTask) -> None:
        self._at_work.discard(task.key)
        if not self._at_work and self._all_came is not None and not self._all_came.done():
            self._all_came.set_result(None)

    async def merge(self, task: DataTask, rows: pl.DataFrame, funding: pl.DataFrame = NO_FUNDING) -> Merged:
        """Write the rows of one asset, and before them its funding, together with those of others.

        Raises
        ------
        TvquantError : the lake refused them.
        """
        one = _Waiting(task, rows, funding, asyncio.get_running_loop().create_future())
        self._waiting.append(one)
        self._came(task)
        if len(self._waiting) == 1:
            await self._write_together()
        return await one.done

    async def _write_together(self) -> None:
        """Wait for others, then write; whatever happens, no one is left waiting."""
        batch = self._waiting
        try:
            await self._others()
            async with self._turn:
                self._waiting = []
                told = await asyncio.to_thread(self._written, batch)
            for one, found in told:
                if one.done.done():  # its worker was cancelled
                    continue
                if isinstance(found, TvquantError):
                    one.done.set_exception(found)
                else:
                    one.done.set_result(found)
        finally:
            for one in batch:
                one.done.cancel()  # has no effect where there is a result
            if self._waiting is batch:
                self._waiting = []

    async def _others(self) -> None:
        """Wait for the rows of those who are at work, for a moment at most."""
        await asyncio.sleep(0)  # who is ready hands over now
        if not self._at_work:
            return
        self._all_came = asyncio.get_running_loop().create_future()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._all_came, GATHER)

    def _written(self, batch: Sequence[_Waiting]) -> list[tuple[_Waiting, Merged | TvquantError]]:
        """Commit the rows, one commit per interval, reason and basis; return what became of each."""
        groups: dict[_Common, list[_Waiting]] = {}
        for one in batch:
            common = _Common(one.task.interval, one.task.reason, self.basis(one.task.physical_symbol))
            groups.setdefault(common, []).append(one)
        return [told for common, group in groups.items() for told in self._commit(group, common)]

    def _commit(self, group: Sequence[_Waiting], common: _Common) -> list[tuple[_Waiting, Merged | TvquantError]]:
        try:
            self._store_funding(group)
            found = self._upsert(group, common)
            now = coverage(self.lake, [one.task.physical_symbol for one in group], common.interval)
        except TvquantError as error:
            if len(group) > 1 and not isinstance(error, DiskError):
                return [told for one in group for told in self._commit([one], common)]
            return [(one, error) for one in group]
        names = [one.task.physical_symbol for one in group]
        merged = (Merged(upsert=found.get(name), coverage=now[name]) for name in names)
        return list(zip(group, merged, strict=True))

    def _store_funding(self, group: Sequence[_Waiting]) -> None:
        paid = pl.concat([one.funding for one in group])
        if len(paid):
            store_funding(self.lake, paid, source=self.source, recorded_at=self.clock.now())

    def _upsert(self, group: Sequence[_Waiting], common: _Common) -> dict[str, SymbolUpsert]:
        parts = [one.rows.select(pl.lit(one.task.physical_symbol).alias("symbol"), pl.all()) for one in group]
        rows = pl.concat(parts).sort("symbol", "timestamp")
        if rows.is_empty():
            return {}
        report = upsert(
            self.lake,
            rows,
            interval=common.interval,
            basis=common.basis,
            source=self.source,
            recorded_at=self.clock.now(),
            reason=common.reason,
            doubt=self.doubt,
        )
        return {one.symbol: one for one in report.symbols}
