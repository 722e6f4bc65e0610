"""Files of runs that are damaged: named by the ledger, put aside, and made again by a resumed run."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from builders.clocks import ManualClock
from tvquant.app import recovery
from tvquant.app.recovery import damages, recover
from tvquant.app.workspace import Workspace
from tvquant.core.records import RUN, Entry
from tvquant.lake.storage.committed import digest
from tvquant.ledger import Integrity, Ledger, RunFolder, genesis_entry, verify
from tvquant.ledger.lines import AUDIT, HEAD

ID = "20260102T000000-demo-0123ab"
TABLE, SNAPSHOT = "results/returns.parquet", "data/snapshot.json"


CLOCK = ManualClock(datetime(2026, 1, 2, tzinfo=UTC))


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    """A workspace with a sealed run of one table."""
    made = Workspace(tmp_path)
    made.create()
    run = RunFolder(made.runs / ID)
    (run.path / "results").mkdir(parents=True)
    said = {"plan": "p", "snapshot": json.dumps({"digest": "d", "tables": {}, "symbols": {}})}
    run.write_json(SNAPSHOT, said)
    run.write_json("manifest.json", {})
    (run.path / TABLE).write_bytes(b"numbers")
    files = {name: digest(run.path / name) for name in (TABLE, SNAPSHOT, "manifest.json")}
    with Ledger.create(run.path, run_id=ID, clock=CLOCK) as ledger:
        ledger.record(
            genesis_entry(run_id=ID, profile="demo", code="c", manifest="m", environment="e", train=60, test=20,
                          step=20, lookback=500, selection="baseline", rebalance="window")
        )  # fmt: skip
        outputs = {"file:manifest.json": files["manifest.json"]}
        ledger.record(Entry(chain=RUN, stage=1, kind="outcome", outputs=outputs))
        outputs = {"plan": "p", "snapshot": "d", f"file:{SNAPSHOT}": files[SNAPSHOT]}
        ledger.record(Entry(chain=RUN, stage=10, kind="plan", outputs=outputs, data={"snapshot": said["snapshot"]}))
        ledger.record(Entry(chain=RUN, stage=15, kind="outcome", outputs={f"file:{TABLE}": files[TABLE]}))
        ledger.seal({"cell": "a" * 64})
    return made


def run_of(home: Workspace) -> RunFolder:
    (run,) = home.all_runs()
    return run


def test_a_whole_workspace_has_nothing_to_mend(home: Workspace) -> None:
    assert damages(home) == ()
    done = recover(home, clock=CLOCK)
    assert (done.steps, done.left) == ((), ())
    assert not done.aside.exists()


@pytest.mark.parametrize("content", [b"", b"number", None])
def test_a_table_is_put_aside_and_the_ledger_goes_back_to_before_it(
    home: Workspace, content: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = run_of(home).path / TABLE
    path.unlink() if content is None else path.write_bytes(content)
    assert [one.path for one in damages(home)] == [path]
    assert [one.path for one in recover(home, clock=CLOCK).left] == [path]  # begun with other code: left alone
    monkeypatch.setattr(recovery, "_can_go_on", lambda run: True)
    done = recover(home, clock=CLOCK)
    assert done.left == ()
    assert f"run --resume {ID}" in done.steps[0]
    assert not path.exists()
    checked = verify(run_of(home).path)
    assert (checked.status, checked.records) == (Integrity.INCOMPLETE, 3)
    kept = {one.name for one in (done.aside / ID).rglob("*") if one.is_file()}
    assert kept == {AUDIT, HEAD} | ({path.name} if content is not None else set())


@pytest.mark.parametrize("content", ["", "{}", None])
def test_a_snapshot_is_written_again_from_the_ledger(home: Workspace, content: str | None) -> None:
    path = run_of(home).path / SNAPSHOT
    whole = path.read_text()
    path.unlink() if content is None else path.write_text(content)
    assert [one.path for one in damages(home)] == [path]
    assert recover(home, clock=CLOCK).left == ()
    assert path.read_text() == whole


def test_a_manifest_cannot_be_made_again_and_stays_named(home: Workspace) -> None:
    path = run_of(home).path / "manifest.json"
    path.write_text("")
    assert [one.path for one in recover(home, clock=CLOCK).left] == [path]
    assert verify(run_of(home).path).records == 5


def test_a_run_without_a_whole_record_is_put_aside(home: Workspace) -> None:
    (run_of(home).path / AUDIT).write_bytes(b"")
    done = recover(home, clock=CLOCK)
    assert home.all_runs() == ()
    assert (done.aside / ID / ID / TABLE).read_bytes() == b"numbers"


def test_a_registry_goes_back_with_the_torn_one_kept(home: Workspace) -> None:
    from tvquant.market.registry import RegistryManager

    registry = RegistryManager(home.lake().folder)
    for bars in (1, 2):
        registry.update("BINANCE:BTCUSDT", "1d", bars=bars)
    registry.path.write_text("{")
    assert [one.path for one in damages(home)] == [registry.path]
    done = recover(home, clock=CLOCK)
    assert registry.read().record("BINANCE:BTCUSDT", "1d").bars == 1
    assert (done.aside / "lakehouse" / registry.path.name).read_text() == "{"


def test_a_copy_under_another_name_is_named_and_left_alone(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is made again in it: it is not the run that its ledger tells of."""
    run = run_of(home).path
    copy = run.rename(run.with_name("20260102T000000-demo-ffffff"))
    (copy / TABLE).write_bytes(b"number")
    monkeypatch.setattr(recovery, "_can_go_on", lambda run: True)
    done = recover(home, clock=CLOCK)
    assert (done.steps, [one.path for one in done.left]) == ((), [copy / AUDIT, copy / TABLE])
    assert done.left[0].why == f"is the ledger of run {ID}, not of {copy.name}"
