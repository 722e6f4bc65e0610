"""A sync that everything happens to: every fault of an exchange, and a kill at any moment.

The gate plays 40 symbols of 400 bars and two kills, `make proof` 200 symbols of 2000 bars and twenty.
"""

import asyncio
import os
import random
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from builders.clocks import ManualClock
from builders.fresh import FRESH
from tvquant.app import deliveries, syncing
from tvquant.app.deliveries import Source
from tvquant.app.progress import Watcher
from tvquant.app.syncing import Asked, Synced
from tvquant.app.workspace import Workspace
from tvquant.core.stamps import Stamp
from tvquant.lake import Lake
from tvquant.lake.storage import tables
from tvquant.market.coverage import stored_rows
from tvquant.market.healing import HealReport, heal
from tvquant.market.orchestrator import DataPipelineOrchestrator, Summary
from tvquant.market.plans import PlanBook
from tvquant.market.providers.contract import Provider, ProviderFactory, RateLimits
from tvquant.market.providers.simulated.client import SimulatedHttp
from tvquant.market.providers.simulated.exchange import Exchange
from tvquant.market.providers.simulated.faults import HARMLESS, Fault, FaultKind, Faults, draw
from tvquant.market.providers.simulated.market import SimulatedMarket
from tvquant.market.providers.simulated.member import Simulated
from tvquant.market.providers.simulated.server import served
from tvquant.market.providers.simulated.world import World
from tvquant.market.registry import AssetState, RegistryManager
from tvquant.market.retry import Backoff
from tvquant.market.tasks import DataTask
from tvquant.profiles import Options

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "market"))
from table_provider import VirtualLoop

PROOF = bool(os.environ.get("TVQUANT_PROOF"))
KILLS = 20 if PROOF else 2
PRICES = ("open", "high", "low", "close")
SOON = Backoff(base=0.05, cap=0.1)
START = datetime(2020, 1, 1, tzinfo=UTC)


def world(coins: int, perpetuals: int, stocks: int, days: int) -> World:
    return World(
        SimulatedMarket(seed=3, start=START.date(), days=days, coins=coins, perpetuals=perpetuals, stocks=stocks)
    )


def at_its_end(days: int) -> ManualClock:
    return ManualClock(START + timedelta(days=days - 1, hours=9, minutes=30))


def every_fault(symbols: tuple[str, ...], now: datetime, days: int, seconds: float) -> Faults:
    """Faults for four of five symbols, of every kind, some of them for ever."""
    drawn = draw(symbols, seed=5, now=now, days=days, share=0.8, seconds=seconds)
    assert {fault.kind for fault in drawn.faults} == set(FaultKind)
    return drawn


async def synced(pipeline: DataPipelineOrchestrator, symbols: tuple[str, ...], bars: int) -> tuple[Summary, HealReport]:
    summary = await pipeline.run([DataTask(physical_symbol=name, depth=bars, reason="sync") for name in symbols])
    return summary, await heal(pipeline, symbols)


def pipeline_of(
    provider: Provider, lake: Lake, clock: ManualClock, backoff: Backoff | None = None
) -> DataPipelineOrchestrator:
    registry = RegistryManager(lake.root / ".registry.json")
    return DataPipelineOrchestrator(
        provider=provider, lake=lake, registry=registry, clock=clock, backoff=backoff or Backoff()
    )


def whole(lake: Lake, exchange: Exchange, symbol: str) -> bool:
    """The lake has exactly the true bars of the symbol."""
    held = stored_rows(lake, symbol, "1d")
    truth = exchange.truth(symbol).select(held.columns)
    if len(held) != len(truth) or not held["timestamp"].equals(truth["timestamp"]):
        return False
    return all(((held[name] - truth[name]).abs() <= 1e-12 * truth[name]).all() for name in (*PRICES, "volume"))


def check(
    lake: Lake, exchange: Exchange, faults: Faults, symbols: tuple[str, ...], summary: Summary, healed: HealReport
) -> None:
    registry = RegistryManager(lake.root / ".registry.json").read()
    repairable = [name for name in symbols if name not in faults.irreparable]
    assert {name for name in repairable if not whole(lake, exchange, name)} == set()
    unstable = {name for name in repairable if registry.record(name, "1d").state is not AssetState.STABLE}
    assert {name for name in unstable if len(exchange.truth(name)) >= 90} == set()
    for name in faults.irreparable:
        assert healed.unhealthy.get(name) or whole(lake, exchange, name), f"{name} is bad and not named"
    assert all(healed.unhealthy.values())
    assert exchange.violations == 0
    bars = tables.read(lake.root, "bars", ["symbol", "timestamp"])
    assert bars.is_duplicated().sum() == 0
    assert len(summary.outcomes) == len(symbols)


def test_a_sync_with_every_fault_ends_whole_or_named(tmp_path: Path) -> None:
    coins, perpetuals, stocks, days = (120, 40, 40, 2000) if PROOF else (20, 10, 10, 400)
    made, clock, lake = world(coins, perpetuals, stocks, days), at_its_end(days), Lake(tmp_path / "lakehouse")
    faults = every_fault(made.symbols, clock.now(), min(days - 60, 400), 0.2)

    async def main() -> None:
        exchange = Exchange(made, clock=clock, faults=faults, seconds=asyncio.get_running_loop().time)
        pipeline = pipeline_of(Simulated(exchange=exchange), lake, clock)
        summary, healed = await synced(pipeline, made.symbols, days)
        check(lake, exchange, faults, made.symbols, summary, healed)
        assert exchange.knocks == 0
        asked = len(exchange.requests)
        good = tuple(name for name in made.symbols if name not in healed.unhealthy)
        again, _ = await synced(pipeline, good, days)
        assert (again.requests, again.inserted, again.changed) == (0, 0, 0)
        assert len(exchange.requests) == asked

    asyncio.run(main(), loop_factory=VirtualLoop)


def test_over_the_wire_it_ends_alike(tmp_path: Path) -> None:
    made, clock, lake = world(12, 4, 4, 300), at_its_end(300), Lake(tmp_path / "lakehouse")
    faults = every_fault(made.symbols, clock.now(), 150, 0.1)
    limits = RateLimits(requests_per_second=100, burst=50, bars_per_request=150, concurrency=8)
    exchange = Exchange(made, clock=clock, faults=faults, terms=limits, transit=0.2)

    async def main(url: str) -> tuple[Summary, HealReport]:
        client = SimulatedHttp(url=url, clock=clock, limits=limits, patience=0.5)
        try:
            return await synced(pipeline_of(client, lake, clock, SOON), made.symbols, 300)
        finally:
            await client.close()

    with served(exchange) as url:
        summary, healed = asyncio.run(main(url))
        check(lake, exchange, faults, made.symbols, summary, healed)
        # What was on its way when a ban fell arrives in it.
        bans = sum(FaultKind.BAN in request.outcome for request in exchange.requests)
        assert exchange.knocks <= bans * limits.concurrency


def sync_moved(root: Path, factor: float, said: Connection) -> None:
    """Sync all symbols anew with prices moved by a factor, and say that it begins and what it came to."""
    made, clock = world(16, 4, 0, 400), at_its_end(400)
    limits = RateLimits(requests_per_second=30, burst=2, bars_per_request=200, concurrency=8)

    class Moved(Simulated):
        async def bars(self, symbol: str, interval: str, **span: Any) -> pl.DataFrame:
            rows = await super().bars(symbol, interval, **span)
            up = pl.col("timestamp").dt.epoch("d") % 2 == 0  # no common factor: raw prices have none to change by
            return rows.with_columns(pl.col(PRICES) * pl.when(up).then(factor).otherwise(1 / factor))

    async def main() -> Summary:
        provider, lake = Moved(exchange=Exchange(made, clock=clock, terms=limits)), Lake(root)
        registry = RegistryManager(root / ".registry.json")
        pipeline = DataPipelineOrchestrator(provider=provider, lake=lake, registry=registry, clock=clock, workers=4)
        said.send("go")
        return await pipeline.run(
            [DataTask(physical_symbol=name, depth=400, force_sync=True, reason="sync") for name in made.symbols]
        )

    said.send(asyncio.run(main()).counted())


def child(lake: Lake, factor: float) -> tuple[BaseProcess, Connection]:
    """Begin such a sync in another process."""
    here, there = FRESH.Pipe(duplex=False)
    started = FRESH.Process(target=sync_moved, args=(lake.root, factor, there))
    started.start()
    there.close()
    assert here.recv() == "go"
    return started, here


def killed(victim: BaseProcess) -> None:
    """Kill a sync in the midst, which must take longer than that."""
    victim.kill()
    victim.join()
    assert victim.exitcode == -signal.SIGKILL, "the sync was over before the kill: it must take longer"


def versions(lake: Lake, exchange: Exchange, factors: list[float]) -> int:
    """Check that every stored row is wholly of one sync, and return how many rows there are."""
    if tables.version(lake.root, "bars") is None:
        return 0
    rows = tables.read(lake.root, "bars")
    assert rows.select("symbol", "timestamp").is_duplicated().sum() == 0
    truth = pl.concat(exchange.truth(name) for name in exchange.world.symbols)
    both = rows.join(truth, on=["symbol", "timestamp"], suffix="_true")
    assert len(both) == len(rows)
    of = [
        both.select(
            pl.all_horizontal((pl.col(n) / (pl.col(f"{n}_true") * factor) - 1).abs() < 1e-9 for n in PRICES)
        ).to_series()
        for moved in factors
        for factor in (moved, 1 / moved)
    ]
    assert pl.select(pl.any_horizontal(*of)).to_series().all()
    return len(rows)


@pytest.mark.requirement("R-DAT-21")
def test_a_sync_killed_at_any_moment_harms_nothing_and_goes_on(tmp_path: Path) -> None:
    """Each killed sync changes every stored price a little, so that a half-written row would show."""
    made, clock, lake = world(16, 4, 0, 400), at_its_end(400), Lake(tmp_path / "lakehouse")
    exchange, draws = Exchange(made, clock=clock), random.Random(11)
    factors, held = [1.0], 0
    for number in range(KILLS):
        factors.append(1 + (number + 1) * 1e-4)
        victim, _ = child(lake, factors[-1])
        time.sleep(draws.uniform(0.1, 1.4))
        killed(victim)
        now = versions(lake, exchange, factors)
        assert now >= held
        held = now
        RegistryManager(lake.root / ".registry.json").read()
    last, said = child(lake, 1.0)
    assert said.poll(120)
    assert said.recv() == {"stable": 20}
    last.join(60)
    assert last.exitcode == 0
    assert all(whole(lake, exchange, name) for name in made.symbols)


def first_sync(root: Path, rate: int) -> Synced:
    """All that an exchange of twenty coins lists, with so many requests a second."""
    made, clock = world(16, 4, 0, 400), at_its_end(400)
    limits = RateLimits(requests_per_second=rate, burst=2, bars_per_request=200, concurrency=8)
    provider = Simulated(exchange=Exchange(made, clock=clock, terms=limits))
    source = Source(name="simulated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            deliveries,
            "PROVIDERS",
            {"simulated": ProviderFactory(name="simulated", options=Options, open=lambda *_: provider)},
        )
        return syncing.sync(Workspace(root), source, Asked(command="sync", bars=400), clock=clock, watcher=Watcher())


@pytest.mark.requirement("R-DAT-21")
def test_a_first_sync_that_was_killed_is_finished_by_the_same_command(tmp_path: Path) -> None:
    home = Workspace(tmp_path)
    home.create()
    registry, book = RegistryManager(home.lake().folder), PlanBook(home.lake().folder)
    victim = FRESH.Process(target=first_sync, args=(tmp_path, 20))
    victim.start()
    until = time.monotonic() + 60
    while not registry.read().records and time.monotonic() < until:
        time.sleep(0.05)
    killed(victim)
    (plan,) = book.unfinished()
    held = home.lake().symbols()
    assert 0 < len(held) < len(plan.symbols) == 20
    done = first_sync(tmp_path, 1000)
    assert done.account.stable == plan.symbols == home.lake().symbols()
    assert book.unfinished() == ()


def test_faults_that_a_reader_undoes_are_no_excuse() -> None:
    """The check above asks for every symbol but the irreparable ones; these may not hide among them."""
    for kind in HARMLESS:
        assert not Fault(kind=kind, symbol="BINANCE:S001USDT", requests=None).irreparable


@pytest.mark.requirement("R-DAT-21")
def test_a_synced_share_has_the_total_returns_that_the_exchange_paid(tmp_path: Path) -> None:
    """Raw prices with the splits and dividends that came with them; nothing is stamped as a mere price return."""
    days = 900
    made = World(SimulatedMarket(seed=3, start=START.date(), days=days, coins=0, perpetuals=0, reused=0, stocks=12))
    clock, lake = at_its_end(days), Lake(tmp_path / "lakehouse")

    async def main() -> None:
        exchange = Exchange(made, clock=clock, seconds=asyncio.get_running_loop().time)
        await synced(pipeline_of(Simulated(exchange=exchange), lake, clock), made.symbols, days)

    asyncio.run(main(), loop_factory=VirtualLoop)
    panel = lake.panel(lake.pin(lake.symbols()))
    splits = 0
    for column, instrument in enumerate(panel.instruments):
        actions = {
            (row["timestamp"].date(), row["kind"]): row["value"]
            for row in made.actions(instrument.symbol, now=clock.now()).iter_rows(named=True)
        }
        truth = made.truth(instrument.symbol, now=clock.now())
        held = panel.fields["total_return"][:, column]
        returns = dict(zip(panel.times.astype("datetime64[D]").tolist(), held.tolist(), strict=True))
        dates, closes = [stamp.date() for stamp in truth["timestamp"]], truth["close"].to_list()
        for k in range(1, len(dates)):
            split, cash = actions.get((dates[k], "split"), 1.0), actions.get((dates[k], "dividend"), 0.0)
            splits += split != 1.0
            paid = (closes[k] * split + cash) / closes[k - 1] - 1.0
            assert returns[dates[k]] == pytest.approx(paid, abs=1e-12), f"{instrument.symbol} {dates[k]}"
    assert splits > 0
    # Bars and actions alone tell no ticks.
    assert panel.stamps_of(panel.keys) == {Stamp.ASSUMED_METADATA, Stamp.SIMULATED}
