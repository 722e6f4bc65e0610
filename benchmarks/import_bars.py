"""Import of 1000 symbols x 2000 daily bars into an empty lake, beside writing the same rows as plain parquet by year.

Run as `python benchmarks/import_bars.py`. The peer reads the file with polars and writes it partitioned; it checks,
journals and commits nothing. Every figure is of this run; that the lake returns what was delivered is checked.
"""

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from tvquant.lake import Lake, import_files

SYMBOLS, BARS = 1000, 2000
LIMITS = {"parquet": 1.5, "csv": 3.5}
NOW = datetime(2024, 1, 1, tzinfo=UTC)


def rows(seed: int = 1) -> pl.DataFrame:
    """Random walks with consistent open, high, low, close and volume, sorted by symbol and time."""
    rng = np.random.default_rng(seed)
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, (SYMBOLS, BARS)), axis=1))
    opens = np.concatenate([np.full((SYMBOLS, 1), 50.0), close[:, :-1]], axis=1)
    days = np.datetime64("2018-01-01", "us") + np.arange(BARS) * np.timedelta64(1, "D")
    frame = pl.DataFrame(
        {
            "symbol": np.repeat([f"BINANCE:C{i:04d}USDT" for i in range(SYMBOLS)], BARS),
            "timestamp": np.tile(days, SYMBOLS),
            "open": opens.ravel(),
            "high": np.maximum(opens, close).ravel() * 1.01,
            "low": np.minimum(opens, close).ravel() * 0.99,
            "close": close.ravel(),
            "volume": rng.uniform(1.0, 1e6, SYMBOLS * BARS).round(3),
        }
    )
    return frame.with_columns(pl.col("timestamp").dt.replace_time_zone("UTC"))


def best(work: Callable[[Path], object], folder: Path, times: int = 3) -> float:
    """Seconds of the fastest of a few runs, each into a folder of its own, the first (cold) left out."""
    seconds = []
    for _ in range(times + 1):
        target = Path(tempfile.mkdtemp(dir=folder))
        start = time.perf_counter()
        work(target)
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


def peer(file: Path, target: Path) -> None:
    """What a script does: read, write one folder per year."""
    frame = pl.read_parquet(file).with_columns(year=pl.col("timestamp").dt.year())
    frame.write_parquet(target, partition_by="year")


def check(lake: Lake, delivered: pl.DataFrame) -> None:
    """The lake gives back exactly what was delivered, as rows and as a panel."""
    panel = lake.panel(lake.pin(lake.symbols()))
    for name in ("open", "high", "low", "close", "volume"):
        expected = delivered[name].to_numpy().reshape(SYMBOLS, BARS).T
        if not np.array_equal(panel.fields[name], expected):
            raise SystemExit(f"{name} came back changed")


def main() -> None:
    """Print seconds and the peer's beside them; exit 1 where a limit is missed."""
    delivered = rows()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {"parquet": folder / "bars.parquet", "csv": folder / "bars.csv"}
        delivered.write_parquet(files["parquet"])
        delivered.write_csv(files["csv"], datetime_format="%Y-%m-%dT%H:%M:%SZ")
        peer_seconds = best(lambda target: peer(files["parquet"], target), folder)
        print(f"{SYMBOLS} symbols x {BARS} bars: polars read + write by year {peer_seconds:.2f} s")
        missed = False
        for kind, file in files.items():
            ours = best(lambda target, file=file: import_files(Lake(target), [file], recorded_at=NOW), folder)
            missed |= ours > LIMITS[kind]
            print(f"  import {kind:7} {ours:.2f} s (limit {LIMITS[kind]} s)")
            lake = Lake(folder / kind)
            import_files(lake, [file], recorded_at=NOW)
            start = time.perf_counter()
            check(lake, delivered)
            print(f"  pin, panel and check that {kind} came back exactly {time.perf_counter() - start:.2f} s")
        start = time.perf_counter()
        again = import_files(lake, [files["parquet"]], recorded_at=NOW)
        print(
            f"  import again {time.perf_counter() - start:.2f} s: {again.stored} stored, {again.duplicates} duplicates"
        )
    if missed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
