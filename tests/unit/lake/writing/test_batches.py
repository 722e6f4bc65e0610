"""Slices of whole symbols."""

import polars as pl
import pytest

from tvquant.lake.writing import batches as module
from tvquant.lake.writing.batches import batches


@pytest.mark.parametrize(
    ("rows", "sizes"), [(4, [3, 4, 3]), (3, [3, 4, 3]), (7, [7, 3]), (9, [7, 3]), (10, [10]), (1, [2, 1, 4, 3])]
)
def test_no_symbol_is_parted_and_no_row_is_lost(rows: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS", rows)
    names = pl.Series("symbol", ["A"] * 2 + ["B"] + ["C"] * 4 + ["D"] * 3, pl.Enum(list("ABCD")))
    frame = pl.DataFrame({"symbol": names, "n": range(10)})
    found = list(batches(frame))
    assert [len(part) for part in found] == sizes
    assert pl.concat(found).equals(frame)


def test_what_no_row_has_becomes_an_absent_number() -> None:
    frame = pl.DataFrame({"symbol": ["A"], "volume": [None], "close": [1.0]})
    assert frame.schema["volume"] == pl.Null
    (part,) = batches(frame)
    assert part.schema == {"symbol": pl.String, "volume": pl.Float64, "close": pl.Float64}
    assert list(batches(frame.clear())) == []
