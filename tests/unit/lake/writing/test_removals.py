"""Symbols are taken out whole, stay readable for whoever pinned them, and come back as they were."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tvquant.core.errors import DataError
from tvquant.core.panel import Basis
from tvquant.lake import Lake
from tvquant.lake.storage import commits, tables
from tvquant.lake.storage.tables import TIME
from tvquant.lake.writing.compaction import compact
from tvquant.lake.writing.facts import store_facts
from tvquant.lake.writing.removals import HELD, Removal, open_removals, put_back, remove
from tvquant.lake.writing.upserts import revert, upsert

BTC, PERP, AAPL = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT.P", "NASDAQ:AAPL"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def full(lake: Lake, deliver: Any, bars: Any, tmp_path: Path) -> Lake:
    """Of one symbol or another, rows in every table."""
    paid = tmp_path / "paid.csv"
    paid.write_text(f"symbol,timestamp,funding_rate\n{PERP},2021-01-01T08:00:00Z,1e-4\n")
    hours = [f"2021-01-01T{hour:02}:00:00Z" for hour in range(0, 24, 4)]
    deliver(bars(BTC, [1.0, 2.0, 3.0]), bars(PERP, [4.0, 5.0]), bars(PERP, [4.0] * 6, timestamp=hours), paid)
    deliver(bars(AAPL, [1.0, 2.0], "2021-01-04", dividends=[0.0, 0.1]), basis=Basis.SPLIT)
    store_facts(lake, pl.DataFrame({"symbol": [PERP], "tick": [0.5], "lot": [0.1]}), source="s", recorded_at=NOW)
    row = pl.DataFrame({"symbol": [PERP], "timestamp": [datetime(2021, 1, 1, tzinfo=UTC)], "close": [4.5]})
    row = row.with_columns(pl.col("timestamp").cast(TIME))
    upsert(lake, row, interval="1d", basis=Basis.RAW, source="s", recorded_at=NOW, reason="r")
    return lake


def _rows(lake: Lake, *symbols: str) -> dict[str, list[tuple[Any, ...]]]:
    mine = pl.col("symbol").is_in(symbols)
    return {name: tables.read(lake.root, name, where=mine).sort(pl.all()).rows() for name in HELD}


def _removed(lake: Lake, *symbols: str, after: int = 0) -> Removal:
    return remove(lake, symbols, recorded_at=NOW + timedelta(hours=after))


def _back(lake: Lake, *symbols: str, removal: str | None = None) -> Removal | None:
    return put_back(lake, symbols or None, removal, recorded_at=NOW)


def test_what_is_removed_is_in_no_table_and_comes_back_as_it_was(full: Lake) -> None:
    before, others = _rows(full, PERP, AAPL), _rows(full, BTC)
    assert all(before.values())
    digest, snapshot = full.pin([BTC, PERP]).digest, full.pin([BTC, PERP])
    panel = full.panel(snapshot).digest()
    done = _removed(full, PERP, AAPL)
    assert done.symbols == (PERP, AAPL)
    assert done.rows == {name: len(rows) for name, rows in before.items()}
    assert not any(_rows(full, PERP, AAPL).values())
    assert _rows(full, BTC) == others
    assert full.symbols() == (BTC,)
    with pytest.raises(DataError, match=f"no bars of '{AAPL}': they were removed; `tvquant data revert {AAPL}`"):
        full.ls(AAPL)
    assert full.panel(snapshot).digest() == panel
    assert _back(full, PERP, AAPL) == done
    assert _rows(full, PERP, AAPL) == before
    assert full.pin([BTC, PERP]).digest == digest
    assert _back(full, PERP) is None
    assert revert(full, symbols=[PERP], recorded_at=NOW).values == 1


def test_what_is_not_there_is_not_removed(full: Lake) -> None:
    before = _rows(full, BTC)
    with pytest.raises(DataError, match="holds nothing of 'BINANCE:NOPE'; nothing was removed"):
        _removed(full, BTC, "BINANCE:NOPE")
    assert _rows(full, BTC) == before
    assert open_removals(full.root).is_empty()


def test_the_last_symbol_may_go_too(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0]))
    _removed(lake, BTC)
    for look in (lake.status, lake.symbols, lake.bars):
        with pytest.raises(DataError, match="is empty"):
            look()
    assert _back(lake) is not None
    assert lake.symbols() == (BTC,)


def test_compaction_keeps_what_may_come_back_until_it_came(full: Lake) -> None:
    _removed(full, PERP)
    before = _rows(full, BTC, AAPL)
    compact(full, {}, now=LATER)
    assert _rows(full, BTC, AAPL) == before
    assert _back(full, PERP) is not None
    assert len(full.ls(PERP).bars) == 2
    freed = {one.name: one.deleted for one in compact(full, {}, now=LATER)}
    assert freed["bars"] > 0


def test_of_two_removals_the_last_is_put_back_and_the_other_by_its_name(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0]))
    first = _removed(lake, BTC)
    deliver(bars(BTC, [7.0, 8.0]))
    with pytest.raises(DataError, match=r"is in the lake again .*; remove it first .*nothing was put back"):
        _back(lake, BTC)
    assert lake.ls(BTC).bars["close"].to_list() == [7.0, 8.0]
    _removed(lake, BTC, after=1)
    _back(lake, BTC)
    assert lake.ls(BTC).bars["close"].to_list() == [7.0, 8.0]
    _removed(lake, BTC, after=2)
    _back(lake, removal=first.ids[0])
    assert lake.ls(BTC).bars["close"].to_list() == [1.0, 2.0]


def test_what_cannot_come_back_any_more_does_not_keep_its_symbol_in(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0]))
    lost = _removed(lake, BTC)
    for file in (lake.root / "bars").glob("*.parquet"):
        file.unlink()
    deliver(bars(BTC, [3.0, 4.0]))
    assert _removed(lake, BTC, after=1).ids != lost.ids
    with pytest.raises(DataError, match="is empty"):
        lake.symbols()
    assert _back(lake, BTC) is not None
    assert lake.ls(BTC).bars["close"].to_list() == [3.0, 4.0]


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_killed_anywhere_the_same_command_completes_it(
    count: int, lake: Lake, deliver: Any, bars: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(bars(BTC, [1.0, 2.0]))
    before, left = _rows(lake, BTC), [count]

    def mortal(work: Any) -> Any:
        def call(*words: Any) -> None:
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            work(*words)

        return call

    def killed(work: Any) -> None:
        with monkeypatch.context() as patch:
            for name in ("append", "delete", "update"):
                patch.setattr(commits, name, mortal(getattr(commits, name)))
            left[0] = count
            with pytest.raises(KeyboardInterrupt) if count < 3 else nullcontext():
                work(lake, BTC)

    killed(_removed)
    _removed(lake, BTC, after=1) if count < 3 else None
    assert not any(_rows(lake, BTC).values())
    killed(_back)
    _back(lake, BTC)
    assert _rows(lake, BTC) == before
    assert open_removals(lake.root).is_empty()
