"""One commit per write, one writer at a time, and what a conflict leads to."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake.exceptions import CommitFailedError

from tvquant.core.errors import DataError
from tvquant.lake.storage import commits, tables
from tvquant.lake.storage.tables import SCHEMAS, TIME

FIRST = datetime(2021, 1, 1, tzinfo=UTC)


def rows(closes: list[float | None], start: int = 0, symbol: str = "BINANCE:BTCUSDT", **more: float) -> pl.DataFrame:
    times = pl.Series([FIRST + timedelta(days=start + k) for k in range(len(closes))], dtype=TIME)
    frame = pl.DataFrame({"symbol": symbol, "timestamp": times, "close": pl.Series(closes, dtype=pl.Float64), **more})
    return frame.with_columns(
        pl.lit(None, kind).alias(name) for name, kind in SCHEMAS["bars"].items() if name not in frame.columns
    )


def stored(root: Path) -> list[tuple[float | None, float | None]]:
    return tables.read(root, "bars").sort("symbol", "timestamp").select("close", "volume").rows()


def test_a_merge_changes_what_is_said_and_adds_what_is_not_there(tmp_path: Path) -> None:
    commits.merge(tmp_path, "bars", rows([1.0, 2.0], volume=5.0), None)
    commits.merge(tmp_path, "bars", rows([7.0, None, 9.0]), 0)
    assert stored(tmp_path) == [(7.0, 5.0), (2.0, 5.0), (9.0, None)]
    commits.merge(tmp_path, "bars", rows([]), 1)
    assert tables.version(tmp_path, "bars") == 1
    replaced = rows([8.0], 1).with_columns(recorded_at=pl.lit(FIRST))
    commits.merge(tmp_path, "bars", replaced, 1)
    assert stored(tmp_path) == [(7.0, 5.0), (8.0, None), (9.0, None)]


def test_a_merge_onto_an_older_version_is_refused_when_others_added_such_rows(tmp_path: Path) -> None:
    commits.append(tmp_path, "bars", rows([1.0]))
    commits.append(tmp_path, "bars", rows([2.0], 1))
    with pytest.raises(CommitFailedError):
        commits.merge(tmp_path, "bars", rows([9.0], 1), 0)
    assert stored(tmp_path) == [(1.0, None), (2.0, None)]


def test_rows_of_symbols_and_a_span_are_replaced(tmp_path: Path) -> None:
    commits.append(tmp_path, "bars", pl.concat([rows([1.0, 2.0, 3.0]), rows([4.0, 5.0], symbol="BINANCE:ETHUSDT")]))
    commits.replace(
        tmp_path, "bars", rows([8.0], 1), 0, span=(FIRST + timedelta(days=1),) * 2, symbols=["BINANCE:BTCUSDT"]
    )
    assert [close for close, _ in stored(tmp_path)] == [1.0, 8.0, 3.0, 4.0, 5.0]
    commits.replace(tmp_path, "bars", rows([6.0]), 1, span=(FIRST, FIRST))
    assert [close for close, _ in stored(tmp_path)] == [6.0, 8.0, 3.0, 5.0]


def test_moments_are_set_where_a_predicate_holds(tmp_path: Path) -> None:
    frame = pl.DataFrame({"symbol": ["A", "B"], "upsert_id": ["x", "y"]})
    frame = frame.with_columns(
        pl.lit(None, kind).alias(name) for name, kind in SCHEMAS["repairs"].items() if name not in frame.columns
    )
    commits.append(tmp_path, "repairs", frame)
    commits.update(tmp_path, "repairs", {"reverted_at": FIRST}, "symbol = 'B'")
    assert dict(tables.read(tmp_path, "repairs", ["symbol", "reverted_at"]).rows()) == {"A": None, "B": FIRST}


def test_what_conflicts_is_decided_again_and_then_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(commits.time, "sleep", pauses.append)
    tries = iter([CommitFailedError("first"), CommitFailedError("second"), None])

    def decide() -> str:
        error = next(tries)
        if error is not None:
            raise error
        return "done"

    assert commits.transact(tmp_path, decide) == "done"
    assert len(pauses) == 2

    def never() -> None:
        raise CommitFailedError("always\nand again")

    with pytest.raises(DataError, match=r"forestalled 12 attempts to commit \(always\); try again") as caught:
        commits.transact(tmp_path, never)
    assert caught.value.retryable
    assert max(pauses) <= 2.0


def test_writers_wait_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def second() -> None:
        with commits.writing(tmp_path):
            order.append("second")

    with commits.writing(tmp_path):
        other = threading.Thread(target=second)
        other.start()
        other.join(0.2)
        order.append("first")
    other.join()
    assert order == ["first", "second"]
    monkeypatch.setattr(commits, "PATIENCE", 0.05)
    with (
        commits.writing(tmp_path),
        pytest.raises(DataError, match="another writer has not ended") as caught,
        commits.writing(tmp_path),
    ):
        order.append("third")
    assert caught.value.retryable
    assert len(order) == 2


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for root, why in ((tmp_path / "file" / "lake", "cannot be written"), (tmp_path / "a%b", "cannot stand below")):
        with pytest.raises(DataError, match=why), commits.writing(root):
            pass


def test_a_reader_who_finds_a_table_about_to_be_made_finds_none(tmp_path: Path) -> None:
    (tmp_path / "bars" / "_delta_log").mkdir(parents=True)
    assert tables.version(tmp_path, "bars") is None
    assert tables.read(tmp_path, "bars").is_empty()


def test_only_files_that_may_have_the_span_are_read(tmp_path: Path) -> None:
    for k in range(3):
        commits.append(tmp_path, "bars", rows([float(k)], 10 * k))
    files = tables.files(tmp_path, "bars")
    assert len(files) == 3
    for name in tables.files(tmp_path, "bars", 0):
        (tmp_path / "bars" / name).write_bytes(b"torn")
    later = FIRST + timedelta(days=5)
    assert tables.read(tmp_path, "bars", span=(later, later + timedelta(days=30)))["close"].sort().to_list() == [1, 2]
    with pytest.raises(DataError, match="cannot be read"):
        tables.read(tmp_path, "bars", span=(FIRST, FIRST))


def test_what_all_files_say_is_known_without_reading_them(tmp_path: Path) -> None:
    assert tables.all_are(tmp_path, "bars", "basis", "raw")
    commits.append(tmp_path, "bars", rows([1.0]).with_columns(basis=pl.lit("raw")))
    assert tables.all_are(tmp_path, "bars", "basis", "raw")
    assert not tables.all_are(tmp_path, "bars", "basis", "split")
    commits.append(tmp_path, "bars", rows([1.0], 1).with_columns(basis=pl.lit("split")))
    assert not tables.all_are(tmp_path, "bars", "basis", "raw")
