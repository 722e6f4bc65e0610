"""Sync of 500 symbols x 2000 daily bars from a Binance on this machine, through the real client library.

Run as `python benchmarks/sync_binance.py`. The server (tests/builders/binance_server.py) is a process of its own that
speaks Binance's protocol. What the declared rate alone takes is printed beside what the sync took; that no request came
above the rate, by the server's own clock, and that every asset is whole is checked. Loading the client library is
timed apart: it happens once per process.
"""

import asyncio
import multiprocessing
import resource
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from builders.binance_server import BinanceServer
from builders.loopback import serve
from tvquant.lake import Lake
from tvquant.market.metadata import store_metadata
from tvquant.market.orchestrator import DataPipelineOrchestrator
from tvquant.market.providers.binance.member import LIMITS, RATES, Binance
from tvquant.market.providers.simulated.market import SimulatedMarket
from tvquant.market.providers.simulated.world import World
from tvquant.market.registry import RegistryManager
from tvquant.market.tasks import DataTask

SYMBOLS, BARS, COINS = 500, 2000, 20
START = date(2019, 1, 1)
NOW = datetime(2019, 1, 1, 9, 30, tzinfo=UTC) + timedelta(days=BARS + 20)
ALLOWED = 1.10
"""Times what the declared rate takes."""


class Then:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW


class Many:
    """A market of many symbols, each with the prices of one of a few coins."""

    def __init__(self) -> None:
        declared = SimulatedMarket(
            seed=3, start=START, days=BARS + 30, coins=COINS, perpetuals=1, stocks=0, reused=0, late=0.0, delisted=0.0
        )
        self._world = World(declared)
        whole = [symbol for symbol in self._world.symbols if not symbol.endswith(".P")]
        self._of = {f"BINANCE:N{n:03d}USDT": whole[n % len(whole)] for n in range(SYMBOLS)}
        self.symbols = tuple(self._of)
        self._bars: dict[str, pl.DataFrame] = {}

    def bars(self, symbol: str, interval: str, *, now: datetime) -> pl.DataFrame:
        name = self._of[symbol]
        if name not in self._bars:
            self._bars[name] = self._world.bars(name, interval, now=now)
        return self._bars[name].with_columns(symbol=pl.lit(symbol))

    def instruments(self, *, now: datetime) -> pl.DataFrame:
        rows = self._world.instruments(now=now)
        each = [rows.filter(symbol=name).with_columns(symbol=pl.lit(symbol)) for symbol, name in self._of.items()]
        return pl.concat([*each, rows.filter(pl.col("symbol").str.ends_with(".P"))])


def serving(pipe: Connection) -> None:
    """Serve until told to stop; then tell the times of all requests."""

    async def main() -> None:
        market = Many()
        async with serve(BinanceServer(market, now=NOW, rate=RATES.spot)) as server:
            pipe.send((server.url, market.symbols))
            while not pipe.poll():
                await asyncio.sleep(0.05)
            pipe.send([(one.at, one.path) for one in server.requests])

    asyncio.run(main())


async def synced(url: str, symbols: tuple[str, ...], lake: Lake) -> tuple[float, float]:
    """Sync; return seconds of wall clock, and of the processor."""
    member = Binance(clock=Then(), spot_url=url, perpetual_url=url)
    registry = RegistryManager(lake.root / ".registry.json")
    pipeline = DataPipelineOrchestrator(provider=member, lake=lake, registry=registry, clock=Then())
    began, busy = time.perf_counter(), time.process_time()
    try:
        summary = await pipeline.run(DataTask(physical_symbol=name, depth=BARS) for name in symbols)
        metadata = await store_metadata(pipeline.listings, lake, symbols, clock=Then())
    finally:
        await member.close()
    took, worked = time.perf_counter() - began, time.process_time() - busy
    if summary.failed or any(one.coverage.bars != BARS for one in summary.outcomes) or metadata.share < 1.0:
        raise SystemExit(f"not every asset is whole: {summary.counted()}, steps of {metadata.share:.0%}")
    return took, worked


def peak() -> float:
    """Return MiB that this process held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def play(root: Path) -> None:
    """Sync, print and check."""
    start = time.perf_counter()
    import ccxt.async_support  # noqa: F401 - loaded before the sync is timed

    loading, before = time.perf_counter() - start, peak()
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serving, args=(theirs,), daemon=True)
    server.start()
    url, symbols = ours.recv()
    took, worked = asyncio.run(synced(url, symbols, Lake(root / "lakehouse")))
    ours.send("stop")
    seen = ours.recv()
    server.join()
    times = sorted(at for at, path in seen if path.startswith("/api"))
    for seconds in (1.0, 5.0, 20.0):
        most = max(sum(one <= at < one + seconds for at in times[i : i + 2000]) for i, one in enumerate(times))
        if most > RATES.spot * seconds + LIMITS.burst // 2:
            raise SystemExit(f"{most} requests within {seconds:g} s; {RATES.spot:g} a second are declared")
    ideal = len(times) / RATES.spot
    print(f"{len(symbols)} symbols x {BARS} bars, {len(times)} requests, {RATES.spot:g} a second declared")
    print(f"  sync {took:.1f} s; the declared rate alone takes {ideal:.1f} s ({took / ideal - 1:+.1%})")
    print(f"  {worked:.1f} s of one processor; memory {before:.0f} -> {peak():.0f} MiB; client library {loading:.1f} s")
    if took > ALLOWED * ideal:
        raise SystemExit(f"more than {ALLOWED - 1:.0%} over what the declared rate takes")


def main() -> None:
    """Play in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        play(Path(name))


if __name__ == "__main__":
    main()
