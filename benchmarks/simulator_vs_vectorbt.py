"""Time single books of `custom` beside vectorbt's `from_orders` and cvxportfolio, and hold the equity paths equal.

All trade the same target weights every 20 rows at the same close for 6 bps, long and short, with gross 1. Ours are
whole calls, with the checks of their inputs: `path only` is one book of `play_books` (equity, turnover, costs), and
`custom` the simulator with 2 % borrow fee, cash, costs by kind and row, and positions. vectorbt's `from_orders` alone
stores orders and computes neither equity nor positions; `+ value` adds the equity path, `+ value, assets` the positions
too. Each is compared with what gives as much: the path with `+ value`, the book with `+ value, assets`, of vectorbt's
faster engine (its Rust one where TVQUANT_VECTORBT_RUST names the folder that it is installed in). Times are of the
thread's own work, best of many. The first book of a cold process, whose compiled code is on disk, is timed from the
start of that process, in its own work too. Exit 1 when a target is missed.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from tvquant.core.books import Convention, CostModel, Execution, SimResult, WeightPath
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Basis, Panel
from tvquant.simulation import SIMULATORS
from tvquant.simulation.batch import BookPaths, play_books

if "TVQUANT_VECTORBT_RUST" in os.environ:
    sys.path.append(os.environ["TVQUANT_VECTORBT_RUST"])

import vectorbt as vbt

ROWS, NAMES, EVERY = 2500, 50, 20
PATH_RATIO, BOOK_RATIO, CVX_RATIO = 300.0, 100.0, 5000.0
TARGET_DIFFERENCE = 1e-9
COLD_SECONDS = 0.5
DAY = np.timedelta64(1, "D")
FREE, DEAR = CostModel(borrow_rate=0.0), CostModel(borrow_rate=0.02)
SAME_CLOSE = Execution(convention=Convention.SAME_CLOSE)
ENGINES = ("numba", "rust") if find_spec("vectorbt_rust") else ("numba",)


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


def best_of(
    run: Callable[[], object], seconds: float = 2.0, clock: Callable[[], float] = time.thread_time, least: int = 5
) -> float:
    """Shortest time of at least five runs after a warm one."""
    run()
    times: list[float] = []
    since = time.perf_counter()
    while len(times) < least or time.perf_counter() - since < seconds:
        start = clock()
        run()
        times.append(clock() - start)
    return min(times)


def path_only(panel: Panel, path: WeightPath) -> BookPaths:
    """One book of which only the path is asked."""
    return play_books(panel, path.keys, path.decided, path.net[None], costs=FREE, execution=SAME_CLOSE)


def custom(panel: Panel, path: WeightPath, costs: CostModel = DEAR, execution: Execution = SAME_CLOSE) -> SimResult:
    """One book with everything."""
    return SIMULATORS["custom"].simulate(panel, path, (), costs=costs, execution=execution)


class Vectorbt:
    """vectorbt on the same weights."""

    def __init__(self, panel: Panel, path: WeightPath, engine: str) -> None:
        self.close = pd.DataFrame(panel.fields["close"], index=pd.DatetimeIndex(panel.times))
        self.targets = pd.DataFrame(np.nan, index=self.close.index, columns=self.close.columns)
        self.targets.iloc[path.decided] = path.net
        self.engine = engine

    def orders(self) -> "vbt.Portfolio":
        return vbt.Portfolio.from_orders(
            self.close, self.targets, size_type="targetpercent", direction="both", group_by=True, cash_sharing=True,
            call_seq="auto", fees=FREE.per_notional, slippage=0.0, init_cash=1.0, freq="1D", engine=self.engine,
        )  # fmt: skip

    def value(self) -> np.ndarray:
        return self.orders().value().to_numpy()

    def assets(self) -> None:
        book = self.orders()
        book.value()
        book.assets()


def vectorbt_seconds(panel: Panel, path: WeightPath) -> tuple[float, float, float]:
    """Print every engine's times; return those of the faster one: value, value and assets; and its distance to ours."""
    ours, found = path_only(panel, path).equity[:, 0], {}
    for engine in ENGINES:
        theirs = Vectorbt(panel, path, engine)
        distance = float(np.abs(theirs.value() / ours - 1.0).max())
        times = [best_of(run) for run in (theirs.orders, theirs.value, theirs.assets)]
        found[engine] = (times[1], times[2], distance)
        for name, taken in zip(("from_orders", "+ value", "+ value, assets"), times, strict=True):
            print(f"{f'vectorbt {engine} {name}':<44} {taken * 1e3:>9.3f} ms")
    if "rust" not in found:
        print("vectorbt's Rust engine is not here: set TVQUANT_VECTORBT_RUST, as `make bench` does")
    return min(found.values())


def first_book_seconds() -> float:
    """Seconds of work of a new process until its first book, its start and imports included; the best of five."""
    code = (
        "import time\n"
        "import tvquant.app, numpy as np\n"
        "from tvquant.core.books import Convention, CostModel, Execution, WeightPath\n"
        "from tvquant.core.instruments import Instrument, Kind\n"
        "from tvquant.core.panel import Basis, Panel\n"
        "from tvquant.simulation import SIMULATORS\n"
        "times = np.datetime64('2020-01-01', 'us') + np.arange(40) * np.timedelta64(1, 'D')\n"
        "close = np.linspace(1.0, 2.0, 80).reshape(40, 2)\n"
        "names = tuple(Instrument(symbol=s, kinds=frozenset({Kind.STOCK}), currency='USD', calendar='24x7')"
        " for s in ('X:A', 'X:B'))\n"
        "known = np.broadcast_to(times[:, None], close.shape)\n"
        "panel = Panel(times=times, instruments=names, fields={'close': close}, known_at=known,"
        " tradable=np.ones(close.shape, bool), bases=(Basis.TOTAL,) * 2, stamps=(frozenset(),) * 2,"
        " calendar='24x7')\n"
        "path = WeightPath(keys=panel.keys, decided=np.array([3]), net=np.array([[.5, -.5]]))\n"
        "SIMULATORS['custom'].simulate(panel, path, (), costs=CostModel(),"
        " execution=Execution(convention=Convention.NEXT_CLOSE))\n"
        "print(time.process_time())"
    )
    source = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "src")}
    runs = [
        subprocess.run([sys.executable, "-c", code], env=source, check=True, capture_output=True, text=True).stdout
        for _ in range(6)
    ]
    return min(float(one) for one in runs[1:])


def told(what: str, found: float, aim: float, unit: str = "x", *, most: bool = False) -> bool:
    """Print a figure beside its aim; return whether it is met."""
    met = found <= aim if most else found >= aim
    side = "at most" if most else "at least"
    print(f"{what:<58} {found:>12.3g}{unit}  (aim: {side} {aim:g}{unit}) {'met' if met else 'MISSED'}")
    return met


def main() -> int:
    panel, path = world()
    print(f"one book, {ROWS} rows x {NAMES} names, {len(path.decided)} rebalances; thread time, best of many, warm")
    ours, book = best_of(lambda: path_only(panel, path)), best_of(lambda: custom(panel, path))
    value, assets, distance = vectorbt_seconds(panel, path)
    ours, book = min(ours, best_of(lambda: path_only(panel, path))), min(book, best_of(lambda: custom(panel, path)))
    print(f"{'tvquant path only, same_close':<44} {ours * 1e3:>9.3f} ms")
    print(f"{'tvquant custom, same_close, 2 % borrow fee':<44} {book * 1e3:>9.3f} ms")
    for convention in (Convention.NEXT_OPEN, Convention.NEXT_CLOSE):
        rules = Execution(convention=convention)
        taken = best_of(lambda rules=rules: custom(panel, path, execution=rules), 0.3)
        print(f"{f'tvquant custom, {convention}, 2 % borrow fee':<44} {taken * 1e3:>9.3f} ms")
    start = time.thread_time()
    cvx = SIMULATORS["cvxportfolio"].simulate(panel, path, (), costs=FREE, execution=SAME_CLOSE)
    cvx_seconds = time.thread_time() - start
    print(f"{'cvxportfolio MarketSimulator, one run':<44} {cvx_seconds * 1e3:>9.0f} ms")
    distances = (distance, float(np.abs(cvx.equity / custom(panel, path, FREE).equity - 1.0).max()))
    met = [
        told("path only against vectorbt + value", value / ours, PATH_RATIO),
        told("accruals and positions against vectorbt + value, assets", assets / book, BOOK_RATIO),
        told("path only against cvxportfolio", cvx_seconds / ours, CVX_RATIO),
        told("equity apart from vectorbt's, relative", distances[0], TARGET_DIFFERENCE, "", most=True),
        told("equity apart from cvxportfolio's, relative", distances[1], TARGET_DIFFERENCE, "", most=True),
        told("imports and first book of a cold process", first_book_seconds(), COLD_SECONDS, " s", most=True),
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
