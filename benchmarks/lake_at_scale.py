"""A lake of 1000 symbols x 2000 daily bars: one more day, import of csv, and the memory that they take.

Run as `python benchmarks/lake_at_scale.py`. Figures stand beside what a script would do in the same run: plain parquet
by year (rewrite the year that changes). What comes back is compared with what was put in. Every part runs in a process
of its own, so that its peak memory is its own.
"""

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from import_bars import BARS, SYMBOLS, rows
from tvquant.core.panel import Basis
from tvquant.lake import Lake, import_files
from tvquant.lake.writing.compaction import compact
from tvquant.lake.writing.upserts import revert, upsert

NOW = datetime(2024, 1, 1, tzinfo=UTC)
LIMITS = {"one-day upsert": 0.1, "csv import": 3.5, "peak memory": 1.2}
"""Seconds, and GB (10^9 bytes)."""
DAYS = 5


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def best(work: Callable[[], object], times: int = 4) -> float:
    """Of a few runs the fastest; the first (cold) is left out."""
    return min([seconds(work) for _ in range(times)][1:])


def peak() -> float:
    """Largest resident size of this process in GB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


def next_day(delivered: pl.DataFrame, later: int) -> pl.DataFrame:
    """The last day's bars once more, so many days on."""
    last = delivered.filter(pl.col("timestamp") == delivered["timestamp"].max())
    return last.with_columns(pl.col("timestamp") + timedelta(days=later))


def imported(folder: Path) -> dict[str, float]:
    """Import the csv file."""
    spent = []
    for k in range(2):
        lake = Lake(folder / f"csv{k}")
        spent.append(seconds(partial(import_files, lake, [folder / "bars.csv"], recorded_at=NOW)))
    return {"csv import": min(spent), "memory": peak()}


def upserted(folder: Path) -> dict[str, float]:
    """One new day at a time, then a day of which each bar changes, then all of that reverted."""
    lake = Lake(folder / "lake")
    delivered = pl.read_parquet(folder / "bars.parquet")

    def put(frame: pl.DataFrame) -> None:
        upsert(lake, frame, interval="1d", basis=Basis.RAW, source="bench", recorded_at=NOW, reason="bench")

    days = iter([next_day(delivered, k + 1) for k in range(DAYS)])
    new = best(lambda: put(next(days)), DAYS)
    overlapping = pl.concat([next_day(delivered, k) for k in (DAYS, DAYS + 1)])
    overlap = seconds(lambda: put(overlapping))
    changed = seconds(lambda: put(next_day(delivered, DAYS).with_columns(pl.col("close") * 1.001)))
    back = seconds(lambda: revert(lake, recorded_at=NOW))
    packed = seconds(lambda: compact(lake, {}, now=datetime.now(UTC) + timedelta(days=1)))
    closes = lake.bars().low["close"].reshape(SYMBOLS, -1)
    if closes.shape[1] != BARS + DAYS + 1 or not np.array_equal(closes[:, -1], closes[:, BARS - 1]):
        raise SystemExit("upserted days came back changed")
    return {
        "one-day upsert": new, "a stored day and a new one": overlap, "a day changed": changed,
        "reverted": back, "compacted": packed, "memory": peak(),
    }  # fmt: skip


def paneled(folder: Path) -> dict[str, float]:
    """The whole panel, pinned, verified and judged."""
    lake = Lake(folder / "lake")
    snapshot = lake.pin(lake.symbols())
    spent = seconds(lambda: lake.panel(snapshot))
    expected = pl.read_parquet(folder / "bars.parquet")["close"].to_numpy().reshape(SYMBOLS, BARS).T
    if not np.array_equal(lake.panel(snapshot).fields["close"], expected):
        raise SystemExit("closes came back changed")
    return {"pinned panel, all fields": spent, "memory": peak()}


def script(folder: Path) -> dict[str, float]:
    """What scripts do: rewrite the year's file for one more day."""
    years = folder / "years"
    delivered = pl.read_parquet(folder / "bars.parquet").with_columns(year=pl.col("timestamp").dt.year())
    delivered.write_parquet(years, partition_by="year")
    day = next_day(delivered, 1).with_columns(pl.col("year").cast(pl.Int32))
    (file,) = (years / f"year={delivered['year'].max()}").glob("*.parquet")

    def add() -> None:
        held = pl.read_parquet(file, hive_partitioning=False)
        held = held.join(day, on=["symbol", "timestamp"], how="anti")
        pl.concat([held, day.select(held.columns)]).write_parquet(file)

    return {"one-day upsert": best(add), "memory": peak()}


def main() -> None:
    """Print seconds, the peer's beside them, and peak memory; exit 1 where a limit is missed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        delivered = rows()
        delivered.write_parquet(folder / "bars.parquet")
        delivered.write_csv(folder / "bars.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
        del delivered
        parts = (imported, _stored, paneled, upserted, script)
        context = multiprocessing.get_context("spawn")
        found = {}
        for part in parts:
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                found[part.__name__] = pool.submit(part, folder).result()
    peers, memory = found["script"], {}
    print(f"{SYMBOLS} symbols x {BARS} bars")
    missed = []
    for part in parts[:-1]:
        ours = found[part.__name__]
        memory[part.__name__.strip("_")] = ours.pop("memory")
        for what, spent in ours.items():
            limit = f"  limit {LIMITS[what]} s" if what in LIMITS else ""
            peer = f"  script {peers[what]:.3f} s" if what in peers else ""
            print(f"  {what:28} {spent:.3f} s{limit}{peer}")
            missed += [what] if spent > LIMITS.get(what, np.inf) else []
    print(f"  peak memory, GB: {', '.join(f'{part} {used:.2f}' for part, used in memory.items())}"
          f"  limit {LIMITS['peak memory']}  script {peers['memory']:.2f}")  # fmt: skip
    missed += ["peak memory"] if max(memory.values()) > LIMITS["peak memory"] else []
    if missed:
        print(f"missed: {', '.join(missed)}", file=sys.stderr)
        raise SystemExit(1)


def _stored(folder: Path) -> dict[str, float]:
    """The lake that the other parts read and write."""
    spent = seconds(lambda: import_files(Lake(folder / "lake"), [folder / "bars.parquet"], recorded_at=NOW))
    return {"parquet import": spent, "memory": peak()}


if __name__ == "__main__":
    main()
