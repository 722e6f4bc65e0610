"""Every contribution is held on its own side: in flattening, and as prices show it."""

from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np
import pytest

from builders.rebalances import path_of, rebalance_of
from tvquant.core.books import Convention, CostModel, Execution, Rebalancing
from tvquant.core.panel import Panel
from tvquant.simulation import SIMULATORS
from tvquant.tournament.attribution import earnings
from tvquant.tournament.purity import Purity, purity
from tvquant.tournament.rebalances import Rebalance

type Markets = Callable[..., Panel]

CONVENTIONS = pytest.mark.parametrize("convention", list(Convention))


def judged(panel: Panel, rebalances: list[Rebalance], execution: Execution, sign: float = 1.0) -> Purity:
    """What a book of these rebalances shows; `sign` -1 plays the opposite of what was decided."""
    path, costs = path_of(panel, rebalances, sign), CostModel()
    result = SIMULATORS["custom"].simulate(panel, path, costs=costs, execution=execution)
    return purity(panel, result, execution, rebalances, earnings(panel, result, execution))


def counts(found: Purity) -> dict[str, list[int]]:
    return {name: values.tolist() for name, values in asdict(found).items()}


@pytest.fixture
def panel(market: Markets) -> Panel:
    days = np.arange(9.0)
    up, down = 100.0 * 1.05**days, 100.0 * 0.96**days
    return market({"A": up, "B": down, "C": np.full(9, 7.0), "D": 50.0 + np.sin(2.0 * days)})


@pytest.mark.requirement("R-SYN-06")
@CONVENTIONS
def test_longs_and_shorts_that_win_and_lose_are_pure(panel: Panel, convention: Convention) -> None:
    """C does not move: nothing can be told of it. Winners of which nothing is held are no contributions."""
    nothing = (("X:A", "SHORT", 0.2, 0.0), ("X:C", "LONG", 0.0, 1.0))
    first = (("X:A", "LONG", 0.2, 1.0), ("X:B", "LONG", 0.2, 0.5), ("X:D", "SHORT", 0.2, 1.0), *nothing)
    second = (("X:A", "SHORT", 0.1, 1.0), ("X:B", "SHORT", 0.3, 0.25), ("X:C", "SHORT", 0.2, 1.0))
    rebalances = [rebalance_of(panel, 1, *first), rebalance_of(panel, 4, *second, window=1)]
    found = judged(panel, rebalances, Execution(convention=convention))
    assert counts(found) == {
        "contributions": [3, 3], "shorts": [1, 3], "inverted": [0, 0], "contradicted": [0, 0], "confirmed": [3, 2],
    }  # fmt: skip
    assert found.impure == 0


@pytest.mark.requirement("R-SYN-06")
@pytest.mark.requirement("R-SYN-10")
def test_purity_is_of_contributions_and_not_of_what_is_left_net(panel: Panel) -> None:
    """.3 long and .1 short of A for two logics: both are what they are, though the name is held long."""
    held = (("X:A", "LONG", 0.3, 1.0), ("X:A", "SHORT", 0.2, 0.5), ("X:B", "SHORT", 0.1, 1.0))
    one = rebalance_of(panel, 1, *held)
    assert one.weights == {"X:A": pytest.approx(0.2), "X:B": -0.1}
    found = judged(panel, [one], Execution())
    assert counts(found) == {
        "contributions": [3], "shorts": [2], "inverted": [0], "contradicted": [0], "confirmed": [3]
    }  # fmt: skip
    even = rebalance_of(panel, 1, ("X:A", "LONG", 0.2, 0.5), ("X:A", "SHORT", 0.1, 1.0))
    assert counts(judged(panel, [even], Execution()))["confirmed"] == [0], "what cancels is in no book"


@pytest.mark.requirement("R-SYN-06")
def test_a_sign_that_flattening_lost_is_found(panel: Panel) -> None:
    good = rebalance_of(panel, 1, ("X:A", "SHORT", 0.2, 1.0), ("X:B", "LONG", 0.2, 0.5))
    for weights, lost in (
        ({"X:A": 0.2, "X:B": 0.1}, 1),  # the short's sign
        ({"X:A": -0.2, "X:B": 0.2}, 1),  # the long's gate
        ({"X:A": -0.2}, 1),  # the long altogether
        ({"X:A": 0.2, "X:B": -0.1}, 2),
        ({"X:A": -0.2 + 5e-11, "X:B": 0.1}, 0),
        ({"X:A": -0.2 + 2e-10, "X:B": 0.1}, 1),
    ):
        found = judged(panel, [replace(good, weights=weights)], Execution())
        assert found.impure == found.inverted[0] == lost, weights


@pytest.mark.requirement("R-SYN-06")
@CONVENTIONS
@pytest.mark.parametrize("rebalancing", list(Rebalancing))
def test_a_book_on_the_other_side_is_found_by_prices_alone(
    panel: Panel, convention: Convention, rebalancing: Rebalancing
) -> None:
    """The weights are sound; the book holds their opposite. Only what it brought, beside price moves, tells."""
    rebalances = [
        rebalance_of(panel, 1, ("X:A", "SHORT", 0.2, 1.0), ("X:B", "LONG", 0.2, 0.5)),
        rebalance_of(panel, 4, ("X:B", "SHORT", 0.2, 1.0), ("X:C", "SHORT", 0.2, 1.0), window=1),
    ]
    execution = Execution(convention=convention, rebalancing=rebalancing)
    sound, wrong = judged(panel, rebalances, execution), judged(panel, rebalances, execution, -1.0)
    assert (sound.impure, sound.confirmed.tolist()) == (0, [2, 1])
    assert (wrong.impure, wrong.contradicted.tolist(), wrong.inverted.tolist()) == (3, [2, 1], [0, 0])


def test_a_turn_at_a_fill_is_told_from_the_decision_before(market: Markets) -> None:
    """Long, then short of a name that rises: rows belong to whom they were held for, fill rows at the open to none."""
    panel = market({"A": 100.0 * 1.02 ** np.arange(8.0)})
    turned = [rebalance_of(panel, row, ("X:A", side, 0.5, 1.0), window=k)
              for k, (row, side) in enumerate(((1, "LONG"), (3, "SHORT"), (5, "LONG")))]  # fmt: skip
    for convention in Convention:
        found = judged(panel, turned, Execution(convention=convention))
        assert (found.impure, found.confirmed.sum()) == (0, 3), convention
    daily = [replace(one, row=1 + k, window=k) for k, one in enumerate(turned)]
    for convention in Convention:  # a row that is split at its open tells of none of the two
        found = judged(panel, daily, Execution(convention=convention))
        seen = [0, 0, 1] if convention is Convention.NEXT_OPEN else [1, 1, 1]
        assert (found.impure, found.confirmed.tolist()) == (0, seen), convention


def test_a_book_that_goes_a_part_of_the_way_tells_nothing(panel: Panel) -> None:
    """Half of the way from .2 long to .1 short is still long, and no sign was lost."""
    held = [rebalance_of(panel, 1, ("X:A", "LONG", 0.2, 1.0)), rebalance_of(panel, 4, ("X:A", "SHORT", 0.1, 1.0))]
    result = SIMULATORS["custom"].simulate(panel, path_of(panel, held), costs=CostModel(), execution=Execution())
    for execution in (Execution(partial=0.5), Execution(participation=0.1)):
        found = purity(panel, result, execution, held, earnings(panel, result, Execution()))
        assert (found.impure, found.confirmed.sum(), found.contributions.sum()) == (0, 0, 2)


def test_a_name_that_was_closed_or_not_filled_tells_nothing_there(market: Markets) -> None:
    """A doubles and more: its short loses its collateral. B has no bar at the second fill and stays long."""
    a = np.array([100.0, 100.0, 100.0, 101.0, 260.0, 200.0, 190.0, 180.0])
    b = np.array([10.0, 10.0, 10.1, 10.2, 10.3, np.nan, 10.5, 10.6])
    panel = market({"A": a, "B": b})
    rebalances = [
        rebalance_of(panel, 1, ("X:A", "SHORT", 0.2, 1.0), ("X:B", "LONG", 0.2, 1.0)),
        rebalance_of(panel, 4, ("X:A", "SHORT", 0.2, 1.0), ("X:B", "SHORT", 0.2, 1.0), window=1),
    ]
    found = judged(panel, rebalances, Execution(convention=Convention.NEXT_CLOSE))
    assert (found.impure, found.confirmed.tolist()) == (0, [1, 1])
    late = np.array([100.0, 100.0, 100.0, 101.0, 102.0, 260.0, 190.0, 180.0])  # lost in the row of the second fill
    found = judged(market({"A": late, "B": b}), rebalances, Execution(convention=Convention.NEXT_CLOSE))
    assert (found.impure, found.confirmed.tolist()) == (0, [1, 0]), "it is of both decisions"
