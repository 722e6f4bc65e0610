"""Where the time of a workspace's runs went, by how much there was to do."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from builders.clocks import ManualClock
from tvquant.app.cli import main
from tvquant.app.workspace import Workspace
from tvquant.core.records import RUN, TIMES, Entry
from tvquant.ledger import Ledger, genesis_entry

IDS = ("20260102T000000-big-abcdef", "20260103T000000-small-abcdef")


def recorded(home: Workspace, run_id: str, *, names: int, cells: int) -> None:
    """A second passes from record to record."""
    folder = home.runs / run_id
    folder.mkdir(parents=True)
    genesis = genesis_entry(
        run_id=run_id, profile="p", code="c", manifest="m", environment="e", train=60, test=20, step=20, lookback=500,
        selection="baseline", rebalance="window",
    )  # fmt: skip
    ended = [
        Entry(chain=f"v4/custom/{k}/custom", stage=15, kind="outcome",
              metrics={"status": "played", "baseline": False, "windows": 7 + k})
        for k in range(cells)
    ]  # fmt: skip
    played = {"status": "played"}
    with Ledger.create(folder, run_id=run_id, clock=ManualClock(step=timedelta(seconds=1))) as ledger:
        ledger.record(genesis)
        ledger.record(Entry(chain=RUN, stage=9, kind="outcome", metrics={**played, "assets": names}))
        ledger.record(Entry(chain=RUN, stage=15, kind=TIMES))
        for one in ended:
            ledger.record(one)
        ledger.record(Entry(chain=RUN, stage=15, kind="outcome", metrics=played))


@pytest.mark.requirement("R-TRN-11")
def test_runs_stand_by_size_with_seconds_by_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "ws")]) == 0
    home = Workspace(tmp_path / "ws")
    recorded(home, IDS[0], names=30, cells=4)
    recorded(home, IDS[1], names=20, cells=1)
    empty = home.runs / "20260104T000000-empty-abcdef"
    empty.mkdir()
    capsys.readouterr()
    assert main(["runs", "timing", "--json", "-w", str(home.root)]) == 0
    out, err = capsys.readouterr()
    assert "20260104T000000-empty-abcdef is left out" in err
    small, big = json.loads(out)
    parts = {"health": 1.0, "deciding": 1.0, "settling": 2.0}
    assert small == {
        "run": IDS[1], "names": 20, "windows": 7, "cells": 1, "cell_windows": 7, "parts": parts, "wall": 4.0,
        "covered": 1.0, "resumed": 0,
    }  # fmt: skip
    assert (big["run"], big["windows"], big["cell_windows"], big["parts"]["settling"]) == (IDS[0], 10, 34, 5.0)
    assert main(["runs", "timing", IDS[0], "-w", str(home.root)]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert row.split() == [IDS[0], "30", "10", "4", "34", "7.0", f"{6000 / 34:.2f}", "100.0", "1.00", "1.00", "5.00"]
    assert head.split()[-3:] == ["health", "deciding", "settling"]
    assert main(["runs", "timing", "empty", "-w", str(home.root)]) == 3
