"""What can be asked of a lake."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tvquant.core.errors import DataError
from tvquant.core.instruments import Kind
from tvquant.core.panel import Basis
from tvquant.lake import Lake, audit, health, import_files
from tvquant.lake.storage import committed, tables

BTC, PERP, UP, USDC, AAPL, SPY = (
    "BINANCE:BTCUSDT", "BYBIT:BTCUSDT.P", "BINANCE:BTCUPUSDT", "BINANCE:USDCUSDT", "NASDAQ:AAPL", "AMEX:SPY",
)  # fmt: skip


def test_an_empty_lake_says_how_to_fill_it(lake: Lake) -> None:
    for ask in (
        lake.symbols,
        lake.status,
        lambda: lake.pin([BTC]),
        lambda: lake.ls(BTC),
        lambda: audit(lake),
        lambda: health(lake),
    ):
        with pytest.raises(DataError, match="is empty; import data with `tvquant data import FILE`"):
            ask()


def test_status_counts_tables_symbols_and_span(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0, 3.0]), bars(PERP, [1.0], "2020-12-30"))
    status = lake.status()
    assert {table.name: table.rows for table in status.tables} == {"bars": 4, "instruments": 2, "journal": 2}
    assert all(table.size > 0 for table in status.tables)
    assert (status.symbols, status.first, status.last) == (2, np.datetime64("2020-12-30"), np.datetime64("2021-01-03"))


def test_ls_shows_all_versions_and_where_they_came_from(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(AAPL, [1.0, 2.0], "2021-01-04", dividends=[0.0, 0.5]), basis=Basis.SPLIT)
    deliver(bars(AAPL, [9.0], "2021-01-05"), basis=Basis.SPLIT)
    found = lake.ls(AAPL)
    assert found.bars["close"].to_list() == [1.0, 2.0, 9.0]
    assert found.sources == ("part0.parquet", "part1.parquet")
    assert found.actions.select("kind", "value").rows() == [("dividend", 0.5)]
    assert (found.symbol.structure.kinds, found.symbol.basis) == ({Kind.STOCK}, Basis.SPLIT)
    with pytest.raises(DataError, match=r"no bars of 'NASDAQ:AAPLE'; near it are NASDAQ:AAPL;"):
        lake.ls("NASDAQ:AAPLE")


def test_an_interval_that_is_not_stored_and_no_symbols_at_all(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0]))
    with pytest.raises(DataError, match="interval '1h' is not stored"):
        lake.pin([BTC], interval="1h")
    with pytest.raises(DataError, match="bars of 4h are stored, but panels are of 1d bars"):
        lake.pin([BTC], interval="4h")
    with pytest.raises(DataError, match="no symbol of the lake"):
        lake.pin([])


def test_versions_are_kept_for_ever(lake: Lake, deliver: Any, bars: Any) -> None:
    import deltalake

    deliver(bars(BTC, [1.0]))
    configuration = deltalake.DeltaTable(lake.root / "bars").metadata().configuration
    assert configuration["delta.enableExpiredLogCleanup"] == "false"
    assert tables.version(lake.root, "actions") is None


@pytest.mark.parametrize("name", ["my lake", "a#b?c", "ä"])
def test_a_lake_may_stand_under_an_odd_path(tmp_path: Path, bars: Any, name: str) -> None:
    lake = imported(tmp_path / name, bars)
    assert lake.symbols() == (BTC,)
    assert lake.panel(lake.pin([BTC])).fields["close"][:, 0].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("name", ["my [1]", "50%25"])
def test_a_path_that_no_table_can_stand_under_is_refused(tmp_path: Path, bars: Any, name: str) -> None:
    with pytest.raises(DataError, match="Delta tables cannot stand below a folder with"):
        imported(tmp_path / name, bars)


def imported(folder: Path, bars: Any) -> Lake:
    """A lake of two bars in the folder, from a file beside it."""
    folder.mkdir()
    file = folder / "bars.parquet"
    columns = bars(BTC, [1.0, 2.0], "2021-01-04")
    frame = pl.DataFrame(columns).with_columns(pl.col("timestamp").str.to_datetime(time_unit="us", time_zone="UTC"))
    frame.write_parquet(file)
    lake = Lake(folder / "lakehouse")
    import_files(lake, [file], basis=None, quarantine=False, recorded_at=datetime(2026, 5, 1, tzinfo=UTC))
    return lake


def test_the_log_of_a_version_is_read_once_and_a_new_or_another_one_at_once(
    lake: Lake, deliver: Any, bars: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import deltalake

    deliver(bars(BTC, [1.0, 2.0]))
    root, asked, described = lake.folder, [], deltalake.DeltaTable.get_add_actions
    monkeypatch.setattr(
        deltalake.DeltaTable,
        "get_add_actions",
        lambda self, **how: asked.append(self.version()) or described(self, **how),
    )

    def rows(at: int | None = None) -> int:
        counted = tables.count(root, "bars") if at is None else None
        read = len(tables.read(root, "bars", ["close"], at=at))
        assert counted in (None, read)
        return read

    assert [rows(), rows(), rows(0)] == [2, 2, 2]
    assert asked == [0]
    deliver(bars(BTC, [3.0], "2022-01-01"))
    asked.clear()
    assert [rows(), rows(0), rows(1)] == [3, 2, 3]
    assert asked == [1]
    for kept in (root / "bars" / "_delta_log", root / committed.FOLDER / "bars"):
        (kept / f"{1:020}.json").unlink()
    assert rows() == 2
    deliver(bars(BTC, [3.0, 4.0], "2022-01-01"))
    assert rows() == 4
