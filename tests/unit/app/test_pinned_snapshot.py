"""What runs pinned: the ledger's plan record is believed, the file beside it is mended, damage stops nobody."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from builders.clocks import ManualClock
from tvquant.app.finished_runs import finished_run
from tvquant.app.pinned_snapshot import (
    pinned_snapshots,
    plans,
    restore_snapshots,
    write_snapshot,
)
from tvquant.app.workspace import Workspace
from tvquant.core.errors import LedgerError
from tvquant.core.records import RUN, Entry
from tvquant.lake import Snapshot
from tvquant.ledger import Ledger, RunFolder, genesis_entry
from tvquant.ledger.listing import KEPT, Found, stamp_of, text_of
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.ledger.run_folder import PINNED

IDS = ("20260101T000000-demo-aaaaaa", "20260102T000000-demo-bbbbbb", "20260103T000000-demo-cccccc")


CLOCK = ManualClock(datetime(2026, 1, 2, tzinfo=UTC))


def snapshot(name: str) -> Snapshot:
    return Snapshot(digest=name, tables={"bars": 3}, symbols={"NYSE:AAA": "d1"})


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    """Two runs that pinned something, and one that was stopped before."""
    made = Workspace(tmp_path / "ws")
    made.create()
    for name in IDS:
        folder = RunFolder(made.runs / name)
        folder.path.mkdir()
        with Ledger.create(folder.path, run_id=name, clock=CLOCK) as ledger:
            ledger.record(
                genesis_entry(
                    run_id=name, profile="demo", code="c", manifest="m", environment="e", train=60, test=20, step=20,
                    lookback=500, selection="v4", rebalance="window",
                )
            )  # fmt: skip
            if name != IDS[2]:
                text = snapshot(name).to_json()
                write_snapshot(folder, f"plan of {name}", text)
                outputs = {"plan": f"plan of {name}", "snapshot": name}
                ledger.record(Entry(chain=RUN, stage=10, kind="plan", outputs=outputs, data={"snapshot": text}))
    return made


def test_plans_are_told_of_newest_first(home: Workspace) -> None:
    assert [(folder.id, plan.snapshot_digest) for folder, plan in plans(home, pytest.fail)] == [
        (IDS[1], IDS[1]),
        (IDS[0], IDS[0]),
    ]
    assert list(pinned_snapshots(home, pytest.fail)) == [snapshot(IDS[0]), snapshot(IDS[1])]
    assert RecordedRun(RunFolder(home.runs / IDS[2])).plan is None
    restore_snapshots(home, pytest.fail)


@pytest.mark.parametrize("damaged", [b"{}", b"", b"[]", b'{"plan": "x", "snapshot": 3}', b"\xff", None])
def test_a_damaged_file_is_restored_from_the_ledger_and_hides_nothing(home: Workspace, damaged: bytes | None) -> None:
    file = home.runs / IDS[0] / PINNED
    whole = file.read_bytes()
    file.unlink() if damaged is None else file.write_bytes(damaged)
    assert list(pinned_snapshots(home, pytest.fail)) == [snapshot(IDS[0]), snapshot(IDS[1])]
    said: list[str] = []
    restore_snapshots(home, said.append)
    assert said == [f"run {IDS[0]}: {PINNED} was damaged; it is restored from the ledger's plan record"]
    assert file.read_bytes() == whole


def test_a_file_that_cannot_be_restored_is_named(home: Workspace) -> None:
    file = home.runs / IDS[1] / PINNED
    file.unlink()
    file.mkdir()
    said: list[str] = []
    restore_snapshots(home, said.append)
    assert len(said) == 1
    assert said[0].startswith(f"run {IDS[1]}: {PINNED} is damaged and cannot be restored: ")


def test_a_run_whose_ledger_cannot_be_read_is_named_and_the_others_go_on(home: Workspace) -> None:
    (home.runs / IDS[1] / "audit.jsonl").write_bytes(b"{}\n")
    with pytest.raises(LedgerError):
        _ = RecordedRun(RunFolder(home.runs / IDS[1])).plan
    said: list[str] = []
    assert [folder.id for folder, _ in plans(home, said.append)] == [IDS[0]]
    assert [line.split(",")[0] for line in said] == [f"run {IDS[1]} is passed over"]
    assert list(pinned_snapshots(home, pytest.fail)) == [snapshot(IDS[0]), snapshot(IDS[1])]  # of the file beside it
    for damaged in ("{}", "[]", '{"snapshot": 3}', '{"snapshot": "{}"}'):
        (home.runs / IDS[1] / PINNED).write_text(damaged)
        said.clear()
        assert list(pinned_snapshots(home, said.append)) == [snapshot(IDS[0])]
        assert [line.split(",")[0] for line in said] == [f"run {IDS[1]} cannot say what it was computed from"]


def test_what_was_verified_and_is_untouched_is_not_read_again(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of five hundred runs none is read to find that an equal plan is not there, or to mend what is whole."""
    run = home.runs / IDS[1]
    held = {
        name: Found(stamp=stamp_of(home.runs / name), state=state, result="r", plan=f"plan of {name}", row=())
        for name, state in zip(IDS, ("ok", "ok", "incomplete"), strict=True)
    }
    (home.runs.parent / KEPT).write_text(text_of(held))
    read: list[str] = []

    class Counted(RecordedRun):
        def __init__(self, folder: RunFolder) -> None:
            read.append(folder.id)
            super().__init__(folder)

    monkeypatch.setattr("tvquant.app.pinned_snapshot.RecordedRun", Counted)
    restore_snapshots(home, pytest.fail)
    assert finished_run(home, "another plan", pytest.fail) is None
    assert read == [IDS[2]] * 2
    read.clear()
    assert finished_run(home, f"plan of {IDS[1]}", pytest.fail) is None, "it was never sealed"
    assert read == [IDS[2], IDS[1]]
    read.clear()
    (run / PINNED).write_text("{}")
    said: list[str] = []
    restore_snapshots(home, said.append)
    assert read == [IDS[2], IDS[1]]
    assert said == [f"run {IDS[1]}: {PINNED} was damaged; it is restored from the ledger's plan record"]
