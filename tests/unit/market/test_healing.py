import polars as pl
import pytest
from table_provider import BTC, ETH, NOW, TableProvider, day, made_bars, run, walk, without

from tvquant.core.instants import instant
from tvquant.lake import Lake
from tvquant.market.coverage import Grid, stored_rows
from tvquant.market.healing import HealReport, heal
from tvquant.market.orchestrator import DataPipelineOrchestrator
from tvquant.market.providers.contract import Unavailable
from tvquant.market.registry import AssetState, RegistryManager
from tvquant.market.tasks import DataTask

SOL = "BINANCE:SOLUSDT"


@pytest.fixture
def deep(provider: TableProvider) -> TableProvider:
    """The provider has 2500 bars of each."""
    for seed, name in enumerate((BTC, ETH, SOL)):
        provider.tables[name] = made_bars(name, walk(2500, seed=seed), last=day())
    return provider


def synced(pipeline: DataPipelineOrchestrator, *names: str, depth: int = 300) -> None:
    run(pipeline.run([DataTask(physical_symbol=name, depth=depth) for name in names]))


def healed(pipeline: DataPipelineOrchestrator, *names: str, **more: bool) -> HealReport:
    return run(heal(pipeline, names, **more))  # type: ignore[arg-type]


def stale(rows: pl.DataFrame) -> pl.DataFrame:
    return rows[:-10]


@pytest.mark.requirement("R-DAT-11")
def test_a_stale_asset_is_one_forced_request_of_2000_bars(
    pipeline: DataPipelineOrchestrator, deep: TableProvider, registry: RegistryManager
) -> None:
    deep.spoil[BTC] = [stale]
    synced(pipeline, BTC, ETH)
    assert registry.read().record(BTC, "1d").state is AssetState.DEGRADED
    deep.asked.clear()
    found = healed(pipeline, BTC, ETH)
    assert deep.asked == [(BTC, "1d", day(1999), day(-1))]
    (asset,) = found.assets
    assert (asset.physical_symbol, asset.state, asset.passes, asset.inserted) == (BTC, AssetState.STABLE, 1, 1710)
    assert asset.before == f"stale: last bar {day(10):%Y-%m-%d}"
    assert (found.checked, found.unhealthy, found.excluded, found.requests) == (2, {}, (), 1)
    assert registry.read().record(BTC, "1d").state is AssetState.STABLE


def test_an_asset_that_was_never_fetched_is_healed_too(pipeline: DataPipelineOrchestrator, deep: TableProvider) -> None:
    found = healed(pipeline, BTC)
    assert (found.assets[0].before, found.assets[0].state) == ("never fetched", AssetState.STABLE)


@pytest.mark.requirement("R-DAT-12")
def test_only_listed_assets_are_asked_for(pipeline: DataPipelineOrchestrator, deep: TableProvider, lake: Lake) -> None:
    for name in (BTC, ETH, SOL):
        deep.spoil[name] = [stale]
    synced(pipeline, BTC, ETH, SOL)
    before = {name: stored_rows(lake, name, "1d") for name in (BTC, SOL)}
    deep.asked.clear()
    healed(pipeline, ETH, forced=True)
    assert {one[0] for one in deep.asked} == {ETH}
    for name, rows in before.items():
        assert stored_rows(lake, name, "1d").equals(rows)


def test_what_is_named_is_fetched_even_where_it_is_good(
    pipeline: DataPipelineOrchestrator, deep: TableProvider
) -> None:
    synced(pipeline, BTC)
    assert healed(pipeline, BTC).requests == 0
    assert healed(pipeline, BTC, forced=True).requests == 1


def test_a_gap_that_shows_twice_needs_the_second_pass(pipeline: DataPipelineOrchestrator, deep: TableProvider) -> None:
    gap = without(9, 8)
    deep.spoil[BTC] = [gap, gap]
    synced(pipeline, BTC)
    (asset,) = healed(pipeline, BTC).assets
    assert (asset.passes, asset.state) == (2, AssetState.STABLE)


def test_the_third_pass_asks_for_the_holes_alone(pipeline: DataPipelineOrchestrator, deep: TableProvider) -> None:
    gap = without(9, 8, 40)
    deep.spoil[BTC] = [gap, gap, gap]
    synced(pipeline, BTC)
    deep.asked.clear()
    (asset,) = healed(pipeline, BTC).assets
    assert (asset.passes, asset.state) == (3, AssetState.STABLE)
    assert [one[2:] for one in deep.asked[2:]] == [(day(9), day(7)), (day(40), day(39))]


@pytest.mark.requirement("R-DAT-13")
def test_what_the_provider_has_not_is_given_up_and_not_asked_for_again(
    pipeline: DataPipelineOrchestrator, deep: TableProvider, registry: RegistryManager
) -> None:
    deep.tables[BTC] = without(9, 8)(deep.tables[BTC])
    synced(pipeline, BTC, ETH)
    deep.asked.clear()
    found = healed(pipeline, BTC, ETH, strict=True)
    assert len(deep.asked) == 3  # two forced, one targeted
    assert found.excluded == (BTC,)
    assert found.unhealthy[BTC].startswith("gaps: 2 bars missing")
    record = registry.read().record(BTC, "1d")
    assert (record.state, record.irreparable) == (AssetState.DEGRADED, ((day(9), day(8)),))
    again = healed(pipeline, BTC, ETH)
    assert (again.requests, len(deep.asked)) == (0, 3)
    assert (list(again.unhealthy), again.excluded) == ([BTC], ())


@pytest.mark.requirement("R-DAT-13")
def test_a_young_asset_is_short_and_left_alone_once_its_genesis_is_known(
    pipeline: DataPipelineOrchestrator, provider: TableProvider, registry: RegistryManager
) -> None:
    provider.tables[BTC] = made_bars(BTC, walk(30), last=day())
    synced(pipeline, BTC, depth=20)
    found = healed(pipeline, BTC)
    assert registry.read().record(BTC, "1d").genesis == day(29)
    assert found.unhealthy == {BTC: "short: 30 bars, 90 needed"}
    assert found.assets[0].passes == 1
    assert healed(pipeline, BTC).requests == 0


def test_one_missing_session_is_no_gap_but_is_asked_for_once(
    pipeline: DataPipelineOrchestrator, provider: TableProvider, registry: RegistryManager
) -> None:
    name = "NASDAQ:AAPL"
    rows = made_bars(name, walk(400), last=day()).filter(pl.col("timestamp").dt.weekday() <= 5)
    provider.tables[name] = rows
    provider.spoil[name] = [without(2)]
    synced(pipeline, name, depth=100)
    assert registry.read().record(name, "1d").state is AssetState.STABLE
    sessions = Grid.of(name, "1d", NOW).bars(instant(day(399)), instant(day()))
    assert healed(pipeline, name).assets[0].inserted == len(sessions) - 99


def test_a_dead_provider_ends_the_repair(pipeline: DataPipelineOrchestrator, deep: TableProvider) -> None:
    deep.spoil[BTC] = [Unavailable("503")] * 100
    found = healed(pipeline, BTC)
    assert found.requests == 12
    assert found.unhealthy == {BTC: "no bars: 503"}
    assert found.assets[0].notes == ("503",)


def test_who_is_unknown_is_asked_for_once(pipeline: DataPipelineOrchestrator, deep: TableProvider) -> None:
    found = healed(pipeline, "BINANCE:NONEUSDT")
    assert (found.requests, list(found.unhealthy)) == (1, ["BINANCE:NONEUSDT"])
