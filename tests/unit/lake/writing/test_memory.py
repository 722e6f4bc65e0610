"""Files that would not fit are refused before they are read."""

from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from tvquant.core.errors import DataError
from tvquant.lake.writing import memory
from tvquant.lake.writing.files import read_file
from tvquant.lake.writing.memory import COPIES, available, check_fits

MANY = 4_000_000


def _constant(path: Path, rows: int) -> Path:
    """Rows that are all alike take next to nothing on disk."""
    name = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), pa.array(["BINANCE:BTCUSDT"]))
    time = pa.array([1_704_153_600_000_000] * 1000, pa.timestamp("us", "UTC"))
    part = pa.table({"symbol": name, "timestamp": time, "close": pa.array([1.5] * 1000)})
    with pq.ParquetWriter(path, part.schema) as file:
        file.write_table(pa.concat_tables([part] * (rows // 1000)))
    return path


def test_a_small_file_of_many_rows_is_refused_by_what_it_would_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _constant(tmp_path / "constant.parquet", MANY)
    assert path.stat().st_size < 200_000
    monkeypatch.setattr(memory, "available", lambda: 2**28)
    monkeypatch.setattr(pq.ParquetFile, "read", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(DataError, match=r"its 4,000,000 rows would take about 0\.6 GiB of memory, and 0\.2 are left"):
        read_file(path)


def test_so_is_a_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bars.csv"
    path.write_text("symbol,timestamp,close\n" * 100)
    monkeypatch.setattr(memory, "available", lambda: 10_000)
    with pytest.raises(DataError, match=r"its 2,300 bytes would take about 0\.0 GiB of memory"):
        read_file(path)


def test_what_just_fits_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: COPIES * 800)
    check_fits(Path("x"), "100 rows", 800)
    with pytest.raises(DataError):
        check_fits(Path("x"), "101 rows", 808)


def test_what_is_left_is_the_least_of_all_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    (tmp_path / "meminfo").write_text("MemTotal:       900 kB\nMemAvailable:   700 kB\n")
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    assert available() == 700 * 1024
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("5\n")
    assert available() == 700 * 1024
    (tmp_path / "memory.max").write_text("50000\n")
    assert available() == 49_995
    monkeypatch.setattr(resource, "getrlimit", lambda _: (40_000, 40_000))
    assert available() == 40_000
    (tmp_path / "memory.current").write_text("60000\n")
    assert available() == 0
