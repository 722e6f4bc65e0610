"""What a cell-window costs, and what 10,000 names and 100,000 cells would: measured at some sizes, the rest by growth.

Run as `python benchmarks/capacity.py [--names 100 400 1600] [--rows 560]`. Model v4 under five risk profiles of the
engine custom on random walks of which every name is recruited, which is the worst case: a scanner that keeps a tenth of
the names has a tenth of the pool. Each size is a process of its own; kernels are compiled before. Figures are seconds
of computing by one process (`tvquant.app.estimate`), and bytes. `docs/capacity.md` says what they mean.

At the default sizes it takes some minutes, so `run.py` does not list it.
"""

import argparse
import math
import multiprocessing
import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from run_at_scale import RISK_PROFILES, market

NAMES, CELLS, PATHS, RULES, WINDOWS = 10_000, 100_000, 10_000, 30, 100
"""Estimated: names; cells, of ten books a path; sets of rules (10 selections x 3 trains); windows of each."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """What one size took: seconds per row, decision and cell-window, seconds to begin, and bytes."""

    names: int
    begin: float
    prepare: float
    decide: float
    settle: float
    disk: float
    panel: float
    memory: float


def measured(names: int, rows: int) -> Size:
    """Measure the matrix of one market, in this process."""
    from tvquant.app.estimate import Workload, estimated
    from tvquant.app.vocabulary import vocabulary
    from tvquant.profiles import load, resolve
    from tvquant.tournament.cells import cells
    from tvquant.tournament.walk_forward import BacktestEngine, grids

    arguments = {
        "profiles": ("allocation.profiles", list(RISK_PROFILES)),
        "market": ("benchmark.market", []),
        "span": ("data.span", "all"),
    }
    profile = resolve(load("crypto_spot"), vocabulary(), arguments=arguments).profile
    panel = market(names, rows)
    grid = [cell for cell in cells(profile) if not cell.baseline]
    engine = BacktestEngine(panel, grids(panel, [cell.path for cell in grid]), timer=_timer())
    load_of, found = Workload.of(grid, engine.grids), estimated(engine, grid, jobs=1)
    (windows,) = load_of.windows.values()
    unit = 1 if sys.platform == "darwin" else 1024  # Linux counts in KiB
    return Size(
        names=names,
        begin=found.begin,
        prepare=found.prepare / windows,
        decide=found.decide / load_of.decisions,
        settle=found.settle / load_of.snapshots,
        disk=found.disk / load_of.snapshots,
        panel=sum(one.nbytes for one in panel.fields.values()),
        memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
    )


def _timer():
    from time import process_time

    return process_time


def grown(small: Size, large: Size, what: str) -> tuple[float, float]:
    """Return the exponent of a figure between two sizes, and what it would be at the estimated number of names."""
    exponent = math.log(getattr(large, what) / getattr(small, what)) / math.log(large.names / small.names)
    return exponent, getattr(large, what) * (NAMES / large.names) ** exponent


def main() -> int:
    """Print a line per size, then the estimate."""
    parser = argparse.ArgumentParser(description="What a cell-window costs, and what a large matrix would.")
    parser.add_argument("--names", type=int, nargs="+", default=[100, 400, 1600])
    parser.add_argument("--rows", type=int, default=560)
    asked = parser.parse_args()
    context, found = multiprocessing.get_context("spawn"), []
    for number, names in enumerate((100, *asked.names)):
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            one = pool.submit(measured, names, asked.rows).result()
        if number:  # the first compiles
            found.append(one)
            print(
                f"{one.names:>6} names: begin {one.begin:6.1f} s, prepare {1e3 * one.prepare:8.1f} ms a row, decide "
                f"{1e3 * one.decide:6.2f} ms, settle {1e3 * one.settle:6.3f} ms and disk {one.disk / 1e3:6.2f} kB a "
                f"cell-window, panel {one.panel / 1e6:7.1f} MB, process {one.memory / 1e9:5.2f} GB",
                flush=True,
            )
    print(f"{NAMES:,} names, by the growth between the last two sizes:")
    much = {}
    for what in ("begin", "prepare", "decide", "settle", "disk", "panel", "memory"):
        exponent, much[what] = grown(found[-2], found[-1], what)
        print(f"  {what:8} {much[what]:14.6g} (exponent {exponent:.2f})")
    hours = {
        "prepare": much["prepare"] * RULES * WINDOWS / 3600,
        "decide": much["decide"] * PATHS * WINDOWS / 3600,
        "settle": much["settle"] * CELLS * WINDOWS / 3600,
    }
    parts = ", ".join(f"{what} {value:,.1f}" for what, value in hours.items())
    print(
        f"{CELLS:,} cells of {PATHS:,} paths by {RULES} rules over {WINDOWS} windows: {sum(hours.values()):,.0f} "
        f"hours of one process ({parts}), {much['disk'] * CELLS * WINDOWS / 1e9:,.0f} GB"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
