from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
from table_provider import BTC, ETH, NOW, TableProvider, day, made_bars, replaced, run, walk, without

from builders.clocks import ManualClock
from tvquant.core.instants import instant
from tvquant.lake import Lake
from tvquant.lake.storage import tables
from tvquant.market.coverage import NOTHING, coverage, stored_rows
from tvquant.market.orchestrator import DataPipelineOrchestrator
from tvquant.market.providers.contract import Unavailable, UnknownSymbol, Unsupported
from tvquant.market.registry import AssetState, RegistryManager
from tvquant.market.tasks import DataTask
from tvquant.market.worker import DataWorker, Result, TaskOutcome

VALUES = ["timestamp", "open", "high", "low", "close", "volume", "quote_volume"]


@pytest.fixture
def worker(pipeline: DataPipelineOrchestrator) -> DataWorker:
    return pipeline.worker


def done(worker: DataWorker, depth: int = 300, *, symbol: str = BTC, **task: object) -> TaskOutcome:
    return run(worker.run(DataTask(physical_symbol=symbol, depth=depth, **task)))  # type: ignore[arg-type]


@pytest.mark.requirement("R-DAT-21")
def test_a_task_goes_from_fetch_to_registry(
    worker: DataWorker, provider: TableProvider, lake: Lake, registry: RegistryManager
) -> None:
    found = done(worker)
    assert (found.result, found.state, found.reason) == (Result.FETCHED, AssetState.STABLE, "")
    assert (found.requests, found.inserted, found.changed) == (1, 300, 0)
    assert stored_rows(lake, BTC, "1d").equals(provider.tables[BTC].select(VALUES))
    record = registry.read().record(BTC, "1d")
    assert (record.state, record.bars, record.gaps, record.error) == (AssetState.STABLE, 300, 0, None)
    assert (record.first_bar, record.last_bar, record.last_attempt) == (day(299), day(), NOW)


def test_what_the_lake_has_is_not_asked_for(worker: DataWorker, provider: TableProvider) -> None:
    done(worker)
    found = done(worker)
    assert (found.result, found.state, found.requests) == (Result.UNTOUCHED, AssetState.STABLE, 0)
    assert provider.counted(BTC) == 1


def test_a_new_day_costs_one_request_for_what_is_new(
    worker: DataWorker, provider: TableProvider, clock: ManualClock
) -> None:
    done(worker)
    provider.tables[BTC] = made_bars(BTC, [*walk(300, seed=0), 100.0], last=day(-1))
    clock.at += timedelta(days=1)
    found = done(worker)
    assert (found.inserted, found.changed, found.requests) == (1, 0, 1)
    assert provider.asked[-1][2:] == (day(), day(-2))  # the last stored bar is looked at again


def test_the_unfinished_bar_is_never_stored(worker: DataWorker, provider: TableProvider) -> None:
    provider.tables[BTC] = made_bars(BTC, walk(301), last=day(-1))
    assert done(worker).coverage.last == instant(day())


def test_changed_values_are_journalled_with_their_originals(
    worker: DataWorker, provider: TableProvider, lake: Lake
) -> None:
    done(worker)
    before = float(provider.tables[BTC]["close"][-6])
    provider.tables[BTC] = replaced(provider.tables[BTC], 5, close=before * 1.001, high=before * 2)
    found = done(worker, force_sync=True, reason="repair")
    assert (found.inserted, found.changed) == (0, 1)
    journal = tables.read(lake.root, "repairs").sort("field")
    assert journal.select("field", "reason").rows() == [("close", "repair"), ("high", "repair")]
    assert journal["original"][0] == before


def test_forced_tasks_ask_for_everything(worker: DataWorker, provider: TableProvider) -> None:
    done(worker)
    found = done(worker, depth=200, force_sync=True)
    assert provider.asked[-1][2:] == (day(199), day(-1))
    assert (found.result, found.inserted, found.changed) == (Result.FETCHED, 0, 0)


@pytest.mark.requirement("R-DAT-13")
def test_genesis_is_registered_and_never_asked_for_again(
    worker: DataWorker, provider: TableProvider, registry: RegistryManager
) -> None:
    done(worker, depth=2000)
    assert registry.read().record(BTC, "1d").genesis == day(299)
    asked = provider.counted(BTC)
    assert done(worker, depth=2000).requests == 0
    found = done(worker, depth=2000, force_sync=True)
    assert (found.requests, provider.counted(BTC)) == (1, asked + 1)
    assert provider.asked[-1][2] == day(299)


def test_a_failure_is_an_outcome_and_leaves_good_data_good(
    worker: DataWorker, provider: TableProvider, registry: RegistryManager
) -> None:
    done(worker)
    provider.spoil[BTC] = [Unavailable("503")] * 6
    found = done(worker, force_sync=True)
    assert (found.result, found.state, found.error, found.requests) == (Result.FAILED, AssetState.STABLE, "503", 6)
    assert found.retryable
    record = registry.read().record(BTC, "1d")
    assert (record.state, record.error, record.bars) == (AssetState.STABLE, "503", 300)
    assert done(worker, force_sync=True).state is AssetState.STABLE
    assert registry.read().record(BTC, "1d").error is None


def test_an_unknown_symbol_is_degraded_for_good(
    worker: DataWorker, provider: TableProvider, registry: RegistryManager
) -> None:
    provider.spoil["BINANCE:NONEUSDT"] = [UnknownSymbol("who?")]
    found = done(worker, symbol="BINANCE:NONEUSDT")
    assert (found.result, found.state, found.retryable) == (Result.FAILED, AssetState.DEGRADED, False)
    assert registry.read().record("BINANCE:NONEUSDT", "1d").reason == "no bars: BINANCE:NONEUSDT is unknown"


@pytest.mark.parametrize(("symbol", "interval"), [("nonsense", "1d"), ("NASDAQ:AAPL", "4h")])
def test_a_task_that_makes_no_sense_fails_alone(worker: DataWorker, symbol: str, interval: str) -> None:
    found = done(worker, symbol=symbol, interval=interval)
    assert (found.result, found.requests, found.coverage) == (Result.FAILED, 0, NOTHING)


def test_gaps_and_short_histories_are_named(worker: DataWorker, provider: TableProvider) -> None:
    provider.spoil[BTC] = [without(9, 8)]
    found = done(worker)
    assert found.reason == f"gaps: 2 bars missing, the newest {day(8):%Y-%m-%d}"
    provider.tables[ETH] = made_bars(ETH, walk(30), last=day())
    assert done(worker, symbol=ETH).reason == "short: 30 bars, 90 needed"


def test_an_asset_that_ended_is_stable_and_left_alone(
    worker: DataWorker, provider: TableProvider, registry: RegistryManager
) -> None:
    provider.tables[BTC] = made_bars(BTC, walk(200), last=day(50))
    provider.listings = {BTC: day(49)}
    assert done(worker, depth=2000).state is AssetState.STABLE
    assert registry.read().record(BTC, "1d").delisted == day(49)
    assert done(worker, depth=2000).requests == 0


@pytest.mark.parametrize(("back", "seen"), [(40, True), (95, False)])
def test_an_asset_that_ended_of_late_is_looked_up_again_for_it_may_have_been_halted(
    pipeline: DataPipelineOrchestrator,
    provider: TableProvider,
    lake: Lake,
    registry: RegistryManager,
    clock: ManualClock,
    back: int,
    seen: bool,
) -> None:
    whole = provider.tables[BTC]
    provider.tables[BTC] = whole.filter(pl.col("timestamp") <= day(back))
    provider.listings = {BTC: day(back - 1)}
    done(pipeline.worker, depth=150)
    provider.tables[BTC], provider.listings = whole, {}
    later = DataPipelineOrchestrator(provider=provider, lake=lake, registry=registry, clock=clock)
    assert done(later.worker, depth=150).inserted == (back if seen else 0)


def other(pipeline: DataPipelineOrchestrator, provider: TableProvider, days: int = 0) -> DataWorker:
    """A worker of a later sync into the same lake."""
    clock = ManualClock(NOW + timedelta(days=days))
    return DataPipelineOrchestrator(
        provider=provider, lake=pipeline.lake, registry=pipeline.registry, clock=clock
    ).worker


class Silent(TableProvider):
    """Its list does not come."""

    async def instruments(self, symbol: str | None = None) -> pl.DataFrame:
        raise Unsupported(f"no list, nor {symbol}")


@pytest.mark.parametrize(
    ("silent", "requests", "result"),
    [(False, 0, Result.UNTOUCHED), (True, 1, Result.FETCHED), (None, 1, Result.FETCHED)],
)
def test_an_end_stands_where_the_list_has_shrunk_or_no_one_tells(
    pipeline: DataPipelineOrchestrator, provider: TableProvider, silent: bool | None, requests: int, result: Result
) -> None:
    table = provider.tables[BTC] = made_bars(BTC, walk(200), last=day(20))
    provider.listings = {BTC: day(19)}
    done(pipeline.worker)
    later = (Silent if silent else TableProvider)({} if silent is False else {BTC: table})
    later.capabilities = replace(later.capabilities, instruments=silent is not None)
    found = done(other(pipeline, later, days=5))
    assert (found.requests, found.result, found.state) == (requests, result, AssetState.STABLE)
    assert pipeline.registry.read().record(BTC, "1d").delisted == day(19)


def test_an_end_that_no_one_confirms_falls_with_the_bars_behind_it(
    pipeline: DataPipelineOrchestrator, provider: TableProvider
) -> None:
    whole = provider.tables[BTC]
    provider.tables[BTC] = whole.filter(pl.col("timestamp") <= day(20))
    provider.listings = {BTC: day(19)}
    done(pipeline.worker)
    back = Silent({BTC: whole.filter(pl.col("timestamp") <= day(17))})
    found = done(other(pipeline, back))
    assert (found.inserted, found.state) == (3, AssetState.DEGRADED)
    assert pipeline.registry.read().record(BTC, "1d").delisted is None


def test_what_one_provider_lacks_is_asked_of_another_and_not_twice(
    pipeline: DataPipelineOrchestrator, provider: TableProvider
) -> None:
    whole, hole = provider.tables[BTC], pl.col("timestamp").is_in([day(40), day(41)])
    provider.tables[BTC] = whole.filter(~hole & (pl.col("timestamp") > day(150)))
    done(pipeline.worker)
    run(pipeline.worker.mend(DataTask(physical_symbol=BTC), coverage(pipeline.lake, [BTC], "1d")[BTC]))
    lacking = pipeline.registry.read().record(BTC, "1d")
    assert (lacking.genesis, lacking.irreparable) == (day(149), ((day(41), day(40)),))
    assert done(pipeline.worker).requests == 0
    richer = other(pipeline, TableProvider({BTC: whole}, name="richer"))
    assert done(richer).inserted == 150
    found = run(richer.mend(DataTask(physical_symbol=BTC), coverage(pipeline.lake, [BTC], "1d")[BTC]))
    assert (found.inserted, found.state, found.coverage.bars) == (2, AssetState.STABLE, 300)
    known = pipeline.registry.read().record(BTC, "1d")
    assert (known.genesis, known.irreparable, known.told_by) == (None, (), "richer")
    poorer = other(pipeline, TableProvider({BTC: whole}, name="poorer"))
    pipeline.registry.update(BTC, "1d", genesis=day(299))
    assert [done(poorer, depth=400).requests for _ in range(2)] == [2, 0]
    assert pipeline.registry.read().record(BTC, "1d").genesis == day(299)


@pytest.mark.parametrize("name", ["tables", "another"])
def test_bars_before_the_first_stored_one_are_asked_for_until_two_answers_bring_none(
    pipeline: DataPipelineOrchestrator, provider: TableProvider, name: str
) -> None:
    done(pipeline.worker)
    assert pipeline.registry.read().record(BTC, "1d").genesis is None
    later = TableProvider(provider.tables, name=name)
    assert [done(other(pipeline, later), depth=400).requests for _ in range(2)] == [2, 0]
    assert pipeline.registry.read().record(BTC, "1d").genesis == day(299)


def test_an_empty_answer_before_the_first_stored_bar_may_heal(
    pipeline: DataPipelineOrchestrator, provider: TableProvider
) -> None:
    done(pipeline.worker, depth=200)
    provider.spoil[BTC] = [lambda rows: rows.clear()]
    found = done(pipeline.worker)
    assert (found.requests, found.inserted) == (2, 100)
    assert pipeline.registry.read().record(BTC, "1d").genesis is None


@pytest.mark.requirement("R-DAT-13")
def test_mending_asks_for_holes_newest_first_and_registers_what_the_provider_has_not(
    worker: DataWorker, provider: TableProvider, lake: Lake, registry: RegistryManager
) -> None:
    whole = provider.tables[BTC]
    gone = pl.col("timestamp").is_in([day(9), day(8), day(40), day(41), day(80)])
    provider.tables[BTC] = whole.filter(~gone)
    done(worker)
    provider.tables[BTC] = whole.filter(pl.col("timestamp") != day(41))
    provider.asked.clear()
    task = DataTask(physical_symbol=BTC)
    found = run(worker.mend(task, coverage(lake, [BTC], "1d")[BTC]))
    asked = [((day() - start).days, (day() - end).days + 1) for _, _, start, end in provider.asked if start and end]
    assert asked[0] == (9, 8)
    assert [one for one in asked if one[0] != one[1]][-1] == (41, 40)
    assert (80, 80) in asked
    assert found.inserted == 4
    record = registry.read().record(BTC, "1d")
    assert record.irreparable == ((day(41), day(41)),)
    assert record.genesis is None
    provider.asked.clear()
    assert run(worker.mend(task, found.coverage)).result is Result.UNTOUCHED
    assert provider.asked == []


def test_an_asset_that_ended_long_ago_is_fetched_up_to_its_end(
    pipeline: DataPipelineOrchestrator, provider: TableProvider
) -> None:
    provider.tables[BTC] = made_bars(BTC, walk(200), last=day(900))
    provider.listings = {BTC: day(899)}
    assert done(pipeline.worker, depth=300).coverage == NOTHING
    assert done(pipeline.worker, depth=300).state is AssetState.STABLE
    assert (provider.asked[1][2], provider.asked[1][3]) == (day(1199), day(899))


def test_a_ticker_that_was_given_to_another_is_seen_by_a_forced_sync(
    pipeline: DataPipelineOrchestrator,
    provider: TableProvider,
    lake: Lake,
    registry: RegistryManager,
    clock: ManualClock,
) -> None:
    old = made_bars(BTC, walk(200), last=day(200))
    provider.tables[BTC], provider.listings = old, {BTC: day(199)}
    done(pipeline.worker, depth=2000)
    provider.tables[BTC] = pl.concat([old, made_bars(BTC, [c * 1000 for c in walk(150)], last=day())])
    provider.listings = {}
    later = DataPipelineOrchestrator(provider=provider, lake=lake, registry=registry, clock=clock)
    found = done(later.worker, depth=2000, force_sync=True)
    assert (found.inserted, found.state) == (150, AssetState.STABLE)
    assert registry.read().record(BTC, "1d").delisted is None


def test_four_hours_work_alike(worker: DataWorker, provider: TableProvider, lake: Lake) -> None:
    last = NOW.replace(hour=4, minute=0)
    provider.tables[BTC] = made_bars(BTC, walk(300), last=last, interval="4h")
    found = done(worker, interval="4h")
    assert (found.state, found.inserted, found.requests) == (AssetState.STABLE, 300, 1)
    assert len(stored_rows(lake, BTC, "4h")) == 300
    assert coverage(lake, [BTC], "1d")[BTC] == NOTHING


def test_imported_history_is_fresh_at_its_own_end(pipeline: DataPipelineOrchestrator, provider: TableProvider) -> None:
    provider.capabilities = replace(provider.capabilities, live=False)
    provider.tables[BTC] = made_bars(BTC, walk(300), last=day(900))
    assert done(pipeline.worker, depth=2000).state is AssetState.STABLE
