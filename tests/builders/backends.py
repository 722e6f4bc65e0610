"""A small market with its engine and cells, and tasks that lose their worker, for every backend."""

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tvquant.core.errors import ModelError

if TYPE_CHECKING:
    from tvquant.tournament.cells import Cell
    from tvquant.tournament.walk_forward import BacktestEngine

MOMENT = 0.005
"""Seconds that this process takes for a task: workers are to have some as well."""


def small_matrix() -> "tuple[BacktestEngine, tuple[Cell, ...]]":
    """Five names over 150 days: some windows of a strategy and its baselines.

    Imported is what it needs by those who make it: a worker that was begun anew is soon there.
    """
    import numpy as np

    from builders.panels import market_of
    from builders.profiles import profile_of
    from tvquant.tournament.cells import cells, schedule
    from tvquant.tournament.walk_forward import BacktestEngine

    moves = np.random.default_rng(7).normal(0.001, 0.02, (150, 5))
    close = dict(zip("ABCDE", 100.0 * np.exp(moves.cumsum(axis=0)).T, strict=True))
    profile = profile_of(
        benchmark__market=[], selection__model="baseline", allocation__profiles=["equal_weight"],
        risk__primary="equal_weight", execution__convention="next_close",
    )  # fmt: skip
    one, panel = schedule(profile), market_of(close)
    return BacktestEngine(panel, {one: one.windows(panel.times, panel.calendar)}), cells(profile)


def code() -> dict[str, str]:
    """Return what every process of these tests has alike."""
    return {"tests": "these"}


def code_by_process() -> dict[str, str]:
    """Return what no two processes have alike."""
    return {"process": f"{os.getpid()}"}


def refused(_: int, number: int) -> int:
    """Return the number, unless it is 3."""
    if number == 3:
        raise ModelError("task 3")
    return number


def dies_once(parent: int, number: int, mark: Path) -> tuple[int, int]:
    """Return number and process; the first worker that takes one is killed."""
    if os.getpid() == parent:
        time.sleep(MOMENT)
    elif not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number, os.getpid()


def dies(parent: int, number: int) -> int:
    """Return the number; no worker survives it."""
    if os.getpid() == parent:
        time.sleep(MOMENT)
    else:
        os.kill(os.getpid(), signal.SIGKILL)
    return number
