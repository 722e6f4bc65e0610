"""Signs of streams against prices: books of the simulator that hold what was decided, and that do not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from builders.held_sleeves import held_sleeve, moving_market
from builders.panels import market_of
from builders.sleeves import sleeve
from tvquant.core.books import Convention, CostModel, Execution, Rebalancing
from tvquant.core.errors import ModelError
from tvquant.tournament.sleeves.signs import Signs, Slope, earnings, signs

PANEL = moving_market(6, 260)
WILD = moving_market(6, 260, seed=5, common=2.0, gap=0.03)
DECIDED = range(20, 260, 20)
SIDES = ("LONG", "LONG", "SHORT", "SHORT")
BOTH = {row: {f"X:N{(row // 20 + j) % 6} {side}": 0.2 for j, side in enumerate(SIDES)} for row in DECIDED}
SHORTS = {row: {f"X:N{(row // 20 + j) % 6} SHORT": 0.3 for j in range(3)} for row in DECIDED}
ALL = frozenset(atom for sizes in BOTH.values() for atom in sizes)
ALL_SHORT = frozenset(atom for atom in ALL if atom.endswith("SHORT"))
FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0)
DEAR = CostModel(slippage_bps=50.0, commission_bps=20.0, borrow_rate=0.3, cash_yield=0.05)


def said(rules: dict[str, Any]) -> dict[str, Any]:
    return {f"execution.{name}": value for name, value in rules.items()}


def sides(found: Signs) -> dict[str, float | None]:
    return {one.of: one.value for one in found.sides}


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"convention": Convention.NEXT_CLOSE},
        {"convention": Convention.SAME_CLOSE},
        {"lag": 2},
        {"partial": 0.3},
        {"partial": 0.3, "convention": Convention.SAME_CLOSE},
    ],
)
def test_what_holdings_earn_is_the_free_book_to_rounding(rules: dict[str, Any]) -> None:
    """With shorts whose price doubled and opens that are far from the close before."""
    one = held_sleeve("one", WILD, BOTH, costs=FREE, execution=Execution(**rules), conventions=said(rules))
    found = earnings(one, WILD)
    returns = one.levels[1:] / one.levels[:-1] - 1.0
    np.testing.assert_allclose((found.longs + found.shorts).sum(axis=1), returns, rtol=0.0, atol=1e-12)
    assert found.longs.any(axis=0).all()
    assert found.shorts.any(axis=0).all()


@pytest.mark.parametrize("partial", [1.0, 0.5])
def test_a_short_that_has_lost_its_collateral_earns_no_more_until_the_next_fill(partial: float) -> None:
    """At 2.5 it is closed at 2; at 2 exactly it is closed too, and the fall behind it earns nothing."""
    close = np.array([1.0, 1.0, 1.5, 2.5, 1.0, 1.0, 2.0, 1.0, 0.5])
    panel = market_of({"N0": close, "N1": np.ones(9)}, open={"N0": close, "N1": np.ones(9)})
    held = {key: {"X:N0 SHORT": 0.5} for key in (0, 4)}
    rules = {"partial": partial}
    one = held_sleeve("s", panel, held, costs=FREE, execution=Execution(**rules), conventions=said(rules))
    after = 1.0 - 0.5 * partial
    assert one.levels.tolist() == [1.0, 1.0, 1.0 - 0.25 * partial, *[after] * 3, *[after * after] * 3]
    found = earnings(one, panel)
    np.testing.assert_allclose(found.shorts[:, 0], one.levels[1:] / one.levels[:-1] - 1.0, rtol=0.0, atol=1e-15)


def test_names_are_inverted_where_two_errors_leave_no_doubt() -> None:
    def names(*of: tuple[float, float]) -> list[float | None]:
        lines = tuple(Slope(of="X:N0 long", value=value, error=error) for value, error in of)
        return [one.value for one in Signs(rows=99, sides=(), names=lines).inverted]

    assert names((-0.39, 0.2), (-0.41, 0.2), (-1.0, 0.26), (1.0, 0.1), (-0.9, 0.1)) == [-0.9, -0.41]


def test_a_stream_with_fewer_rows_than_prices_has_what_was_earned_since_its_last_row() -> None:
    """A nested meta-portfolio is measured at some of the rows of its account alone."""
    one = held_sleeve("one", PANEL, BOTH, costs=FREE)
    rows = np.flatnonzero(np.arange(len(one.times)) % 7 < 5)
    sparse = replace(one, times=one.times[rows], levels=one.levels[rows])
    found = earnings(sparse, PANEL)
    returns = sparse.levels[1:] / sparse.levels[:-1] - 1.0
    np.testing.assert_allclose((found.longs + found.shorts).sum(axis=1), returns, rtol=0.0, atol=1e-12)
    assert sides(signs(sparse, PANEL)) == pytest.approx({"longs": 1.0, "shorts": 1.0}, abs=1e-12)


@pytest.mark.requirement("R-META-06")
@pytest.mark.parametrize("costs", [CostModel(), DEAR])
@pytest.mark.parametrize(
    ("rules", "within"),
    [({}, 0.02), ({"partial": 0.2}, 0.02), ({"rebalancing": Rebalancing.DAILY}, 0.06), ({"buffer": 0.2}, 0.21)],
)
def test_slopes_are_near_one_whatever_is_paid_and_however_orders_are_filled(
    costs: CostModel, rules: dict[str, Any], within: float
) -> None:
    one = held_sleeve("one", PANEL, BOTH, costs=costs, execution=Execution(**rules), conventions=said(rules))
    found = signs(one, PANEL)
    assert found.rows == 260 - 21
    assert all(one.told for one in found.sides)
    assert sides(found) == pytest.approx({"longs": 1.0, "shorts": 1.0}, abs=within)
    assert (len(found.names), found.inverted) == (12, ())


@pytest.mark.requirement("R-META-06")
def test_a_stream_that_was_turned_over_twice_is_seen_on_its_side() -> None:
    """Of hedged books too, whose longs and shorts hide each other where one slope stands for both."""
    assert sides(signs(held_sleeve("s", PANEL, SHORTS, turned=ALL_SHORT), PANEL)) == pytest.approx(
        {"shorts": -1.0}, abs=0.05
    )
    hedged = moving_market(6, 260, common=1.5)
    for turned, expected in ((ALL_SHORT, {"longs": 1.0, "shorts": -1.0}), (ALL, {"longs": -1.0, "shorts": -1.0})):
        found = signs(held_sleeve("s", hedged, BOTH, turned=turned), hedged)
        assert sides(found) == pytest.approx(expected, abs=0.15)


@pytest.mark.requirement("R-META-06")
def test_one_name_that_was_turned_over_twice_is_named() -> None:
    found = signs(held_sleeve("s", PANEL, BOTH, turned=frozenset({"X:N3 SHORT"})), PANEL)
    assert [one.of for one in found.inverted] == ["X:N3 short"]
    assert found.inverted[0].value == pytest.approx(-1.0, abs=0.05)


def test_opposite_sides_of_one_name_are_judged_by_what_is_left() -> None:
    held = {20: {"X:N0 LONG": 0.5, "X:N0 SHORT": 0.2}}
    found = signs(held_sleeve("s", PANEL, held), PANEL)
    assert sides(found) == pytest.approx({"net": 1.0}, abs=0.02)


def test_books_that_decide_at_every_row_are_judged_by_their_fills() -> None:
    daily = {row: {f"X:N{(row + j) % 6} {side}": 0.2 for j, side in enumerate(SIDES)} for row in range(20, 259)}
    found = signs(held_sleeve("s", WILD, daily), WILD)
    assert sides(found) == pytest.approx({"longs": 1.0, "shorts": 1.0}, abs=0.01)


def test_what_cannot_be_told_is_said() -> None:
    assert signs(held_sleeve("cash", PANEL, {20: {}}), PANEL).sides == ()
    few = moving_market(6, 40)
    nothing = signs(held_sleeve("few", few, {20: SHORTS[20]}), few)
    assert ([one.told for one in nothing.sides], nothing.names) == ([False], ())
    more = moving_market(6, 41)
    enough = signs(held_sleeve("more", more, {20: SHORTS[20]}), more)
    assert ([one.told for one in enough.sides], len(enough.names)) == ([True], 3)
    other = held_sleeve("other", PANEL, SHORTS)
    noise = np.random.default_rng(1).normal(0.0, 0.2, len(other.times) - 1)
    loud = replace(other, levels=np.cumprod(np.concatenate([[1.0], 1.0 + noise.clip(-0.9, 0.9)])))
    assert [(one.told, one.value is None) for one in signs(loud, PANEL).sides] == [(False, False)]


def test_what_the_prices_lack_is_refused_by_name() -> None:
    one = held_sleeve("one", PANEL, SHORTS)
    with pytest.raises(ModelError, match="sleeve far: it holds X:FAR, which has no prices there"):
        signs(sleeve("far", [1.0, 1.1], sides={"X:FAR": 1.0}), PANEL)
    with pytest.raises(ModelError, match="sleeve one: there are no prices at 2024-06-29, a row of its stream"):
        signs(one, moving_market(6, 180))
    with pytest.raises(ModelError, match="sleeve lost: nothing is left of it"):
        signs(sleeve("lost", [1.0, 0.0, 0.0], sides={"X:N0": 1.0}), PANEL)
