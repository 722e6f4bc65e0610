"""Time the simulator `custom` beside the event engine of NautilusTrader, and hold the equity paths equal while timing.

Both play the book of `simulator_world.py`. Nautilus is timed as the simulator `nautilus` runs it, engines made and
disposed, a single time. The target is of the path only, as beside vectorbt and cvxportfolio; the whole book of
`custom`, with costs by kind and row and positions, is printed beside it. Its second version plays in a child, if
TVQUANT_NAUTILUS2 names the folder that holds it. Exit 1 when a target is missed.
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

from simulator_world import NAMES, ROWS, TARGET_DIFFERENCE, best_of, book, path_only, world
from tvquant.core.books import WeightPath

TARGET_RATIO = 10_000.0
CHILD = "--of-this-version"


def timed() -> dict[str, Any]:
    """Return version, seconds and equity of nautilus on the book, after a small one that imports what it needs."""
    panel, path = world()
    first = WeightPath(keys=path.keys, decided=path.decided[-1:], net=path.net[-1:])
    book("nautilus", panel, first)
    start = time.perf_counter()
    equity = book("nautilus", panel, path).equity
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
    ours = {"path only": lambda: path_only(panel, path), "whole book": lambda: book("custom", panel, path)}
    seconds = {what: best_of(run, 1.0, time.perf_counter) for what, run in ours.items()}
    equity = ours["path only"]().equity[:, 0]
    print(f"simulation of {ROWS} rows x {NAMES} names, {len(path.decided)} rebalances, same_close")
    for what, taken in seconds.items():
        print(f"{f'tvquant, {what}':<24} {taken * 1e3:>11.3f} ms")
    met = bool((equity == ours["whole book"]().equity).all())
    for found in (timed(), second()):
        if found is None:
            continue
        path_ratio, book_ratio = (found["seconds"] / taken for taken in seconds.values())
        difference = float(np.abs(equity / found["equity"] - 1.0).max())
        met &= path_ratio >= TARGET_RATIO and difference <= TARGET_DIFFERENCE
        print(f"{'nautilus ' + found['version']:<24} {found['seconds'] * 1e3:>11.0f} ms", end=" ")
        print(f"{path_ratio:>9,.0f}x the path, {book_ratio:,.0f}x the book; equity differs by {difference:.1e}")
    said = "met" if met else "MISSED"
    print(f"target: {TARGET_RATIO:,.0f}x the path, equity within {TARGET_DIFFERENCE:g}: {said}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
