"""Costs by kind, name and row: they are the book's own, and the whole gap to an account that pays nothing."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from builders.ordering import with_rules
from builders.simulated_books import Scenario, scenario
from property.test_simulation_custom import CONVENTIONS, SEEDS, quick
from tvquant.core.books import Convention, SimResult
from tvquant.core.panel import Floats
from tvquant.simulation.accruals import Accruals, gross_equity
from tvquant.tournament.trades import Trade, trades


def ledger(world: Scenario, result: SimResult) -> tuple[Accruals, list[Trade]]:
    made = trades(world.panel, result, world.execution, world.costs)
    paid = Accruals(panel=world.panel, result=result, costs=world.costs, execution=world.execution, trades=made)
    return paid, made


def unpaid(world: Scenario, result: SimResult, made: list[Trade]) -> Floats:
    """Equity of the same quantities where nothing is paid: from the values of trades, dividends and marks alone."""
    first, cash, found = len(world.panel.times) - len(result.times), 1.0, []
    held = np.zeros(len(world.panel.keys))
    for r in range(len(result.times)):
        split, dividend = world.panel.fields["split"][first + r], world.panel.fields["dividend"][first + r]
        cash += float(np.nansum(held * split * dividend)) - sum(one.value for one in made if one.row == first + r)
        held = result.quantities[r]
        found.append(cash + float(np.nansum(held * result.marks[r])))
    return np.array(found)


@CONVENTIONS
@given(seed=SEEDS, ruled=st.booleans())
@quick
def test_they_are_the_costs_of_the_book_and_its_gap_to_one_that_pays_nothing(
    convention: Convention, seed: int, ruled: bool
) -> None:
    world = with_rules(scenario(seed, convention), seed) if ruled else scenario(seed, convention)
    result = world.play()
    paid, made = ledger(world, result)
    assert set(paid.kinds) == set(result.costs)
    for kind in paid.kinds:
        np.testing.assert_allclose(paid.of(kind).sum(axis=1), result.costs[kind], atol=1e-12, rtol=0, err_msg=kind)
    until = int(np.argmin(result.equity > 0)) if result.failure else len(result.equity)
    named = sum(paid.of(kind) for kind in paid.kinds)
    gap = np.cumsum(named.sum(axis=1))[:until]
    other = unpaid(world, result, made)[:until]
    scale = 1.0 + np.abs(result.quantities[:until] * np.nan_to_num(result.marks[:until])).sum(axis=1)
    assert (np.abs(other - result.equity[:until] - gap) <= 1e-10 * scale).all()
    np.testing.assert_allclose(gross_equity(result)[:until], other, rtol=1e-10, atol=1e-10)
