"""Many processes write to one lake and read it: nothing is lost, nothing is doubled, no reader fails."""

import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from builders.fresh import FRESH
from tvquant.core.panel import Basis
from tvquant.lake import Lake
from tvquant.lake.storage import commits, tables
from tvquant.lake.storage.tables import TIME
from tvquant.lake.writing.compaction import compact
from tvquant.lake.writing.upserts import revert, upsert

PROCESSES, ROUNDS = (8, 12) if os.environ.get("TVQUANT_PROOF") else (3, 3)
FIRST = datetime(2021, 1, 1, tzinfo=UTC)
COMMON = "BINANCE:BTCUSDT"
"""A symbol that every process writes."""


def own(number: int) -> str:
    return f"BINANCE:C{number}USDT"


def day(symbol: str, place: int, close: float) -> pl.DataFrame:
    rows = pl.DataFrame({"symbol": [symbol], "timestamp": [FIRST + timedelta(days=place)], "close": [close]})
    return rows.with_columns(pl.col("timestamp").cast(TIME))


def put(lake: Lake, *rows: pl.DataFrame) -> None:
    upsert(lake, pl.concat(rows), interval="1d", basis=Basis.RAW, source="s", recorded_at=datetime.now(UTC), reason="r")


def sync(root: Path, number: int) -> int:
    """Extend a symbol of one's own and the common one, change what was written before, and read all the while."""
    lake, looks = Lake(root), 0
    for k in range(ROUNDS):
        put(lake, day(own(number), k, 1.0 + k), day(COMMON, k, 1.0 + k), day(COMMON, 10 + number, 2.0))
        put(lake, day(own(number), k, 2.0 + k))
        snapshot = lake.pin(lake.symbols())
        panel = lake.panel(snapshot)
        assert own(number) in panel.keys
        assert lake.panel(snapshot).digest() == panel.digest()
        looks += 1
        if k % 3 == number % 3:
            compact(lake, {}, now=datetime.now(UTC))
    return looks


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lakehouse")


def test_many_processes_write_and_read(lake: Lake) -> None:
    with ProcessPoolExecutor(PROCESSES, mp_context=FRESH) as pool:
        done = [pool.submit(sync, lake.root, number) for number in range(PROCESSES)]
        assert [one.result() for one in done] == [ROUNDS] * PROCESSES
    rows = tables.read(lake.root, "bars", ["symbol", "timestamp", "close"])
    assert not rows.select("symbol", "timestamp").is_duplicated().any()
    for number in range(PROCESSES):
        mine = rows.filter(pl.col("symbol") == own(number)).sort("timestamp")
        assert mine["close"].to_list() == [2.0 + k for k in range(ROUNDS)]
    common = rows.filter(pl.col("symbol") == COMMON).sort("timestamp")
    assert common["close"].to_list() == [1.0 + k for k in range(ROUNDS)] + [2.0] * PROCESSES
    repairs = tables.read(lake.root, "repairs")
    assert len(repairs) == PROCESSES * ROUNDS
    assert repairs["sequence"].n_unique() == PROCESSES * ROUNDS
    revert(lake, recorded_at=FIRST)
    rows = tables.read(lake.root, "bars", ["symbol", "timestamp", "close"]).sort("symbol", "timestamp")
    assert rows.filter(pl.col("symbol") == own(2))["close"].to_list() == [1.0 + k for k in range(ROUNDS)]


def outsider(root: Path, number: int) -> None:
    """A writer that knows nothing of our lock: it appends to the table as it stands, again where others were first."""
    import deltalake
    from deltalake.exceptions import CommitFailedError

    row = tables.read(root, "bars").head(1)
    for k in range(10):
        stamp = pl.lit(FIRST + timedelta(days=100 + 10 * number + k), TIME)
        arrow = row.with_columns(timestamp=stamp).to_arrow(compat_level=pl.CompatLevel.oldest())
        while True:
            try:
                deltalake.write_deltalake(root / "bars", arrow, mode="append")
                break
            except CommitFailedError:
                continue


def test_what_others_commit_meanwhile_is_not_lost_either(lake: Lake) -> None:
    put(lake, day(COMMON, 0, 1.0))
    with ProcessPoolExecutor(2, mp_context=FRESH) as pool:
        done = [pool.submit(outsider, lake.root, number) for number in range(2)]
        for k in range(15):
            put(lake, day(COMMON, k, 5.0))
            put(lake, day(COMMON, 100 + k, 5.0))
        assert [one.result() for one in done] == [None, None]
    put(lake, *(day(COMMON, 100 + k, 5.0) for k in range(20)))
    bars = Lake(lake.root).bars([COMMON])
    assert bars.valid.all()  # what came twice says the same
    assert len(bars.stamp) == 35
    assert (bars.low["close"] == 5.0).all()


def test_a_writer_that_dies_holds_no_one_up(lake: Lake) -> None:
    put(lake, day(COMMON, 0, 1.0))
    process = FRESH.Process(target=_hold, args=(lake.root,))
    process.start()
    while not (lake.root / "held").exists():
        time.sleep(0.01)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    put(lake, day(COMMON, 1, 2.0))
    assert lake.ls(COMMON).bars["close"].to_list() == [1.0, 2.0]


def _hold(root: Path) -> None:
    with commits.writing(root):
        (root / "held").touch()
        time.sleep(600)
