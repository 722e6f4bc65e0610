"""Commits that are on the disk and recorded: whatever is cut, changed or lost afterwards is named by who reads it."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tvquant.core import durable
from tvquant.core.errors import DataError
from tvquant.lake import Lake, audit
from tvquant.lake.storage import commits, committed, tables
from tvquant.lake.writing.recovery import damages, mend

NOW = datetime(2026, 5, 1, tzinfo=UTC)
BTC, ETH = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT"
CUTS = (0, 1, 200)


def newest(folder: Path, pattern: str) -> Path:
    return max(folder.glob(pattern), key=lambda one: (one.stat().st_mtime_ns, one.name))


def log_entry(lake: Lake) -> Path:
    return newest(lake.root / "bars" / "_delta_log", "*.json")


def data_file(lake: Lake) -> Path:
    return newest(lake.root / "bars", "*.parquet")


def record_file(lake: Lake) -> Path:
    return newest(lake.root / committed.FOLDER / "bars", "*.json")


def rows(lake: Lake) -> list[tuple[str, float]]:
    return tables.read(lake.root, "bars", ["symbol", "close"]).sort("symbol", "close").rows()


BOTH = [(BTC, 1.0), (BTC, 2.0), (BTC, 3.0), (ETH, 4.0), (ETH, 5.0)]
READERS: dict[str, Callable[[Lake], object]] = {
    "status": Lake.status,
    "audit": audit,
    "pin": lambda lake: lake.pin([BTC]),
    "bars": lambda lake: lake.bars([BTC]),
    "ls": lambda lake: lake.ls(BTC),
}


@pytest.mark.parametrize("size", [*CUTS, None])
@pytest.mark.parametrize("place", [log_entry, data_file, record_file])
def test_what_is_cut_is_named_by_every_reader_and_recovered(
    two: Lake, place: Callable[[Lake], Path], size: int | None, tmp_path: Path
) -> None:
    path = place(two)
    assert rows(two) == BOTH
    if size is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:size])
    if size is None and place is record_file:  # as if killed between commit and record: the commit counts
        assert not damages(two)
    else:
        for name, reader in READERS.items():
            with pytest.raises(DataError, match=path.name) as caught:
                reader(two)
            assert "doctor --fix" in str(caught.value), name
        assert path in {one.path for one in damages(two)}
    steps = mend(two, tmp_path / "aside", now=NOW)
    assert rows(two) == (BOTH[:3] if place is data_file else BOTH)
    assert not damages(two)
    assert mend(two, tmp_path / "again", now=NOW) == ()
    if place is data_file:
        assert any("had 5 rows and has 3" in one and path.name in one for one in steps)
    if size is not None:
        kept = [one for one in (tmp_path / "aside").rglob("*") if one.name == path.name]
        assert [one.stat().st_size for one in kept] == [size]


def test_one_bit_anywhere_in_a_data_file_is_found(two: Lake) -> None:
    path = data_file(two)
    content = path.read_bytes()
    for k in range(24):
        at = len(content) * k // 24
        path.write_bytes(content[:at] + bytes([content[at] ^ 1 << k % 8]) + content[at + 1 :])
        os.utime(path, ns=(k, k))
        with pytest.raises(DataError, match=path.name):
            two.pin([ETH])
        with pytest.raises(DataError, match=path.name):
            audit(two, [BTC])
    path.write_bytes(content)
    assert two.pin([ETH]).symbols.keys() == {ETH}


def test_an_older_entry_is_held_too_and_so_is_a_version_that_was_pinned(two: Lake) -> None:
    first = Path(committed.entry(two.root / "bars" / "_delta_log", 0))
    first.write_bytes(b"")
    with pytest.raises(DataError, match=first.name):
        tables.version(two.root, "bars")
    with pytest.raises(DataError, match=first.name):
        tables.read(two.root, "bars", at=0)


def test_entries_without_a_record_count_when_they_are_whole(two: Lake, tmp_path: Path) -> None:
    for path in (two.root / committed.FOLDER / "bars").iterdir():
        path.unlink()
    assert rows(two) == BOTH
    entry = log_entry(two)
    content = entry.read_bytes()
    for torn in (b"", content[: content.rindex(b"\n")], content[:-1]):
        entry.write_bytes(torn)
        with pytest.raises(DataError, match=entry.name):
            rows(two)
    (step,) = mend(two, tmp_path / "aside", now=NOW)
    assert "taken away" in step
    assert rows(two) == BOTH[:3]


def test_checkpoints_are_held_and_left_out(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "_KEEP", commits._KEEP | {"delta.checkpointInterval": "10"})
    frame = pl.DataFrame({"symbol": ["A"]}, schema={"symbol": pl.String})
    frame = frame.with_columns(
        pl.lit(None, kind).alias(name) for name, kind in tables.SCHEMAS["journal"].items() if name != "symbol"
    )
    for _ in range(11):
        commits.append(lake.root, "journal", frame)
    (checkpoint,) = (lake.root / "journal" / "_delta_log").glob("*.checkpoint.parquet")
    checkpoint.write_bytes(checkpoint.read_bytes()[:-9])
    with pytest.raises(DataError, match=checkpoint.name):
        tables.read(lake.root, "journal")
    (step,) = mend(lake, tmp_path / "aside", now=NOW)
    assert "read without it" in step
    assert len(tables.read(lake.root, "journal")) == 11
    assert not damages(lake)


def test_what_was_written_is_on_the_disk_before_it_is_recorded(
    two: Lake, deliver, bars, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    kept = durable.sync
    monkeypatch.setattr(durable, "sync", lambda path: (synced.append(path), kept(path))[1])
    deliver(bars("BINANCE:SOLUSDT", [7.0]))
    order = [data_file(two), log_entry(two), two.root / "bars" / "_delta_log", two.root / "bars"]
    places = [synced.index(path) for path in [*order, two.root / committed.FOLDER / "bars"]]
    assert places == sorted(places)


def test_a_disk_that_does_not_take_it_is_told(two: Lake, deliver, bars, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "sync", full)
    with pytest.raises(DataError, match="No space left"):
        deliver(bars("BINANCE:SOLUSDT", [7.0]))


def test_a_lake_from_before_there_were_records_is_recorded_by_its_next_commit(two: Lake, deliver, bars) -> None:
    import shutil

    shutil.rmtree(two.root / committed.FOLDER)
    deliver(bars("BINANCE:SOLUSDT", [7.0], datetime(2022, 1, 1, tzinfo=UTC).isoformat()))
    assert committed.versions(two.root / committed.FOLDER / "bars") == {0, 1, 2}
    data_file(two).write_bytes(b"")
    with pytest.raises(DataError, match="not what was committed"):
        audit(two)
