"""Result tables: shards, compaction, and what a kill leaves."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tvquant.core.errors import DataError
from tvquant.ledger.result_store import ResultStore


def _columns(start: int, rows: int = 3) -> dict[str, object]:
    return {
        "time": np.datetime64("2021-01-01", "us") + np.arange(rows) * np.timedelta64(1, "D"),
        "value": np.arange(start, start + rows, dtype=np.float64),
        "count": np.arange(rows),
        "key": [f"K{i}" for i in range(rows)],
        "held": np.arange(rows) % 2 == 0,
    }


def test_rows_come_back_by_cell_and_in_their_order(tmp_path: Path) -> None:
    store = ResultStore(tmp_path)
    store.put("returns", "b", _columns(10))
    store.put("returns", "a/x y:1", {**_columns(0), "value": np.array([3.0, 1.0, 2.0])})
    found = ResultStore(tmp_path).read("returns")
    assert found["cell"].to_list() == ["a/x y:1"] * 3 + ["b"] * 3
    assert found["value"].to_list() == [3.0, 1.0, 2.0, 10.0, 11.0, 12.0]
    types = [pl.String, pl.Datetime("us"), pl.Float64, pl.Int64, pl.String, pl.Boolean]
    assert found.schema == dict(zip(["cell", "time", "value", "count", "key", "held"], types, strict=True))


def test_a_cell_that_is_put_again_replaces_itself_even_after_compaction(tmp_path: Path) -> None:
    store = ResultStore(tmp_path)
    store.put("returns", "a", _columns(0))
    store.put("returns", "b", _columns(5))
    store.put("returns", "a", _columns(1, rows=2))
    store.compact()
    assert store.read("returns")["value"].to_list() == [1.0, 2.0, 5.0, 6.0, 7.0]
    store.put("returns", "b", _columns(9, rows=1))
    assert store.read("returns")["value"].to_list() == [1.0, 2.0, 9.0]


def test_cells_that_are_put_together_are_as_if_put_one_by_one(tmp_path: Path) -> None:
    given = {
        cell: {"returns": _columns(k, rows=k), "odd": {"x": pl.Series([k] * k, dtype=pl.Int64), "y": [None, "a"][:k]}}
        for k, cell in enumerate(("b", "a", "c"))
    }
    given["d"] = {"odd": {"x": np.array([1.5]), "y": ["e"]}}  # a cell may lack a table, and a kind of number differ
    together, each = ResultStore(tmp_path / "together"), ResultStore(tmp_path / "each")
    together.put_cells(given)
    for cell, tables in given.items():
        for table, columns in tables.items():
            each.put(table, cell, columns)
    for table in ("returns", "odd"):
        assert_frame_equal(together.read(table), each.read(table))
    assert together.read("returns")["cell"].to_list() == ["a", "c", "c"]
    assert together.read("odd")["x"].to_list() == [1.0, 2.0, 2.0, 1.5]
    assert [path.name for path in (tmp_path / "together/returns").iterdir()] == ["00000001.arrows"]
    together.put("returns", "c", _columns(7, rows=1))
    assert together.read("returns")["value"].to_list() == [1.0, 7.0]
    with pytest.raises(DataError, match=r"cells of result table 't' .* differ in columns: a, b"):
        together.put_cells({"a": {"t": {"x": [1]}}, "b": {"t": {"y": [1]}}})


def test_compaction_depends_on_content_only(tmp_path: Path) -> None:
    cells = [f"cell {i}" for i in range(20)]
    for name, order in (("one", cells), ("two", cells[::-1])):
        store = ResultStore(tmp_path / name)
        for i, cell in enumerate(order):
            store.put("weights", cell, _columns(cells.index(cell)))
            if name == "two" and i == 7:
                store.compact()
        store.compact()
        store.compact()
    assert (tmp_path / "one/weights.parquet").read_bytes() == (tmp_path / "two/weights.parquet").read_bytes()
    assert not (tmp_path / "one/weights").exists()


def test_a_kill_between_the_table_and_its_shards_is_harmless(tmp_path: Path) -> None:
    store = ResultStore(tmp_path)
    store.put("returns", "a", _columns(0))
    shard = next((tmp_path / "returns").iterdir())
    content = shard.read_bytes()
    store.compact()
    before = store.read("returns")
    shard.parent.mkdir()
    shard.write_bytes(content)
    (shard.parent / "torn.tmp").write_bytes(b"PAR1")
    assert_frame_equal(store.read("returns"), before)
    store.compact()
    assert_frame_equal(store.read("returns"), before)


def test_long_and_odd_cell_keys_come_back(tmp_path: Path) -> None:
    store = ResultStore(tmp_path)
    keys = ["x" * 300 + "1", "x" * 300 + "2", "../up", "a/b", "a%2Fb", "."]
    for i, key in enumerate(keys):
        store.put("t", key, {"i": [i]})
    found = store.read("t")
    assert dict(zip(found["cell"], found["i"], strict=True)) == {key: i for i, key in enumerate(keys)}
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


def test_absent_tables_and_shards_that_do_not_fit(tmp_path: Path) -> None:
    store = ResultStore(tmp_path)
    with pytest.raises(DataError, match="no result table 'returns'"):
        store.read("returns")
    store.put("returns", "a", {"x": [1.0]})
    store.put("returns", "b", {"y": [1.0]})
    with pytest.raises(DataError, match="differ in columns"):
        store.read("returns")


def test_a_disk_that_takes_no_table_is_the_worlds_fault(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file where the folder should be")
    with pytest.raises(DataError, match=r"make room and continue with --resume \(a meta-portfolio: play it again\)"):
        ResultStore(tmp_path / "results").put("returns", "a", _columns(0))
