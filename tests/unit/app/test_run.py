import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from builders.clocks import ManualClock
from builders.profiles import resolved_of
from builders.workspaces import coin_closes, workspace_of
from tvquant.app.cli.runs import finished
from tvquant.app.cli.watching import progress_shown
from tvquant.app.finished_runs import finished_run, result_digest
from tvquant.app.plan import make_plan
from tvquant.app.progress import Watcher
from tvquant.app.resume import resume
from tvquant.app.run import run
from tvquant.app.selection_as_of import selected
from tvquant.app.workspace import Workspace
from tvquant.core import durable
from tvquant.core.errors import DataError, LedgerError, ProfileError
from tvquant.lake import import_files
from tvquant.lake.storage import tables
from tvquant.ledger import RunFolder, records, verify
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.profiles import ResolvedProfile

CLOCK = ManualClock(datetime(2026, 1, 2, tzinfo=UTC))


class Seen(Watcher):
    """Remembers what it was told, and stops the run when asked to."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.stages: list[int] = []
        self.notes: list[str] = []
        self.done = 0
        self.stop_after = stop_after

    def stage(self, number: int, name: str) -> None:
        self.stages.append(number)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def steps(self, done: int, total: int) -> None:
        self.done = done
        if self.stop_after is not None and done >= self.stop_after:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `ws.parquet`, and the workspace `ws` that has its bars; copied, never written to."""
    folder = tmp_path_factory.mktemp("filled")
    coins = {"BTC": 3, "ETH": 5, "SOL": 7, "XRP": 11, "ADA": 2}
    closes = coin_closes(coins, datetime(2024, 1, 1, tzinfo=UTC), 243)
    workspace_of(folder / "ws", closes, recorded_at=CLOCK.now())
    return folder


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    return Workspace(tmp_path / "ws")


def profile(**overrides: object) -> ResolvedProfile:
    """The preset under one risk profile: a run is what is looked at, and each profile more is a cell and a page."""
    return resolved_of(**{"execution__convention": "next_close", "allocation__profiles": ["hrp"], **overrides})


def test_a_run_goes_through_its_stages_and_is_found_again(home: Workspace) -> None:
    seen = Seen()
    done = run(home, profile(), clock=CLOCK, jobs=1, again=False, watcher=seen)
    assert seen.stages == [1, 9, 13, 14, 15, 16]
    assert seen.done > 0
    assert not done.reused
    assert result_digest(RecordedRun(done.folder)) == done.result
    log = (done.folder.path / "logs" / "run.log").read_text()
    assert log.splitlines()[0].split()[1:] == ["stage", "1", "environment"]
    assert f"all {seen.done} decisions recorded" in log
    found = finished_run(home, make_plan(home.lake(), profile()).digest, print)
    assert found is not None
    assert (found.folder, found.reused) == (done.folder, True)
    assert finished_run(home, make_plan(home.lake(), profile(costs__slippage_bps=6.0)).digest, print) is None
    anew = run(home, profile(), clock=CLOCK, jobs=1, again=True, watcher=Watcher())
    assert anew.folder != done.folder
    assert anew.result == done.result


def test_bars_are_read_once_for_pin_health_and_panel(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside their values only who is there, and how the rows came; the report reads nothing of the lake."""
    found: list[list[str]] = []

    def counting(read: Callable[..., Any]) -> Callable[..., Any]:
        def counted(root: Path, table: str, columns: list[str], **more: Any) -> Any:
            if table == "bars":
                found.append(list(columns))
            return read(root, table, columns, **more)

        return counted

    for way in ("read", "distinct"):
        monkeypatch.setattr(tables, way, counting(getattr(tables, way)))
    run(home, profile(), clock=CLOCK, jobs=1, again=False, watcher=Watcher())
    assert [columns for columns in found if "close" in columns] == [
        ["symbol", "timestamp", "recorded_at", *tables.VALUES]
    ]
    assert [columns for columns in found if "close" not in columns] == [
        ["symbol", "basis"], ["symbol", "timestamp", "recorded_at", "source"],
    ]  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        run(home, profile(), clock=CLOCK, jobs=1, again=True, watcher=Seen(stop_after=3))
    found.clear()
    resume(home, home.run("latest"), clock=CLOCK, jobs=1, watcher=Watcher())
    assert ["close" in columns for columns in found] == [False, True]
    found.clear()
    selected(home.lake(), profile(), None, now=CLOCK.now())
    assert ["close" in columns for columns in found] == [False, True]


@pytest.mark.requirement("R-UNI-19")
def test_defaults_that_a_scanner_leaves_open_stand_in_the_ledger(home: Workspace) -> None:
    (home.profiles / "scanners").mkdir()
    (home.profiles / "scanners" / "bare.yaml").write_text("version: 1\nkinds: [spot]\n", encoding="utf-8")
    resolved = resolved_of(
        search=home.profiles, universe__scanners=["bare"], execution__convention="next_close", selection__min_winners=5
    )
    done = run(home, resolved, clock=CLOCK, jobs=1, again=False, watcher=Watcher())
    [first] = [r for r in records(done.folder.path, chain="run", kind="outcome") if r.stage == 1]
    assert first.data["notices"] == [
        "scanner bare declares no logic: its recruits are held for 'trend'",
        "scanner bare declares no direction: its recruits are held LONG",
    ]
    atoms = {atom for r in records(done.folder.path, kind="decision") for atom in r.data["weights"]}
    assert not any("None" in atom for atom in atoms)


def test_a_run_without_its_presets_benchmark_says_so(home: Workspace, tmp_path: Path) -> None:
    """The lake has no BTC, which the preset compares with: no baseline `market`, and a notice wherever one looks."""
    bars = pl.read_parquet(tmp_path / "ws.parquet").filter(pl.col("symbol") != "BINANCE:BTCUSDT")
    bars.write_parquet(tmp_path / "others.parquet")
    other = Workspace(tmp_path / "other")
    other.create()
    import_files(other.lake(), [tmp_path / "others.parquet"], recorded_at=CLOCK.now())
    asked = profile(selection__min_winners=4)
    done = run(other, asked, clock=CLOCK, jobs=1, again=False, watcher=Watcher())
    [notice] = done.folder.read_json("manifest.json")["notices"]
    assert "benchmark.market of preset crypto_spot names BINANCE:BTCUSDT" in notice
    [first] = [r for r in records(done.folder.path, chain="run", kind="outcome") if r.stage == 1]
    assert first.data["notices"] == [notice]
    chains = {r.chain for r in records(done.folder.path, kind="outcome")}
    assert ("base_universe_ew/custom" in chains, "market/custom" in chains) == (True, False)
    assert run(other, asked, clock=CLOCK, jobs=1, again=False, watcher=Watcher()).reused
    assert notice in (done.folder.path / "report" / "index.html").read_text()


def test_a_last_bar_of_one_coin_moves_no_current_weight_and_is_told(home: Workspace, tmp_path: Path) -> None:
    asked = profile(data__span=120)
    before = run(home, asked, clock=CLOCK, jobs=1, again=False, watcher=Watcher())
    day = pl.datetime(2024, 8, 31, time_zone="UTC")
    bars = pl.read_parquet(tmp_path / "ws.parquet").filter(pl.col("symbol") == "BINANCE:BTCUSDT")[-1:]
    bars.with_columns(timestamp=day.cast(bars["timestamp"].dtype)).write_parquet(tmp_path / "day.parquet")
    import_files(home.lake(), [tmp_path / "day.parquet"], recorded_at=CLOCK.now())
    done = run(home, asked, clock=CLOCK, jobs=1, again=False, watcher=Watcher())
    weights = [
        next(r for r in records(one.folder.path, chain="run", kind="outcome") if r.stage == 14).data["decision"]
        for one in (before, done)
    ]
    assert weights[0]["weights"] == weights[1]["weights"] != {}
    with progress_shown("run") as progress:
        document, text = finished(done, 0.0, progress)
    assert document["current"]["bar"].startswith("2024-08-30")
    notice = "current weights: only 1 of 5 names have the bar of 2024-08-31: that of 2024-08-30 is decided on"
    assert any(line.endswith(notice) for line in text)
    with progress_shown("run") as progress:
        assert "current weights" not in "".join(finished(before, 0.0, progress)[1])


def test_a_bar_of_the_future_is_never_decided_on(home: Workspace) -> None:
    with pytest.raises(DataError, match=r"USDT: its bar of 2024-08-30 closes after this run began"):
        run(
            home,
            profile(),
            clock=ManualClock(datetime(2024, 8, 30, 12, tzinfo=UTC)),
            jobs=1,
            again=False,
            watcher=Watcher(),
        )


@pytest.mark.requirement("R-TRN-18")
@pytest.mark.parametrize("steps", [1, 7, 20] if os.environ.get("TVQUANT_PROOF") else [1, 20])
def test_an_interrupted_run_goes_on_to_the_same_result(home: Workspace, steps: int) -> None:
    whole = run(home, profile(), clock=CLOCK, jobs=1, again=False, watcher=Watcher())
    with pytest.raises(KeyboardInterrupt):
        run(home, profile(), clock=CLOCK, jobs=1, again=True, watcher=Seen(stop_after=steps))
    [cut] = [folder for folder in home.all_runs() if folder != whole.folder]
    with pytest.raises(LedgerError, match="--resume"):
        result_digest(RecordedRun(cut))
    done = resume(home, cut, clock=CLOCK, jobs=1, watcher=Watcher())
    assert (done.folder, done.result) == (cut, whole.result)
    assert resume(home, cut, clock=CLOCK, jobs=1, watcher=Watcher()).reused


def test_a_run_of_other_code_does_not_go_on(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(home, profile(), clock=CLOCK, jobs=1, again=False, watcher=Seen(stop_after=3))
    monkeypatch.setattr("tvquant.app.identity.source_digest", lambda: "other")
    with pytest.raises(ProfileError, match="other code"):
        resume(home, home.run("latest"), clock=CLOCK, jobs=1, watcher=Watcher())


def unpinned(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A run that was stopped after its data cycle, before the pin."""

    def stopped(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("tvquant.app.run.pin", stopped)
        with pytest.raises(KeyboardInterrupt):
            run(home, profile(), clock=CLOCK, jobs=1, again=False, watcher=Watcher())
    return home.run("latest")


def test_a_run_that_pinned_nothing_judges_the_lake_as_it_is_now(
    home: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = unpinned(home, monkeypatch)
    later = coin_closes({"BTC": 3, "ETH": 5}, datetime(2024, 8, 31, tzinfo=UTC), 20)
    later.write_parquet(tmp_path / "later.parquet")
    import_files(home.lake(), [tmp_path / "later.parquet"], recorded_at=CLOCK.now())
    done = resume(home, folder, clock=CLOCK, jobs=1, watcher=Watcher())
    fresh = run(home, profile(), clock=CLOCK, jobs=1, again=True, watcher=Watcher())
    assert done.result == fresh.result
    assert folder.read_json("data/health.json") == fresh.folder.read_json("data/health.json")
    assert verify(folder.path, run_id=folder.id).finished


def test_a_run_that_pinned_nothing_goes_on_with_its_own_code_only(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = unpinned(home, monkeypatch)
    monkeypatch.setattr("tvquant.app.resume.source_digest", lambda: "other")
    with pytest.raises(ProfileError, match="other code"):
        resume(home, folder, clock=CLOCK, jobs=1, watcher=Watcher())


def test_a_run_of_the_same_plan_that_was_altered_is_not_returned_but_named(home: Workspace) -> None:
    done = run(home, profile(), clock=CLOCK, jobs=1, again=False, watcher=Watcher())
    found = verify(done.folder.path, run_id=done.folder.id)
    there = {path.relative_to(done.folder.path).as_posix() for path in done.folder.path.rglob("*") if path.is_file()}
    assert found.finished
    assert there - set(found.held) == {"audit.jsonl", "audit.head", "logs/run.log"}
    table = done.folder.results / "returns.parquet"
    frame = pl.read_parquet(table)
    frame.with_columns(pl.col("return") + 1e-3).write_parquet(table)
    told: list[str] = []
    assert finished_run(home, make_plan(home.lake(), profile()).digest, told.append) is None
    [said] = told
    assert said.startswith(f"run {done.folder.id} is altered: results/returns.parquet is not the file that was written")
    copy = done.folder.path.with_name("20260103T000000-crypto_spot-bbbbbb")
    done.folder.path.rename(copy)
    frame.write_parquet(copy / "results" / "returns.parquet", compression="zstd")
    told.clear()
    assert finished_run(home, make_plan(home.lake(), profile()).digest, told.append) is None
    assert f"is the ledger of run {done.folder.id}, not of {copy.name}" in told[0]


def test_a_damaged_snapshot_of_one_run_is_restored_and_stops_nobody(home: Workspace) -> None:
    done = run(home, profile(), clock=CLOCK, jobs=1, again=False, watcher=Watcher())
    file = done.folder.path / "data" / "snapshot.json"
    whole = file.read_bytes()
    file.write_bytes(b"{}")
    unreadable = RunFolder(done.folder.path.with_name("20270103T000000-crypto_spot-bbbbbb"))
    shutil.copytree(done.folder.path, unreadable.path)
    (unreadable.path / "audit.jsonl").write_bytes(b"{}\n")
    seen = Seen()
    again = run(home, profile(), clock=CLOCK, jobs=1, again=False, watcher=seen)
    assert (again.folder, again.reused) == (done.folder, True)
    assert file.read_bytes() == whole
    assert [note.split()[1] for note in seen.notes] == [f"{done.folder.id}:"]
    told: list[str] = []
    assert finished_run(home, make_plan(home.lake(), profile(costs__slippage_bps=6.0)).digest, told.append) is None
    assert [note.split()[1] for note in told] == [unreadable.id]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file grows beyond this, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_full_at_the_first_record_leaves_nothing(home: Workspace) -> None:
    for size in (0, 500, 5_000):  # the manifest, or the ledger's first line, does not fit
        with (
            largest_file(size),
            pytest.raises(DataError, match=r"the run could not begin .*File too large.*run it again"),
        ):
            run(home, profile(), clock=CLOCK, jobs=1, again=False, watcher=Watcher())
        assert home.all_runs() == ()
        assert [path.name for path in home.runs.iterdir() if path.name != ".order"] == []


def test_a_disk_that_is_full_midway_is_what_is_said_and_the_run_goes_on_when_there_is_room(home: Workspace) -> None:
    whole = run(home, profile(), clock=CLOCK, jobs=1, again=False, watcher=Watcher())
    with largest_file(60_000), pytest.raises(DataError, match="File too large; make room and continue with --resume"):
        run(home, profile(), clock=CLOCK, jobs=1, again=True, watcher=Watcher())
    [cut] = [folder for folder in home.all_runs() if folder != whole.folder]
    assert next(iter(records(cut.path))).kind == "genesis"
    assert resume(home, cut, clock=CLOCK, jobs=1, watcher=Watcher()).result == whole.result
    assert verify(cut.path, run_id=cut.id).finished


def test_a_disk_that_is_full_at_the_result_tables_is_one_line_and_the_run_goes_on(
    home: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = durable.replace

    def full(path: Path, content: bytes) -> None:
        if path.suffix == ".parquet":
            raise OSError(28, "No space left on device")
        replace(path, content)

    monkeypatch.setattr(durable, "replace", full)
    with pytest.raises(DataError, match=r"parquet: No space left on device; make room and continue with --resume"):
        run(home, profile(), clock=CLOCK, jobs=1, again=False, watcher=Watcher())
    monkeypatch.undo()
    [cut] = home.all_runs()
    done = resume(home, cut, clock=CLOCK, jobs=1, watcher=Watcher())
    assert done.result == result_digest(RecordedRun(cut))
    assert verify(cut.path, run_id=cut.id).finished


def test_a_failed_stage_says_why_and_leaves_an_outcome(home: Workspace) -> None:
    with pytest.raises(DataError, match="no name was eligible"):
        run(home, profile(data__max_abs_return=0.001), clock=CLOCK, jobs=1, again=False, watcher=Watcher())
    outcomes = records(home.run("latest").path, chain="run", kind="outcome")
    [failed] = [r for r in outcomes if r.stage == 15]
    assert failed.metrics["status"] == "failed"
    assert "no name was eligible" in failed.data["why"]


@pytest.mark.requirement("R-DAT-15")
def test_a_run_does_not_go_on_past_a_health_report_that_cannot_be_read(home: Workspace) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(home, profile(), clock=CLOCK, jobs=1, again=False, watcher=Seen(stop_after=3))
    folder = home.run("latest")
    report = folder.path / "data" / "health.json"
    whole = report.read_text()
    for damaged in ("", "[]", '[{"key": "BINANCE:BTCUSDT"}]'):
        report.write_text(damaged)
        with pytest.raises(LedgerError, match=r"is incomplete: data/health\.json is "):
            resume(home, folder, clock=CLOCK, jobs=1, watcher=Watcher())
    report.write_text(whole)
    assert resume(home, folder, clock=CLOCK, jobs=1, watcher=Watcher()).result


@pytest.mark.requirement("R-DAT-03", "R-DAT-15")
def test_the_gate_of_stage_9_names_assets_and_fails_when_none_is_left(home: Workspace, tmp_path: Path) -> None:
    bars = pl.read_parquet(tmp_path / "ws.parquet")
    hole = pl.datetime(2024, 8, 1, time_zone="UTC")
    for name, broken in (("one", ["BINANCE:ADAUSDT"]), ("all", bars["symbol"].unique().to_list())):
        other = Workspace(tmp_path / name)
        other.create()
        gappy = pl.col("symbol").is_in(broken) & (pl.col("timestamp") == hole)
        bars.filter(~gappy).write_parquet(tmp_path / f"{name}.parquet")
        import_files(other.lake(), [tmp_path / f"{name}.parquet"], recorded_at=CLOCK.now())
    done = run(Workspace(tmp_path / "one"), profile(), clock=CLOCK, jobs=1, again=False, watcher=Watcher())
    (outcome,) = (r for r in records(done.folder.path, chain="run", kind="outcome") if r.stage == 9)
    assert (outcome.metrics["healthy"], outcome.metrics["assets"]) == (4, 5)
    assert outcome.data["not_healthy"] == {"BINANCE:ADAUSDT": "gaps"}
    with pytest.raises(LedgerError, match=r"no asset of the universe is left; not: BINANCE:ADAUSDT \(gaps\), "):
        run(Workspace(tmp_path / "all"), profile(), clock=CLOCK, jobs=1, again=False, watcher=Watcher())


@pytest.mark.parametrize(
    ("overrides", "why"),
    [
        ({"universe__symbols": ["BINANCE:NOPEUSDT"]}, "holds no symbol"),
        ({"universe__symbols": ["BINANCE:BTCUSDT", "BINANCE:NOPEUSDT"]}, "BINANCE:NOPEUSDT"),
        ({"benchmark__market": ["BINANCE:NOPEUSDT"]}, "benchmark.market"),
        ({"windows__train": 400}, "too few"),
        ({"data__min_history": 400}, "400 bars"),
    ],
)
def test_what_the_lake_cannot_give_is_named(home: Workspace, overrides: dict[str, object], why: str) -> None:
    with pytest.raises(DataError, match=why):
        run(home, profile(**overrides), clock=CLOCK, jobs=1, again=False, watcher=Watcher())
