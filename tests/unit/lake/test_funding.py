"""Funding of swaps: stored once, summed into bars, pinned, shown and exported."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tvquant.core.digests import digest_json, merkle_root
from tvquant.core.errors import DataError
from tvquant.lake import ImportReport, Lake, Snapshot, import_files, tables
from tvquant.lake.export import Format, export
from tvquant.lake.funding import known_funding, last_settlement, store_funding

SWAP, OTHER, BTC = "BINANCE:BTCUSDT.P", "BINANCE:ETHUSDT.P", "BINANCE:BTCUSDT"
NOW = datetime(2026, 5, 3, tzinfo=UTC)
DAY = datetime(2021, 1, 1, tzinfo=UTC)


def paid(*rates: float, symbol: str = SWAP, first: float = 8, step: float = 8, late: int = 0) -> pl.DataFrame:
    """Rates every `step` hours from `first` hours into 2021 on, stamped some milliseconds late."""
    stamps = [DAY + timedelta(hours=first + step * k, milliseconds=late) for k in range(len(rates))]
    schema = {"symbol": pl.String(), "timestamp": tables.TIME, "funding_rate": pl.Float64()}
    return pl.DataFrame({"symbol": [symbol] * len(rates), "timestamp": stamps, "funding_rate": rates}, schema=schema)


def stored(lake: Lake, rows: pl.DataFrame) -> int:
    return store_funding(lake, rows, source="told", recorded_at=NOW)


def delivered(lake: Lake, folder: Path, rows: pl.DataFrame, *, quarantine: bool = False) -> ImportReport:
    path = folder / "paid.parquet"
    rows.write_parquet(path)
    return import_files(lake, [path], quarantine=quarantine, recorded_at=NOW)


def summed(lake: Lake, *symbols: str) -> Any:
    return lake.panel(lake.pin(symbols or [SWAP])).fields["funding"]


def test_a_payment_is_stored_once_at_the_second_of_its_settlement(lake: Lake) -> None:
    assert stored(lake, pl.concat([paid(1e-4, 2e-4, late=13), paid(1e-4, late=20)])) == 2
    assert stored(lake, paid(1e-4, 2e-4, 3e-4)) == 1
    assert stored(lake, paid(1e-4)) == 0
    assert tables.version(lake.root, "funding") == 1
    found = known_funding(lake, [SWAP])
    assert found["timestamp"].to_list() == [DAY + timedelta(hours=hour) for hour in (8, 16, 24)]
    assert found["rate"].to_list() == [1e-4, 2e-4, 3e-4]
    assert (last_settlement(lake, SWAP), last_settlement(lake, OTHER)) == (DAY + timedelta(days=1), None)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (paid(1.5), "no fraction"), (paid(float("nan")), "no fraction"), (paid(float("-inf")), "no fraction"),
        (paid(0.1, symbol=BTC), "no perpetual swap"), (paid(0.1, symbol="btc"), "EXCHANGE:TICKER"),
    ],
)  # fmt: skip
def test_what_is_no_funding_changes_nothing(lake: Lake, rows: pl.DataFrame, why: str) -> None:
    with pytest.raises(DataError, match=why):
        stored(lake, pl.concat([paid(0.1), rows]))
    assert known_funding(lake).is_empty()


@pytest.mark.parametrize(("step", "sums"), [(8, [3, 3, 2]), (4, [6, 2, np.nan]), (1, [8, np.nan, np.nan])])
def test_a_bar_sums_what_settled_behind_its_open_until_its_close(
    lake: Lake, deliver: Any, bars: Any, step: int, sums: list[float]
) -> None:
    deliver(bars(SWAP, [1.0, 2.0, 3.0]), bars(BTC, [1.0, 2.0, 3.0]))
    stored(lake, paid(*[1e-4] * 8, first=step, step=step, late=7))
    np.testing.assert_allclose(summed(lake, SWAP, BTC), np.c_[[np.nan] * 3, np.array(sums) * 1e-4])


def test_payments_outside_of_the_bars_stand_nowhere(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(SWAP, [1.0, 2.0], "2021-01-02"))
    stored(lake, paid(0.1, first=24))  # at the open of the first bar: it belongs to the bar before
    stored(lake, paid(0.1, first=73))
    assert "funding" not in lake.panel(lake.pin([SWAP])).fields
    stored(lake, paid(0.2, first=72))
    np.testing.assert_array_equal(summed(lake)[:, 0], [np.nan, 0.2])


def test_two_rates_of_one_settlement_count_neither(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(SWAP, [1.0, 2.0]))
    stored(lake, paid(0.1, 0.1, 0.1, 0.1))
    assert stored(lake, paid(0.2)) == 1
    np.testing.assert_array_equal(summed(lake)[:, 0], [np.nan, 0.1])


def test_funding_goes_to_the_holder_of_the_ticker(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(SWAP, [1.0, 1.0, 900.0, 900.0], open=[1.0, 1.0, 900.0, 900.0], low=[1.0, 1.0, 900.0, 900.0]))
    stored(lake, paid(0.1, 0.2, 0.3, 0.4, step=24))
    np.testing.assert_array_equal(summed(lake), [[0.1, np.nan], [0.2, np.nan], [np.nan, 0.3], [np.nan, 0.4]])


def test_snapshots_pin_the_funding(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(SWAP, [1.0, 2.0]), bars(BTC, [1.0, 2.0]))
    before = lake.pin([SWAP, BTC])
    stored(lake, paid(0.1))
    after = lake.pin([SWAP, BTC])
    assert (after.symbols[BTC], lake.pin([BTC]).digest) == (before.symbols[BTC], _alone(before, BTC))
    assert after.symbols[SWAP] != before.symbols[SWAP]
    assert after.tables["funding"] == 0
    stored(lake, paid(0.2, first=16))
    assert "funding" not in lake.panel(before).fields
    panel = lake.panel(after)
    np.testing.assert_array_equal(panel.fields["funding"][:, panel.keys.index(SWAP)], [0.1, np.nan])


def _alone(snapshot: Snapshot, symbol: str) -> str:
    return digest_json({"interval": snapshot.interval, "symbols": merkle_root({symbol: snapshot.symbols[symbol]})})


def test_a_file_of_funding_is_imported_whole_and_once(lake: Lake, tmp_path: Path) -> None:
    rows = pl.concat([paid(1e-4, 2e-4, late=3), paid(1e-4, symbol=OTHER), paid(1e-4, late=9)])
    done = delivered(lake, tmp_path, rows)
    assert (done.funding, done.stored, done.duplicates, done.symbols) == (3, 3, 1, 2)
    again = delivered(lake, tmp_path, rows)
    assert (again.funding, again.stored, again.duplicates) == (0, 0, 4)
    assert tables.version(lake.root, "funding") == 0


def test_bad_rates_refuse_the_file_or_go_aside(lake: Lake, tmp_path: Path) -> None:
    rows = pl.concat([paid(1e-4), paid(2.0, first=16)])
    with pytest.raises(DataError, match=r"paid\.parquet: row 1, column 'funding_rate': '2.0' is no fraction"):
        delivered(lake, tmp_path, rows)
    assert not lake.root.exists()
    done = delivered(lake, tmp_path, rows, quarantine=True)
    assert (done.funding, done.quarantined) == (1, 1)
    assert done.quarantine is not None
    assert pl.read_parquet(done.quarantine)["column"].to_list() == ["funding_rate"]


def test_bars_and_funding_come_in_one_command(lake: Lake, deliver: Any, bars: Any, tmp_path: Path) -> None:
    rows = paid(1e-4, 2e-4)
    rows.write_parquet(tmp_path / "paid.parquet")
    done = deliver(tmp_path / "paid.parquet", bars(SWAP, [1.0, 2.0]))
    assert [(one.rows, one.stored) for one in done.files] == [(2, 2), (2, 2)]
    np.testing.assert_allclose(summed(lake)[:, 0], [3e-4, np.nan])
    found = lake.ls(SWAP).funding
    assert (len(found), found["rate"].mean()) == (2, pytest.approx(1.5e-4))
    assert {one.name: one.rows for one in lake.status().tables}["funding"] == 2


@pytest.mark.parametrize("form", Format)
def test_an_export_has_the_funding_and_comes_back(
    lake: Lake, deliver: Any, bars: Any, tmp_path: Path, form: Format
) -> None:
    deliver(bars(SWAP, [1.0, 2.0]))
    stored(lake, paid(1 / 3, 2e-4, late=13))
    stored(lake, paid(0.1))
    files = export(lake, [SWAP], tmp_path / "out", form=form)
    assert [(one.path.name, one.rows, one.basis) for one in files[1:]] == [(f"swap_funding.{form}", 3, None)]
    other = Lake(tmp_path / "other")
    import_files(other, [one.path for one in files], recorded_at=NOW)
    assert other.pin([SWAP]).digest == lake.pin([SWAP]).digest
