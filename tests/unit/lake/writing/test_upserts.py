"""Bars of a provider in the lake: inserted, changed with their originals kept, and put back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from tvquant.core.errors import DataError, ProfileError
from tvquant.core.panel import Basis
from tvquant.lake import Lake
from tvquant.lake.storage import commits, tables
from tvquant.lake.storage.tables import MEASURES, TIME, VALUES
from tvquant.lake.writing.upserts import UpsertReport, revert, upsert

BTC, ETH, AAPL = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "NASDAQ:AAPL"
NOW = datetime(2026, 5, 2, tzinfo=UTC)

type Upsert = Callable[..., UpsertReport]


def bars_of(symbol: str, closes: list[float], start: str = "2021-01-01", hours: int = 24) -> pl.DataFrame:
    first = datetime.fromisoformat(start).replace(tzinfo=UTC)
    times = [first + timedelta(hours=hours * i) for i in range(len(closes))]
    frame = pl.DataFrame({"symbol": symbol, "timestamp": pl.Series(times, dtype=TIME), "close": closes})
    return frame.with_columns(open="close", high="close", low="close", volume=pl.lit(10.0))


@pytest.fixture
def put(lake: Lake) -> Upsert:
    def call(*parts: pl.DataFrame, interval: str = "1d", basis: Basis = Basis.RAW, at: datetime = NOW) -> UpsertReport:
        rows = pl.concat(parts, how="diagonal")
        return upsert(lake, rows, interval=interval, basis=basis, source="simulated", recorded_at=at, reason="a test")

    return call


def stored(lake: Lake, table: str = "bars") -> pl.DataFrame:
    """Rows of the bars' table in one order."""
    columns = ["symbol", "timestamp", *VALUES, "basis", "source", "import_id", "recorded_at"]
    return tables.read(lake.root, table, columns).sort(columns)


def counts(report: UpsertReport) -> dict[str, tuple[int, int, int]]:
    return {one.symbol: (one.inserted, one.changed, one.unchanged) for one in report.symbols}


def test_new_bars_are_inserted_with_what_an_import_writes(lake: Lake, put: Upsert) -> None:
    report = put(bars_of(BTC, [1.0, 2.0]), bars_of(ETH, [3.0]))
    assert counts(report) == {BTC: (2, 0, 0), ETH: (1, 0, 0)}
    assert (report.symbols[0].first, report.symbols[0].last) == (
        np.datetime64("2021-01-01"),
        np.datetime64("2021-01-02"),
    )
    assert lake.symbols() == (BTC, ETH)
    listing = lake.ls(BTC)
    assert listing.sources == ("simulated",)
    assert listing.bars.select("interval", "basis", "import_id", "recorded_at").unique().rows() == [
        ("1d", "raw", report.upsert_id, NOW)
    ]
    journal = tables.read(lake.root, "journal", ["symbol", "rows", "stored", "duplicates"]).sort("symbol")
    assert journal.rows() == [(BTC, 2, 2, 0), (ETH, 1, 1, 0)]
    assert tables.version(lake.root, "repairs") is None


def test_what_is_stored_already_changes_nothing_at_all(lake: Lake, put: Upsert, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0]))
    rows = tables.read(lake.root, "bars").select("symbol", "timestamp", *MEASURES)
    before = {name: tables.version(lake.root, name) for name in tables.SCHEMAS}
    report = put(rows.with_columns(pl.col("close") * (1 + 1e-14), volume=None))
    assert counts(report) == {BTC: (0, 0, 2)}
    assert {name: tables.version(lake.root, name) for name in tables.SCHEMAS} == before
    assert put(rows.clear()).symbols == ()


@pytest.mark.requirement("R-DAT-11")
def test_a_change_keeps_the_original_and_the_rest_of_the_row(lake: Lake, put: Upsert, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0, 3.0], high=[9.0] * 3, low=[0.5] * 3, quote_volume=[5.0, None, 5.0]))
    given = bars_of(BTC, [2.5, 3.0, 4.0], "2021-01-02").with_columns(
        open=pl.Series([1.0, 2.0, 3.0]), high=pl.Series([9.0, 9.0, 4.0]), low=pl.lit(0.5), quote_volume=pl.lit(7.0)
    )
    report = put(given.with_columns(volume=pl.lit(None, pl.Float64)))
    assert counts(report) == {BTC: (1, 2, 0)}
    listing = lake.ls(BTC)
    assert listing.bars["close"].to_list() == [1.0, 2.5, 3.0, 4.0]
    assert listing.bars["volume"].to_list() == [10.0, 10.0, 10.0, None]
    assert listing.bars["quote_volume"].to_list() == [5.0, 7.0, 7.0, 7.0]
    assert listing.bars["repaired"].to_list() == [False, True, True, False]
    assert listing.bars["source"].to_list() == ["part0.parquet"] * 3 + ["simulated"]
    found = listing.repairs.select(pl.col("timestamp").dt.day(), "field", "original", "repaired", "version").rows()
    assert found == [
        (2, "close", 2.0, 2.5, 0), (2, "quote_volume", None, 7.0, 0), (3, "quote_volume", 5.0, 7.0, 0),
    ]  # fmt: skip
    labels = listing.repairs.select("interval", "upsert_id", "reason", "source", "recorded_at", "reverted_at")
    assert labels.unique().rows() == [("1d", report.upsert_id, "a test", "simulated", NOW, None)]


@pytest.mark.requirement("R-DAT-11")
def test_a_repair_is_in_the_digest_and_not_in_what_was_pinned_before(
    lake: Lake, put: Upsert, deliver: Any, bars: Any
) -> None:
    deliver(bars(BTC, [1.0, 2.0]), bars(ETH, [1.0, 2.0]))
    before = lake.pin([BTC, ETH])
    known = lake.panel(before).known_at.copy()
    put(bars_of(BTC, [1.5, 2.0]))
    after = lake.pin([BTC, ETH])
    assert after.symbols[BTC] != before.symbols[BTC]
    assert after.symbols[ETH] == before.symbols[ETH]
    assert lake.panel(before).fields["close"][:, 0].tolist() == [1.0, 2.0]
    assert lake.panel(after).fields["close"][:, 0].tolist() == [1.5, 2.0]
    assert (lake.panel(after).known_at == known).all()  # what the market knew when is not what we recorded when
    revert(lake, symbols=[BTC], recorded_at=NOW)
    assert lake.pin([BTC, ETH]).digest == before.digest


def test_a_symbol_without_a_volume_so_far_gets_one(lake: Lake, put: Upsert, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0], volume=[None]))
    put(bars_of(BTC, [1.0]))
    assert lake.ls(BTC).bars["volume"].to_list() == [10.0]
    revert(lake, recorded_at=NOW)
    assert lake.ls(BTC).bars["volume"].to_list() == [None]


def test_a_session_is_one_bar_whatever_time_it_is_stored_with(lake: Lake, put: Upsert, deliver: Any, bars: Any) -> None:
    deliver(bars(AAPL, [1.0], timestamp=["2021-01-04T14:30:00Z"]), basis=Basis.SPLIT)
    report = put(bars_of(AAPL, [1.0, 2.0], "2021-01-04").with_columns(close=pl.Series([1.5, 2.0])), basis=Basis.SPLIT)
    assert counts(report) == {AAPL: (1, 1, 0)}
    rows = lake.ls(AAPL).bars
    assert rows["timestamp"].dt.hour().to_list() == [14, 0]
    assert rows["close"].to_list() == [1.5, 2.0]


def test_versions_of_one_bar_are_all_changed_and_all_come_back(
    lake: Lake, put: Upsert, deliver: Any, bars: Any
) -> None:
    # Two versions of one file in which volume and quote volume disagree on who is the greater.
    twice = bars(BTC, [1.0, 1.0], timestamp=["2021-01-01T00:00:00Z"] * 2, volume=[5.0, 9.0])
    deliver(twice | {"quote_volume": [8.0, 3.0]}, bars(BTC, [4.0], quote_volume=[1.0]))
    before = stored(lake)
    assert not lake.bars([BTC]).valid.any()
    put(bars_of(BTC, [2.0]))
    assert lake.ls(BTC).repairs["version"].unique().sort().to_list() == [0, 1, 2]
    assert (stored(lake)["close"].to_list(), stored(lake)["volume"].to_list()) == ([2.0] * 3, [10.0] * 3)
    put(bars_of(BTC, [2.0]).with_columns(quote_volume=pl.lit(6.0)))
    assert lake.bars([BTC]).valid.all()
    revert(lake, symbols=[BTC], recorded_at=NOW)
    assert stored(lake).equals(before)


def test_upserts_are_undone_in_reverse_order_only(lake: Lake, put: Upsert, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0]), bars(ETH, [1.0]))
    first = put(bars_of(BTC, [1.5, 2.5]), bars_of(ETH, [7.0]))
    second = put(bars_of(BTC, [9.0]))
    assert first.upsert_id != second.upsert_id
    with pytest.raises(DataError, match=f"BINANCE:BTCUSDT .*changed again by upsert {second.upsert_id}"):
        revert(lake, upsert_id=first.upsert_id, recorded_at=NOW)
    report = revert(lake, upsert_id=first.upsert_id, symbols=[ETH], recorded_at=NOW)
    assert (report.bars, report.symbols, report.upserts) == (1, (ETH,), (first.upsert_id,))
    assert lake.ls(ETH).bars["close"].to_list() == [1.0]
    later = NOW + timedelta(days=1)
    revert(lake, upsert_id=second.upsert_id, recorded_at=later)
    assert lake.ls(BTC).bars["close"].to_list() == [1.5, 2.5]
    report = revert(lake, recorded_at=later)
    assert (report.bars, report.symbols) == (2, (BTC,))
    assert report.values == 8  # open, high, low and close of two bars
    assert lake.ls(BTC).bars["close"].to_list() == [1.0, 2.0]
    assert lake.ls(BTC).repairs["reverted_at"].unique().to_list() == [later]
    assert lake.ls(ETH).repairs["reverted_at"].unique().to_list() == [NOW]
    with pytest.raises(DataError, match="no repair of this lake to revert"):
        revert(lake, recorded_at=NOW)


def test_the_same_change_after_a_revert_is_another_upsert(lake: Lake, put: Upsert, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0]))
    first = put(bars_of(BTC, [2.0]))
    revert(lake, upsert_id=first.upsert_id, recorded_at=NOW)
    second = put(bars_of(BTC, [2.0]))
    assert first.upsert_id != second.upsert_id
    revert(lake, upsert_id=second.upsert_id, recorded_at=NOW)
    assert lake.ls(BTC).bars["close"].to_list() == [1.0]


def test_an_original_that_is_imported_once_more_is_not_a_version(
    lake: Lake, put: Upsert, deliver: Any, bars: Any
) -> None:
    deliver(bars(BTC, [1.0, 2.0]))
    put(bars_of(BTC, [1.5, 2.0]))
    report = deliver(bars(BTC, [1.0, 2.0]))
    assert (report.stored, report.duplicates) == (0, 2)
    assert lake.ls(BTC).bars["close"].to_list() == [1.5, 2.0]
    deliver(bars(BTC, [1.1]))
    assert len(lake.ls(BTC).bars) == 3  # a third opinion is one


def test_a_kill_between_repairs_and_bars_is_harmless_and_completes(
    lake: Lake, put: Upsert, deliver: Any, bars: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(bars(BTC, [1.0]))
    before = stored(lake)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commits, "merge", killed)
    with pytest.raises(KeyboardInterrupt):
        put(bars_of(BTC, [5.0]))
    monkeypatch.undo()
    assert stored(lake).equals(before)
    put(bars_of(BTC, [2.0]), at=NOW + timedelta(hours=1))
    assert lake.ls(BTC).bars["close"].to_list() == [2.0]
    revert(lake, recorded_at=NOW)
    assert stored(lake).equals(before)


@pytest.mark.requirement("R-DAT-16")
def test_four_hour_bars_stand_apart(lake: Lake, put: Upsert, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0]))
    report = put(bars_of(BTC, [1.0, 2.0], hours=4), interval="4h")
    assert counts(report) == {BTC: (2, 0, 0)}
    put(bars_of(BTC, [3.0], hours=4), interval="4h")
    put(bars_of(BTC, [6.0]))
    assert lake.ls(BTC).bars["close"].to_list() == [6.0]
    assert lake.ls(BTC).others == {"4h": 2}
    assert stored(lake, "bars_4h")["close"].to_list() == [3.0, 2.0]
    revert(lake, symbols=[BTC], recorded_at=NOW)
    assert stored(lake, "bars_4h")["close"].to_list() == [1.0, 2.0]
    assert lake.ls(BTC).bars["close"].to_list() == [1.0]


def test_what_is_no_bar_is_refused_and_nothing_is_written(lake: Lake, put: Upsert) -> None:
    good = bars_of(BTC, [1.0, 2.0])
    late = pl.col("timestamp") + pl.duration(hours=1)
    for bad, options, why in (
        (good.with_columns(close=pl.lit(float("nan"))), {}, "not finite"),
        (good.with_columns(close=pl.lit(None, pl.Float64)), {}, "lacks its symbol, time or close"),
        (good.drop("close"), {}, "lack the column 'close'"),
        (good.with_columns(late), {}, "off the grid of 1d"),
        (good.with_columns(late), {"interval": "4h"}, "off the grid of 4h"),
        (pl.concat([good, good]), {}, "more than once"),
        (good, {"interval": "1h"}, "interval '1h' is not stored"),
        (bars_of(AAPL, [1.0], "2021-01-04"), {"interval": "4h"}, "NASDAQ:AAPL has sessions"),
        (good.with_columns(symbol=pl.lit("NOWHERE:X")), {}, "exchange 'NOWHERE'"),
    ):
        with pytest.raises(DataError, match=why):
            put(bad, **options)
    assert not lake.root.exists()


def test_a_symbol_keeps_its_basis(lake: Lake, put: Upsert, deliver: Any, bars: Any) -> None:
    deliver(bars(AAPL, [1.0], "2021-01-04"), basis=Basis.SPLIT)
    with pytest.raises(ProfileError, match="NASDAQ:AAPL to upsert are raw, but it is in the lake as split"):
        put(bars_of(AAPL, [1.0], "2021-01-05"))
    put(bars_of(BTC, [1.0]))
    with pytest.raises(ProfileError, match="NASDAQ:AAPL"):
        put(bars_of(AAPL, [1.0], "2021-01-05"))
    put(bars_of(AAPL, [1.0], "2021-01-05"), basis=Basis.SPLIT)
    assert len(lake.ls(AAPL).bars) == 2
