"""Growth of a walk-forward run with its names: model v4 under five risk profiles, with both baselines, on 2500 rows.

Run as `python benchmarks/run_at_scale.py [--names 100 300 1000] [--rows 2500] [--jobs 1 2]`. What is timed is stage 15:
decisions at every window, books, ledger and result tables, from a panel in memory; compiled kernels are in the cache
already, and of modules where Python may write it. CPU seconds and peak memory are of all processes; every size and
number of jobs is a process of its own, whose workers start, as those of a run do, while its panel is being made. Exit 1
when a number of jobs changes the result, the CPU seconds grow faster than the target, or two jobs are not quick enough
on a machine with nothing else to do.

At the default sizes it takes some minutes, so `run.py` does not list it.
"""

import argparse
import math
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

TARGET_EXPONENT = 1.3
"""Of CPU seconds ~ names^exponent, from the smallest to the largest size."""
TARGET_SPEED_UP, LARGE = 1.5, 300
"""From one to two jobs by the clock, of so many names and more."""
GROUPS = 12
"""Groups of names that move together."""
RISK_PROFILES = ("hrp", "risk_parity", "min_variance", "max_sharpe", "equal_weight")

type Measured = tuple[float, float, float, str]
"""Wall seconds, CPU seconds, GB at the peak, result digest."""


def measured(names: int, rows: int, jobs: int) -> Measured:
    """Play the matrix of one market, in this process."""
    from tvquant.app.ready_workers import get_ready

    get_ready(jobs)
    from joblib.externals.loky import get_reusable_executor

    from tvquant.app.clock import SystemClock
    from tvquant.app.vocabulary import vocabulary
    from tvquant.ledger import Ledger, genesis_entry
    from tvquant.ledger.result_store import ResultStore
    from tvquant.profiles import load, resolve
    from tvquant.tournament.cells import cells
    from tvquant.tournament.matrix import NOTHING, play_matrix
    from tvquant.tournament.walk_forward import BacktestEngine, grids

    arguments = {
        "profiles": ("allocation.profiles", list(RISK_PROFILES)),
        "market": ("benchmark.market", ["X:N0000"]),
        "span": ("data.span", "all"),
    }
    profile = resolve(load("crypto_spot"), vocabulary(), arguments=arguments).profile
    panel, grid = market(names, rows), cells(profile)
    with tempfile.TemporaryDirectory() as temporary:
        with Ledger.create(Path(temporary), run_id="bench", clock=SystemClock()) as ledger:
            ledger.record(
                genesis_entry(
                    run_id="bench", profile=profile.name, code="c", manifest="m", environment="e",
                    train=profile.windows.train, test=profile.windows.test, step=profile.windows.step,
                    lookback=profile.data.lookback, selection=profile.selection.model, rebalance="window",
                )
            )  # fmt: skip
            wall, cpu = time.perf_counter(), spent()
            matrix = play_matrix(
                BacktestEngine(panel, grids(panel, [cell.path for cell in grid])),
                grid, resumed=NOTHING, recorder=ledger, sink=ResultStore(Path(temporary) / "results"), jobs=jobs,
                progress=int, settled=lambda *_: None,
            )  # fmt: skip
            wall = time.perf_counter() - wall
        if jobs > 1:
            get_reusable_executor().shutdown(wait=True)  # what workers spent is known when they have ended
    own, others = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    unit = 1 if sys.platform == "darwin" else 1024  # Linux counts in KiB
    peak = (own + (jobs * others if jobs > 1 else 0)) * unit / 1e9
    return wall, spent() - cpu, peak, matrix.digest


def spent() -> float:
    """CPU seconds of this process and of the children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def market(names: int, rows: int):
    """Daily bars of random walks with a common factor and one of each group."""
    from tvquant.core.calendars import CRYPTO, calendar
    from tvquant.core.instruments import Instrument, Kind
    from tvquant.core.panel import Basis, Panel
    from tvquant.core.stamps import NONE

    draw = np.random.default_rng(names)
    moves = draw.normal(0.0, 0.015, (rows, 1)) * draw.uniform(0.4, 1.4, names)
    moves += draw.normal(0.0, 0.015, (rows, GROUPS))[:, np.arange(names) % GROUPS]
    moves += draw.normal(0.0, 1.0, (rows, names)) * draw.uniform(0.005, 0.03, names)
    close = 100.0 * np.exp((moves - 0.0002).cumsum(axis=0))
    opened = np.vstack([close[:1], close[:-1]])
    times = (np.datetime64("2017-01-01") + np.arange(rows)).astype("datetime64[us]")
    return Panel(
        times=times,
        instruments=tuple(
            Instrument(symbol=f"X:N{k:04d}", kinds=frozenset({Kind.SPOT}), currency="USD", calendar=CRYPTO)
            for k in range(names)
        ),
        fields={
            "open": opened, "high": np.maximum(opened, close) * 1.005, "low": np.minimum(opened, close) * 0.995,
            "close": close, "volume": draw.uniform(1e5, 1e7, close.shape),
        },
        known_at=np.broadcast_to(calendar(CRYPTO).close_of(times)[:, None], close.shape),
        tradable=np.ones(close.shape, bool),
        bases=(Basis.RAW,) * names,
        stamps=(NONE,) * names,
        calendar=CRYPTO,
    )  # fmt: skip


def alone(names: int, rows: int, jobs: int) -> Measured:
    """The same in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(measured, names, rows, jobs).result()


def main() -> int:
    """Print a line per size and number of jobs, then the growth."""
    parser = argparse.ArgumentParser(description="Growth of a walk-forward run with its names.")
    parser.add_argument("--names", type=int, nargs="+", default=[100, 300, 1000])
    parser.add_argument("--rows", type=int, default=2500)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    asked = parser.parse_args()
    subprocess.run([sys.executable, "-m", "tvquant.app.warm"], check=True)  # kernels
    print(f"stage 15 of v4 x {len(RISK_PROFILES)} risk profiles on {asked.rows} rows")
    print(f"{'names':>6} {'jobs':>5} {'wall s':>8} {'CPU s':>8} {'GB':>6}")
    cpu, failed = {}, False
    for names in asked.names:
        digests, walls = set(), {}
        for jobs in asked.jobs:
            wall, seconds, peak, digest = alone(names, asked.rows, jobs)
            print(f"{names:>6} {jobs:>5} {wall:>8.1f} {seconds:>8.1f} {peak:>6.2f}", flush=True)
            cpu.setdefault(names, seconds)
            digests.add(digest)
            walls[jobs] = wall
        if len(digests) > 1:
            print(f"{names} names: the number of jobs changes the result", file=sys.stderr)
            failed = True
        if names >= LARGE and {1, 2} <= walls.keys():
            met = walls[1] / walls[2] >= TARGET_SPEED_UP
            verdict = "met" if met else "MISSED"
            print(f"{names} names, two jobs: {walls[1] / walls[2]:.2f}x; target {TARGET_SPEED_UP:g}x: {verdict}")
            failed |= not met
    small, large = min(asked.names), max(asked.names)
    if small < large:
        exponent = math.log(cpu[large] / cpu[small]) / math.log(large / small)
        met = exponent <= TARGET_EXPONENT
        verdict = "met" if met else "MISSED"
        print(f"CPU seconds grow as N^{exponent:.2f} from {small} to {large}; target {TARGET_EXPONENT:g}: {verdict}")
        failed |= not met
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
