import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from builders.clocks import ManualClock
from tvquant.core.clock import Clock
from tvquant.core.digests import merkle_root
from tvquant.core.errors import DataError, LedgerError
from tvquant.core.records import RUN, Entry
from tvquant.ledger import Integrity, Ledger, records, verify
from tvquant.ledger import chain as chain_module

STEP = Entry(chain="cell", stage=15, kind="snapshot", pillar=3)


def last(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "audit.jsonl").read_text().splitlines()[-1])  # type: ignore[no-any-return]


@pytest.mark.requirement("R-LED-01")
def test_a_record_is_in_the_file_when_its_digest_is_returned(begun: Ledger, tmp_path: Path) -> None:
    digest = begun.record(STEP)
    assert last(tmp_path)["digest"] == digest
    assert last(tmp_path)["at"] == "2024-01-02T03:04:07.000000+00:00"
    assert last(tmp_path)["run_id"] == "r1"


@pytest.mark.requirement("R-LED-02")
def test_the_first_record_is_genesis_and_no_other(tmp_path: Path, clock: Clock, genesis: Entry) -> None:
    ledger = Ledger.create(tmp_path, run_id="r1", clock=clock)
    with pytest.raises(ValueError, match="the first record is `genesis`"):
        ledger.record(STEP)
    with pytest.raises(ValueError, match="cannot be sealed"):
        ledger.seal({})
    ledger.record(genesis)
    with pytest.raises(ValueError, match="one genesis record"):
        ledger.record(genesis)
    assert verify(tmp_path).records == 1


def test_a_folder_holds_one_ledger(begun: Ledger, tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(DataError, match="exists; a run's folder is never used again"):
        Ledger.create(tmp_path, run_id="r1", clock=clock)
    with pytest.raises(DataError, match="No such file"):
        Ledger.create(tmp_path / "nowhere", run_id="r1", clock=clock)


@pytest.mark.parametrize("value", [[1], (), {}, {"a": 1}], ids=str)
def test_metrics_are_scalars(begun: Ledger, tmp_path: Path, value: Any) -> None:
    with pytest.raises(TypeError, match=r"^metrics\.sharpe: a metric is one scalar"):
        begun.record(Entry(chain="cell", stage=15, kind="outcome", metrics={"sharpe": value}))
    begun.record(Entry(chain="cell", stage=15, kind="outcome", metrics={"sharpe": float("nan"), "engine": "custom"}))
    assert last(tmp_path)["metrics"] == {"sharpe": {"$null": "nan"}, "engine": "custom"}
    assert last(tmp_path)["n"] == 2  # what was refused left no trace


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"stage": 0}, ValueError, "stage 0"),
        ({"stage": 17}, ValueError, "stage 17"),
        ({"pillar": 5}, ValueError, "pillar 5"),
        ({"chain": ""}, ValueError, "chain ''"),
        ({"inputs": {"panel": 3}}, TypeError, r"inputs\.panel: expected a digest"),
        ({"data": {"x": {1}}}, TypeError, r"data\.x: a set"),
        ({"kind": "seal"}, ValueError, "by the ledger itself"),
        ({"kind": "resume"}, ValueError, "by the ledger itself"),
    ],
)
def test_entries_that_are_none(
    begun: Ledger, tmp_path: Path, changes: dict[str, Any], error: type[Exception], match: str
) -> None:
    before = (tmp_path / "audit.jsonl").read_bytes()
    with pytest.raises(error, match=match):
        begun.record(Entry(**{"chain": "cell", "stage": 15, "kind": "snapshot", **changes}))
    assert (tmp_path / "audit.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("data", "form"),
    [
        ({"plain": [1, "é"]}, {"plain": [1, "é"]}),
        ({"$null": "nan"}, {"$$null": "nan"}),
        ({"x": [float("nan")]}, {"x": [{"$null": "nan"}]}),
    ],
    ids=["plain", "mark", "nan"],
)
def test_a_record_holds_the_encoding_of_its_data(
    begun: Ledger, tmp_path: Path, data: dict[str, Any], form: dict[str, Any]
) -> None:
    begun.record(replace(STEP, data=data))
    assert last(tmp_path)["data"] == form
    with pytest.raises(ValueError, match=r"^data\.x: .* is not valid Unicode"):
        begun.record(replace(STEP, data={"x": "\ud800"}))


def test_the_clock_must_know_its_zone(tmp_path: Path, genesis: Entry) -> None:
    with pytest.raises(ValueError, match="aware"):
        Ledger.create(tmp_path, run_id="r1", clock=ManualClock(datetime(2024, 1, 1))).record(genesis)


@pytest.mark.requirement("R-LED-01")
def test_the_seal_names_every_chain_and_the_result(sealed: Path, leaves: dict[str, str]) -> None:
    seal = last(sealed)
    assert (seal["chain"], seal["kind"], seal["stage"]) == ("run", "seal", 16)
    assert seal["outputs"] == {"result": merkle_root(leaves)}
    assert seal["data"]["cells"] == leaves
    assert {chain: tip["length"] for chain, tip in seal["data"]["chains"].items()} == {
        "run": 3,
        "min_variance": 9,
        "equal_weight": 9,
    }


def test_nothing_follows_the_seal(begun: Ledger, tmp_path: Path, clock: Clock) -> None:
    digest = begun.seal({})
    assert last(tmp_path)["digest"] == digest
    for again in (lambda: begun.record(STEP), lambda: begun.seal({})):
        with pytest.raises(LedgerError, match="is sealed"):
            again()
    with pytest.raises(LedgerError, match="is sealed: the run is finished"):
        Ledger.resume(tmp_path, run_id="r1", clock=clock)
    assert verify(tmp_path).status is Integrity.OK


def test_closed_is_closed(begun: Ledger, tmp_path: Path) -> None:
    with begun as ledger:
        ledger.record(STEP)
    begun.close()
    with pytest.raises(LedgerError, match="is closed"):
        begun.record(STEP)
    assert json.loads((tmp_path / "audit.head").read_text())["records"] == 2


@pytest.mark.requirement("R-LED-01")
@pytest.mark.parametrize("torn", [b"", b'{"at":"2024', b"\x00" * 300])
def test_a_killed_ledger_goes_on(
    begun: Ledger, tmp_path: Path, clock: Clock, fill: Callable[..., None], torn: bytes
) -> None:
    begun.record(Entry(chain=RUN, stage=15, kind="intent"))
    begun.record(STEP)  # no close: the head still stands at the genesis record
    with (tmp_path / "audit.jsonl").open("ab") as file:
        file.write(torn)
    killed = verify(tmp_path)
    assert (killed.status, killed.records, killed.torn) == (Integrity.INCOMPLETE, 3, len(torn))
    ledger = Ledger.resume(tmp_path, run_id="r1", clock=clock)
    assert last(tmp_path)["kind"] == "resume"
    assert last(tmp_path)["metrics"] == {"bytes_cut": len(torn), "unpaired": 1}
    assert last(tmp_path)["n"] == 4
    fill(ledger)
    ledger.seal({})
    found = verify(tmp_path)
    assert (found.status, found.unpaired) == (Integrity.OK, ())


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from tvquant.core.records import Entry
from tvquant.ledger import Ledger

class Now:
    def now(self):
        return datetime.now(UTC)

ledger = Ledger.resume(Path(sys.argv[1]), run_id="r1", clock=Now())
while True:
    digest = ledger.record(Entry(chain="cell", stage=15, kind="snapshot", data={"weights": [0.1] * 500}))
    print(digest, flush=True)
"""


@pytest.mark.requirement("R-LED-01")
def test_a_process_that_is_killed_loses_no_record_it_was_told_of(begun: Ledger, tmp_path: Path, clock: Clock) -> None:
    begun.close()
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(100)]
        writer.kill()
        told += writer.stdout.readlines()
    killed = verify(tmp_path)
    assert killed.status is Integrity.INCOMPLETE
    assert {line.strip() for line in told if line.endswith("\n")} <= {record.digest for record in records(tmp_path)}
    Ledger.resume(tmp_path, run_id="r1", clock=clock).seal({})
    assert verify(tmp_path).status is Integrity.OK


@pytest.mark.requirement("R-LED-01")
@pytest.mark.parametrize("covered", [False, True], ids=["head_before_resume", "head_after_resume"])
def test_a_kill_between_the_seal_and_its_head(
    tmp_path: Path, begun: Ledger, clock: Clock, leaves: dict[str, str], covered: bool
) -> None:
    """The seal did not take effect: it is written again."""
    begun.record(STEP)
    begun.close()
    head = (tmp_path / "audit.head").read_bytes()
    ledger = Ledger.resume(tmp_path, run_id="r1", clock=clock)
    if covered:
        head = (tmp_path / "audit.head").read_bytes()
    ledger.seal(leaves)
    (tmp_path / "audit.head").write_bytes(head)
    killed = verify(tmp_path)
    assert (killed.status, killed.sealed, killed.records) == (Integrity.INCOMPLETE, False, 3)
    assert killed.torn > 0
    Ledger.resume(tmp_path, run_id="r1", clock=clock).seal(leaves)
    assert verify(tmp_path).status is Integrity.OK
    assert [record.kind for record in records(tmp_path)] == ["genesis", "snapshot", "resume", "resume", "seal"]


def test_what_cannot_be_continued(begun: Ledger, tmp_path: Path, clock: Clock) -> None:
    begun.record(STEP)
    begun.close()
    audit = tmp_path / "audit.jsonl"
    whole = audit.read_bytes()
    with pytest.raises(LedgerError, match="of run 'r1', expected 'r2'"):
        Ledger.resume(tmp_path, run_id="r2", clock=clock)
    audit.write_bytes(whole[:-1])
    with pytest.raises(LedgerError, match=r"is truncated: line 2: audit\.jsonl ends after"):
        Ledger.resume(tmp_path, run_id="r1", clock=clock)
    audit.write_bytes(whole.replace(b"snapshot", b"snapshop"))
    with pytest.raises(LedgerError, match="is tampered: line 2: does not hash"):
        Ledger.resume(tmp_path, run_id="r1", clock=clock)
    audit.unlink()
    with pytest.raises(DataError, match=r"audit\.jsonl: No such file"):
        Ledger.resume(tmp_path, run_id="r1", clock=clock)


def test_a_ledger_without_genesis_cannot_be_continued(tmp_path: Path, clock: Clock) -> None:
    Ledger.create(tmp_path, run_id="r1", clock=clock).close()
    with pytest.raises(LedgerError, match="of run None, expected 'r1'; start a new run"):
        Ledger.resume(tmp_path, run_id="r1", clock=clock)


@pytest.mark.parametrize("stop", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=repr)
def test_a_write_that_stops_half_way_closes_the_ledger(
    begun: Ledger, tmp_path: Path, clock: Clock, stop: BaseException
) -> None:
    class Full:
        """Takes ten bytes, then nothing more."""

        def __init__(self, file: Any) -> None:
            self._file, self._left = file, 10

        def write(self, data: memoryview) -> int:
            if not self._left:
                raise stop
            taken, self._left = self._file.write(data[: self._left]), 0
            return int(taken)

        def close(self) -> None:
            self._file.close()

        @property
        def closed(self) -> bool:
            return bool(self._file.closed)

    begun._file = Full(begun._file)  # type: ignore[assignment]
    expected = DataError if isinstance(stop, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        begun.record(STEP)
    again = (DataError, "No space left") if isinstance(stop, OSError) else (LedgerError, "is closed")
    with pytest.raises(again[0], match=again[1]):  # a full disk is what is said, also the second time
        begun.record(STEP)
    assert verify(tmp_path).status is Integrity.INCOMPLETE
    assert verify(tmp_path).torn == 10
    Ledger.resume(tmp_path, run_id="r1", clock=clock).record(STEP)
    assert verify(tmp_path).torn == 0


@pytest.mark.requirement("R-LED-01")
def test_the_head_is_never_far_behind(begun: Ledger, tmp_path: Path) -> None:
    for n in range(2, 70):
        begun.record(STEP)
        behind = n - json.loads((tmp_path / "audit.head").read_text())["records"]
        assert 0 <= behind < chain_module.HEAD_EVERY
    assert verify(tmp_path).records == 69


def test_the_head_of_many_chains_is_as_many_records_behind_at_most_and_costs_no_more_of_each(
    begun: Ledger, tmp_path: Path
) -> None:
    heads, chains = set(), 40
    for n in range(2, 400):
        begun.record(replace(STEP, chain=f"cell {n % chains}"))
        head = json.loads((tmp_path / "audit.head").read_text())
        heads.add(head["records"])
        assert 0 <= n - head["records"] < max(chain_module.HEAD_EVERY, len(head["chains"]))
    assert sorted(heads)[:3] == [1, 17, 34]  # it names 1 chain, then 17, then 34, then all and the run's own
    assert len(heads) <= 4 + 400 // (chains + 1)
