"""A workspace with two small rating sleeves, and meta-portfolios over them."""

from datetime import UTC, datetime
from pathlib import Path

from builders.clocks import ManualClock
from builders.screened_lake import screened_lake
from tvquant.app.finished_runs import Finished
from tvquant.app.progress import Watcher
from tvquant.app.resolving import resolved_here
from tvquant.app.run import run
from tvquant.app.workspace import Workspace
from tvquant.ledger.recorded_run import RecordedRun

CLOCK = ManualClock(datetime(2026, 1, 2, tzinfo=UTC))
SLEEVES = ("longs", "shorts")
CELL = "v4/custom/hrp/custom"
PROFILE = """\
version: 1
extends: binance_spot_rating_ma_{side}
description: Coins rated by their moving averages, {side}.
allocation: {{profiles: [hrp]}}
"""


def sleeves_workspace(folder: Path) -> Workspace:
    """Return a workspace with coins of half a year, and the profiles of a long and a short sleeve."""
    home = screened_lake(folder, last=datetime(2024, 12, 1, tzinfo=UTC))
    for name in SLEEVES:
        (home.profiles / f"{name}.yaml").write_text(PROFILE.format(side=name.removesuffix("s")))
    return home


def played(home: Workspace, name: str) -> Finished:
    """Return the finished run of a profile."""
    return run(home, resolved_here(home, name), clock=CLOCK, jobs=1, again=False, watcher=Watcher())


def read(home: Workspace, name: str) -> RecordedRun:
    """Return that run, to be read."""
    return RecordedRun(played(home, name).folder)
