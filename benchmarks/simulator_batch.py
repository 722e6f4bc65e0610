"""Time a thousand books at once beside vectorbt's single one, and hold each equal to that of `custom`.

The world is that of `simulator_world.py`; every book has weights of its own. Times per book on one core are of
the process's own work; bars per second (rows x names x books) are on the wall, with two cores. Bandwidth is what must
cross the memory at least: weights and equity once, and prices once for each chunk of books; the machine's limit is a
triad (a = b + s x c, three arrays beyond the caches) on as many cores in the same run. Exit 1 when a target is missed.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from numba import njit

from simulator_vs_vectorbt import vectorbt_seconds
from simulator_world import (
    DEAR,
    EVERY,
    FREE,
    NAMES,
    ROWS,
    SAME_CLOSE,
    TARGET_DIFFERENCE,
    best_of,
    book,
    told,
    world,
)  # fmt: skip
from tvquant.simulation.batch import CHUNK, BookPaths, play_books

BOOKS, CORES = 1000, 2
PATH_RATIO, BOOK_RATIO, BARS_PER_SECOND = 700.0, 300.0, 1e9
TRIAD = 2**23


@njit(nogil=True, cache=False)
def triad(a, b, c, s):
    for i in range(len(a)):
        a[i] = b[i] + s * c[i]


def triad_bandwidth() -> float:
    """Bytes per second that the cores move between them, two read and one written."""
    arrays = [tuple(np.ones(TRIAD) for _ in range(3)) for _ in range(CORES)]
    with ThreadPoolExecutor(CORES) as pool:
        seconds = best_of(lambda: list(pool.map(lambda one: triad(*one, 3.0), arrays)), 1.0, time.perf_counter)
    return CORES * 3 * TRIAD * 8 / seconds


def main() -> int:
    panel, path = world()
    net = np.random.default_rng(1).normal(0.3, 1.0, (BOOKS, *path.net.shape))
    net /= np.abs(net).sum(axis=2, keepdims=True)

    def played(costs=FREE, threads: int = 1, positions: bool = False) -> BookPaths:
        return play_books(
            panel, path.keys, path.decided, net,
            costs=costs, execution=SAME_CLOSE, threads=threads, positions=positions,
        )  # fmt: skip

    print(f"{BOOKS} books, {ROWS} rows x {NAMES} names, a rebalance every {EVERY} rows, {CHUNK} books side by side")
    value, assets, _ = vectorbt_seconds(panel, path)
    plain = best_of(played, 3.0, time.process_time) / BOOKS
    whole = best_of(lambda: played(DEAR, positions=True), 3.0, time.process_time) / BOOKS
    wall = best_of(lambda: played(threads=CORES), 3.0, time.perf_counter)
    print(f"{'tvquant path only':<44} {plain * 1e6:>9.1f} us per book")
    print(f"{'tvquant 2 % borrow fee, positions at fills':<44} {whole * 1e6:>9.1f} us per book")
    books, dear = played(threads=CORES), played(DEAR)
    distance = 0.0
    for k in range(0, BOOKS, 97):
        for many, costs in ((books, FREE), (dear, DEAR)):
            one = book("custom", panel, replace(path, net=net[k]), costs)
            distance = max(distance, float(np.abs(many.equity[:, k] / one.equity - 1.0).max()))
            distance = max(distance, float(np.abs(many.turnover[:, k] - one.turnover).max()))
    moved = net.nbytes + books.equity.nbytes + -(-BOOKS // CHUNK) * panel.fields["close"].nbytes
    limit, used = triad_bandwidth(), moved / wall
    print(f"memory: {books.equity.nbytes / 1e6:.0f} MB of equity (T x K) from {net.nbytes / 1e6:.0f} MB of weights")
    print(f"bandwidth: {used / 1e9:.2f} GB/s used of {limit / 1e9:.1f} GB/s (triad), {used / limit:.0%}")
    met = [
        told("path only, per book, against vectorbt + value", value / plain, PATH_RATIO),
        told("accruals and positions against vectorbt + value, assets", assets / whole, BOOK_RATIO),
        told(f"path only on {CORES} cores", ROWS * NAMES * BOOKS / wall, BARS_PER_SECOND, " bars/s"),
        told("equity and turnover apart from custom's", distance, TARGET_DIFFERENCE, "", most=True),
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
