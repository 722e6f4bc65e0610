"""Dividends are known for the bars they came with, not for holes between these, nor for bars without a value."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tvquant.core.panel import Basis
from tvquant.core.stamps import Stamp
from tvquant.lake import Lake
from tvquant.lake.forks import pinned, rebuilt
from tvquant.lake.reading.dividend_coverage import SPAN, inside, union
from tvquant.lake.reading.export import export
from tvquant.lake.storage.tables import TIME, read

AAPL = "NASDAQ:AAPL"


def _spans(lake: Lake) -> list[tuple[str, str]]:
    (symbol,) = lake.bars([AAPL]).symbols
    return [(str(first)[:10], str(last)[:10]) for first, last in symbol.actions]


def _price_return_since(lake: Lake) -> list[str]:
    panel = lake.panel(lake.pin([AAPL]))
    return [str(one.since)[:10] for one in panel.stamps[0] if one.stamp is Stamp.PRICE_RETURN]


def _rows(bars: Any, start: str, dividends: list[float | None]) -> dict[str, Any]:
    return bars(AAPL, [1.0] * len(dividends), start, dividends=dividends)


def test_dividends_that_come_again_after_a_hole_leave_the_hole_unknown(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(_rows(bars, "2021-01-04", [0.0, 0.1]), basis=Basis.SPLIT)
    deliver(_rows(bars, "2021-01-06", [None, None]), basis=Basis.SPLIT)
    before, stamped = lake.bars([AAPL]).symbols[0].actions, _price_return_since(lake)
    assert stamped == ["2021-01-06"]
    deliver(_rows(bars, "2021-01-11", [0.0, 0.0]), basis=Basis.SPLIT)
    assert _spans(lake) == [("2021-01-04", "2021-01-05"), ("2021-01-11", "2021-01-12")]
    assert lake.bars([AAPL]).symbols[0].actions[0] == before[0]
    assert _price_return_since(lake) == stamped


def test_spans_without_a_bar_between_them_are_one(lake: Lake, deliver: Any, bars: Any, tmp_path: Path) -> None:
    deliver(_rows(bars, "2021-01-07", [0.0, 0.0]), basis=Basis.SPLIT)
    deliver(_rows(bars, "2021-01-11", [0.0]), basis=Basis.SPLIT)  # over a weekend
    assert _spans(lake) == [("2021-01-07", "2021-01-11")]
    assert _price_return_since(lake) == []
    once = lake.pin([AAPL]).digest
    deliver(_rows(bars, "2021-01-07", [0.0, 0.0]) | {"close": [1.0, 1.0]}, basis=Basis.SPLIT)
    assert lake.pin([AAPL]).digest == once
    assert len(read(lake.root, "instruments")) == 2


def test_only_the_bars_with_a_value_are_told_of(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(_rows(bars, "2021-01-04", [0.0, None, 0.2, 0.0, None]), basis=Basis.SPLIT)
    assert _spans(lake) == [("2021-01-04", "2021-01-04"), ("2021-01-06", "2021-01-07")]
    assert _price_return_since(lake) == ["2021-01-05"]


@pytest.mark.parametrize("dividends", [[0.0, None, 0.2, 0.0, None], [0.0] * 5])
def test_exports_and_forks_tell_dividends_where_they_were_told(
    dividends: list[float | None], lake: Lake, deliver: Any, bars: Any, tmp_path: Path
) -> None:
    deliver(_rows(bars, "2021-01-04", dividends), basis=Basis.SPLIT)
    snapshot = lake.pin([AAPL])
    assert rebuilt([pinned(lake, snapshot)], tmp_path / "fork").pin([AAPL]).digest == snapshot.digest
    (done,) = export(lake, None, tmp_path / "out")
    assert pl.read_parquet(done.path)["dividends"].to_list() == dividends


def test_a_union_of_spans() -> None:
    def day(number: int) -> datetime:
        return datetime(2021, 1, number, tzinfo=UTC)

    edges = [("B", 1, 2), ("A", 8, 9), ("A", 1, 9), ("A", 2, 3), ("A", 10, 11), ("A", 13, 14), ("A", None, None)]
    rows = [(name, first and day(first), last and day(last)) for name, first, last in edges]
    spans = pl.DataFrame(rows, schema={"symbol": pl.String(), **dict.fromkeys(SPAN, TIME)}, orient="row")
    assert [(name, first.day, last.day) for name, first, last in union(spans).rows()] == [
        ("A", 1, 11), ("A", 13, 14), ("B", 1, 2)
    ]  # fmt: skip
    asked = pl.DataFrame({"symbol": ["B", "A", "A", "A", "C"], "timestamp": [day(3), day(13), day(12), day(1), day(1)]})
    assert inside(asked, spans).to_list() == [False, True, False, True, False]
    assert not inside(asked, spans.clear()).any()
