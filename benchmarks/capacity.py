"""What a cell-window costs at some numbers of names, and what 100,000 cells of 10,000 names would.

Run as `python benchmarks/capacity.py [--names 100 1000 4000] [--rows 560]`. Model v4 under five risk profiles of the
engine custom on random walks of which every name is recruited, which is the worst case: a scanner that keeps a tenth of
the names has a tenth of the pool. Each size is a process of its own; kernels are compiled before. Figures are seconds
of computing by one process (`tvquant.app.estimate`), and bytes. `docs/capacity.md` says what they mean.

At the default sizes it takes some minutes, so `run.py` does not list it.
"""

import argparse
import multiprocessing
import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from math import log
from time import process_time

from run_at_scale import RISK_PROFILES, market

NAMES, CELLS, PATHS, RULES, WINDOWS = 10_000, 100_000, 10_000, 30, 100
"""Estimated: names; cells, of ten books a path; sets of rules (10 selections x 3 trains); windows of each."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """What one size took: seconds to begin, and seconds and bytes per row of a selection, decision and cell-window."""

    names: int
    begin: float
    prepare: float
    decide: float
    settle: float
    selection: float
    decision: float
    book: float
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
        "costs": ("grid.costs", {"dearer": {"slippage_bps": 10.0}}),
    }
    profile = resolve(load("crypto_spot"), vocabulary(), arguments=arguments).profile
    panel = market(names, rows)
    grid = [cell for cell in cells(profile) if not cell.baseline]
    engine = BacktestEngine(panel, grids(panel, [cell.path for cell in grid]), timer=process_time)
    alone = list({cell.path.key: cell for cell in reversed(grid)}.values())  # each path with its first book
    loads, found = Workload.of(grid, engine.grids), estimated(engine, grid, jobs=1)
    (windows,) = loads.windows.values()
    first, few = (estimated(engine, some, jobs=1).disk / windows for some in (alone[:1], alone))
    book = (found.disk / windows - few) / (len(grid) - len(alone))
    decision = (few - first) / (len(alone) - 1) - book
    unit = 1 if sys.platform == "darwin" else 1024  # Linux counts in KiB
    return Size(
        names=names,
        begin=found.begin,
        prepare=found.prepare / windows,
        decide=found.decide / loads.decisions,
        settle=found.settle / loads.snapshots,
        selection=first - decision - book,
        decision=decision,
        book=book,
        panel=sum(one.nbytes for one in panel.fields.values()),
        memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
    )


def grown(small: Size, large: Size) -> Size:
    """Return what the estimated number of names would take, by the growth of each figure between two sizes."""
    found = {"names": NAMES}
    for field in fields(Size)[1:]:
        before, last = getattr(small, field.name), getattr(large, field.name)
        found[field.name] = last * (NAMES / large.names) ** (log(last / before) / log(large.names / small.names))
    return Size(**found)


def shown(one: Size) -> str:
    """Return a size in a line."""
    return (
        f"{one.names:>6} names: begin {one.begin:.1f} s; prepare {1e3 * one.prepare:.0f} ms, "
        f"{one.selection / 1e3:.1f} kB a row; decide {1e3 * one.decide:.2f} ms, {one.decision / 1e3:.1f} kB a "
        f"decision; settle {1e3 * one.settle:.2f} ms, {one.book / 1e3:.2f} kB a "
        f"cell-window; panel {one.panel / 1e6:.0f} MB, process {one.memory / 1e9:.2f} GB"
    )


def main() -> int:
    """Print a line per size, then the estimate."""
    parser = argparse.ArgumentParser(description="What a cell-window costs, and what a large matrix would.")
    parser.add_argument("--names", type=int, nargs="+", default=[100, 1000, 4000])
    parser.add_argument("--rows", type=int, default=560)
    asked = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    found = []
    for names in (100, *asked.names):  # the first compiles
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            found.append(pool.submit(measured, names, asked.rows).result())
        if len(found) > 1:
            print(shown(found[-1]), flush=True)
    one = grown(*found[-2:])
    print(f"{shown(one)} (by the growth between the last two)")
    hours = {
        "prepare": one.prepare * RULES * WINDOWS / 3600,
        "decide": one.decide * PATHS * WINDOWS / 3600,
        "settle": one.settle * CELLS * WINDOWS / 3600,
    }
    parts = ", ".join(f"{what} {value:,.1f}" for what, value in hours.items())
    disk = (one.selection * RULES + one.decision * PATHS + one.book * CELLS) * WINDOWS / 1e9
    print(
        f"{CELLS:,} cells of {PATHS:,} paths by {RULES} rules over {WINDOWS} windows on {one.names:,} names: "
        f"{sum(hours.values()):,.0f} hours of one process ({parts}), {disk:,.0f} GB"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
