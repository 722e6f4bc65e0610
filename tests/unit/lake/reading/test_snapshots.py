"""Snapshots are named by content alone, and read exactly that."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tvquant.core.errors import DataError
from tvquant.core.panel import Basis
from tvquant.lake import Lake, Snapshot, import_files

BTC, ETH, AAPL = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "NASDAQ:AAPL"


def test_a_snapshot_survives_its_json(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0]))
    snapshot = lake.pin([BTC])
    assert Snapshot.from_json(snapshot.to_json()) == snapshot
    assert set(snapshot.tables) == {"bars", "instruments"}
    for text in ("", "[]", "{}", '{"digest": 1}'):
        with pytest.raises(DataError, match="snapshot is not readable"):
            Snapshot.from_json(text)


def test_later_imports_do_not_matter(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0]))
    snapshot = lake.pin([BTC])
    before = lake.panel(snapshot)
    deliver(bars(BTC, [3.0, 4.0], "2021-01-03"), bars(ETH, [1.0]))
    deliver(bars(BTC, [9.0], "2021-01-02"))
    assert lake.panel(snapshot).digest() == before.digest()
    assert lake.pin([BTC]).digest != snapshot.digest


def test_only_the_symbols_that_change_change_their_digest(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0]), bars(ETH, [1.0, 2.0]))
    before = lake.pin([BTC, ETH])
    deliver(bars(ETH, [3.0], "2021-01-03"))
    after = lake.pin([ETH, BTC])
    assert after.symbols[BTC] == before.symbols[BTC]
    assert after.symbols[ETH] != before.symbols[ETH]
    assert after.digest != before.digest


@pytest.mark.parametrize(
    "column", ["open", "close", "volume", "quote_volume", "adj_close", "dividends", "stock_splits"]
)
def test_every_value_is_in_the_digest(column: str, tmp_path: Path, bars: Any, lake: Lake, deliver: Any) -> None:
    given = bars(AAPL, [2.0, 2.0], "2021-01-04", quote_volume=[1.0, 1.0], adj_close=[1.0, 1.0])
    given |= {"dividends": [0.0, 0.0], "stock_splits": [0.0, 0.0], "high": [9.0, 9.0], "low": [0.1, 0.1]}
    deliver(given, basis=Basis.SPLIT)
    first = lake.pin([AAPL]).digest
    shutil.rmtree(lake.root)
    given[column] = [given[column][0], given[column][1] + 0.5]
    deliver(given, basis=Basis.SPLIT)
    assert lake.pin([AAPL]).digest != first


def test_the_basis_is_in_the_digest(bars: Any, lake: Lake, deliver: Any) -> None:
    digests = set()
    for basis in Basis:
        deliver(bars(AAPL, [1.0, 2.0], "2021-01-04"), basis=basis)
        digests.add(lake.pin([AAPL]).digest)
        shutil.rmtree(lake.root)
    assert len(digests) == 3


def test_where_and_when_rows_came_from_is_not_in_the_digest(
    lake: Lake, deliver: Any, bars: Any, tmp_path: Path
) -> None:
    from datetime import UTC, datetime

    deliver(bars(BTC, [1.0, 2.0, 3.0]))
    other = Lake(tmp_path / "other")
    (tmp_path / "part0.parquet").rename(tmp_path / "renamed.parquet")
    import_files(other, [tmp_path / "renamed.parquet"], recorded_at=datetime(2031, 1, 1, tzinfo=UTC))
    assert other.pin([BTC]).digest == lake.pin([BTC]).digest


def test_real_files_in_any_order_are_one_content(lake: Lake, deliver: Any, shared_data: Path) -> None:
    files = [shared_data / f"crypto_binance_spot_1d_{years}.parquet" for years in ("2021_2022", "2022_2025")]
    deliver(*files)
    first = lake.pin(lake.symbols())
    shutil.rmtree(lake.root)
    for file in reversed(files):
        deliver(file)
    second = lake.pin(lake.symbols())
    assert second.symbols == first.symbols
    assert second.digest == first.digest
    assert lake.panel(second).digest() == lake.panel(second).digest()


def test_a_lake_that_lost_what_was_pinned_says_so(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0]))
    snapshot = lake.pin([BTC])
    shutil.rmtree(lake.root)
    deliver(bars(BTC, [1.0, 3.0]))
    with pytest.raises(DataError, match=r"no longer holds snapshot .*BINANCE:BTCUSDT"):
        lake.panel(snapshot)
    deliver(bars(ETH, [1.0, 3.0]))
    later = lake.pin([ETH])
    shutil.rmtree(lake.root)
    deliver(bars(ETH, [1.0, 3.0]))
    with pytest.raises(DataError, match=r"0001.json is missing, but that commit was made"):
        lake.panel(later)


def test_a_broken_file_of_the_lake_is_an_error_not_less_data(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0]))
    snapshot = lake.pin([BTC])
    for part in (lake.root / "bars").glob("*.parquet"):
        part.write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"bars.*cannot be read"):
        lake.panel(snapshot)


def test_panels_of_a_pinned_lake_do_not_share_memory_with_it(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0]))
    panel = lake.panel(lake.pin([BTC]))
    with pytest.raises(ValueError, match="read-only"):
        panel.fields["close"][0, 0] = 9.0
    assert np.isfinite(panel.fields["close"]).all()
