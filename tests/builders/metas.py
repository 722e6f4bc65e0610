"""A workspace with two small rating sleeves, and meta-portfolios over them."""

from datetime import UTC, datetime
from pathlib import Path

from builders.clocks import ManualClock
from builders.screened_lake import screened_lake
from tvquant.app.finished_runs import Finished
from tvquant.app.meta.play import play_meta
from tvquant.app.meta.sleeve_runs import Player
from tvquant.app.progress import Watcher
from tvquant.app.resolving import resolved_here, resolved_meta_here
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
META = """\
version: 1
description: Both sleeves in one account.
sleeves: {sleeves}
windows: {{train: 20, step: 10}}
allocation: {{bounds: [0.0, 0.95]{more}}}
benchmark: {{market: [BINANCE:AAAUSDT]}}
{other}
"""


class Told(Watcher):
    """Remembers what it was told, and stops at a stage when asked to."""

    def __init__(self, stop: int | None = None) -> None:
        self.stages: list[int] = []
        self.notes: list[str] = []
        self.stop = stop

    def stage(self, number: int, name: str) -> None:
        self.stages.append(number)
        if number == self.stop:
            raise KeyboardInterrupt

    def note(self, text: str) -> None:
        self.notes.append(text)


def sleeves_workspace(folder: Path) -> Workspace:
    """Return a workspace with coins of half a year, and the profiles of a long and a short sleeve."""
    home = screened_lake(folder, last=datetime(2024, 12, 1, tzinfo=UTC))
    for name in SLEEVES:
        (home.profiles / f"{name}.yaml").write_text(PROFILE.format(side=name.removesuffix("s")))
    return home


def write_meta(
    home: Workspace, name: str, sleeves: str = "{longs: {}, shorts: {}}", *, more: str = "", other: str = ""
) -> None:
    """Write a meta-profile over these sleeves; `more` are keys of its allocation, `other` other sections."""
    (home.profiles / f"{name}.yaml").write_text(META.format(sleeves=sleeves, more=more, other=other))


def played(home: Workspace, name: str, watcher: Watcher | None = None) -> Finished:
    """Return the finished run of a profile."""
    return run(home, resolved_here(home, name), clock=CLOCK, jobs=1, again=False, watcher=watcher or Watcher())


def played_meta(home: Workspace, name: str, watcher: Watcher | None = None, *, again: bool = False) -> Finished:
    """Return the finished run of a meta-profile, its sleeves played first where they were not."""
    player = Player(workspace=home, clock=CLOCK, watcher=watcher or Watcher())
    return play_meta(player, resolved_meta_here(home, name), again=again)


def read(home: Workspace, name: str) -> RecordedRun:
    """Return the run of a profile, to be read."""
    return RecordedRun(played(home, name).folder)
