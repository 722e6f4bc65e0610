from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tvquant.core.errors import DataError
from tvquant.market.plans import PlanBook, SyncPlan

PLAN = SyncPlan(
    command="sync", provider="files", interval="1d", symbols=("A:A", "A:B"), begun=datetime(2024, 6, 1, tzinfo=UTC)
)


@pytest.fixture
def book(tmp_path: Path) -> PlanBook:
    return PlanBook(tmp_path / "lakehouse")


def test_a_plan_stays_until_it_ends(book: PlanBook) -> None:
    assert book.unfinished() == ()
    assert book.begin(PLAN) == PLAN
    assert PlanBook(book.path.parent).unfinished() == (PLAN,)
    book.end(PLAN)
    assert book.unfinished() == ()


def test_the_same_command_takes_over_what_was_promised(book: PlanBook) -> None:
    book.begin(PLAN)
    book.begin(replace(PLAN, command="other", symbols=("A:Z",)))
    assert book.begin(replace(PLAN, symbols=("A:C",))).symbols == ("A:A", "A:B", "A:C")
    assert [one.command for one in book.unfinished()] == ["other", "sync"]


@pytest.mark.parametrize(
    ("other", "kept"),
    [
        ({"symbols": ("A:A",)}, True),
        ({}, True),
        ({"symbols": ("A:A", "A:C")}, False),
        ({"provider": "simulated"}, False),
        ({"interval": "4h"}, False),
    ],
    ids=lambda value: str(value),
)
def test_a_plan_keeps_the_promises_that_are_among_its_own(book: PlanBook, other: dict[str, str], kept: bool) -> None:
    earlier = replace(PLAN, command="earlier", **other)
    book.begin(earlier)
    book.end(book.begin(PLAN))
    assert book.unfinished() == (() if kept else (earlier,))


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2, "plans": []}', '{"version": 1, "plans": [{}]}'])
def test_a_file_that_holds_no_plans_is_named(book: PlanBook, text: str) -> None:
    book.path.parent.mkdir()
    book.path.write_text(text)
    with pytest.raises(DataError, match="delete it"):
        book.begin(PLAN)
