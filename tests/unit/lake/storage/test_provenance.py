"""Columns that say where a row came from."""

from datetime import UTC, datetime, timedelta, timezone

import polars as pl

from tvquant.lake.storage.provenance import operation_id, origin
from tvquant.lake.storage.tables import TIME

WEST = timezone(timedelta(hours=-5))


def test_an_operation_is_named_by_all_that_it_was_given() -> None:
    assert operation_id(["a"], None, 1.5) == operation_id(["a"], None, 1.5)
    assert len({operation_id("a", "b"), operation_id("b", "a"), operation_id("ab"), operation_id(["a", "b"])}) == 4
    assert len(operation_id("a")) == 16


def test_rows_get_source_operation_and_the_moment_in_utc() -> None:
    rows = pl.DataFrame({"file": ["x.csv", "y.csv"]})
    found = rows.select(**origin(pl.col("file"), "0123", datetime(2026, 5, 1, 20, tzinfo=WEST)))
    moment = datetime(2026, 5, 2, 1, tzinfo=UTC)
    assert found.rows() == [("x.csv", "0123", moment), ("y.csv", "0123", moment)]
    assert found.schema["recorded_at"] == TIME
    assert rows.with_columns(**origin("binance", "4", moment))["source"].to_list() == ["binance", "binance"]
