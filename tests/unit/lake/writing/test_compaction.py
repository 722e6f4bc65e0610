"""Few files instead of many, and only those versions let go that nothing names."""

from datetime import UTC, datetime, timedelta

import deltalake
import polars as pl
import pytest

from tvquant.core.errors import DataError
from tvquant.core.panel import Basis
from tvquant.lake import Lake, Snapshot
from tvquant.lake.storage import tables
from tvquant.lake.storage.tables import TIME
from tvquant.lake.writing.compaction import MANY, TableCompaction, compact
from tvquant.lake.writing.upserts import upsert

BTC = "BINANCE:BTCUSDT"
CLOSED = datetime(2022, 1, 1, tzinfo=UTC)
"""When rows are recorded, behind the close of every bar."""
LATER = datetime.now(UTC) + timedelta(days=1)
"""Files carry the machine's time; a day on, all of this test's are old."""


def grow(lake: Lake, days: int, close: float) -> Snapshot:
    """So many days in one commit each, then the first of them changed: every version has files of its own."""
    first = datetime(2021, 1, 1, tzinfo=UTC)
    for day in [*range(days), 0]:
        rows = pl.DataFrame({"symbol": [BTC], "timestamp": [first + timedelta(days=day)], "close": [close]})
        close += 0.25
        rows = rows.with_columns(pl.col("timestamp").cast(TIME))
        upsert(lake, rows, interval="1d", basis=Basis.RAW, source="s", recorded_at=CLOSED, reason="r")
    return lake.pin([BTC])


def of(report: tuple[TableCompaction, ...], name: str) -> TableCompaction:
    return next(one for one in report if one.name == name)


def test_what_the_lake_says_does_not_change(lake: Lake) -> None:
    before = grow(lake, MANY, 1.0)
    report = compact(lake, {}, now=LATER)
    bars = of(report, "bars")
    assert (bars.before, bars.after, bars.deleted) == (MANY, 1, MANY + 1)
    assert bars.freed > 0
    assert len(list((lake.root / "bars").glob("*.parquet"))) == 1
    assert lake.pin([BTC]).digest == before.digest
    assert len(lake.ls(BTC).repairs) == 1
    again = of(compact(lake, {}, now=LATER), "bars")
    assert (again.before, again.after, again.deleted) == (1, 1, 0)


def test_named_versions_stay_readable_and_released_ones_go(lake: Lake) -> None:
    snapshots = [grow(lake, 3, close) for close in (1.0, 2.0, 3.0)]
    digests = [lake.panel(one).digest() for one in snapshots]
    assert len({one.digest for one in snapshots}) == 3
    named = [snapshots[0], snapshots[2]]
    keep = {name: {one.tables[name] for one in named} for name in ("bars", "instruments")}
    compact(lake, keep, now=LATER)
    for snapshot, digest in zip(named, (digests[0], digests[2]), strict=True):
        assert lake.panel(snapshot).digest() == digest
    with pytest.raises(DataError, match=f"at version {snapshots[1].tables['bars']} cannot be read"):
        lake.panel(snapshots[1])
    compact(lake, {name: {snapshots[2].tables[name]} for name in keep}, now=LATER)  # the first run was removed
    with pytest.raises(DataError, match="cannot be read"):
        lake.panel(snapshots[0])
    assert lake.panel(snapshots[2]).digest() == digests[2]


def test_what_was_current_a_while_ago_is_not_taken_from_its_readers(lake: Lake) -> None:
    old = grow(lake, 2, 1.0)
    grow(lake, 2, 2.0)
    report = compact(lake, {}, now=datetime.now(UTC))
    assert sum(one.deleted for one in report) == 0
    assert lake.panel(old).fields["close"].shape == (2, 1)


def test_files_of_a_writer_that_died_are_deleted_once_they_are_old(lake: Lake) -> None:
    grow(lake, 2, 1.0)
    orphan = lake.root / "bars" / "part-00000-dead.parquet"
    orphan.write_bytes(b"half a file")
    compact(lake, {}, now=datetime.now(UTC))
    assert orphan.exists()
    compact(lake, {}, now=LATER)
    assert not orphan.exists()
    assert lake.symbols() == (BTC,)


def test_versions_behind_a_checkpoint_are_kept_too(lake: Lake) -> None:
    snapshot = grow(lake, 1, 1.0)
    grow(lake, 2, 1.5)
    deltalake.DeltaTable(lake.root / "bars").create_checkpoint()
    grow(lake, 2, 2.5)
    digest = lake.panel(snapshot).digest()
    report = compact(lake, {name: {version} for name, version in snapshot.tables.items()}, now=LATER)
    assert of(report, "bars").deleted > 0
    assert lake.panel(snapshot).digest() == digest


def test_a_version_that_never_was_cannot_be_kept(lake: Lake) -> None:
    grow(lake, 2, 1.0)
    files = sorted(lake.root.rglob("*.parquet"))
    with pytest.raises(DataError, match="table bars has no version 99 to keep; nothing was changed"):
        compact(lake, {"bars": {99}}, now=LATER)
    with pytest.raises(DataError, match="table actions has no version 0"):
        compact(lake, {"actions": {0}}, now=LATER)
    assert sorted(lake.root.rglob("*.parquet")) == files
    assert tables.version(lake.root, "actions") is None
