"""Typed parts of a run: what competes, what a cell adds to the result, and records of another version."""

from dataclasses import replace
from pathlib import Path

import pytest

from tvquant.core.measures import Measures
from tvquant.core.records import RUN, Entry
from tvquant.ledger import Ledger, RunFolder
from tvquant.ledger.recorded_parts import Absent, RecordedCell
from tvquant.ledger.recorded_run import RecordedRun

CELL = RecordedCell(
    key="v4/custom/hrp/vectorbt", baseline=False, status="played", stamps=(), digest="d", why=None,
    measures=Measures.of({}), metrics={}, forensic={},
)  # fmt: skip


def test_variants_and_other_costs_stand_outside_the_contest() -> None:
    asked = (CELL, replace(CELL, variant=True), replace(CELL, scenario="dear"), replace(CELL, schedule="60_20_5"))
    assert [one.competes for one in asked] == [True, False, False, True]


def test_a_cell_is_in_the_result_by_its_digest_or_by_why_it_failed() -> None:
    failed = replace(CELL, status="failed", digest=None, why="bust")
    assert (CELL.leaf, failed.leaf, CELL.book) == ("d", "failed: bust", "vectorbt")


def test_an_outcome_that_does_not_say_what_it_is_of_is_absent(begun: Ledger, tmp_path: Path) -> None:
    begun.record(Entry(chain="a", stage=15, kind="outcome", metrics={"status": "played"}))
    with pytest.raises(Absent, match="outcome of cell a does not say whether it is a baseline"):
        _ = RecordedRun(RunFolder(tmp_path)).outcomes


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        (Entry(chain=RUN, stage=9, kind="plan", outputs={"plan": "p"}), "plan"),
        (Entry(chain=RUN, stage=15, kind="outcome"), "stages"),
        (Entry(chain=RUN, stage=15, kind="outcome", metrics={"status": "played"}), "result"),
        (Entry(chain=RUN, stage=15, kind="outcome", metrics={"status": "played"}), "leaves"),
        (Entry(chain="a", stage=15, kind="outcome", metrics={"baseline": False}), "outcomes"),
        (
            Entry(
                chain="a", stage=15, kind="outcome", metrics={"baseline": False, "status": "played"},
                data={"stamps": ["older"]},
            ),
            "outcomes",
        ),
        (Entry(chain="selection/a", stage=15, kind="selection"), "selections"),
    ],
)  # fmt: skip
def test_a_record_of_another_version_is_one_line(begun: Ledger, tmp_path: Path, entry: Entry, part: str) -> None:
    begun.record(entry)
    with pytest.raises(Absent, match="was recorded by another version"):
        getattr(RecordedRun(RunFolder(tmp_path)), part)
