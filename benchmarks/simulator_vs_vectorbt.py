"""Time the simulator `custom` beside vectorbt's `from_orders`, and hold the equity paths equal while timing.

Both trade the same target weights every 20 rows at the same close for 6 bps, long and short, with gross 1. Ours is
the whole `simulate` call: checks of the inputs, returns, equity, cash, positions, four kinds of cost. vectorbt's
`from_orders` alone stores orders and computes neither equity nor positions; `+ value` adds the equity path that is
compared, `+ value, assets` the positions too, which is what ours holds. The ratio that must be met is to
`from_orders + value`, the least that gives a result; the others are printed. Exit 1 when it is missed.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import vectorbt as vbt

from tvquant.core.books import Convention, CostModel, Execution, WeightPath
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Basis, Panel
from tvquant.simulation import SIMULATORS

ROWS, NAMES, EVERY = 2500, 50, 20
TARGET_RATIO = 100.0
TARGET_DIFFERENCE = 1e-9
DAY = np.timedelta64(1, "D")


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


def best_of(run: Callable[[], object], seconds: float = 2.0) -> float:
    """Shortest time of at least five runs after a warm one."""
    run()
    times: list[float] = []
    while len(times) < 5 or sum(times) < seconds:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> int:
    panel, path = world()
    custom = SIMULATORS["custom"]

    def ours(convention: Convention = Convention.SAME_CLOSE, borrow_rate: float = 0.0):
        costs, execution = CostModel(borrow_rate=borrow_rate), Execution(convention=convention)
        return custom.simulate(panel, path, costs=costs, execution=execution)

    close = pd.DataFrame(panel.fields["close"], index=pd.DatetimeIndex(panel.times))
    targets = pd.DataFrame(np.nan, index=close.index, columns=close.columns)
    targets.iloc[path.decided] = path.net

    def theirs() -> vbt.Portfolio:
        return vbt.Portfolio.from_orders(
            close, targets, size_type="targetpercent", direction="both", group_by=True, cash_sharing=True,
            call_seq="auto", fees=CostModel().per_notional, slippage=0.0, init_cash=1.0, freq="1D",
        )  # fmt: skip

    def with_positions() -> None:
        book = theirs()
        book.value()
        book.assets()

    difference = float(np.abs(theirs().value().to_numpy() / ours().equity - 1.0).max())
    seconds = best_of(ours)
    peers = {
        "from_orders": best_of(theirs),
        "from_orders + value": best_of(lambda: theirs().value()),
        "from_orders + value, assets": best_of(with_positions),
    }
    seconds = min(seconds, best_of(ours))
    print(
        f"simulation of {ROWS} rows x {NAMES} names, {len(path.decided)} rebalances; milliseconds, best of many, warm"
    )
    print(f"{'tvquant custom, same_close':<40} {seconds * 1e3:>9.3f}")
    for convention in Convention:
        label = f"tvquant custom, {convention}, 2 % borrow fee"
        print(f"{label:<40} {best_of(lambda c=convention: ours(c, 0.02), 0.3) * 1e3:>9.3f}")
    for name, taken in peers.items():
        print(f"{'vectorbt ' + name:<40} {taken * 1e3:>9.3f} {taken / seconds:>8.0f}x")
    met = peers["from_orders + value"] / seconds >= TARGET_RATIO and difference <= TARGET_DIFFERENCE
    print(f"equity paths differ by {difference:.1e} of equity at most")
    print(
        f"target: at least {TARGET_RATIO:g}x of from_orders + value, equity within {TARGET_DIFFERENCE:g}: "
        f"{'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
