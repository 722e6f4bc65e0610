"""An anchor proves that a run is the one of its day, which no hash inside the run can."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from builders.clocks import ManualClock
from tvquant.core.errors import LedgerError
from tvquant.core.records import RUN, Entry
from tvquant.ledger import Integrity, Ledger, RunFolder, genesis_entry, outputs_of, verify
from tvquant.ledger.anchors import anchors, append, changes
from tvquant.ledger.recorded_run import RecordedRun

pytestmark = pytest.mark.requirement("R-LED-01")

DAY = datetime(2024, 5, 1, tzinfo=UTC)
CELLS = {"hrp": "a" * 64, "ew": "b" * 64}


def write(
    folder: Path, *, weight: float = 0.5, cells: Mapping[str, str] = CELLS, table: bytes = b"returns"
) -> RecordedRun:
    """Write a whole ledger of a run into a folder, over one that is there."""
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    (folder / "returns.parquet").write_bytes(table)
    genesis = genesis_entry(
        run_id=folder.name, profile="demo", code="c", manifest="m", environment="e",
        train=60, test=20, step=20, lookback=500, selection="v4", rebalance="window",
    )  # fmt: skip
    with Ledger.create(folder, run_id=folder.name, clock=ManualClock(datetime(2024, 1, 1, tzinfo=UTC))) as ledger:
        ledger.record(genesis)
        ledger.record(Entry(chain="hrp", stage=15, kind="snapshot", data={"weights": {"A": weight}}))
        ledger.record(Entry(chain="ew", stage=15, kind="snapshot", data={"weights": {"A": 1.0}}))
        ledger.record(Entry(chain=RUN, stage=15, kind="outcome", outputs=outputs_of(folder, ["returns.parquet"])))
        ledger.seal(cells)
    return RecordedRun(RunFolder(folder))


def test_a_run_that_nobody_touched_is_the_one_that_was_anchored(tmp_path: Path) -> None:
    run, file = write(tmp_path / "r1"), tmp_path / "anchors.jsonl"
    made, digest = append(file, run, at=DAY)
    assert made.seal == verify(tmp_path / "r1").chains[RUN].digest
    again, last = append(file, write(tmp_path / "r2"), at=DAY)
    assert (again.previous, len(file.read_bytes().splitlines())) == (digest, 2)
    assert last != digest
    (found,) = anchors(file, "r1")
    assert (found, found.at, found.result) == (made, "2024-05-01T00:00:00+00:00", run.sealed)
    assert changes(found, RecordedRun(run.folder)) == ()


@pytest.mark.parametrize(
    ("forge", "named"),
    [
        (lambda folder: write(folder, weight=0.75), ["chain hrp", "chain run"]),
        (
            lambda folder: write(folder, cells={**CELLS, "ew": "c" * 64}),
            ["result of all cells", "result of cell ew", "chain run"],
        ),
        (lambda folder: write(folder, table=b"better"), ["file returns.parquet", "chain run"]),
    ],
    ids=["a weight", "a result", "a table"],
)
def test_a_run_that_was_forged_and_sealed_again_is_not(
    tmp_path: Path, forge: Callable[[Path], RecordedRun], named: list[str]
) -> None:
    file = tmp_path / "anchors.jsonl"
    made, _ = append(file, write(tmp_path / "r1"), at=DAY)
    forged = forge(tmp_path / "r1")
    assert forged.verification.status is Integrity.OK  # nothing in the run itself shows it
    assert [change.partition(":")[0] for change in changes(made, forged)] == named


def test_what_cannot_be_read_any_more_is_told_as_far_as_it_goes(tmp_path: Path) -> None:
    made, _ = append(tmp_path / "anchors.jsonl", write(tmp_path / "r1"), at=DAY)
    audit = tmp_path / "r1" / "audit.jsonl"
    audit.write_bytes(audit.read_bytes().replace(b'"A":1.0', b'"A":0.9'))
    found = changes(made, RecordedRun(RunFolder(tmp_path / "r1")))
    assert found[0].startswith("result of all cells: anchored ")
    assert "chain ew: anchored 1 records to" in found[-2]
    assert found[-2].endswith("now nothing")


def test_a_file_that_was_changed_since_is_not_the_one_that_was_anchored(tmp_path: Path) -> None:
    """The ledger is the same, and yet the run is not: a reader of the anchor's line alone must see it."""
    made, _ = append(tmp_path / "anchors.jsonl", write(tmp_path / "r1"), at=DAY)
    (tmp_path / "r1" / "returns.parquet").write_bytes(b"better")
    (found,) = changes(made, RecordedRun(RunFolder(tmp_path / "r1")))
    assert found.startswith(f"file returns.parquet: anchored {made.files['returns.parquet'][:12]}, now it is not the ")


def test_only_a_finished_run_is_anchored(tmp_path: Path, begun: Ledger) -> None:
    with pytest.raises(LedgerError, match="is incomplete"):
        append(tmp_path / "anchors.jsonl", RecordedRun(RunFolder(tmp_path)), at=DAY)
    assert not (tmp_path / "anchors.jsonl").exists()
    begun.close()


@pytest.mark.parametrize(
    ("damage", "line", "why"),
    [
        (lambda lines: [lines[0].replace(b"r1", b"r9"), *lines[1:]], 1, "is no anchor"),
        (lambda lines: lines[1:], 1, "a line was taken out"),
        (lambda lines: [lines[0], lines[2], lines[1]], 2, "a line was taken out"),
        (lambda lines: [*lines[:2], lines[2][:-1]], 3, "is no anchor"),
        (lambda lines: [*lines, b"\n"], 4, "is no anchor"),
        (lambda lines: [lines[0].replace(b'"a' + b"a" * 63 + b'"', b"1e999"), *lines[1:]], 1, "is no anchor"),
    ],
)
def test_a_file_of_anchors_holds_itself(
    tmp_path: Path, damage: Callable[[list[bytes]], list[bytes]], line: int, why: str
) -> None:
    file = tmp_path / "anchors.jsonl"
    for name in ("r1", "r2", "r3"):
        append(file, write(tmp_path / name), at=DAY)
    whole = file.read_bytes()
    file.write_bytes(b"".join(damage(whole.splitlines(keepends=True))))
    with pytest.raises(LedgerError, match=f"line {line}: .*{why}"):
        anchors(file, "r3")
    before = file.read_bytes()
    with pytest.raises(LedgerError, match=f"line {line}"):
        append(file, write(tmp_path / "r4"), at=DAY)
    assert file.read_bytes() == before


def test_a_run_without_an_anchor_is_not_proven(tmp_path: Path) -> None:
    append(tmp_path / "anchors.jsonl", write(tmp_path / "r1"), at=DAY)
    with pytest.raises(LedgerError, match="no anchor of run r2"):
        anchors(tmp_path / "anchors.jsonl", "r2")
