"""A handle is of the newest version and of one folder, and nobody shares it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tvquant.lake.storage import commits, committed, handles, tables


@pytest.fixture(autouse=True)
def none_kept() -> Iterator[None]:
    handles._kept.clear()
    yield
    handles._kept.clear()


def told(root: Path, *symbols: str) -> None:
    columns = {name: pl.lit(None, kind) for name, kind in tables.SCHEMAS["journal"].items() if name != "symbol"}
    commits.append(root, "journal", pl.DataFrame({"symbol": symbols}).with_columns(**columns))


def held(root: Path) -> list[str]:
    return sorted(tables.read(root, "journal", ["symbol"])["symbol"])


def test_what_was_written_or_read_is_not_opened_again_and_what_is_taken_is_gone(tmp_path: Path) -> None:
    assert handles.take(tmp_path, "journal") is None
    told(tmp_path, "A")
    assert held(tmp_path) == ["A"]
    first = handles.take(tmp_path, "journal")
    assert first is not None
    other = handles.take(tmp_path, "journal")
    assert other is not None
    assert other is not first
    handles.keep(tmp_path, "journal", first)
    told(tmp_path, "B")  # through the one that was kept, which moves on
    assert (first.version(), other.version()) == (1, 0)
    assert handles.take(tmp_path, "journal") is first
    handles.keep(tmp_path, "journal", other)  # no longer of the newest version
    assert not handles._kept
    assert held(tmp_path) == ["A", "B"]


def test_a_copy_at_another_place_is_another_table_and_one_put_back_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Path("lake")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "one")
    told(lake, "A")
    shutil.copytree("lake", tmp_path / "two" / "lake")
    shutil.copytree("lake", "spare")
    held(lake)
    monkeypatch.chdir(tmp_path / "two")
    told(lake, "B")
    assert held(lake) == ["A", "B"]
    monkeypatch.chdir(tmp_path / "one")
    assert held(lake) == ["A"]
    told(lake, "C")
    shutil.rmtree("lake")
    Path("spare").rename("lake")
    told(lake, "D")
    assert held(lake) == ["A", "D"]


def test_few_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handles, "MOST", 2)
    for name in "abc":
        told(tmp_path / name, "A")
        held(tmp_path / name)
    assert [Path(key[0]).parents[1].name for key in handles._kept] == ["b", "c"]
    assert all(key[0].endswith(committed.LOG) for key in handles._kept)
