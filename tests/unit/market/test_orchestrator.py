import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest
from table_provider import BTC, ETH, NOW, TableProvider, VirtualLoop, day, made_bars, run, walk

from builders.clocks import ManualClock
from tvquant.core.errors import DataError, DiskError
from tvquant.lake import Lake
from tvquant.market.coverage import coverage
from tvquant.market.orchestrator import DataPipelineOrchestrator, Summary
from tvquant.market.providers.contract import RateLimits, Unavailable
from tvquant.market.registry import AssetState, RegistryManager
from tvquant.market.tasks import DataTask
from tvquant.market.worker import Result

MANY = [f"BINANCE:S{i:03d}USDT" for i in range(20)]


def tasks(*names: str, depth: int = 300) -> list[DataTask]:
    return [DataTask(physical_symbol=name, depth=depth) for name in names]


@pytest.mark.requirement("R-DAT-17")
def test_six_requests_for_one_asset_are_one_call(pipeline: DataPipelineOrchestrator, provider: TableProvider) -> None:
    found = run(pipeline.run(tasks(*[BTC] * 6)))
    assert provider.counted(BTC) == 1
    assert len(found.outcomes) == 1


def test_a_second_sync_asks_for_nothing(pipeline: DataPipelineOrchestrator, provider: TableProvider) -> None:
    run(pipeline.run(tasks(BTC, ETH)))
    asked = len(provider.asked)
    found = run(pipeline.run(tasks(BTC, ETH)))
    assert (len(provider.asked), found.requests, found.inserted) == (asked, 0, 0)
    assert found.counted() == {"stable": 2}


@pytest.mark.requirement("R-DAT-21")
@pytest.mark.parametrize("bug", [ZeroDivisionError("oops"), asyncio.CancelledError()])
def test_a_crash_on_one_asset_leaves_the_others_stable_and_is_listed(
    pipeline: DataPipelineOrchestrator, provider: TableProvider, registry: RegistryManager, bug: BaseException
) -> None:
    provider.spoil[BTC] = [bug]
    found = run(pipeline.run(tasks(BTC, ETH)))
    assert found.of(ETH).state is AssetState.STABLE
    crashed = found.of(BTC)
    assert (crashed.result, crashed.state) == (Result.CRASHED, AssetState.DEGRADED)
    assert found.failed == (crashed,)
    assert crashed.error == f"a bug: {type(bug).__name__}: {bug}"
    assert registry.read().record(BTC, "1d").reason == crashed.error
    assert run(pipeline.run(tasks(BTC))).of(BTC).state is AssetState.STABLE


def test_a_broken_registry_is_said_before_anything_is_fetched(
    pipeline: DataPipelineOrchestrator, provider: TableProvider, registry: RegistryManager
) -> None:
    registry.path.parent.mkdir()
    registry.path.write_text("[]")
    with pytest.raises(DataError, match="torn or changed"):
        run(pipeline.run(tasks(BTC)))
    assert provider.asked == []


@pytest.mark.requirement("R-DAT-21")
def test_no_other_module_calls_a_provider_of_prices() -> None:
    """The pipeline's fetcher is the only caller, and only the wiring opens providers."""
    package = Path(str(files("tvquant")))
    sources = {path.relative_to(package).as_posix(): path.read_text("utf-8") for path in package.rglob("*.py")}
    outside = {name: text for name, text in sources.items() if not name.startswith("market/providers/")}
    assert [name for name, text in outside.items() if "provider.bars(" in text] == ["market/fetching.py"]
    users = {name for name, text in outside.items() if "market.providers" in text and not name.startswith("market/")}
    assert {name.partition("/")[0] for name in users} == {"app"}
    assert [name for name, text in outside.items() if "factory.opened(" in text] == ["app/deliveries.py"]


@pytest.mark.requirement("R-DAT-21")
def test_what_is_open_at_once_is_bounded(lake: Lake, registry: RegistryManager, clock: ManualClock) -> None:
    limits = RateLimits(requests_per_second=1000, burst=100, bars_per_request=500, concurrency=3)
    provider = TableProvider({name: made_bars(name, walk(300), last=day()) for name in MANY}, limits=limits)
    pipeline = DataPipelineOrchestrator(provider=provider, lake=lake, registry=registry, clock=clock)
    found = run(pipeline.run(tasks(*MANY)))
    assert found.counted() == {"stable": 20}
    assert provider.most_open == 3


def test_progress_counts_every_task(lake: Lake, registry: RegistryManager, provider: TableProvider) -> None:
    told: list[tuple[int, int]] = []
    pipeline = DataPipelineOrchestrator(
        provider=provider, lake=lake, registry=registry, clock=ManualClock(NOW), progress=lambda *x: told.append(x)
    )
    provider.spoil[BTC] = [ZeroDivisionError()]
    run(pipeline.run(tasks(BTC, ETH)))
    assert told == [(1, 2), (2, 2)]


def test_the_summary_names_failures_and_sums(pipeline: DataPipelineOrchestrator, provider: TableProvider) -> None:
    provider.spoil[ETH] = [Unavailable("503")] * 6
    found = run(pipeline.run(tasks(ETH, BTC)))
    assert [one.task.physical_symbol for one in found.outcomes] == [BTC, ETH]
    assert (found.inserted, found.changed, found.requests) == (300, 0, 7)
    assert found.failed == (found.of(ETH),)
    with pytest.raises(KeyError):
        found.of("BINANCE:NONEUSDT")


def test_an_interrupted_sync_can_be_done_again(
    pipeline: DataPipelineOrchestrator, provider: TableProvider, lake: Lake
) -> None:
    """Ctrl-C cancels the main task: some assets are merged by then, and the next sync does the rest."""
    limits = RateLimits(requests_per_second=2, burst=1, bars_per_request=500, concurrency=1)
    some = MANY[:8]
    provider.tables = {name: made_bars(name, walk(300), last=day()) for name in some}
    provider.limits = limits
    slow = DataPipelineOrchestrator(provider=provider, lake=lake, registry=pipeline.registry, clock=pipeline.clock)

    def held() -> list[str]:
        return [name for name, one in coverage(lake, some, "1d").items() if one.bars]

    async def interrupted() -> None:
        work = asyncio.ensure_future(slow.run(tasks(*some)))
        while len(held()) < 2:
            await asyncio.sleep(0.01)
        work.cancel()
        await work

    with pytest.raises(asyncio.CancelledError):
        run(interrupted())
    merged = held()
    assert 1 < len(merged) < 8
    provider.asked.clear()
    again = DataPipelineOrchestrator(provider=provider, lake=lake, registry=pipeline.registry, clock=pipeline.clock)
    assert run(again.run(tasks(*some))).counted() == {"stable": 8}
    assert {one[0] for one in provider.asked} == set(some) - set(merged)


@pytest.mark.requirement("R-DAT-09")
def test_imported_history_is_judged_at_the_newest_bar_of_the_lake(
    pipeline: DataPipelineOrchestrator, provider: TableProvider, registry: RegistryManager
) -> None:
    provider.capabilities = replace(provider.capabilities, live=False)
    provider.tables = {
        BTC: made_bars(BTC, walk(300), last=day(900)),
        ETH: made_bars(ETH, walk(300), last=day(903)),
    }
    found = run(pipeline.run(tasks(BTC, ETH, depth=2000)))
    assert found.of(BTC).state is AssetState.STABLE
    assert found.of(ETH).reason == f"stale: last bar {day(903):%Y-%m-%d}"
    assert registry.read().record(ETH, "1d").state is AssetState.DEGRADED


def test_equal_seeds_sync_alike(
    provider: TableProvider, lake: Lake, clock: ManualClock, registry: RegistryManager
) -> None:
    """Down to the order of requests and the moments they are sent at."""

    def journal(place: str) -> tuple[list[object], Summary]:
        asked: list[object] = []

        class Timed(TableProvider):
            async def bars(self, symbol: str, interval: str, **span: object) -> pl.DataFrame:
                asked.append((symbol, asyncio.get_running_loop().time()))
                return await super().bars(symbol, interval, **span)  # type: ignore[arg-type]

        told = Timed(dict(provider.tables), {BTC: [Unavailable("503")] * 3, ETH: [Unavailable("503")]})
        own = Lake(lake.root / place)
        pipeline = DataPipelineOrchestrator(
            provider=told, lake=own, registry=RegistryManager(own.root / ".registry.json"), clock=clock, seed=4
        )
        return asked, asyncio.run(pipeline.run(tasks(BTC, ETH)), loop_factory=VirtualLoop)

    assert journal("a") == journal("b")


def test_a_disk_that_fills_up_ends_a_sync_at_once(
    lake: Lake, registry: RegistryManager, clock: ManualClock, no_room: Callable[[], AbstractContextManager[None]]
) -> None:
    """The third asset meets it, with the fourth under way; those before stay as they are, no other is asked for."""
    names = tuple(f"BINANCE:S{k:03d}USDT" for k in range(9))
    tables = {name: made_bars(name, walk(120, seed=1), last=day()) for name in names}
    provider, stack = TableProvider(tables), ExitStack()
    pipeline = DataPipelineOrchestrator(provider=provider, lake=lake, registry=registry, clock=clock, workers=2)

    def filled(rows: pl.DataFrame) -> pl.DataFrame:
        stack.enter_context(no_room())
        return rows

    provider.spoil = {names[2]: [filled]}
    with stack, pytest.raises(DiskError, match="cannot be written"):
        run(pipeline.run(tasks(*names, depth=100)))
    assert {name for name in names if provider.counted(name)} == set(names[:4])
    records = registry.read().records.values()
    assert {one.physical_symbol for one in records if one.state is AssetState.STABLE} == set(names[:2])
    assert lake.symbols() == names[:2]
    again = run(pipeline.run(tasks(*names, depth=100)))
    assert again.counted() == {"stable": 9}


def test_shorter_bars_of_who_is_not_live_are_as_fresh_as_most_of_them(
    pipeline: DataPipelineOrchestrator, provider: TableProvider
) -> None:
    provider.capabilities = replace(provider.capabilities, live=False)
    late = dict.fromkeys(MANY[:3], 2) | {MANY[3]: 5} | dict.fromkeys(MANY[4:9], 90)
    provider.tables = {
        name: made_bars(name, walk(300, seed=i), last=day(back), interval="4h")
        for i, (name, back) in enumerate(late.items())
    }
    provider.listings = {name: day(89) for name in MANY[4:9]}
    told = [DataTask(physical_symbol=name, interval="4h", depth=2000) for name in late]
    done = run(pipeline.run(told))
    assert [one.task.physical_symbol for one in done.outcomes if one.state is not AssetState.STABLE] == [MANY[3]]
    assert done.of(MANY[3]).reason.startswith("stale: last bar")
