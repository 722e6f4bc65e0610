"""Stored rows gathered a part at a time are those gathered whole."""

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from tvquant.lake.reading.stored_rows import COLUMNS, StoredRows, gathered
from tvquant.lake.storage.tables import SCHEMAS, VALUES
from tvquant.symbology.kinds import structure

STRUCTURES = {name: structure(name) for name in ("BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "NASDAQ:AAPL")}
BTC, ETH, AAPL = STRUCTURES
LATE = datetime(2022, 1, 1, tzinfo=UTC)


def _row(symbol: str, day: int, close: float | None, hour: int = 0, recorded: datetime = LATE) -> dict[str, object]:
    return {
        "symbol": symbol,
        "timestamp": datetime(2021, 1, day, hour, tzinfo=UTC),
        "recorded_at": recorded,
        "close": close,
    }


def _early(symbol: str, day: int, close: float) -> dict[str, object]:
    return _row(symbol, day, close, recorded=datetime(2021, 1, day, 12, tzinfo=UTC))


ROWS = [
    _row(ETH, 2, 20.0),
    _early(ETH, 1, 9.0),  # left out: the bar has another row, in another part
    _row(AAPL, 5, 50.0, hour=14),
    _row(BTC, 1, 1.0),
    _early(BTC, 2, 2.5),  # counts: there is no other
    _early(BTC, 2, 2.0),
    _row(ETH, 1, 10.0),
    _row(AAPL, 5, 49.0, hour=5),  # the same session: as stored
    _row(AAPL, 4, None),
]


def _whole(rows: StoredRows) -> list[tuple[object, ...]]:
    days = rows.stamp.astype("datetime64[D]").astype(str).tolist()
    return list(zip(rows.symbol.tolist(), days, rows.early.tolist(), rows.values["close"].tolist(), strict=True))


@pytest.mark.parametrize("cuts", [[], [0], [1, 2], [4, 4, 9], list(range(10))])
def test_rows_out_of_order_in_parts_some_of_them_empty(cuts: list[int]) -> None:
    frame = pl.DataFrame(ROWS, schema={name: SCHEMAS["bars"][name] for name in COLUMNS})
    edges = [0, *cuts, len(frame)]
    parts = (frame[a:b] for a, b in pairwise(edges))
    found = gathered(STRUCTURES, parts, len(frame) + 3)
    assert str(_whole(found)) == str([
        (0, "2021-01-01", False, 1.0),
        (0, "2021-01-02", True, 2.5),
        (0, "2021-01-02", True, 2.0),
        (1, "2021-01-01", False, 10.0),
        (1, "2021-01-02", False, 20.0),
        (2, "2021-01-04", False, float("nan")),
        (2, "2021-01-05", False, 50.0),
        (2, "2021-01-05", False, 49.0),
    ])  # fmt: skip
    assert found.stamp.dtype == "datetime64[us]"
    assert set(found.values) == set(VALUES)
    assert np.isnan(found.values["volume"]).all()


def test_rows_in_order_stay_as_they_are() -> None:
    frame = pl.DataFrame(
        [_row(BTC, 1, 1.0), _row(BTC, 2, 2.0), _row(BTC, 2, 3.0), _row(ETH, 1, 4.0)],
        schema={name: SCHEMAS["bars"][name] for name in COLUMNS},
    )
    found = gathered(STRUCTURES, [frame[:2], frame[:0], frame[2:]], 4)
    assert (found.symbol.tolist(), found.values["close"].tolist()) == ([0, 0, 0, 1], [1.0, 2.0, 3.0, 4.0])
