"""`tvquant demo` and `init`: the first commands of a new user."""

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from tvquant.app.ahead import compiling_ahead
from tvquant.app.cli.console import JsonOption, answer, note, workspace_at
from tvquant.app.cli.waiting import WaitOption
from tvquant.app.cli.watching import watching
from tvquant.app.workspace import LAKE_URI, Workspace
from tvquant.core import durable
from tvquant.core.errors import ProfileError

EXAMPLE = """\
# A profile of your own: it takes everything from a preset and says what differs.
# `tvquant profile explain my_first` shows every key and where its value comes from.
version: 1
extends: us_equities
description: US stocks and ETFs of this lake with a year of history, selected and weighed every 20 sessions.
data:
  min_history: 252
"""


def demo(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where the demo's workspace goes.")] = Path(
        "tvquant-demo"
    ),
    jobs: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
    wait: WaitOption = None,
    as_json: JsonOption = False,
) -> None:
    """The whole flow on real embedded data, offline: import, audit, walk-forward run, ledger, report."""
    from tvquant.app.cli.profile import resolved
    from tvquant.app.cli.runs import finished, index
    from tvquant.app.clock import SystemClock
    from tvquant.app.demo import PROFILE, demo_files
    from tvquant.app.run import run
    from tvquant.core.panel import Basis
    from tvquant.lake import audit, import_files

    began = time.perf_counter()
    if os.environ.get(LAKE_URI):
        raise ProfileError(
            f"{LAKE_URI} is set, but the demo's lake is one in its own folder; unset it for this command"
        )
    home = workspace_at(directory, wait)
    home.create()
    with home.writing(), compiling_ahead(), watching("demo") as progress:
        stocks, prices = demo_files(home.root / "data" / "incoming")
        lake = home.lake()
        for file, basis in ((stocks, Basis.TOTAL), (prices, Basis.RAW)):
            done = import_files(lake, [file], basis=basis, recorded_at=SystemClock().now())
            note(f"imported {file.name}: {done.stored:,} new rows of {done.symbols} symbols")
        findings = audit(lake)
        note(f"audited the lake: {len(findings)} findings (`tvquant data audit -w {directory}` lists them)")
        profile = resolved(home, PROFILE)
        outcome = run(home, profile, clock=SystemClock(), jobs=jobs, again=False, watcher=progress)
        index(home)
    document, text = finished(outcome, began, progress)
    answer(document, text, as_json=as_json)


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The workspace to make.")],
    as_json: JsonOption = False,
) -> None:
    """Make a workspace: profiles/, data/, artifacts/ and an example profile."""
    home = Workspace(directory.resolve())
    fresh = not home.profiles.exists()
    home.create()
    example = home.profiles / "my_first.yaml"
    if fresh:
        durable.write_text(example, EXAMPLE)
    text = (
        f"workspace {home.root} {'made' if fresh else 'was there already; nothing was changed'}\n"
        f"next: cd {directory}; tvquant data import FILE; tvquant profile list; tvquant run my_first"
    )
    answer({"workspace": str(home.root), "made": fresh}, text.split("\n"), as_json=as_json)
