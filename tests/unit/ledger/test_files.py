"""Files that a ledger answers for: each is held against its digest, the last record that names it counts."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tvquant.core.errors import DataError, LedgerError
from tvquant.core.records import RUN, Entry
from tvquant.ledger import Integrity, Ledger, outputs_of, verify

NAME = "results/returns.parquet"


@pytest.fixture
def bound(tmp_path: Path, begun: Ledger, leaves: dict[str, str]) -> Path:
    """A sealed ledger that answers for two files."""
    for name in (NAME, "INDEX.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"before")
        begun.record(Entry(chain=RUN, stage=9, kind="intent"))
        begun.record(Entry(chain=RUN, stage=9, kind="outcome", outputs=outputs_of(tmp_path, [name])))
    (tmp_path / NAME).write_bytes(b"figures")
    begun.record(Entry(chain=RUN, stage=15, kind="intent"))
    begun.record(Entry(chain=RUN, stage=15, kind="outcome", outputs=outputs_of(tmp_path, [NAME])))
    begun.record(Entry(chain="cell", stage=15, kind="snapshot", outputs={f"file:{NAME}": "no digest of a run's"}))
    begun.seal(leaves)
    return tmp_path


@pytest.mark.requirement("R-LED-01")
def test_files_that_are_what_was_written_verify(bound: Path) -> None:
    found = verify(bound, run_id="r1")
    assert (found.status, found.finished, found.altered) == (Integrity.OK, True, ())
    assert set(found.held) == {NAME, "INDEX.md"}


def _removed(path: Path) -> None:
    path.unlink()


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _a_byte(path: Path) -> None:
    path.write_bytes(b"figurer")


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.requirement("R-LED-01")
@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (_removed, "is not there"),
        (_emptied, "is empty"),
        (_a_byte, "is not the file that was written"),
        (_a_folder, "cannot be read: Is a directory"),
    ],
)
def test_a_file_that_is_not_what_was_written_is_named(bound: Path, damage: Callable[[Path], None], why: str) -> None:
    damage(bound / NAME)
    found = verify(bound, run_id="r1")
    assert (found.status, found.sealed, found.finished) == (Integrity.ALTERED, True, False)
    [one] = found.altered
    assert one.file == NAME
    assert one.why.startswith(why)


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "a\0b"])
def test_no_file_outside_of_the_run_is_looked_at(tmp_path: Path, begun: Ledger, name: str) -> None:
    """A run that somebody else sent: it does not make us read, or tell digests of, what is ours."""
    begun.record(Entry(chain=RUN, stage=9, kind="outcome", outputs={f"file:{name}": "0" * 64}))
    begun.seal({})
    found = verify(tmp_path)
    assert found.status is Integrity.ALTERED
    assert [(one.file, one.why) for one in found.altered] == [
        (name, "is no file of a run's folder, so it is not looked at")
    ]


def test_a_ledger_of_another_run_is_found(bound: Path) -> None:
    found = verify(bound, run_id="r2")
    assert found.status is Integrity.ALTERED
    assert found.altered[0].why == "is the ledger of run r1, not of r2"


def test_a_ledger_that_is_not_whole_says_so_first_and_names_the_files_too(bound: Path) -> None:
    audit = bound / "audit.jsonl"
    audit.write_bytes(audit.read_bytes()[:-10])
    _emptied(bound / "INDEX.md")
    found = verify(bound)
    assert found.status is Integrity.TRUNCATED
    assert [one.file for one in found.altered] == ["INDEX.md"]


def test_files_that_records_behind_the_head_name_count_too(tmp_path: Path, begun: Ledger) -> None:
    (tmp_path / "a").write_bytes(b"1")
    begun.record(Entry(chain=RUN, stage=9, kind="outcome", outputs=outputs_of(tmp_path, ["a"])))
    found = verify(tmp_path)
    assert (found.status, set(found.held)) == (Integrity.INCOMPLETE, {"a"})


def test_a_file_that_was_not_written_cannot_be_recorded(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a: No such file"):
        outputs_of(tmp_path, ["a"])


def test_a_ledger_that_could_not_write_its_head_leaves_nothing_aside(
    tmp_path: Path, begun: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tvquant.ledger.chain.os.replace", full)
    with pytest.raises(DataError, match="No space left"):
        begun.close()
    assert {path.name for path in tmp_path.iterdir()} == {"audit.jsonl", "audit.head"}
    with pytest.raises(DataError, match="No space left"):
        begun.record(Entry(chain="cell", stage=15, kind="snapshot"))
    with pytest.raises(LedgerError):
        Ledger.resume(tmp_path, run_id="r2", clock=begun._clock)
