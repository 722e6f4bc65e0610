"""What a library must not be asked, to the row, and what its account is looked at for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import pytest

from builders.hand_books import FREE, HOUSE, HandBook, hand_book
from tvquant.core.books import Convention, CostModel, SimResult
from tvquant.core.errors import ModelError
from tvquant.core.instruments import Kind
from tvquant.core.stamps import Stamp
from tvquant.profiles.options import Options
from tvquant.simulation.library_books import LibraryAccount, Plan, plan_of, result_of
from tvquant.simulation.simulators.contract import Capability, Support

NEXT_OPEN, NEXT_CLOSE, SAME_CLOSE = Convention
NAN = np.nan


@dataclass(frozen=True)
class Library:
    """A library that does the conventions and flat costs and not a thing beside."""

    name: str = "library"
    needs: tuple[str, str] | None = None
    options: tuple[type[Options], ...] = ()
    capabilities: Mapping[Capability, Support] = field(
        default=MappingProxyType(
            dict.fromkeys(Capability, Support.REFUSED)
            | dict.fromkeys((*map(Capability, Convention), Capability.LAG, Capability.DAILY), Support.NATIVE)
            | dict.fromkeys((Capability.SLIPPAGE, Capability.COMMISSION), Support.NATIVE)
        )
    )

    def simulate(self, *_: object, **__: object) -> SimResult:
        raise NotImplementedError


def planned(close, weights, costs=FREE, **more) -> tuple[Plan, HandBook]:
    book = hand_book("a book", close, weights, [], costs=costs, **more)
    return plan_of(Library(), book.panel, book.path, book.costs, book.execution), book


HALF, OUT = {"A": 0.5}, {"B": 0.5}
FLAT = {"A": [100.0] * 6, "B": [10.0] * 6}


def row(at: int, value: float, blank: float) -> dict[str, list[float]]:
    return {"A": [value if t == at else blank for t in range(6)]}


@pytest.mark.parametrize(
    ("at", "told"),
    [(1, False), (2, False), (3, True), (4, True), (5, False)],  # bought at the close of 2, sold at that of 4
)
def test_a_dividend_is_refused_on_the_rows_that_begin_with_the_holding(at: int, told: bool) -> None:
    given = {"dividend": row(at, 2.0, 0.0), "rules": {"convention": NEXT_CLOSE}}
    if not told:
        planned(FLAT, {1: HALF, 3: OUT}, **given)
        return
    with pytest.raises(ModelError, match=rf"library refuses actions: X:A at 2020-01-0{at + 1}.* pays a dividend"):
        planned(FLAT, {1: HALF, 3: OUT}, **given)


@pytest.mark.parametrize(("at", "told"), [(1, False), (2, True), (3, True), (4, True), (5, False)])
def test_a_split_is_refused_from_the_order_on(at: int, told: bool) -> None:
    given = {"split": row(at, 2.0, 1.0), "rules": {"convention": NEXT_CLOSE}}
    if not told:
        planned(FLAT, {1: HALF, 3: OUT}, **given)
        return
    with pytest.raises(ModelError, match=r"library refuses actions: X:A .* is split while it is held or ordered"):
        planned(FLAT, {1: HALF, 3: OUT}, **given)


def test_a_split_of_the_second_of_two_orders_on_their_way_is_refused() -> None:
    """Decided on rows 0 and 1, filled on rows 3 and 4: A is ordered by the second, and splits on row 2."""
    with pytest.raises(ModelError, match=r"library refuses actions"):
        planned(FLAT, {0: OUT, 1: HALF}, split=row(2, 2.0, 1.0), rules={"convention": NEXT_CLOSE, "lag": 2})
    planned(FLAT, {0: OUT, 2: HALF}, split=row(2, 2.0, 1.0), rules={"convention": NEXT_CLOSE, "lag": 2})


@pytest.mark.parametrize(("at", "told"), [(1, False), (2, True), (3, True), (4, True), (5, False)])
def test_a_missing_bar_is_refused_from_the_first_fill_to_the_last(at: int, told: bool) -> None:
    close = FLAT | row(at, NAN, 100.0)
    if not told:
        planned(close, {1: HALF, 3: OUT}, rules={"convention": NEXT_CLOSE})
        return
    with pytest.raises(ModelError, match=r"library refuses halts: X:A .* has no bar while it is held or traded"):
        planned(close, {1: HALF, 3: OUT}, rules={"convention": NEXT_CLOSE})


def test_a_day_without_a_session_is_no_missing_bar() -> None:
    """A is a share: its last price stands on the week-end of rows 3 and 4, on which nothing of it can be filled."""

    def asked(close: Mapping[str, list[float]], decided: int) -> Plan:
        book = hand_book("a week-end", close, {decided: HALF}, [], rules={"convention": NEXT_CLOSE})
        listed = tuple(replace(one, calendar="XNYS" if one.key == "X:A" else "24x7") for one in book.panel.instruments)
        return plan_of(Library(), replace(book.panel, instruments=listed), book.path, FREE, book.execution)

    rested = FLAT | {"A": [100.0, 100.0, 101.0, NAN, NAN, 102.0]}
    assert asked(rested, 1).market.marks[:, 0].tolist() == [100.0, 100.0, 101.0, 101.0, 101.0, 102.0]
    for close, decided in ((rested, 2), (FLAT | row(2, NAN, 100.0), 0)):
        with pytest.raises(ModelError, match=r"library refuses halts: X:A .* has no bar while it is held or traded"):
            asked(close, decided)


def test_an_opening_price_is_missed_at_a_fill_alone() -> None:
    opens = {"B": [10.0] * 6}
    planned(FLAT, {1: HALF, 3: OUT}, open=row(3, NAN, 100.0) | opens, rules={"convention": NEXT_OPEN})
    for at in (2, 4):
        with pytest.raises(ModelError, match=rf"halts: X:A at 2020-01-0{at + 1}.* no opening price to be filled at"):
            planned(FLAT, {1: HALF, 3: OUT}, open=row(at, NAN, 100.0) | opens, rules={"convention": NEXT_OPEN})


def test_funding_is_refused_of_what_is_held_and_pays_any() -> None:
    swap = {"kind": Kind.SWAP, "rules": {"convention": NEXT_CLOSE}, "funding_hours": {"A": [24] * 6, "B": [24] * 6}}
    quiet = {"B": [0.0] * 6}
    for at, told in ((1, False), (2, True), (4, True), (5, False)):
        given = swap | {"funding": row(at, 1e-4, 0.0) | quiet}
        if told:
            with pytest.raises(ModelError, match=r"library refuses funding: X:A .* pays funding while it is held"):
                planned(FLAT, {1: HALF, 3: OUT}, **given)
        else:
            planned(FLAT, {1: HALF, 3: OUT}, **given)
    bare = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0, assumed_funding_bps=1.0)
    without = swap | {"funding_hours": {"A": [23] * 6, "B": [24] * 6}, "funding": row(0, 0.0, 0.0) | quiet}
    planned(FLAT, {1: HALF}, **without)
    with pytest.raises(ModelError, match=r"library refuses funding"):
        planned(FLAT, {1: HALF}, bare, **without)


def test_weights_beyond_the_equity_are_refused_and_a_rounding_is_not() -> None:
    planned(FLAT, {1: {"A": 0.5, "B": -0.5 - 1e-12}})
    with pytest.raises(ModelError, match=r"library refuses leverage: X:A .* weights that are more than the equity"):
        planned(FLAT, {1: {"A": 0.5, "B": -0.6}})


def account_of(
    plan: Plan, units: list[float], cash: list[float], fill_equity: list[float], fees=None
) -> LibraryAccount:
    """An account of one name as a library may answer."""
    held = np.array(units)[:, None]
    equity = np.array(cash) + held[:, 0] * plan.market.marks[plan.first :, 0]
    return LibraryAccount(
        equity=equity, cash=np.array(cash), quantities=held, fill_equity=np.array(fill_equity),
        fees=np.array(fees or [0.0] * len(fill_equity)), accrued={},
    )  # fmt: skip


def test_an_account_becomes_a_book() -> None:
    """.005 units at 110 for .55 and six points of it; then all of it is sold at 120: .6 and six points."""
    plan, book = planned({"A": [100, 110, 120, 120]}, {0: HALF, 1: {}}, HOUSE, rules={"convention": NEXT_CLOSE})
    paid, got = 0.55 * 6e-4, 0.6 * 6e-4
    left = 1 - 0.55 - paid
    account = account_of(
        plan, [0.005, 0, 0], [left, left + 0.6 - got, left + 0.6 - got], [1.0, left + 0.6], [paid, got]
    )
    result = result_of(plan, account, HOUSE, book.execution)
    ended = 1.05 - paid - got
    np.testing.assert_allclose(result.equity, [1 - paid, ended, ended], rtol=1e-14)
    np.testing.assert_allclose(result.returns, [-paid, ended / (1 - paid) - 1, 0.0], rtol=0, atol=1e-15)
    np.testing.assert_allclose(result.costs["slippage"], [0.55 * 5e-4, 0.6 * 5e-4, 0.0], rtol=1e-13)
    np.testing.assert_allclose(result.costs["commission"], [0.55 * 1e-4, 0.6 * 1e-4, 0.0], rtol=1e-13)
    np.testing.assert_allclose(result.traded, [0.55, 0.6 / (left + 0.6)], rtol=1e-14)
    np.testing.assert_allclose(result.turnover, [0.55, 0.6 / (left + 0.6)], rtol=1e-14)
    assert not any(result.costs[kind].any() for kind in ("borrow", "overdraft", "funding"))
    assert (result.simulator, result.filled.tolist(), result.stamps) == ("library", [1, 2], frozenset())


def test_a_holding_that_is_not_what_was_ordered_is_refused_with_both_figures() -> None:
    plan, book = planned({"A": [100, 110, 120]}, {0: HALF}, rules={"convention": NEXT_CLOSE})
    with pytest.raises(
        ModelError, match=r"X:A .* ordered to 0\.005 .* held at 0\.0049.* set execution\.buffer: 0\.005"
    ):
        result_of(plan, account_of(plan, [0.0049] * 2, [1 - 0.0049 * 110] * 2, [1.0]), FREE, book.execution)
    near = 0.005 * (1 + 1e-10)
    result_of(plan, account_of(plan, [near] * 2, [1 - near * 110] * 2, [1.0]), FREE, book.execution)


@pytest.mark.requirement("R-SIM-09")
@pytest.mark.parametrize(("high", "told"), [(199.0, False), (200.0, True)])
@pytest.mark.parametrize("at", [1, 2])
def test_a_short_at_twice_the_price_of_its_fill_is_refused_on_every_mark_it_is_held(
    at: int, high: float, told: bool
) -> None:
    """Sold at 100 on row 0, bought back on row 2: its mark there comes before the fill."""
    close = [high if t == at else 100.0 for t in range(4)]
    plan, book = planned({"A": close}, {0: {"A": -0.1}, 2: {}})
    cash = 1.1 - 0.001 * close[2]
    account = account_of(plan, [-0.001, -0.001, 0, 0], [1.1, 1.1, cash, cash], [1.0, 1.1 - 0.001 * close[2]])
    if told:
        with pytest.raises(ModelError, match=rf"short_collateral: X:A at 2020-01-0{at + 1}"):
            result_of(plan, account, FREE, book.execution)
    else:
        result_of(plan, account, FREE, book.execution)


@pytest.mark.requirement("R-SIM-09")
def test_a_short_is_looked_at_on_its_own_row_and_at_the_next_open_where_fills_are_at_opens() -> None:
    for opens, closes, told in (
        ([100, 100, 100, 100], [100, 200, 100, 100], 2),  # the close of the row of the fill
        ([100, 100, 200, 100], [100, 100, 100, 100], 3),  # the open at which it is bought back
        ([100, 100, 199, 100], [100, 199, 200, 200], 0),  # bought back before that close
    ):
        plan, book = planned(
            {"A": closes}, {0: {"A": -0.1}, 1: {}}, open={"A": opens}, rules={"convention": NEXT_OPEN}
        )  # fmt: skip
        cash = 1.1 - 0.001 * opens[2]
        account = account_of(plan, [-0.001, 0, 0], [1.1, cash, cash], [1.0, cash])
        if told:
            with pytest.raises(ModelError, match=rf"short_collateral: X:A at 2020-01-0{told}"):
                result_of(plan, account, FREE, book.execution)
        else:
            result_of(plan, account, FREE, book.execution)


@pytest.mark.requirement("R-SIM-09")
def test_a_last_short_is_looked_at_to_the_end() -> None:
    for rules, rows in (({}, 3), ({"convention": NEXT_OPEN}, 2)):
        plan, book = planned({"A": [100, 100, 200]}, {0: {"A": -0.1}}, open={"A": [100] * 3}, rules=rules)
        with pytest.raises(ModelError, match="short_collateral: X:A at 2020-01-03"):
            result_of(plan, account_of(plan, [-0.001] * rows, [1.1] * rows, [1.0]), FREE, book.execution)


@pytest.mark.requirement("R-SIM-09")
def test_equity_of_nothing_is_refused_at_a_close_and_at_a_fill() -> None:
    plan, book = planned({"A": [100, 50, 50]}, {0: {"A": 1.0}})
    for cash, fill_equity in (([0.0, -0.5, 0.0], 1.0), ([0.0, 0.0, 0.0], 0.0)):
        with pytest.raises(ModelError, match=r"library refuses ruin: equity is 0 of the capital"):
            result_of(plan, account_of(plan, [0.01] * 3, cash, [fill_equity]), FREE, book.execution)


@pytest.mark.parametrize(("kind", "owed"), [(Kind.STOCK, True), (Kind.SWAP, False)])
def test_stamps_are_those_of_the_house(kind: Kind, owed: bool) -> None:
    """Cash below zero is owed, but not what a swap is worth; a spot short is research only."""
    given = {"funding": {"A": [0.0] * 2}, "funding_hours": {"A": [24] * 2}} if kind is Kind.SWAP else {}
    plan, book = planned({"A": [100, 100]}, {0: {"A": 1.0}}, kind=kind, **given)
    account = account_of(plan, [0.0101] * 2, [-0.01] * 2, [1.01])
    stamps = result_of(plan, account, FREE, book.execution).stamps
    assert stamps == {Stamp.OPTIMISTIC_EXECUTION} | ({Stamp.OVERDRAFT} if owed else set())
    plan, book = planned({"A": [100, 100]}, {0: {"A": -0.5}}, kind=Kind.SPOT)
    assert (
        Stamp.RESEARCH_ONLY
        in result_of(plan, account_of(plan, [-0.005] * 2, [1.5] * 2, [1.0]), FREE, book.execution).stamps
    )
