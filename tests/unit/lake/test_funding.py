"""Funding of swaps: stored once, summed into bars, pinned, shown and exported."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tvquant.core.books import CostModel, Execution, WeightPath
from tvquant.core.calendars import calendar
from tvquant.core.digests import digest_json, merkle_root
from tvquant.core.errors import DataError
from tvquant.core.stamps import Stamp
from tvquant.lake import ImportReport, Lake, Snapshot, import_files
from tvquant.lake.reading import panels
from tvquant.lake.reading.export import Format, export
from tvquant.lake.reading.funding import known_funding, last_settlement
from tvquant.lake.storage import tables
from tvquant.lake.writing.funding import store_funding
from tvquant.simulation import SIMULATORS

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


def covered(lake: Lake) -> list[float]:
    """Hours of each row that the payments of the swap cover."""
    found: list[float] = lake.panel(lake.pin([SWAP])).fields["funding_hours"][:, 0].tolist()
    return found


def test_a_payment_is_stored_once_at_the_second_of_its_settlement(lake: Lake) -> None:
    assert stored(lake, pl.concat([paid(1e-4, 2e-4, late=13), paid(1e-4, late=20)])) == 2
    assert stored(lake, paid(1e-4, 2e-4, 3e-4)) == 1
    assert stored(lake, paid(1e-4)) == 0
    assert tables.version(lake.root, "funding") == 1
    found = known_funding(lake.root, [SWAP])
    assert found["timestamp"].to_list() == [DAY + timedelta(hours=hour) for hour in (8, 16, 24)]
    assert found["rate"].to_list() == [1e-4, 2e-4, 3e-4]
    assert (last_settlement(lake.root, SWAP), last_settlement(lake.root, OTHER)) == (DAY + timedelta(days=1), None)


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
    assert known_funding(lake.root).is_empty()


@pytest.mark.parametrize(("step", "sums"), [(8, [3, 3, 2]), (4, [6, 2, np.nan]), (1, [8, np.nan, np.nan])])
def test_a_bar_sums_what_settled_behind_its_open_until_its_close(
    lake: Lake, deliver: Any, bars: Any, step: int, sums: list[float]
) -> None:
    deliver(bars(SWAP, [1.0, 2.0, 3.0]), bars(BTC, [1.0, 2.0, 3.0]))
    stored(lake, paid(*[1e-4] * 8, first=step, step=step, late=7))
    np.testing.assert_allclose(summed(lake, SWAP, BTC), np.c_[[np.nan] * 3, np.array(sums) * 1e-4])


@pytest.mark.requirement("R-SIM-17")
@pytest.mark.parametrize(
    ("hours", "rows"),
    [
        (range(8, 73, 8), [24, 24, 24]),
        (range(4, 73, 4), [28, 24, 24]),  # the first of all covers eight hours too
        (range(1, 73), [31, 24, 24]),
        ((24, 32, 40, 48), [8, 24, np.nan]),  # that of hour 24 is of the row that closes then
        ((32, 80), [np.nan, 8, np.nan]),  # (32, 72] is bare, and the bars end before hour 80
        ((4, 12, 20, 28, 36, 44, 52, 60, 68), [24, 24, 24]),  # hours stand in the row of the payment
        ((30, 31, 33, 72), [np.nan, 11, 8]),  # eight, one, two; at most eight after a hole
    ],
)
def test_a_payment_covers_the_hours_since_the_last_at_most_eight(
    lake: Lake, deliver: Any, bars: Any, hours: Any, rows: list[float]
) -> None:
    deliver(bars(SWAP, [1.0, 2.0, 3.0]))
    stored(lake, pl.concat(paid(1e-4, first=hour, late=k) for k, hour in enumerate(hours)))
    assert covered(lake) == pytest.approx(rows, nan_ok=True)


def test_a_settlement_is_of_its_hour_however_late_it_is_stamped(lake: Lake, deliver: Any, bars: Any) -> None:
    """Half a minute behind midnight it is still of the day before; told twice within an hour it is one."""
    deliver(bars(SWAP, [1.0, 2.0]))
    stored(lake, pl.concat([paid(0.1, first=24, late=30_000), paid(0.1, first=24), paid(0.2, first=32, late=1_500)]))
    np.testing.assert_array_equal(summed(lake)[:, 0], [0.1, 0.2])
    assert covered(lake) == [8.0, 8.0]
    stored(lake, paid(0.3, first=32))
    np.testing.assert_array_equal(summed(lake)[:, 0], [0.1, np.nan])
    assert covered(lake) == pytest.approx([8.0, np.nan], nan_ok=True)


@pytest.mark.requirement("R-SIM-04")
@pytest.mark.requirement("R-SIM-17")
@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(
    ("rates", "charged"),
    [
        ({24: 9e-4, 32: 1e-4, 40: 2e-4, 48: -0.5e-4, 56: 0.0, 64: 0.0, 72: 0.0}, ([2.5e-4, 0.0], [0.0, 0.0])),
        ({32: 1e-4, 80: 1e-4}, ([1e-4, 0.0], [2e-4, 3e-4])),
    ],
)
def test_what_the_lake_has_is_what_a_book_pays(
    lake: Lake, deliver: Any, bars: Any, sign: float, rates: dict[int, float], charged: tuple[list[float], list[float]]
) -> None:
    """A swap at 100, held from the open of row 1 (hour 24): settled and assumed funding of rows 1 and 2."""
    deliver(bars(SWAP, [100.0, 100.0, 100.0]))
    stored(lake, pl.concat(paid(rate, first=hour) for hour, rate in rates.items()))
    panel = lake.panel(lake.pin([SWAP]))
    path = WeightPath(keys=panel.keys, decided=np.array([0]), net=np.array([[sign]]))
    free = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0)
    book = SIMULATORS["custom"].simulate(panel, path, costs=free, execution=Execution())
    settled, assumed = (np.array(row) for row in charged)
    np.testing.assert_allclose(book.assumed_funding, assumed, rtol=0, atol=1e-16)
    np.testing.assert_allclose(book.costs["funding"], sign * settled + assumed, rtol=0, atol=1e-16)
    np.testing.assert_allclose(book.equity, 1.0 - np.cumsum(sign * settled + assumed), rtol=0, atol=1e-15)
    assert (Stamp.ASSUMED_FUNDING in book.stamps) == bool(assumed.any())


def test_a_grid_of_sessions_has_what_settled_over_the_weekend(lake: Lake, deliver: Any, bars: Any) -> None:
    """Friday's close is at 21:00, Monday's row opens at midnight: what lies between is early, the rest is not."""
    deliver(bars(SWAP, [1.0] * 5))
    stored(lake, paid(*[1e-4] * 15, first=8))
    found = lake.bars([SWAP])
    sessions = calendar("XNYS").bars(np.datetime64("2020-12-31"), np.datetime64("2021-01-05"))
    closes = calendar("XNYS").close_of(sessions)
    at = np.arange(len(found.symbol))
    fields = panels._funding_fields(found, at, np.zeros(5, np.int64), sessions, closes, (len(sessions), 1))
    told = {name: np.nan_to_num(values[:, 0]).tolist() for name, values in fields.items()}
    # Hour 0 is the first of January: Thursday closed three hours before, Monday opens at hour 72 and closes at 93.
    assert told["funding_hours"] == [0.0, 88.0, 24.0]
    assert told["funding_early_hours"] == [0.0, 72.0, 8.0]
    assert told["funding"] == pytest.approx([0.0, 11e-4, 3e-4], abs=1e-18)
    assert told["funding_early"] == pytest.approx([0.0, 9e-4, 1e-4], abs=1e-18)


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
