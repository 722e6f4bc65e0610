"""Shares and atoms flattened: drift against a book that is kept, caps against `atoms.keep_caps`."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.netting import book_levels, decision
from builders.panels import days, market_of
from builders.problems import limits as limits_of
from builders.sleeves import sleeve
from tvquant.atoms import keep_caps
from tvquant.core.errors import ModelError
from tvquant.core.panel import Panel
from tvquant.core.sleeves import Closed, Sleeve
from tvquant.tournament.sleeves.flattening import Tree, capped, effective, flattened

ROWS = np.arange(2, 7)


def market(**more: object) -> Panel:
    """Return two coins on seven days: A doubles slowly, B falls."""
    close = {"A": [10.0, 11, 12, 14, 16, 18, 20], "B": [8.0, 8, 7, 6, 6, 5, 4]}
    return market_of(close | more.pop("close", {}), times=days(7), **more)  # type: ignore[operator]


def held(panel: Panel, decisions: dict[int, dict[str, float]], name: str = "one") -> Sleeve:
    """Return the sleeve that holds this, with the levels of a free book of it."""
    first = min(decisions)
    levels = book_levels(panel, decisions)
    made = tuple(decision(panel, row, sides) for row, sides in decisions.items())
    return sleeve(name, levels.tolist(), first=panel.times[first], decisions=made)


def tree_of(panel: Panel, *sleeves: Sleeve, rows: np.ndarray = ROWS, share: float = 1.0) -> Tree:
    shares = np.full((len(rows), len(sleeves)), share / len(sleeves))
    return flattened(sleeves, [effective(one, panel) for one in sleeves], shares, rows, panel)


@pytest.mark.requirement("R-META-11")
def test_between_decisions_sizes_drift_as_those_of_the_book() -> None:
    """Half long A, .3 short B at row 1; quantities stand: at row 3 14/11 and 6/8 of that, over the level."""
    panel = market()
    one = held(panel, {1: {"X:A": 0.5, "X:B": -0.3}, 5: {"X:B": 0.4}})
    found = tree_of(panel, one, share=0.8)
    level = 1.0 + 0.5 * (14 / 11 - 1.0) - 0.3 * (6 / 8 - 1.0)
    at_three = found.date == 1
    np.testing.assert_allclose(
        found.weight[at_three], [0.8 * 0.5 * 14 / 11 / level, -0.8 * 0.3 * 6 / 8 / level], rtol=1e-12
    )
    assert found.asked[found.date == 3].tolist() == [0.8 * 0.4]  # row 5: as decided, and A is sold
    assert found.atoms == ("one/X:A_trend_LONG", "one/X:B_trend_SHORT", "one/X:B_trend_LONG")
    # What a book of the account's own quantities has at every row, atoms and cash, is the sleeve's level again.
    again = np.bincount(found.date, found.weight)
    units = {row: book_levels(panel, {1: {"X:A": 0.5, "X:B": -0.3}, 5: {"X:B": 0.4}})[row - 1] for row in ROWS.tolist()}
    assert again[0] * units[2] / 0.8 == pytest.approx(0.5 * 12 / 11 - 0.3 * 7 / 8, rel=1e-12)


def test_a_split_changes_no_size() -> None:
    split = {"split": {"A": [1.0, 1, 1, 2, 1, 1, 1], "B": [1.0] * 7}}
    whole, halved = market(), market(close={"A": [10.0, 11, 12, 7, 8, 9, 10]}, **split)
    one = held(whole, {1: {"X:A": 0.5, "X:B": -0.3}})
    np.testing.assert_allclose(tree_of(halved, one).asked, tree_of(whole, one).asked, rtol=1e-12)


def test_what_a_book_closed_unordered_is_cash_of_the_sleeve_until_it_decides_again() -> None:
    """B is closed at row 4, which its own decision of that row does not concern; nobody else's B is."""
    panel = market()
    one = held(panel, {1: {"X:A": 0.5, "X:B": -0.3}})
    other = replace(held(panel, {1: {"X:B": 0.3}}), name="other")
    lost = replace(one, closed=(Closed(panel.times[4], "X:B"),))
    assert np.bincount(tree_of(panel, lost).date).tolist() == [2, 2, 1, 1, 1]
    assert np.bincount(tree_of(panel, lost, other).date).tolist() == [3, 3, 2, 2, 2]
    for again, sizes in ((4, [2, 2, 2, 2, 2]), (5, [2, 2, 1, 2, 2])):
        both = held(panel, {row: {"X:A": 0.5, "X:B": -0.3} for row in (1, again)})
        assert np.bincount(tree_of(panel, replace(both, closed=lost.closed)).date).tolist() == sizes
    between = replace(one, closed=(Closed(panel.times[3] + np.timedelta64(12, "h"), "X:B"),))
    assert np.bincount(tree_of(panel, between).date).tolist() == [2, 2, 1, 1, 1]  # of a bar that is no row here
    whole = held(panel, {0: {"X:A": 0.5, "X:B": -0.3}})
    behind = panel.times[-1] + np.timedelta64(9, "D")
    later = replace(whole, closed=(Closed(behind, "X:LISTED_LATER"), Closed(behind, "X:A")))
    np.testing.assert_array_equal(tree_of(panel, later).asked, tree_of(panel, whole).asked)


def test_a_sleeve_that_lost_everything_holds_nothing() -> None:
    panel = market()
    one = held(panel, {1: {"X:A": 0.5}})
    ruined = replace(one, levels=np.array([1.0, 0.5, 0.0, 0.0, 0.0, 0.0]))
    assert tree_of(panel, ruined).date.tolist() == [0]


def test_decisions_take_effect_at_their_row_or_at_the_next() -> None:
    panel = market()
    some = panel.only(np.arange(2))
    sparse = market_of(
        {name: some.fields["close"][[0, 1, 3, 6], j] for j, name in enumerate("AB")}, times=some.times[[0, 1, 3, 6]]
    )
    one = held(panel, {row: {"X:A": 0.1 * row} for row in (1, 2, 3, 5)})
    found = effective(one, sparse)
    assert (found.rows.tolist(), found.chosen.tolist()) == ([1, 2, 3], [0, 2, 3])  # that of row 2 is overtaken
    tree = tree_of(sparse, one, rows=np.array([0, 1, 2, 3]))
    assert tree.date.tolist() == [1, 2, 3]
    np.testing.assert_allclose(tree.asked, [0.1, 0.3, 0.5], rtol=1e-12)
    assert effective(one, market_of({"A": [1.0, 1.0]}, times=days(2))).rows.tolist() == [1]


def test_what_the_account_cannot_price_is_refused_by_name() -> None:
    one = held(market(), {1: {"X:A": 0.5, "X:B": 0.1}}, name="coins")
    with pytest.raises(ModelError, match="coins: X:B_trend_LONG holds X:B from 2020-01-02 on"):
        tree_of(market_of({"A": np.arange(1.0, 8.0)}, times=days(7)), one)
    with pytest.raises(ModelError, match="coins: X:B has no price on 2020-01-02"):
        tree_of(market(close={"B": [np.nan] * 3 + [1.0] * 4}), one)


@st.composite
def entries(draw: st.DrawFn) -> tuple[Tree, np.ndarray, dict[str, float | tuple[float, float]]]:
    """Atoms at three dates, with a cluster for each instrument and date, and caps."""
    seed, count = draw(st.integers(0, 10_000)), draw(st.integers(0, 25))
    rng = np.random.default_rng(seed)
    date = np.sort(rng.integers(0, 3, count))
    column, sign = rng.integers(0, 6, count), rng.choice([-1.0, 1.0], count)
    asked = rng.uniform(0.01, 0.4, count)
    tree = Tree(
        date=date, sleeve=np.zeros(count, np.int64), atom=np.arange(count), column=column, sign=sign, asked=asked,
        size=asked, atoms=tuple(f"s/a{k}" for k in range(count)),
    )  # fmt: skip
    clusters = rng.integers(1, 4, (3, 6))[date, column]
    low = draw(st.floats(-1.0, 0.1))
    caps = {
        "position": draw(st.floats(0.05, 0.8)), "cluster": draw(st.floats(0.1, 1.5)),
        "gross": draw(st.floats(0.2, 2.0)), "net": (low, low + draw(st.floats(0.0, 1.0))),
    }  # fmt: skip
    return tree, clusters, caps


@pytest.mark.requirement("R-RSK-12", "R-META-11")
@settings(max_examples=40)
@given(entries())
def test_caps_are_kept_at_all_dates_as_keep_caps_keeps_them_at_each(
    case: tuple[Tree, np.ndarray, dict[str, float | tuple[float, float]]],
) -> None:
    tree, clusters, caps = case
    limits = limits_of(**caps)  # type: ignore[arg-type]
    found = capped(tree, clusters, 3, limits)
    assert (found.tree.size <= tree.asked + 1e-15).all()
    for date in range(3):
        own = np.flatnonzero(tree.date == date).tolist()
        names = {j: f"X:{j}" for j in range(6)}
        one = keep_caps(
            {tree.atoms[e]: float(tree.asked[e]) for e in own},
            {tree.atoms[e]: {names[tree.column[e]]: float(tree.sign[e])} for e in own},
            {names[tree.column[e]]: int(clusters[e]) for e in own},
            limits,
        )
        np.testing.assert_allclose(found.tree.size[own], [one.weights[tree.atoms[e]] for e in own], rtol=1e-12)
        for constraint in one.constraints:
            limit, values = found.verified[constraint.name]
            assert limit == constraint.limit
            assert values[date] == pytest.approx(constraint.value, abs=1e-12)
        assert found.broken[date] == any(not c.value <= c.limit + 1e-9 for c in one.constraints)
