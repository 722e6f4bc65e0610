"""What an import stores, collapses, sets aside and refuses."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tvquant.core.errors import DataError, ProfileError
from tvquant.core.panel import Basis
from tvquant.lake import FindingKind, HealthState, Lake, audit, health
from tvquant.lake.storage import commits, tables
from tvquant.lake.storage.tables import SCHEMAS
from tvquant.lake.writing.symbol_choice import SymbolChoice

BTC, ETH, SOL, AAPL = "BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "BINANCE:SOLUSDT", "NASDAQ:AAPL"


def _digest(lake: Lake) -> str:
    return lake.pin(lake.symbols()).digest


def _content(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_rows_are_stored_as_delivered(lake: Lake, deliver: Any, bars: Any) -> None:
    given = bars(BTC, [1.0, 2.0, 0.1 + 0.2], adj_close=[None, 0.5, 0.25], quote_volume=[7.0, None, 9.0])
    report = deliver(given)
    assert (report.stored, report.duplicates, report.symbols, report.quarantine) == (3, 0, 1, None)
    rows = tables.read(lake.root, "bars").sort("timestamp")
    assert rows.columns == list(SCHEMAS["bars"])
    for name in ("open", "high", "low", "close", "volume", "quote_volume", "adj_close"):
        assert rows[name].to_list() == given[name]
    assert rows.select("interval", "basis", "source", "import_id").unique().rows() == [
        ("1d", "raw", "part0.parquet", report.import_id)
    ]


def test_one_bad_file_of_many_changes_nothing(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0]))
    before = _content(lake.root)
    with pytest.raises(DataError, match="column 'close' is missing"):
        deliver(bars(ETH, [1.0, 2.0]), {name: bars(SOL, [1.0])[name] for name in ("symbol", "timestamp", "open")})
    assert _content(lake.root) == before


def test_a_bad_symbol_is_left_out_whole_and_the_others_are_taken(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0]))
    good, bad = bars(ETH, [1.0, 2.0]), bars(BTC, [3.0, 4.0], "2021-02-01", volume=[1.0, -1.0])
    both = {name: good[name] + bad[name] for name in good}
    report = deliver(both, bars(BTC, [5.0, 6.0], "2021-02-03"), bars("XETRA:SAP", [1.0]))
    assert report.refused == {
        BTC: "part1.parquet: row 3, column 'volume': '-1.0' is negative",
        "XETRA:SAP": report.refused["XETRA:SAP"],
    }
    assert "exchange 'XETRA'" in report.refused["XETRA:SAP"]
    assert [(one.rows, one.stored, one.left_out, one.quarantined) for one in report.files] == [
        (4, 2, 2, 0),
        (2, 0, 2, 0),
        (1, 0, 1, 0),
    ]
    assert (report.symbols, report.quarantine) == (1, None)
    assert lake.symbols() == (BTC, ETH)
    assert len(lake.ls(BTC).bars) == 2
    assert lake.ls(ETH).bars["close"].to_list() == [1.0, 2.0]


def test_a_bad_row_without_a_symbol_refuses_everything(lake: Lake, deliver: Any, bars: Any) -> None:
    with pytest.raises(DataError, match="row 1, column 'symbol': '' is empty; nothing was imported"):
        deliver(bars(ETH, [1.0]), bars(BTC, [1.0, 2.0]) | {"symbol": [BTC, None]})
    assert not lake.root.exists()


def test_only_the_chosen_symbols_are_read(lake: Lake, deliver: Any, bars: Any) -> None:
    parts = [bars(name, [1.0, 2.0]) for name in (BTC, ETH, SOL)]
    parts[2]["volume"] = [1.0, -1.0]
    whole = {name: [one for part in parts for one in part[name]] for name in parts[0]}
    assert deliver(whole, choice=SymbolChoice(only=frozenset({ETH}))).refused == {}
    assert lake.symbols() == (ETH,)
    report = deliver(whole, choice=SymbolChoice(exclude=frozenset({SOL})))
    assert (report.refused, report.stored, report.duplicates) == ({}, 2, 2)
    assert lake.symbols() == (BTC, ETH)


@pytest.mark.parametrize(
    ("only", "exclude", "why"),
    [
        (("BINANCE:BTCUSD",), (), "--symbols: no file has 'BINANCE:BTCUSD' - did you mean BINANCE:BTCUSDT?"),
        ((BTC,), (SOL,), "--exclude: no file has 'BINANCE:SOLUSDT'"),
        ((BTC,), (BTC,), "leave nothing of the files"),
        ((), (BTC, ETH), "leave nothing of the files"),
    ],
)
def test_a_choice_that_means_nothing_is_refused(
    only: tuple[str, ...], exclude: tuple[str, ...], why: str, lake: Lake, deliver: Any, bars: Any
) -> None:
    with pytest.raises(ProfileError, match=why):
        deliver(
            bars(BTC, [1.0]), bars(ETH, [1.0]), choice=SymbolChoice(only=frozenset(only), exclude=frozenset(exclude))
        )
    assert not lake.root.exists()


def test_equal_rows_are_collapsed_counted_and_journalled(lake: Lake, deliver: Any, bars: Any) -> None:
    one, twice = bars(BTC, [1.0, 2.0, 3.0]), bars(BTC, [3.0], "2021-01-03", open=[2.0], low=[2.0])
    report = deliver({name: values + twice[name] for name, values in one.items()})
    assert (report.stored, report.duplicates) == (3, 1)
    journal = tables.read(lake.root, "journal").row(0, named=True)
    assert (journal["rows"], journal["stored"], journal["duplicates"], journal["repeated"]) == (4, 3, 1, 1)
    assert len(journal["sha256"]) == 64
    (found,) = (f for f in audit(lake) if f.kind is FindingKind.REPEATED)
    assert (found.kind, found.count, str(found.first)[:10]) == (FindingKind.REPEATED, 1, "2021-01-03")


def test_importing_again_stores_nothing(lake: Lake, deliver: Any, bars: Any, tmp_path: Path) -> None:
    deliver(bars(AAPL, [1.0, 2.0], "2021-01-04", dividends=[0.0, 0.1], stock_splits=[2.0, 0.0]), basis=Basis.SPLIT)
    before, digest = lake.status(), _digest(lake)
    report = deliver(tmp_path / "part0.parquet", basis=Basis.SPLIT)
    assert (report.stored, report.duplicates, report.actions) == (0, 2, 0)
    after = {table.name: table.version for table in lake.status().tables}
    for table in before.tables:
        assert after[table.name] == table.version + (table.name == "journal")
    assert _digest(lake) == digest


def test_a_value_that_is_not_said_is_no_contradiction(lake: Lake, deliver: Any, bars: Any) -> None:
    closes = {name: bars(BTC, [1.0, 2.0])[name] for name in ("symbol", "timestamp", "close")}
    deliver(bars(BTC, [1.0, 2.0]))
    assert deliver(closes).duplicates == 2
    fuller = deliver(bars(BTC, [1.0, 2.0], quote_volume=[5.0, 6.0]))
    assert (fuller.stored, fuller.duplicates) == (2, 0)
    assert not audit(lake)
    panel = lake.panel(lake.pin([BTC]))
    assert panel.fields["quote_volume"][:, 0].tolist() == [5.0, 6.0]
    assert panel.fields["open"][:, 0].tolist() == [1.0, 1.0]


def test_rounding_of_two_parsers_is_no_contradiction(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [695.0, 1.0]))
    deliver(bars(BTC, [np.nextafter(695.0, 700.0), 1.0]))
    assert not audit(lake)
    assert lake.panel(lake.pin([BTC])).fields["close"][0, 0] == 695.0


def test_all_versions_of_a_contradicted_bar_are_stored_and_none_used(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(BTC, [1.0, 2.0, 3.0]))
    report = deliver(bars(BTC, [2.5], "2021-01-02", open=[1.0], low=[1.0]))
    assert report.stored == 1
    assert lake.status().tables[0].rows == 4
    (found,) = audit(lake)
    assert (found.kind, found.symbol, found.count) == (FindingKind.CONFLICT, BTC, 1)
    panel = lake.panel(lake.pin([BTC]))
    assert panel.tradable[:, 0].tolist() == [True, False, True]
    for name, field in panel.fields.items():
        assert np.isnan(field[1, 0]), name
    assert panel.fields["total_return"][2, 0] == 2.0
    assert health(lake)[0].state is HealthState.GAPS


def test_a_bar_with_a_time_of_day_is_the_bar_of_its_session(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(AAPL, [1.0, 2.0], "2021-01-04"), basis=Basis.TOTAL)
    opened = bars(AAPL, [1.0, 2.0], "2021-01-04", timestamp=["2021-01-04T14:30:00Z", "2021-01-05T14:30:00Z"])
    assert deliver(opened, basis=Basis.TOTAL).duplicates == 2


def test_ticks_under_the_date_of_a_session_are_refused(lake: Lake, deliver: Any, bars: Any) -> None:
    ticks = bars(BTC, [float(price) for price in range(1, 61)], timestamp=["2021-01-01T00:00:00Z"] * 60)
    with pytest.raises(DataError, match="60 different rows for the bar of 2021-01-01"):
        deliver(ticks)
    assert not list(lake.root.rglob("*.parquet"))


def test_basis_must_be_declared_but_for_crypto(lake: Lake, deliver: Any, bars: Any) -> None:
    with pytest.raises(ProfileError, match="NASDAQ:AAPL are adjusted for is not known; declare --basis"):
        deliver(bars(BTC, [1.0]), bars(AAPL, [1.0], "2021-01-04"))
    assert not lake.root.exists()
    deliver(bars(BTC, [1.0]))
    assert lake.ls(BTC).symbol.basis is Basis.RAW


def test_basis_of_a_symbol_does_not_change(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(AAPL, [1.0], "2021-01-04"), basis=Basis.SPLIT)
    before = _content(lake.root)
    with pytest.raises(ProfileError, match="basis raw was declared, but NASDAQ:AAPL is in the lake as split"):
        deliver(bars(AAPL, [1.0], "2021-01-05"), basis=Basis.RAW)
    assert _content(lake.root) == before


def test_quarantine_takes_the_good_rows_and_keeps_the_bad(lake: Lake, deliver: Any, tmp_path: Path) -> None:
    path = tmp_path / "mixed.csv"
    path.write_text(
        "symbol,timestamp,close,volume\n"
        "BINANCE:BTCUSDT,2024-01-01,1.5,10\n"
        "BINANCE:BTCUSDT,2024-01-02T00:00:00,2.5,10\n"
        "BINANCE:BTCUSDT,2024-01-03,3.5,-1\n"
        "BINANCE:BTCUSDT,2024-01-04,4.5,10\n"
    )
    report = deliver(path, quarantine=True)
    assert (report.stored, report.quarantined, report.files[0].rows) == (2, 2, 4)
    assert report.quarantine == lake.root / "quarantine" / f"{report.import_id}.parquet"
    bad = pl.read_parquet(report.quarantine)
    assert bad.select("file", "row", "column", "value").rows() == [
        ("mixed.csv", 3, "timestamp", "2024-01-02T00:00:00"),
        ("mixed.csv", 4, "volume", "-1"),
    ]
    assert json.loads(bad["record"][1])["close"] == "3.5"
    assert lake.panel(lake.pin([BTC])).tradable[:, 0].tolist() == [True, False, False, True]


def test_quarantine_of_a_file_without_any_good_row_is_refused(lake: Lake, deliver: Any, bars: Any) -> None:
    with pytest.raises(DataError, match="no row of it is good"):
        deliver(bars(BTC, [1.0], volume=[-1.0]), quarantine=True)
    assert not lake.root.exists()


def test_an_import_killed_before_its_bars_is_harmless_and_completes(
    lake: Lake, deliver: Any, bars: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(bars(BTC, [1.0, 2.0]))
    digest = _digest(lake)
    extend = commits.extend

    def killed(root: Path, table: str, frames: Iterable[pl.DataFrame]) -> None:
        if table == "bars":
            raise KeyboardInterrupt
        extend(root, table, frames)

    monkeypatch.setattr(commits, "extend", killed)
    with pytest.raises(KeyboardInterrupt):
        deliver(bars(AAPL, [3.0], "2021-01-04", dividends=[0.5]), basis=Basis.SPLIT)
    assert lake.symbols() == (BTC,)
    assert _digest(lake) == digest
    monkeypatch.undo()
    report = deliver(tmp_path / "part1.parquet", basis=Basis.SPLIT)
    assert (report.stored, report.actions) == (1, 0)
    assert lake.symbols() == (BTC, AAPL)
    assert len(lake.ls(AAPL).actions) == 1


def test_juventus_days_that_came_four_times(lake: Lake, deliver: Any, shared_data: Path) -> None:
    report = deliver(shared_data / "crypto_binance_spot_1d_2021_2022.parquet")
    assert (report.duplicates, report.files[0].ignored) == (93, ("trades",))
    (found,) = (f for f in audit(lake) if f.kind is FindingKind.REPEATED)
    assert (found.symbol, found.count) == ("BINANCE:JUVUSDT", 93)
    assert (str(found.first)[:10], str(found.last)[:10]) == ("2022-03-01", "2022-03-31")


def test_a_seam_of_a_download_is_collapsed_per_contract(lake: Lake, deliver: Any, shared_data: Path) -> None:
    deliver(shared_data / "crypto_bybit_perp_1d.parquet")
    found = [f for f in audit(lake) if f.kind is FindingKind.REPEATED]
    assert {(f.count, str(f.first)[:10]) for f in found} == {(1, "2023-02-18")}
    raw = pl.read_parquet(shared_data / "crypto_bybit_perp_1d.parquet", columns=["symbol", "timestamp"])
    assert len(found) == len(raw) - len(raw.unique())


@pytest.mark.parametrize("stray", ["2026-05-02", "2050-01-03", "2100-12-31"])
@pytest.mark.parametrize("symbol", [BTC, AAPL])
def test_a_bar_that_opens_after_the_import_is_a_bad_row(
    lake: Lake, deliver: Any, bars: Any, symbol: str, stray: str
) -> None:
    """Of the day after, and of a year that the clock has not reached: nobody can know it, and no command stumbles."""
    good, bad = bars(symbol, [1.0, 2.0], "2026-04-29"), bars(symbol, [3.0], stray)
    both = {name: good[name] + bad[name] for name in good}
    with pytest.raises(DataError, match=f"row 2, column 'timestamp': '{stray} .* opens after this clock's 2026-05-01T"):
        deliver(both, basis=Basis.RAW)
    deliver(both, basis=Basis.RAW, quarantine=True)
    assert lake.status().last == np.datetime64("2026-04-30")
    assert lake.panel(lake.pin([symbol])).tradable.sum() == 2


def test_a_stray_year_that_is_stored_stops_nobody(lake: Lake, deliver: Any, bars: Any) -> None:
    """It came from before it was refused: recorded before its close, it is no bar."""
    deliver(bars(AAPL, [1.0, 2.0], "2021-01-04"), basis=Basis.RAW)
    row = pl.read_parquet(next((lake.folder / "bars").glob("*.parquet"))).head(1)
    commits.append(lake.root, "bars", row.with_columns(timestamp=datetime(2100, 1, 4, tzinfo=UTC)))
    assert FindingKind.UNFINISHED in [finding.kind for finding in audit(lake)]
    assert lake.panel(lake.pin([AAPL])).times[-1] == np.datetime64("2021-01-05")
