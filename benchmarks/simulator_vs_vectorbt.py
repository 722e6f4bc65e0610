"""Time single books of `custom` beside vectorbt's `from_orders` and cvxportfolio, and hold the equity paths equal.

All trade the same target weights every 20 rows at the same close for 6 bps, long and short, with gross 1. Ours are
whole calls, with the checks of their inputs: `path only` is one book of `play_books` (equity, turnover, costs), and
`custom` the simulator with 2 % borrow fee, cash, costs by kind and row, and positions. vectorbt's `from_orders` alone
stores orders and computes neither equity nor positions; `+ value` adds the equity path, `+ value, assets` the positions
too. Each is compared with what gives as much: the path with `+ value`, the book with `+ value, assets`, of vectorbt's
faster engine. Bars and closes of a panel are checked once, at its first book, outside the timed calls. Times are of the
thread's own work, best of many. The first book of a cold process, whose compiled code is on disk, is timed from the
start of that process, in its own work too. Exit 1 when a target is missed.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import vectorbt as vbt

from simulator_world import (
    DEAR,
    FREE,
    NAMES,
    ROWS,
    TARGET_DIFFERENCE,
    best_of,
    book,
    path_only,
    told,
    world,
)  # fmt: skip
from tvquant.core.books import Convention, Execution, WeightPath
from tvquant.core.panel import Panel

PATH_RATIO, BOOK_RATIO, CVX_RATIO = 300.0, 100.0, 5000.0
COLD_SECONDS = 0.5
ENGINES = ("numba", "rust")


class Vectorbt:
    """vectorbt on the same weights."""

    def __init__(self, panel: Panel, path: WeightPath, engine: str) -> None:
        self.close = pd.DataFrame(panel.fields["close"], index=pd.DatetimeIndex(panel.times))
        self.targets = pd.DataFrame(np.nan, index=self.close.index, columns=self.close.columns)
        self.targets.iloc[path.decided] = path.net
        self.engine = engine

    def orders(self) -> vbt.Portfolio:
        return vbt.Portfolio.from_orders(
            self.close, self.targets, size_type="targetpercent", direction="both", group_by=True, cash_sharing=True,
            call_seq="auto", fees=FREE.per_notional, slippage=0.0, init_cash=1.0, freq="1D", engine=self.engine,
        )  # fmt: skip

    def value(self) -> np.ndarray:
        return self.orders().value().to_numpy()

    def assets(self) -> None:
        orders = self.orders()
        orders.value()
        orders.assets()


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
    return min(found.values())


def first_book_seconds() -> float:
    """Seconds of work of a new process, begun as a command is, until its first book; the best of five."""
    code = (
        "import time\n"
        "from tvquant.core.garbage import collect_seldom\n"
        "collect_seldom()\n"
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


def main() -> int:
    panel, path = world()
    print(f"one book, {ROWS} rows x {NAMES} names, {len(path.decided)} rebalances; thread time, best of many, warm")
    runs = (lambda: path_only(panel, path), lambda: book("custom", panel, path, DEAR))
    early = [best_of(run) for run in runs]
    value, assets, distance = vectorbt_seconds(panel, path)
    ours, whole = (min(one, best_of(run)) for one, run in zip(early, runs, strict=True))
    print(f"{'tvquant path only, same_close':<44} {ours * 1e3:>9.3f} ms")
    print(f"{'tvquant custom, same_close, 2 % borrow fee':<44} {whole * 1e3:>9.3f} ms")
    for convention in (Convention.NEXT_OPEN, Convention.NEXT_CLOSE):
        rules = Execution(convention=convention)
        taken = best_of(lambda rules=rules: book("custom", panel, path, DEAR, rules), 0.3)
        print(f"{f'tvquant custom, {convention}, 2 % borrow fee':<44} {taken * 1e3:>9.3f} ms")
    start = time.thread_time()
    cvx = book("cvxportfolio", panel, path)
    cvx_seconds = time.thread_time() - start
    print(f"{'cvxportfolio MarketSimulator, one run':<44} {cvx_seconds * 1e3:>9.0f} ms")
    distances = (distance, float(np.abs(cvx.equity / book("custom", panel, path).equity - 1.0).max()))
    met = [
        told("path only against vectorbt + value", value / ours, PATH_RATIO),
        told("accruals and positions against vectorbt + value, assets", assets / whole, BOOK_RATIO),
        told("path only against cvxportfolio", cvx_seconds / ours, CVX_RATIO),
        told("equity apart from vectorbt's, relative", distances[0], TARGET_DIFFERENCE, "", most=True),
        told("equity apart from cvxportfolio's, relative", distances[1], TARGET_DIFFERENCE, "", most=True),
        told("imports and first book of a cold process", first_book_seconds(), COLD_SECONDS, " s", most=True),
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
