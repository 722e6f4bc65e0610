"""Listed runs: what a verification found holds while no file was written to; else only what is seen is said."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tvquant.core.records import RUN, Entry
from tvquant.ledger import Ledger
from tvquant.ledger.lines import AUDIT, BLOCK, HEAD, last_record
from tvquant.ledger.listing import KEPT, Found, Glance, glance, kept, look, stamp_of, text_of

RESULT = {"min_variance": "a" * 64, "equal_weight": "b" * 64}


@pytest.fixture
def run(sealed: Path) -> Path:
    """A sealed run in a folder of its name."""
    folder = sealed / "r1"
    folder.mkdir()
    for name in (AUDIT, HEAD):
        (sealed / name).rename(folder / name)
    (folder / "results").mkdir()
    (folder / "results" / "returns.parquet").write_bytes(b"numbers")
    return folder


def found(run: Path) -> Found:
    return Found(stamp=stamp_of(run), state="ok", result="r", plan="p", row=("a", "b"))


def test_what_was_found_holds_while_no_file_was_written_to(run: Path) -> None:
    known = found(run)
    assert look(run, known) == Glance(state="ok", result="r")
    assert look(run, None).state == "unverified"
    assert look(run, replace(known, state="altered")).state == "altered"


def same_length(path: Path) -> None:
    """Another byte, with the old size and the old time of content."""
    before, whole = path.stat(), path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.requirement("R-LED-01")
@pytest.mark.parametrize(
    "touch",
    [
        lambda run: same_length(run / "results" / "returns.parquet"),
        lambda run: (run / "results" / "returns.parquet").unlink(),
        lambda run: (run / "results" / "returns.parquet").rename(run / "results" / "other.parquet"),
        lambda run: (run / "results" / "shard").mkdir(),
    ],
)
def test_a_run_whose_files_were_touched_is_not_called_verified(run: Path, touch: Callable[[Path], None]) -> None:
    known = found(run)
    touch(run)
    seen = look(run, known)
    assert (seen.state, len(seen.result)) == ("unverified", 64)


@pytest.mark.requirement("R-LED-01")
def test_a_ledger_that_shows_its_damage_is_called_by_it(run: Path) -> None:
    known, audit, head = found(run), run / AUDIT, run / HEAD
    whole = audit.read_bytes()
    audit.write_bytes(whole[:-1])
    assert look(run, known).state == "truncated"
    for more in (b"more\n", whole.splitlines(keepends=True)[-1]):
        audit.write_bytes(whole + more)
        assert look(run, known).state == "incomplete", "the head does not cover it as a finished run"
    audit.write_bytes(whole)
    same_length(head)
    assert look(run, known).state.startswith("unreadable: audit.head does not hash")
    head.unlink()
    assert "this folder holds no whole ledger" in look(run, known).state
    shutil.rmtree(run)
    run.mkdir()
    assert look(run, known).state.startswith("unreadable: ")


def test_a_copy_under_another_name_is_no_run(run: Path) -> None:
    copy = Path(shutil.copytree(run, run.with_name("r2")))
    assert look(copy, found(run)).state == "unreadable: it holds the ledger of run r1"


def test_a_run_at_work_is_incomplete(begun: Ledger, tmp_path: Path) -> None:
    folder = tmp_path / "r1"
    folder.mkdir()
    for name in (AUDIT, HEAD):
        (tmp_path / name).rename(folder / name)
    assert glance(folder) == Glance(state="incomplete")
    with (folder / AUDIT).open("ab") as file:
        file.write(b'{"torn')
    assert glance(folder).state == "incomplete"


@pytest.mark.parametrize("size", [0, BLOCK - 200, BLOCK, 3 * BLOCK])
def test_the_last_record_is_found_whatever_its_length(begun: Ledger, tmp_path: Path, size: int) -> None:
    assert last_record(tmp_path)["kind"] == "genesis"
    begun.record(Entry(chain=RUN, stage=15, kind="outcome", data={"much": "x" * size}))
    assert last_record(tmp_path)["data"] == {"much": "x" * size}
    (tmp_path / AUDIT).write_bytes(b"")
    assert last_record(tmp_path) == {}


def test_findings_are_kept_and_anything_else_is_nothing(tmp_path: Path) -> None:
    runs, one = tmp_path / "runs", Found(stamp="s", state="ok", result="r", plan="p", row=("a",))
    assert kept(runs) == {}
    (tmp_path / KEPT).write_text(text_of({"r1": one}))
    assert kept(runs) == {"r1": one}
    for other in ("{", "[]", '{"r1": ["s", ["a"]]}', '{"r1": {"stamp": "s"}}'):
        (tmp_path / KEPT).write_text(other)
        assert kept(runs) == {}


def test_listing_imports_no_array_and_no_table_library() -> None:
    code = (
        "import sys, tvquant.app.cli.runs, tvquant.ledger.listing;"
        "print([name for name in ('numpy', 'polars', 'pydantic', 'jinja2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
