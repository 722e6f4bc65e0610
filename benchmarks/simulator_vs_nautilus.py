"""Time the simulator `custom` beside the event engine of NautilusTrader, and hold the equity paths equal while timing.

Both play the book of `simulator_vs_vectorbt.py`: 2500 rows, 50 names, weights of gross 1 on both sides every 20 rows,
filled at the same close for 6 bps. Nautilus is timed as the simulator `nautilus` runs it, engines made and disposed.
Its second version plays in a child, if TVQUANT_NAUTILUS2 names the folder that holds it. Exit 1 when a target is
missed.
"""

import json
import os
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from tvquant.core.books import Convention, CostModel, Execution, SimResult, WeightPath
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Basis, Panel
from tvquant.simulation import SIMULATORS

ROWS, NAMES, EVERY = 2500, 50, 20
TARGET_RATIO = 10_000.0
TARGET_DIFFERENCE = 1e-9
DAY = np.timedelta64(1, "D")
CHILD = "--of-this-version"


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
        fields={"close": close},
        known_at=np.broadcast_to((times + DAY)[:, None], close.shape),
        tradable=np.ones(close.shape, np.bool_),
        bases=(Basis.TOTAL,) * NAMES,
        stamps=(frozenset(),) * NAMES,
        calendar="24x7",
    )
    decided = np.arange(0, ROWS, EVERY)
    net = rng.normal(0.3, 1.0, (len(decided), NAMES))
    return panel, WeightPath(keys=panel.keys, decided=decided, net=net / np.abs(net).sum(axis=1, keepdims=True))


def play(simulator: str, panel: Panel, path: WeightPath) -> SimResult:
    """Return the book without a borrow fee, filled at the same close."""
    rules = Execution(convention=Convention.SAME_CLOSE)
    return SIMULATORS[simulator].simulate(panel, path, (), costs=CostModel(borrow_rate=0.0), execution=rules)


def timed() -> dict[str, Any]:
    """Return version, seconds and equity of nautilus on the book, after a small one that imports what it needs."""
    panel, path = world()
    first = WeightPath(keys=path.keys, decided=path.decided[-1:], net=path.net[-1:])
    play("nautilus", panel, first)
    start = time.perf_counter()
    equity = play("nautilus", panel, path).equity
    return {
        "version": version("nautilus_trader"), "seconds": time.perf_counter() - start, "equity": equity.tolist()
    }  # fmt: skip


def second() -> dict[str, Any] | None:
    """Return what a child that finds the second version says; None where it is not."""
    folder = os.environ.get("TVQUANT_NAUTILUS2")
    if not folder:
        print("version 2 is not timed: TVQUANT_NAUTILUS2 names no folder that has it")
        return None
    paths = os.pathsep.join([str(Path(folder).resolve()), os.environ.get("PYTHONPATH", "")])
    found = subprocess.run(
        [sys.executable, __file__, CHILD], env=os.environ | {"PYTHONPATH": paths}, capture_output=True, check=True
    )
    return dict(json.loads(found.stdout))


def main() -> int:
    """Print both versions beside ours."""
    if CHILD in sys.argv:
        print(json.dumps(timed()))
        return 0
    panel, path = world()
    ours = play("custom", panel, path)
    times: list[float] = []
    while len(times) < 5 or sum(times) < 1.0:
        start = time.perf_counter()
        play("custom", panel, path)
        times.append(time.perf_counter() - start)
    print(f"simulation of {ROWS} rows x {NAMES} names, {len(path.decided)} rebalances, same_close")
    print(f"{'tvquant custom':<24} {min(times) * 1e3:>11.3f} ms")
    met = True
    for found in (timed(), second()):
        if found is None:
            continue
        ratio, difference = found["seconds"] / min(times), float(np.abs(ours.equity / found["equity"] - 1.0).max())
        met &= ratio >= TARGET_RATIO and difference <= TARGET_DIFFERENCE
        name = f"nautilus {found['version']}"
        print(f"{name:<24} {found['seconds'] * 1e3:>11.0f} ms {ratio:>9,.0f}x   equity differs by {difference:.1e}")
    print(f"target: {TARGET_RATIO:,.0f}x, equity within {TARGET_DIFFERENCE:g}: {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
