"""The book that simulators are timed on, and how they are timed: 2500 rows, 50 names, a rebalance every 20 rows.

Weights are long and short, of gross 1, filled at the same close for 6 bps.
"""

import time
from collections.abc import Callable

import numpy as np

from tvquant.core.books import Convention, CostModel, Execution, SimResult, WeightPath
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Basis, Panel
from tvquant.simulation import SIMULATORS
from tvquant.simulation.batch import BookPaths, play_books

ROWS, NAMES, EVERY = 2500, 50, 20
TARGET_DIFFERENCE = 1e-9
DAY = np.timedelta64(1, "D")
FREE, DEAR = CostModel(borrow_rate=0.0), CostModel(borrow_rate=0.02)
SAME_CLOSE = Execution(convention=Convention.SAME_CLOSE)


def world() -> tuple[Panel, WeightPath]:
    """Random walks of stocks and long/short weights."""
    rng = np.random.default_rng(7)
    close = 100.0 * np.exp(np.cumsum(rng.normal(2e-4, 0.015, (ROWS, NAMES)), axis=0))
    times = np.datetime64("2015-01-01", "us") + np.arange(ROWS) * DAY
    stock = frozenset({Kind.STOCK})
    panel = Panel(
        times=times,
        instruments=tuple(
            Instrument(symbol=f"X:N{j:02d}", kinds=stock, currency="USD", calendar="24x7") for j in range(NAMES)
        ),
        fields={"close": close, "open": close * np.exp(rng.normal(0.0, 0.004, close.shape))},
        known_at=np.broadcast_to((times + DAY)[:, None], close.shape),
        tradable=np.ones(close.shape, np.bool_),
        bases=(Basis.TOTAL,) * NAMES,
        stamps=(frozenset(),) * NAMES,
        calendar="24x7",
    )
    decided = np.arange(0, ROWS, EVERY)
    net = rng.normal(0.3, 1.0, (len(decided), NAMES))
    return panel, WeightPath(keys=panel.keys, decided=decided, net=net / np.abs(net).sum(axis=1, keepdims=True))


def book(
    simulator: str, panel: Panel, path: WeightPath, costs: CostModel = FREE, execution: Execution = SAME_CLOSE
) -> SimResult:
    """One book of a simulator, with everything."""
    return SIMULATORS[simulator].simulate(panel, path, (), costs=costs, execution=execution)


def path_only(panel: Panel, path: WeightPath) -> BookPaths:
    """One book of which only the path is asked."""
    return play_books(panel, path.keys, path.decided, path.net[None], costs=FREE, execution=SAME_CLOSE)


def best_of(run: Callable[[], object], seconds: float = 2.0, clock: Callable[[], float] = time.thread_time) -> float:
    """Shortest time of at least five runs after a warm one."""
    run()
    times: list[float] = []
    since = time.perf_counter()
    while len(times) < 5 or time.perf_counter() - since < seconds:
        start = clock()
        run()
        times.append(clock() - start)
    return min(times)


def told(what: str, found: float, aim: float, unit: str = "x", *, most: bool = False) -> bool:
    """Print a figure beside its aim; return whether it is met."""
    met = found <= aim if most else found >= aim
    side = "at most" if most else "at least"
    print(f"{what:<58} {found:>12.3g}{unit}  (aim: {side} {aim:g}{unit}) {'met' if met else 'MISSED'}")
    return met
