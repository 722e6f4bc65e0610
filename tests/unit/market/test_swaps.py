"""Swaps: a sync stores their funding, behind the last stored settlement."""

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
from table_provider import TableProvider, day, made_bars, run, walk

from builders.clocks import ManualClock
from tvquant.lake import Lake
from tvquant.lake.reading.funding import known_funding
from tvquant.lake.storage import tables
from tvquant.lake.storage.tables import TIME
from tvquant.market.merging import Merger
from tvquant.market.orchestrator import DataPipelineOrchestrator
from tvquant.market.providers.contract import Unavailable
from tvquant.market.tasks import DataTask
from tvquant.market.worker import TaskOutcome

BTC, ETH = "BINANCE:BTCUSDT.P", "BINANCE:ETHUSDT.P"


def payments(count: int, *, back: int = 0) -> pl.DataFrame:
    """So many, every eight hours, the last at the close of the bar of so many days ago; stamped late."""
    last = day(back - 1)
    stamps = [last - timedelta(hours=8 * k) + timedelta(milliseconds=k % 20) for k in reversed(range(count))]
    rates = [1e-4 * (1 + k % 3) for k in range(count)]
    return pl.DataFrame({"timestamp": stamps, "funding_rate": rates}, schema={"timestamp": TIME, "funding_rate": float})


@pytest.fixture
def provider() -> TableProvider:
    provider = TableProvider(
        {name: made_bars(name, walk(300), last=day()) for name in (BTC, ETH)},
        payments_of={BTC: payments(90), ETH: payments(30)},
    )
    provider.capabilities = replace(provider.capabilities, funding=True)
    return provider


def synced(pipeline: DataPipelineOrchestrator, symbol: str = BTC, **more: object) -> TaskOutcome:
    return run(pipeline.worker.run(DataTask(physical_symbol=symbol, depth=100, **more)))  # type: ignore[arg-type]


def asked(provider: TableProvider) -> list[tuple[object, object]]:
    return [one[2:] for one in provider.asked if one[1] == "funding"]


def test_a_sync_stores_the_whole_history_in_one_commit(
    pipeline: DataPipelineOrchestrator, provider: TableProvider, lake: Lake
) -> None:
    provider.limits = replace(provider.limits, bars_per_request=40)
    pipeline.worker.limiter.limits = provider.limits
    summary = run(pipeline.run([DataTask(physical_symbol=name, depth=30) for name in (BTC, ETH)]))
    assert not summary.failed
    found = known_funding(lake.root)
    assert found["symbol"].value_counts().sort("symbol").rows() == [(BTC, 90), (ETH, 30)]
    assert tables.version(lake.root, "funding") == 0
    assert (found["timestamp"] == found["timestamp"].dt.truncate("1s")).all()
    panel = lake.panel(lake.pin([BTC]))
    assert panel.fields["funding"][-1, 0] == pytest.approx(6e-4)


def test_the_next_sync_asks_behind_the_last_settlement(
    pipeline: DataPipelineOrchestrator, provider: TableProvider, lake: Lake, clock: ManualClock
) -> None:
    synced(pipeline)
    clock.at += timedelta(days=1)
    provider.tables[BTC] = made_bars(BTC, [*walk(300), 100.0], last=day(-1))
    provider.payments_of[BTC] = pl.concat([payments(90), payments(3, back=-1)])
    synced(pipeline)
    assert asked(provider) == [(None, None), (day(-1) + timedelta(milliseconds=1), None)]
    assert len(known_funding(lake.root)) == 93
    synced(pipeline, force_sync=True)
    assert len(tables.read(lake.root, "funding")) == 93


def test_shorter_bars_and_other_kinds_have_none(pipeline: DataPipelineOrchestrator, provider: TableProvider) -> None:
    provider.tables["BINANCE:BTCUSDT"] = made_bars("BINANCE:BTCUSDT", walk(300), last=day())
    synced(pipeline, "BINANCE:BTCUSDT")
    provider.capabilities = replace(provider.capabilities, funding=False)
    synced(pipeline)
    assert asked(provider) == []


def test_bars_whose_funding_cannot_be_had_are_stored_and_noted(
    pipeline: DataPipelineOrchestrator, provider: TableProvider, lake: Lake
) -> None:
    provider.refusal = Unavailable("down")
    found = synced(pipeline)
    assert (found.inserted, found.notes) == (100, ("no funding: down",))
    assert known_funding(lake.root).is_empty()


def test_rates_that_are_no_fractions_are_dropped_and_noted(
    pipeline: DataPipelineOrchestrator, provider: TableProvider, lake: Lake
) -> None:
    wild = pl.when(pl.int_range(pl.len()) == 5).then(float("nan")).otherwise(pl.col("funding_rate"))
    provider.payments_of[BTC] = payments(90).with_columns(funding_rate=wild)
    assert synced(pipeline).notes == ("1 funding rates are no fractions: dropped",)
    assert len(known_funding(lake.root)) == 89


def test_funding_that_goes_on_behind_a_delisting_is_dropped_and_noted(
    pipeline: DataPipelineOrchestrator, provider: TableProvider, lake: Lake
) -> None:
    provider.tables[BTC] = made_bars(BTC, walk(300), last=day(10))
    provider.listings = {BTC: day(9)}
    found = synced(pipeline)
    assert found.notes == ("30 funding rates came after its end: dropped",)
    assert len(known_funding(lake.root)) == 90 - 30


def test_a_kill_behind_the_funding_is_completed(
    pipeline: DataPipelineOrchestrator, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(Merger, "_upsert", killed)
        with pytest.raises(Killed):
            synced(pipeline)
    assert len(known_funding(lake.root)) == 90
    assert synced(pipeline).inserted == 100
    assert len(tables.read(lake.root, "funding")) == 90
