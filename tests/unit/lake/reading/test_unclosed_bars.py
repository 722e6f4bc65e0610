"""A bar recorded before its close is no bar: nothing is made of it, and what comes after the close takes its place."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import polars as pl
import pytest

from tvquant.core.panel import Basis
from tvquant.lake import FindingKind, Lake, audit, health, import_files
from tvquant.lake.forks import pinned, rebuilt
from tvquant.lake.reading.export import export
from tvquant.lake.reading.unclosed_bars import provisional
from tvquant.lake.storage.tables import read
from tvquant.lake.writing.upserts import revert, upsert
from tvquant.symbology.kinds import structure

BTC, AAPL = "BINANCE:BTCUSDT", "NASDAQ:AAPL"
NOON, MIDNIGHT = datetime(2021, 1, 4, 12, tzinfo=UTC), datetime(2021, 1, 5, tzinfo=UTC)
COLUMNS = ("symbol", "timestamp", "open", "high", "low", "close", "volume")


class Put(Protocol):
    def __call__(self, lake: Lake, rows: dict[str, Any], at: datetime, basis: Basis = Basis.RAW) -> dict[str, int]: ...


def _frame(rows: dict[str, Any]) -> pl.DataFrame:
    frame = pl.DataFrame({name: rows[name] for name in COLUMNS})
    return frame.with_columns(pl.col("timestamp").str.to_datetime(time_unit="us", time_zone="UTC"))


@pytest.fixture(params=["import", "upsert"])
def put(request: pytest.FixtureRequest, tmp_path: Path) -> Put:
    def call(lake: Lake, rows: dict[str, Any], at: datetime, basis: Basis = Basis.RAW) -> dict[str, int]:
        if request.param == "import":
            path = tmp_path / f"{at:%d%H}.parquet"
            _frame(rows).write_parquet(path)
            return {"new": import_files(lake, [path], basis=basis, recorded_at=at).stored}
        done = upsert(lake, _frame(rows), interval="1d", basis=basis, source="p", recorded_at=at, reason="r")
        assert sum(one.changed for one in done.symbols) == 0
        return {"new": sum(one.inserted for one in done.symbols)}

    return call


def _seen(lake: Lake, symbol: str) -> tuple[list[float], int, list[str], int, str]:
    """Closes of the panel, valid bars, findings, bars and last bar of the health."""
    panel = lake.panel(lake.pin([symbol]))
    (state,) = health(lake, minimum=1)
    found = [str(one.kind) for one in audit(lake) if not one.kind.note]
    return panel.fields["close"][:, 0].tolist(), int(lake.bars().valid.sum()), found, state.bars, str(state.last)[:10]


@pytest.mark.requirement("R-DAT-09")
@pytest.mark.parametrize("final", [4.0, 4.5], ids=["equal", "other"])
def test_the_running_day_counts_from_its_close_on(
    final: float, put: Put, lake: Lake, bars: Any, tmp_path: Path
) -> None:
    days = ["2021-01-01", "2021-01-02", "2021-01-03"]
    put(lake, bars(BTC, [1.0, 2.0, 3.0], days[0]), MIDNIGHT.replace(day=4))
    before = lake.pin([BTC])
    assert put(lake, bars(BTC, [4.0], "2021-01-04"), NOON) == {"new": 1}
    assert _seen(lake, BTC) == ([1.0, 2.0, 3.0], 3, [FindingKind.UNFINISHED], 3, "2021-01-03")
    assert lake.pin([BTC]).digest == before.digest
    assert put(lake, bars(BTC, [4.0], "2021-01-04"), NOON.replace(hour=13)) == {"new": 0}  # says nothing new
    assert put(lake, bars(BTC, [final], "2021-01-04"), MIDNIGHT) == {"new": 1}
    assert _seen(lake, BTC) == ([1.0, 2.0, 3.0, final], 4, [], 4, "2021-01-04")
    assert put(lake, bars(BTC, [final], "2021-01-04"), MIDNIGHT.replace(day=6)) == {"new": 0}
    assert read(lake.root, "repairs").is_empty()
    rest = {name: bars(BTC, [final], "2021-01-04")[name] for name in COLUMNS}
    whole = {name: bars(BTC, [1.0, 2.0, 3.0], days[0])[name] + rest[name] for name in COLUMNS}
    other = Lake(tmp_path / "other")
    put(other, whole, MIDNIGHT.replace(day=8))
    assert other.pin([BTC]).digest == lake.pin([BTC]).digest


@pytest.mark.requirement("R-DAT-09")
def test_a_session_counts_from_its_bell_on(put: Put, lake: Lake, bars: Any) -> None:
    rows = bars(AAPL, [1.0, 2.0], "2021-01-07")
    put(lake, rows, datetime(2021, 1, 8, 20, 59, tzinfo=UTC), Basis.TOTAL)
    assert _seen(lake, AAPL) == ([1.0], 1, [FindingKind.UNFINISHED], 1, "2021-01-07")
    assert lake.bars().unfinished.tolist() == [False, True]
    put(lake, rows, datetime(2021, 1, 8, 21, tzinfo=UTC), Basis.TOTAL)
    assert _seen(lake, AAPL) == ([1.0, 2.0], 2, [], 2, "2021-01-08")


def test_an_unfinished_bar_ends_no_generation_and_is_judged_by_nothing(put: Put, lake: Lake, bars: Any) -> None:
    put(lake, bars(BTC, [1.0, 1.0, 1.0], "2021-01-01"), NOON)
    odd = bars(BTC, [500.0], "2021-01-04") | {"low": [600.0], "open": [500.0]}
    put(lake, odd, NOON.replace(hour=14))
    found = lake.bars()
    assert found.generation.tolist() == [1, 1, 1, 1]
    assert not (found.conflict | found.disorder | found.non_positive).any()
    assert np.isnan(found.factor[-1])


def test_a_replaced_bar_keeps_nothing_of_what_it_was(lake: Lake, bars: Any) -> None:
    def put(rows: dict[str, Any], at: datetime) -> None:
        upsert(lake, _frame(rows), interval="1d", basis=Basis.RAW, source="p", recorded_at=at, reason="r")

    put(bars(BTC, [1.0, 4.0], "2021-01-03"), NOON)
    put(bars(BTC, [4.2], "2021-01-04", volume=[None]), MIDNIGHT)
    (_, row) = lake.ls(BTC).bars.select("close", "volume", "recorded_at").rows()
    assert row == (4.2, None, MIDNIGHT)
    put(bars(BTC, [4.3], "2021-01-04"), MIDNIGHT.replace(day=6))  # from here on it is a bar like any other
    assert len(read(lake.root, "repairs")) > 0
    revert(lake, recorded_at=MIDNIGHT.replace(day=7))
    assert lake.ls(BTC).bars["close"].to_list() == [1.0, 4.2]


def test_exports_and_forks_hold_finished_bars_only(lake: Lake, deliver: Any, bars: Any, tmp_path: Path) -> None:
    deliver(bars(BTC, [1.0, 2.0, 3.0], "2026-04-29"))  # imported on 2026-05-01, 00:00
    snapshot = lake.pin([BTC])
    (done,) = export(lake, None, tmp_path / "out")
    assert done.rows == 2
    other = rebuilt([pinned(lake, snapshot)], tmp_path / "fork")
    again = other.pin([BTC])
    assert again.digest == snapshot.digest
    assert other.panel(again).digest() == lake.panel(snapshot).digest()


def test_a_row_off_the_calendar_is_early_until_its_day_is_over() -> None:
    """A Saturday of New York, recorded at its noon and at the next midnight; a session, before and at its close."""
    days = [datetime(2021, 1, 2, tzinfo=UTC)] * 2 + [datetime(2021, 1, 4, tzinfo=UTC)] * 2
    seen = [datetime(2021, 1, 2, 12, tzinfo=UTC), datetime(2021, 1, 3, tzinfo=UTC)]
    seen += [datetime(2021, 1, 4, 20, 59, tzinfo=UTC), datetime(2021, 1, 4, 21, tzinfo=UTC)]
    rows = pl.DataFrame({"symbol": [AAPL] * 4, "timestamp": days, "recorded_at": seen})
    assert provisional(rows, {AAPL: structure(AAPL)}).to_list() == [True, False, True, False]
