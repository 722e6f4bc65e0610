"""How the files of a table are divided into batches."""

import pytest

from tvquant.lake.storage import batches
from tvquant.lake.storage.batches import Batch, divided


@pytest.fixture(autouse=True)
def _four_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BATCH", 4)


def test_small_files_are_read_together_and_large_ones_in_slices_each_row_once() -> None:
    found = list(divided({"a": 1, "b": 3, "c": 1, "d": 9, "e": 0, "f": 4}))
    assert found == [
        Batch(files=("a", "b")),
        Batch(files=("c",)),
        Batch(files=("d",), first=0, count=4),
        Batch(files=("d",), first=4, count=4),
        Batch(files=("d",), first=8),
        Batch(files=("e", "f")),
    ]


@pytest.mark.parametrize(("rows", "slices"), [(4, [(0, None)]), (5, [(0, 4), (4, None)]), (8, [(0, 4), (4, None)])])
def test_the_last_slice_has_all_that_follow(rows: int, slices: list[tuple[int, int | None]]) -> None:
    assert [(one.first, one.count) for one in divided({"a": rows})] == slices


def test_a_table_without_files_has_no_batch() -> None:
    assert list(divided({})) == []
