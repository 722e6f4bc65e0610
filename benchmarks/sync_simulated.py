"""Sync of 200 symbols x 2000 daily bars from a simulated exchange that breaks in every way it can, into an empty lake.

Run as `python benchmarks/sync_simulated.py`. Waiting takes no time here: what is printed beside the seconds of work is
how long the exchange's own rate limit would have made anyone wait. That every repairable asset ends whole, that the
others are named and that no request came above the declared rate is checked.
"""

import asyncio
import selectors
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tvquant.lake import Lake
from tvquant.market.coverage import stored_rows
from tvquant.market.healing import heal
from tvquant.market.orchestrator import DataPipelineOrchestrator
from tvquant.market.providers.simulated.exchange import Exchange
from tvquant.market.providers.simulated.faults import draw
from tvquant.market.providers.simulated.market import SimulatedMarket
from tvquant.market.providers.simulated.member import Simulated
from tvquant.market.providers.simulated.world import World
from tvquant.market.registry import RegistryManager
from tvquant.market.tasks import DataTask

BARS = 2000
NOW = datetime(2020, 1, 1, 9, 30, tzinfo=UTC) + timedelta(days=BARS - 1)


class Then:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW


class _Ahead(selectors.DefaultSelector):
    """Waits for nothing: who would sleep moves the time on."""

    seconds = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout:
            self.seconds += timeout
        return super().select(0 if timeout is not None else None)


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop in which sleeping takes no time."""

    def __init__(self) -> None:
        self._ahead = _Ahead()
        super().__init__(self._ahead)

    def time(self) -> float:
        return self._ahead.seconds


async def play(root: Path) -> None:
    """Sync, heal, sync again; print and check."""
    loop = asyncio.get_running_loop()
    world = World(SimulatedMarket(seed=3, days=BARS, coins=120, perpetuals=40, stocks=40))
    faults = draw(world.symbols, seed=5, now=NOW, days=400, share=0.8)
    exchange = Exchange(world, clock=Then(), faults=faults, seconds=loop.time)
    lake = Lake(root / "lakehouse")
    registry = RegistryManager(lake.root / ".registry.json")
    pipeline = DataPipelineOrchestrator(
        provider=Simulated(exchange=exchange), lake=lake, registry=registry, clock=Then()
    )
    start = time.perf_counter()
    summary = await pipeline.run(DataTask(physical_symbol=name, depth=BARS) for name in world.symbols)
    first = time.perf_counter() - start
    healed = await heal(pipeline, world.symbols)
    whole = time.perf_counter() - start
    waited = loop.time()
    good = [name for name in world.symbols if name not in healed.unhealthy]
    start = time.perf_counter()
    again = await pipeline.run(DataTask(physical_symbol=name, depth=BARS) for name in good)
    second = time.perf_counter() - start
    for name in set(world.symbols) - faults.irreparable:
        held = stored_rows(lake, name, "1d")
        if not held["timestamp"].equals(exchange.truth(name)["timestamp"]):
            raise SystemExit(f"{name} is not whole")
    named = {name for name in healed.unhealthy if len(exchange.truth(name)) >= 90}
    if exchange.violations or again.requests or not named <= faults.irreparable:
        raise SystemExit("requests above the rate, a second sync that asks, or a repairable asset that is not healed")
    kinds = len({fault.kind for fault in faults.faults})
    print(f"{len(world.symbols)} symbols x {BARS} bars, {len(faults.faults)} faults of {kinds} kinds")
    print(f"  sync {first:.1f} s, with repair {whole:.1f} s of work; the rate limit alone takes {waited:.0f} s")
    print(
        f"  {summary.requests + healed.requests} requests, {len(good)} good, {len(healed.unhealthy)} named with reasons"
    )
    print(f"  sync again {second:.2f} s, {again.requests} requests")


def main() -> None:
    """Play in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(play(Path(name)), loop_factory=SkippingLoop)


if __name__ == "__main__":
    main()
