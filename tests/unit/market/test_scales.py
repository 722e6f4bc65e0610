"""Adjusted histories that change backwards: fetched again whole, or left as they are and degraded with that reason."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from table_provider import TableProvider, made_bars, run, walk

from builders.clocks import ManualClock
from tvquant.core.calendars import NEW_YORK, calendar
from tvquant.core.errors import DataError
from tvquant.core.panel import Basis
from tvquant.core.stamps import Stamp
from tvquant.lake import Lake
from tvquant.lake.storage import tables
from tvquant.lake.storage.tables import TIME
from tvquant.lake.writing.declared_basis import Doubt
from tvquant.lake.writing.upserts import revert, upsert
from tvquant.market.orchestrator import DataPipelineOrchestrator
from tvquant.market.registry import AssetState, RegistryManager
from tvquant.market.tasks import DataTask
from tvquant.market.worker import Result, TaskOutcome

AAA = "NASDAQ:AAA"
DAYS = [
    one.replace(tzinfo=UTC)
    for one in calendar(NEW_YORK).bars(np.datetime64("2023-12-01", "us"), np.datetime64("2024-05-31", "us")).tolist()
]
OLD = len(DAYS) - 10


def history(last: int, factor: float = 1.0, first: int = 0) -> pl.DataFrame:
    """Bars of a share up to a day, their prices times a factor."""
    rows = made_bars(AAA, walk(len(DAYS)), last=DAYS[-1]).with_columns(timestamp=pl.Series(DAYS, dtype=TIME))
    return rows.with_columns(pl.col("open", "high", "low", "close") * factor)[first:last]


@pytest.fixture(params=[Basis.SPLIT, Basis.TOTAL])
def provider(request: pytest.FixtureRequest) -> TableProvider:
    return TableProvider({AAA: history(OLD)}, basis=request.param)


@pytest.fixture
def pipeline(provider: TableProvider, lake: Lake, registry: RegistryManager) -> DataPipelineOrchestrator:
    """One that has synced the old history, ten sessions ago."""
    clock = ManualClock(DAYS[OLD - 1] + timedelta(hours=30))
    made = DataPipelineOrchestrator(provider=provider, lake=lake, registry=registry, clock=clock)
    assert synced(made).state is AssetState.STABLE
    clock.at = datetime(2024, 6, 1, 9, 30, tzinfo=UTC)
    return made


def synced(pipeline: DataPipelineOrchestrator) -> TaskOutcome:
    return run(pipeline.run([DataTask(physical_symbol=AAA, depth=500)])).of(AAA)


def closes(lake: Lake) -> pl.DataFrame:
    return tables.read(lake.root, "bars", ["timestamp", "close"]).sort("timestamp")


@pytest.mark.parametrize("factor", [0.25, 0.993])
def test_a_rescaled_history_is_fetched_whole_and_journalled(
    factor: float, provider: TableProvider, pipeline: DataPipelineOrchestrator, lake: Lake
) -> None:
    pinned = lake.pin([AAA])
    before = lake.panel(pinned).fields["close"]
    provider.tables[AAA] = history(len(DAYS), factor)
    outcome = synced(pipeline)
    assert (outcome.inserted, outcome.changed, outcome.state) == (10, OLD, AssetState.STABLE)
    assert f"its scale changed: {OLD} stored bars fetched again whole" in outcome.notes
    assert closes(lake).equals(provider.tables[AAA].select("timestamp", "close"))
    np.testing.assert_array_equal(lake.panel(pinned).fields["close"], before)
    assert synced(pipeline).changed == 0
    revert(lake, symbols=[AAA], recorded_at=pipeline.clock.now())
    assert closes(lake)[:OLD].equals(history(OLD).select("timestamp", "close"))


@pytest.mark.parametrize("kept", [OLD - 1, 1])
def test_a_tail_on_another_scale_leaves_the_asset_as_it_was_degraded(
    kept: int, provider: TableProvider, pipeline: DataPipelineOrchestrator, lake: Lake, registry: RegistryManager
) -> None:
    provider.tables[AAA] = history(len(DAYS), 0.25, first=kept)
    outcome = synced(pipeline)
    assert (outcome.result, outcome.state, outcome.retryable) == (Result.FAILED, AssetState.DEGRADED, False)
    assert "not all of the stored bars from 2023-12-01 on are delivered anew" in outcome.reason
    assert closes(lake).equals(history(OLD).select("timestamp", "close"))
    assert "changed their scale" in (registry.read().record(AAA, "1d").refused or "")
    provider.tables[AAA] = history(len(DAYS), 0.25)
    assert synced(pipeline).state is AssetState.STABLE
    assert registry.read().record(AAA, "1d").refused is None


def test_older_bars_and_holes_are_compared_with_their_neighbours(
    provider: TableProvider, pipeline: DataPipelineOrchestrator, lake: Lake
) -> None:
    stored = history(OLD).filter(~pl.col("timestamp").is_in(DAYS[40:43]))[10:]
    other = Lake(lake.root.with_name("holed"))
    upsert(
        other,
        stored,
        interval="1d",
        basis=provider.basis,
        source="test",
        recorded_at=pipeline.clock.now(),
        reason="test",
    )
    holed = DataPipelineOrchestrator(
        provider=provider,
        lake=other,
        registry=RegistryManager(other.root),
        clock=ManualClock(DAYS[OLD - 1] + timedelta(hours=30)),
    )
    provider.tables[AAA] = history(OLD, 0.25)
    run(holed.mend([DataTask(physical_symbol=AAA)]))
    assert closes(other).equals(history(OLD, 0.25)[10:].select("timestamp", "close"))
    provider.tables[AAA] = history(OLD, 0.5)
    run(holed.run([DataTask(physical_symbol=AAA, depth=500)]))
    assert closes(other).equals(history(OLD, 0.5).select("timestamp", "close"))


def test_a_correction_of_the_last_bar_asks_for_no_more(
    provider: TableProvider, pipeline: DataPipelineOrchestrator, lake: Lake
) -> None:
    asked = provider.counted(AAA)
    corrected = history(len(DAYS)).with_columns(
        close=pl.when(pl.col("timestamp") == DAYS[OLD - 1]).then(pl.col("low")).otherwise("close")
    )
    provider.tables[AAA] = corrected
    assert synced(pipeline).changed <= 1
    assert provider.counted(AAA) - asked <= 3


def test_an_upsert_never_makes_a_seam(provider: TableProvider, pipeline: DataPipelineOrchestrator, lake: Lake) -> None:
    tail = history(len(DAYS), 0.25, first=OLD - 3)
    with pytest.raises(DataError, match=r"AAA: .* prices changed their scale, .* fetch its whole history"):
        upsert(
            lake,
            tail,
            interval="1d",
            basis=provider.basis,
            source="test",
            recorded_at=pipeline.clock.now(),
            reason="test",
        )


def _split(at: datetime) -> pl.DataFrame:
    schema = {"timestamp": TIME, "kind": pl.String(), "value": pl.Float64()}
    return pl.DataFrame({"timestamp": [at], "kind": ["split"], "value": [4.0]}, schema=schema)


def test_raw_prices_without_their_split_are_refused_degraded_or_accepted_and_stamped(
    lake: Lake, registry: RegistryManager, clock: ManualClock
) -> None:
    provider = TableProvider({AAA: history(len(DAYS))}, actions_of={AAA: _split(DAYS[60])}, basis=Basis.RAW)
    provider.capabilities = replace(provider.capabilities, actions=True)
    made = DataPipelineOrchestrator(provider=provider, lake=lake, registry=registry, clock=clock)
    outcome = synced(made)
    assert (outcome.result, outcome.state, outcome.coverage.bars) == (Result.FAILED, AssetState.DEGRADED, 0)
    assert "raw prices must show a split of 4 as a move of -75.0%" in outcome.reason
    word = DataPipelineOrchestrator(provider=provider, lake=lake, registry=registry, clock=clock, doubt=Doubt.ACCEPT)
    assert synced(word).state is AssetState.STABLE
    assert Stamp.ACCEPTED_BASIS in lake.panel(lake.pin([AAA])).stamps_of((AAA,))


def test_raw_prices_that_were_adjusted_since_are_refused(
    lake: Lake, registry: RegistryManager, clock: ManualClock
) -> None:
    provider = TableProvider({AAA: history(OLD)}, basis=Basis.RAW)
    made = DataPipelineOrchestrator(provider=provider, lake=lake, registry=registry, clock=clock)
    synced(made)
    provider.tables[AAA] = history(len(DAYS), 0.25)
    outcome = synced(made)
    assert (outcome.result, outcome.state) == (Result.FAILED, AssetState.DEGRADED)
    assert "and raw prices never do" in outcome.reason
    assert closes(lake).equals(history(OLD).select("timestamp", "close"))
