"""What each name paid, counted by hand; the random worlds are in tests/property."""

import numpy as np
import pytest

from builders.panels import instrument, panel_of
from tvquant.core.books import Convention, CostModel, Execution, SimResult, WeightPath
from tvquant.core.instruments import Kind
from tvquant.core.panel import Panel
from tvquant.simulation import SIMULATORS
from tvquant.simulation.accruals import Accruals
from tvquant.tournament.trades import trades


def ledger(panel: Panel, result: SimResult, costs: CostModel, execution: Execution) -> Accruals:
    made = trades(panel, result, execution, costs)
    return Accruals(panel=panel, result=result, costs=costs, execution=execution, trades=made)


@pytest.mark.requirement("R-SIM-17")
def test_each_name_pays_its_own_by_hand() -> None:
    """Half long in a share, .3 short in a coin, .2 long in a swap, bought at 100 at the open, days apart.

    Fill: 6 bps of each. Day 2: the coin's short was worth .3 x 110 / 100 at the close before, at 36.5 % a year .1 % a
    day. The swap settles 24 hours at 10 bps on .2; the fill's own day counts, for its payments came after the open.
    """
    names = [instrument("A", kind=Kind.STOCK), instrument("B"), instrument("C", kind=Kind.SWAP)]
    close = np.array([[100.0, 100.0, 100.0], [100.0, 110.0, 100.0], [100.0, 121.0, 100.0]])
    funding = np.array([[0.0, 0.0, 0.0], [np.nan, np.nan, 1e-3], [np.nan, np.nan, 1e-3]])
    hours = np.full((3, 3), 24.0)
    panel = panel_of(
        {"close": close, "open": np.full((3, 3), 100.0), "funding": funding, "funding_hours": hours}, names=names
    )
    costs = CostModel(slippage_bps=5.0, commission_bps=1.0, borrow_rate=0.365)
    path = WeightPath(keys=panel.keys, decided=np.array([0]), net=np.array([[0.5, -0.3, 0.2]]))
    result = SIMULATORS["custom"].simulate(panel, path, costs=costs, execution=Execution())
    paid = ledger(panel, result, costs, Execution())
    expected = {
        "slippage": [[2.5e-4, 1.5e-4, 1e-4, 0.0], [0.0] * 4],
        "commission": [[0.5e-4, 0.3e-4, 0.2e-4, 0.0], [0.0] * 4],
        "borrow": [[0.0] * 4, [0.0, 0.33e-3, 0.0, 0.0]],
        "funding": [[0.0, 0.0, 2e-4, 0.0], [0.0, 0.0, 2e-4, 0.0]],
        "overdraft": [[0.0] * 4, [0.0] * 4],
    }
    for kind, amounts in expected.items():
        np.testing.assert_allclose(paid.of(kind), amounts, atol=1e-15, err_msg=kind)


def test_interest_is_of_no_name_and_the_row_of_ruin_of_none_either() -> None:
    """Twice the equity in one name borrows as much again; -60 % then ends the book in a row that still owes a day."""
    panel = panel_of({"close": np.array([[100.0], [100.0], [100.0], [40.0], [40.0]])})
    costs = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.365)
    execution = Execution(convention=Convention.NEXT_CLOSE)
    path = WeightPath(keys=panel.keys, decided=np.array([0]), net=np.array([[2.0]]))
    result = SIMULATORS["custom"].simulate(panel, path, costs=costs, execution=execution)
    assert result.failure == "liquidated"
    paid = ledger(panel, result, costs, execution)
    np.testing.assert_allclose(paid.of("overdraft"), [[0, 0], [0, 1e-3], [0, 1.001e-3], [0, 0]], atol=1e-15)
    assert all(not paid.of(kind).any() for kind in paid.kinds if kind != "overdraft")
