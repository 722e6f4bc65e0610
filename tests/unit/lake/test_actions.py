"""Corporate actions that a provider tells of."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from tvquant.core.errors import DataError
from tvquant.core.panel import Basis
from tvquant.core.stamps import Stamp
from tvquant.lake import Lake
from tvquant.lake.actions import store_actions

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


def stored(lake: Lake, rows: pl.DataFrame) -> int:
    return store_actions(lake, AAPL, rows, first=FIRST, last=LAST, source="told", recorded_at=NOW)


def returns(lake: Lake) -> list[float]:
    found: list[float] = lake.panel(lake.pin([AAPL])).fields["total_return"][1:, 0].tolist()
    return found


def stamps(lake: Lake) -> frozenset[Stamp]:
    return lake.panel(lake.pin([AAPL])).stamps_of((AAPL,)) - {Stamp.ASSUMED_METADATA}


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


def test_a_restated_action_takes_the_place_of_the_first_and_is_journalled(held: Lake) -> None:
    stored(held, told((5, "split", 2.0), (6, "dividend", 0.1)))
    assert stored(held, told((5, "split", 2.0), (6, "dividend", 0.2))) == 1
    assert returns(held) == pytest.approx([0.0, 0.2, 0.0])
    assert stamps(held) == frozenset()
    kept = held.ls(AAPL)
    assert kept.actions.select("kind", "value").rows() == [("split", 2.0), ("dividend", 0.2)]
    (row,) = kept.repairs.rows(named=True)
    assert (row["interval"], row["field"], row["original"], row["repaired"]) == ("actions", "dividend", 0.1, 0.2)
    assert stored(held, told((5, "split", 2.0), (6, "dividend", 0.2))) == 0
    assert len(held.ls(AAPL).repairs) == 1


def test_two_values_in_one_answer_conflict_until_it_agrees_with_itself(held: Lake) -> None:
    stored(held, told((6, "dividend", 0.1), (6, "dividend", 0.2)))
    assert returns(held)[1] == 0.0
    assert stamps(held) == {Stamp.PRICE_RETURN}
    stored(held, told((6, "dividend", 0.2)))
    assert returns(held)[1] == pytest.approx(0.2)
    assert stamps(held) == frozenset()


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
