"""Corporate actions that a provider tells of."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from tvquant.core.errors import DataError
from tvquant.core.panel import Basis
from tvquant.core.stamps import Stamp
from tvquant.lake import FindingKind, Lake, audit
from tvquant.lake.storage import tables
from tvquant.lake.writing.actions import store_actions

AAPL = "NASDAQ:AAPL"
FIRST, LAST = datetime(2021, 1, 4, tzinfo=UTC), datetime(2021, 1, 7, tzinfo=UTC)
NOW = datetime(2021, 2, 1, tzinfo=UTC)


@pytest.fixture
def held(lake: Lake, deliver: Any, bars: Any) -> Lake:
    """Four sessions at 2, 1, 1, 1: raw prices across a split of two for one."""
    price = [2.0, 1.0, 1.0, 1.0]
    deliver(bars(AAPL, price, "2021-01-04", open=price, high=price, low=price), basis=Basis.RAW)
    return lake


def told(*rows: tuple[int, str, float]) -> pl.DataFrame:
    days = [datetime(2021, 1, day, tzinfo=UTC) for day, _, _ in rows]
    return pl.DataFrame(
        {"timestamp": days, "kind": [kind for _, kind, _ in rows], "value": [value for _, _, value in rows]},
        schema={"timestamp": pl.Datetime("us", "UTC"), "kind": pl.String(), "value": pl.Float64()},
    )


def stored(lake: Lake, rows: pl.DataFrame, source: str = "told", days: int = 0) -> int:
    at = NOW + timedelta(days=days)
    return store_actions(lake, AAPL, rows, first=FIRST, last=LAST, source=source, recorded_at=at)


def returns(lake: Lake) -> list[float]:
    found: list[float] = lake.panel(lake.pin([AAPL])).fields["total_return"][1:, 0].tolist()
    return found


def stamps(lake: Lake) -> frozenset[Stamp]:
    return lake.panel(lake.pin([AAPL])).stamps_of((AAPL,)) - {Stamp.ASSUMED_METADATA}  # no one told ticks and lots


def test_splits_and_dividends_enter_total_returns(held: Lake) -> None:
    assert returns(held) == [-0.5, 0.0, 0.0]
    assert stamps(held) == {Stamp.PRICE_RETURN}
    assert stored(held, told((5, "split", 2.0), (6, "dividend", 0.1))) == 2
    assert returns(held) == pytest.approx([0.0, 0.1, 0.0])
    assert stamps(held) == frozenset()


def test_none_is_an_answer_too(held: Lake) -> None:
    assert stored(held, told()) == 0
    assert stamps(held) == frozenset()


def test_what_is_told_again_is_stored_once(held: Lake) -> None:
    digest = None
    for news in (1, 0):
        assert stored(held, told((5, "split", 2.0), (5, "split", 1.0))) == news
        assert digest in (None, held.pin([AAPL]).digest)
        digest = held.pin([AAPL]).digest


def test_two_values_of_one_telling_conflict_and_neither_is_applied(held: Lake) -> None:
    stored(held, told((6, "dividend", 0.1), (6, "dividend", 0.2)))
    assert returns(held)[1] == 0.0
    assert stamps(held) == {Stamp.PRICE_RETURN}
    assert stored(held, told((6, "dividend", 0.2)), days=1) == 1  # until it is told with one
    assert returns(held)[1] == pytest.approx(0.2)


def test_sources_that_disagree_conflict_until_one_gives_way(held: Lake) -> None:
    stored(held, told((6, "dividend", 0.1)))
    assert stored(held, told((6, "dividend", 0.1)), source="other", days=1) == 0
    assert stored(held, told((6, "dividend", 0.2)), source="other", days=2) == 1
    assert returns(held)[1] == 0.0
    assert FindingKind.CONFLICTING_ACTION in {one.kind for one in audit(held)}
    assert stored(held, told((6, "dividend", 0.1)), source="other", days=3) == 1
    assert returns(held)[1] == pytest.approx(0.1)


def test_a_source_that_corrects_itself_supersedes_what_it_said(held: Lake) -> None:
    stored(held, told((6, "dividend", 0.1), (5, "split", 2.0)))
    assert stored(held, told((6, "dividend", 0.2), (5, "split", 2.0)), days=1) == 1
    assert returns(held) == pytest.approx([0.0, 0.2, 0.0])
    assert stamps(held) == frozenset()
    (found,) = (one for one in audit(held) if one.kind is FindingKind.SUPERSEDED_ACTION)
    assert (found.count, str(found.first)[:10], found.kind.note) == (1, "2021-01-06", True)
    assert "told anew" in found.detail
    assert sorted(tables.read(held.root, "actions")["value"]) == [0.1, 0.2, 2.0]
    assert stored(held, told((6, "dividend", 0.1)), days=2) == 1  # and back
    assert returns(held) == pytest.approx([0.0, 0.1, 0.0])
    assert stored(held, told((6, "dividend", 0.1)), days=3) == 0


def test_actions_of_no_session_are_counted(lake: Lake, deliver: Any, bars: Any) -> None:
    deliver(bars(AAPL, [1.0] * 3, "2021-01-08", skip=(1, 2)), basis=Basis.RAW)  # Friday, Monday, Tuesday
    span = {"first": datetime(2021, 1, 8, tzinfo=UTC), "last": datetime(2021, 1, 12, tzinfo=UTC)}
    rows = told((9, "split", 2.0), (10, "dividend", 0.1))
    assert store_actions(lake, AAPL, rows, **span, source="told", recorded_at=NOW) == 2
    (found,) = (one for one in audit(lake) if one.kind is FindingKind.IDLE_ACTION)
    assert (found.count, str(found.first)[:10], str(found.last)[:10]) == (2, "2021-01-09", "2021-01-10")


def test_actions_outside_of_the_bars_wait_for_theirs(held: Lake) -> None:
    assert stored(held, told((3, "dividend", 0.1), (8, "split", 4.0))) == 0


@pytest.mark.parametrize(
    "row", [(5, "merger", 1.0), (5, "split", 0.0), (5, "dividend", -1.0), (5, "dividend", float("inf")),
            (5, "split", float("nan")), (5, "split", 20_000.0), (5, "split", 1e-5)],
)  # fmt: skip
def test_what_is_no_action_changes_nothing(held: Lake, row: tuple[int, str, float]) -> None:
    before = held.pin([AAPL]).digest
    with pytest.raises(DataError, match=f"{AAPL}: .* is no corporate action"):
        stored(held, told((6, "dividend", 0.1), row))
    assert held.pin([AAPL]).digest == before
