"""What is exported comes back as the same content."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tvquant.core.errors import DataError
from tvquant.core.panel import Basis
from tvquant.lake import Lake, import_files
from tvquant.lake.reading.export import Exported, Format, export
from tvquant.lake.storage import tables
from tvquant.lake.storage.tables import TIME, VALUES
from tvquant.lake.writing.upserts import upsert

BTC, PERP, AAPL = "BINANCE:BTCUSDT", "BINANCE:BTCUSDT.P", "NASDAQ:AAPL"
NOW = datetime(2026, 5, 3, tzinfo=UTC)


def taken_back(files: tuple[Exported, ...], root: Path) -> Lake:
    """A lake that all the files were imported into, each with its basis."""
    lake = Lake(root)
    by_basis: dict[Basis, list[Path]] = defaultdict(list)
    for one in files:
        by_basis[one.basis].append(one.path)
    for basis, paths in by_basis.items():
        import_files(lake, paths, basis=basis, recorded_at=NOW)
    return lake


@pytest.mark.requirement("R-DAT-25")
@pytest.mark.parametrize("form", Format)
def test_a_round_trip_keeps_the_content(lake: Lake, deliver: Any, bars: Any, tmp_path: Path, form: Format) -> None:
    deliver(bars(BTC, [1.0, 2.0, 3.3]), bars(PERP, [1.1, 1 / 3]), bars(BTC, [9.0], "2021-01-02"))
    deliver({"symbol": [BTC] * 2, "timestamp": ["2021-01-04T00:00:00Z", "2021-01-05T00:00:00Z"], "close": [4.0, 5.0]})
    deliver(
        bars(AAPL, [1.0, 2.0, 3.0], "2021-01-04", dividends=[0.0, 0.5, 0.0], stock_splits=[0.0, 0.0, 2.0]),
        bars(AAPL, [4.0], "2021-01-07"),
        bars("AMEX:SPY", [4.0], "2021-01-07", timestamp=["2021-01-07T14:30:00Z"]),
        basis=Basis.SPLIT,
    )
    deliver(bars("NYSE:KO", [7.0, 8.0], "2021-01-04", adj_close=[6.0, 8.0]), basis=Basis.TOTAL)
    files = export(lake, None, tmp_path / "out", form=form)
    assert [one.path.name for one in files] == [
        f"{name}.{form}"
        for name in ("listed_1d_split", "listed_1d_total", "spot_1d_raw", "spot_1d_raw_2", "swap_1d_raw")
    ]
    assert [one.rows for one in files] == [5, 2, 4, 2, 2]
    other = taken_back(files, tmp_path / "other")
    assert other.pin(other.symbols()).symbols == lake.pin(lake.symbols()).symbols


@pytest.mark.requirement("R-DAT-25")
def test_no_file_holds_two_venues_of_a_coin(lake: Lake, deliver: Any, bars: Any, tmp_path: Path) -> None:
    deliver(bars(BTC, [1.0]), bars(PERP, [2.0]))
    found = {tuple(pl.read_parquet(one.path)["symbol"].unique()) for one in export(lake, None, tmp_path)}
    assert found == {(BTC,), (PERP,)}


def test_some_symbols_and_the_values_as_repaired(lake: Lake, deliver: Any, bars: Any, tmp_path: Path) -> None:
    deliver(bars(BTC, [1.0, 2.0]), bars(PERP, [2.0]))
    row = pl.DataFrame({"symbol": [BTC], "timestamp": [datetime(2021, 1, 1, tzinfo=UTC)], "close": [1.5]})
    row = row.with_columns(pl.col("timestamp").cast(TIME))
    upsert(lake, row, interval="1d", basis=Basis.RAW, source="s", recorded_at=NOW, reason="r")
    (file,) = export(lake, [BTC], tmp_path)
    assert (file.rows, file.symbols, file.basis) == (2, 1, Basis.RAW)
    assert pl.read_parquet(file.path)["close"].to_list() == [1.5, 2.0]
    assert export(lake, [BTC], tmp_path) == (file,)
    assert sorted(one.name for one in tmp_path.glob("*raw*")) == [file.path.name]


def test_real_bars_of_two_intervals_go_out_and_come_back(
    lake: Lake, deliver: Any, shared_data: Path, tmp_path: Path
) -> None:
    deliver(*(shared_data / f"crypto_binance_perp_{interval}.parquet" for interval in ("1d", "4h")))
    files = (*export(lake, None, tmp_path / "out"), *export(lake, None, tmp_path / "out", interval="4h"))
    assert [one.path.name for one in files] == ["swap_1d_raw.parquet", "swap_4h_raw.parquet"]
    other = taken_back(files, tmp_path / "other")
    columns = ["symbol", "timestamp", *VALUES, "interval"]
    for table in ("bars", "bars_4h"):
        first, second = (tables.read(one.root, table, columns).sort(columns) for one in (lake, other))
        assert len(first) > 60_000
        assert first.equals(second)


def test_what_is_not_there_cannot_be_exported(lake: Lake, deliver: Any, bars: Any, tmp_path: Path) -> None:
    deliver(bars(BTC, [1.0]))
    for symbols, interval, why in (
        ([PERP], "1d", f"no 1d bars of '{PERP}'"),
        (None, "4h", "no 4h bars of anything"),
        (None, "1h", "interval '1h' is not stored"),
    ):
        with pytest.raises(DataError, match=why):
            export(lake, symbols, tmp_path / "out", interval=interval)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        export(lake, None, tmp_path / "file")
    assert not (tmp_path / "out").exists()


def test_a_folder_is_made_and_nothing_half_written_is_left(lake: Lake, deliver: Any, bars: Any, tmp_path: Path) -> None:
    deliver(bars(BTC, [1.0] * 3, "2021-01-01"))
    export(lake, None, tmp_path / "a" / "b", form=Format.CSV)
    assert [one.name for one in (tmp_path / "a" / "b").iterdir()] == ["spot_1d_raw.csv"]
    text = (tmp_path / "a" / "b" / "spot_1d_raw.csv").read_text().splitlines()
    assert text[0] == "symbol,timestamp,open,high,low,close,volume"
    assert text[1] == "BINANCE:BTCUSDT,2021-01-01T00:00:00.000000Z,1.0,1.0,1.0,1.0,10.0"
    assert timedelta(days=len(text) - 1) == timedelta(days=3)
