"""The name of a snapshot is its content: how often, in what order and in which files rows came does not matter."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tvquant.lake import Lake, import_files
from tvquant.lake.storage.tables import DAILY

START = datetime(2021, 1, 1, tzinfo=UTC)
PRICE = st.sampled_from([1.0, 2.0, 2.0000000000000004, 3.0])

ROW = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["BINANCE:BTCUSDT", "BINANCE:ETHUSDT"]),
        "timestamp": st.integers(0, 3).map(lambda day: START + timedelta(days=day)),
        "close": PRICE,
        "volume": st.none() | PRICE,
        "quote_volume": st.none() | PRICE,
        "adj_close": st.none() | PRICE,
    }
)
SCHEMA = {"symbol": pl.String(), "timestamp": pl.Datetime("us", "UTC")} | dict.fromkeys(
    ("close", "volume", "quote_volume", "adj_close"), pl.Float64()
)


def _import(rows: list[list[dict[str, Any]]], folder: Path) -> Lake:
    """One command per part."""
    lake = Lake(folder / "lake")
    for number, part in enumerate(rows):
        file = folder / f"{number}.parquet"
        pl.DataFrame(part, schema=SCHEMA).write_parquet(file)
        import_files(lake, [file], recorded_at=START + timedelta(days=9 + number))
    return lake


@settings(max_examples=settings().max_examples // 10, deadline=None)
@given(rows=st.lists(ROW, min_size=2, max_size=12), data=st.data())
def test_any_way_to_deliver_the_same_rows_has_one_digest(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(1, len(rows) - 1))
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        whole = _import([rows], Path(one))
        parts = _import([shuffled[:cut], shuffled[cut:], rows], Path(two))
        first, second = whole.pin(whole.symbols(), interval=DAILY), parts.pin(parts.symbols())
        assert second.symbols == first.symbols
        assert second.digest == first.digest
        assert parts.panel(second).digest() == whole.panel(first).digest()
        before = parts.status().tables[0]
        import_files(parts, [Path(one) / "0.parquet"], recorded_at=START + timedelta(days=9))
        assert parts.status().tables[0] == before
