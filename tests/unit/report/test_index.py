"""INDEX.md of all runs: what it says of each, and that runs which stand as they stood are not verified again."""

import os
import re

import pytest

from tvquant.ledger import records, verify
from tvquant.report import index, write_index, write_report

pytestmark = pytest.mark.usefixtures("two_pages")


def lines(run):
    text = (run.parents[1] / "INDEX.md").read_text("utf-8")
    return [line for line in text.splitlines() if line.startswith("| ")][2:]


@pytest.mark.requirement("R-REP-02")
def test_the_index_of_all_runs_names_finished_unfinished_and_unreadable_ones(run, seal):
    write_report(run)
    (run.with_name("20260104T000000-demo_sp500-abcdef")).mkdir()
    write_index(run.parent)
    assert "| unfinished |" in lines(run)[0]
    seal(run)
    write_index(run.parent)
    finished, unreadable = lines(run)
    assert "| demo_sp500 | ok | ✅ HEALTHY (ok 6) |" in finished
    assert re.search(r"\| -?\d\.\d\d ± \d\.\d\d \|", finished)
    assert "unreadable: " in unreadable
    index = run.parents[1] / "INDEX.md"
    for link in re.findall(r"\]\(([^)]+)\)", finished):
        assert (index.parent / link).is_file()
    assert str(run.parents[2]) not in index.read_text("utf-8")


def test_without_runs_the_index_says_so(tmp_path):
    write_index(tmp_path / "summaries" / "runs")
    assert "There is no run yet" in (tmp_path / "summaries" / "INDEX.md").read_text("utf-8")


def test_a_run_that_stands_as_it_stood_is_not_verified_again(run, seal, monkeypatch):
    looked = []
    monkeypatch.setattr(
        "tvquant.ledger.recorded_run.verify",
        lambda folder, **asked: looked.append(folder.name) or verify(folder, **asked),
    )
    write_report(run)
    seal(run)
    write_index(run.parent)
    first = lines(run)
    write_index(run.parent)
    assert lines(run) == first
    assert looked == [run.name]
    (run.parents[1] / index.KEPT).write_text("{")  # what is kept can be found again
    write_index(run.parent)
    assert lines(run) == first
    assert looked == [run.name] * 2


def test_what_ended_is_read_while_a_run_is_verified_and_not_again(run, seal, monkeypatch):
    reads = []
    monkeypatch.setattr(
        "tvquant.ledger.recorded_run.records",
        lambda folder, **asked: reads.append(asked.get("kind")) or records(folder, **asked),
    )
    seal(run)
    write_index(run.parent)
    assert "| ok |" in lines(run)[0]
    assert not [kind for kind in reads if isinstance(kind, tuple)]


def test_a_run_whose_files_were_touched_is_not_called_what_it_was(run, seal, bind):
    write_report(run)
    table = run / "results" / "returns.parquet"
    bind(run, "results/returns.parquet", "INDEX.md")
    seal(run)
    write_index(run.parent)
    assert "| ok |" in lines(run)[0]
    before, whole = table.stat(), table.read_bytes()
    table.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    os.utime(table, ns=(before.st_atime_ns, before.st_mtime_ns))  # equal size, equal time of content
    write_index(run.parent)
    assert "results/returns.parquet is not the file that was written" in lines(run)[0]
    table.write_bytes(whole)
    (run / "INDEX.md").write_text("forged")
    write_index(run.parent)
    assert "| altered: INDEX.md is not the file that was written" in lines(run)[0]
    moved = run.rename(run.with_name("20260102T000000-demo_sp500-bbbbbb"))
    write_index(moved.parent)
    assert "holds the ledger of run" in lines(moved)[0]
