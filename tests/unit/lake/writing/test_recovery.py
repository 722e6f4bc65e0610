"""Tables that are brought back to their last whole version, and what is said of it."""

from datetime import UTC, datetime
from pathlib import Path

from tvquant.core.panel import Basis
from tvquant.lake import Lake
from tvquant.lake.storage import tables
from tvquant.lake.writing.recovery import mend

NOW = datetime(2026, 5, 1, tzinfo=UTC)
BTC, ETH = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT"
BOTH = [(BTC, 1.0), (BTC, 2.0), (BTC, 3.0), (ETH, 4.0), (ETH, 5.0)]


def newest(folder: Path, pattern: str) -> Path:
    return max(folder.glob(pattern), key=lambda one: (one.stat().st_mtime_ns, one.name))


def data_file(lake: Lake) -> Path:
    return newest(lake.root / "bars", "*.parquet")


def rows(lake: Lake) -> list[tuple[str, float]]:
    return tables.read(lake.root, "bars", ["symbol", "close"]).sort("symbol", "close").rows()


def test_the_table_goes_on_after_recovery(two: Lake, deliver, bars, tmp_path: Path) -> None:
    data_file(two).unlink()
    mend(two, tmp_path / "aside", now=NOW)
    assert deliver(bars(ETH, [4.0, 5.0])).stored == 2
    assert rows(two) == BOTH


def test_rows_out_of_use_are_counted_by_symbol(two: Lake, deliver, bars, tmp_path: Path) -> None:
    hurt = data_file(two)
    deliver(bars("BINANCE:SOLUSDT", [7.0]))
    hurt.write_bytes(b"")
    (step,) = mend(two, tmp_path / "aside", now=NOW)
    assert "goes back from version 2 to 0" in step
    assert "BINANCE:SOLUSDT 1" in step
    assert rows(two) == BOTH[:3]


def test_a_table_of_which_no_version_is_whole_is_empty(lake: Lake, deliver, bars, tmp_path: Path) -> None:
    deliver(bars(BTC, [1.0]))
    data_file(lake).write_bytes(b"x")
    (step,) = mend(lake, tmp_path / "aside", now=NOW)
    assert "no version is whole" in step
    assert rows(lake) == []
    deliver(bars(BTC, [1.0]))
    assert rows(lake) == [(BTC, 1.0)]


def test_declarations_that_are_lost_are_made_again_by_name(two: Lake, tmp_path: Path) -> None:
    before = two.symbols()
    newest(two.root / "instruments", "*.parquet").write_bytes(b"")
    steps = mend(two, tmp_path / "aside", now=NOW)
    assert "1 symbols are declared again" in steps[-1]
    assert two.symbols() == before


def test_without_their_actions_no_bars_count_as_delivered_with_dividends(
    lake: Lake, deliver, bars, tmp_path: Path
) -> None:
    deliver(bars("NASDAQ:AAA", [1.0, 1.0], dividends=[0.0, 0.5]), basis=Basis.RAW)
    assert len(lake.ls("NASDAQ:AAA").symbol.actions) == 1
    newest(lake.root / "actions", "*.parquet").unlink()
    mend(lake, tmp_path / "aside", now=NOW)
    assert lake.ls("NASDAQ:AAA").symbol.actions == ()
    deliver(bars("NASDAQ:AAA", [1.0, 1.0], dividends=[0.0, 0.5]), basis=Basis.RAW)
    found = lake.ls("NASDAQ:AAA")
    assert (len(found.symbol.actions), len(found.actions)) == (1, 1)
