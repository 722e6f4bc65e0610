"""Sleeves by themselves on the rows of the account."""

import numpy as np
import pytest

from builders.held_sleeves import held_sleeve, moving_market
from builders.netting import decision
from builders.sleeves import sleeve
from tvquant.core.books import CostModel, Execution
from tvquant.tournament.sleeves.replicas import replicas

COSTS, NEXT = CostModel(slippage_bps=10.0, commission_bps=5.0, borrow_rate=0.1), Execution()


def test_on_the_rows_of_its_own_panel_a_replica_is_the_sleeve() -> None:
    """Costs are told apart."""
    panel = moving_market(3, 40)
    decided = {2: {"X:N2 LONG": 0.5, "X:N0 SHORT": 0.3}, 20: {"X:N0 SHORT": 0.2}}
    one = held_sleeve("one", panel, decided, costs=COSTS, execution=NEXT)
    (found,) = replicas([one], panel, COSTS, NEXT)
    np.testing.assert_allclose(found.level[2:], one.levels, rtol=1e-14)
    assert found.level[:2].tolist() == [1.0, 1.0]
    assert not found.quantities[:, 1].any()
    assert found.quantities[3, 2] == pytest.approx(0.5 / panel.fields["close"][2, 2], rel=1e-14)
    traded = 0.5 * panel.fields["open"][3, 2] / panel.fields["close"][2, 2]
    traded += 0.3 * panel.fields["open"][3, 0] / panel.fields["close"][2, 0]
    assert found.house[:4] == pytest.approx([0.0, 0.0, 0.0, 15e-4 * traded], rel=1e-12)
    short = -found.quantities[9, 0] * panel.fields["close"][9, 0]
    assert found.carried[10] == pytest.approx(short * 0.1 / 365, rel=1e-12)


def test_two_atoms_of_one_coin_are_one_holding() -> None:
    panel = moving_market(2, 20)
    one = held_sleeve("one", panel, {2: {"X:N0 LONG": 0.5, "X:N0 SHORT": 0.2}}, costs=COSTS, execution=NEXT)
    (found,) = replicas([one], panel, COSTS, NEXT)
    assert found.quantities[3, 0] == pytest.approx(0.3 / panel.fields["close"][2, 0], rel=1e-14)
    np.testing.assert_allclose(found.level[2:], one.levels, rtol=1e-14)


def test_who_holds_nothing_or_decides_too_late_is_cash() -> None:
    panel = moving_market(2, 10)
    empty = sleeve("empty", [1.0] * 10, sides={})
    late = sleeve("late", [1.0], first=panel.times[-1], decisions=(decision(panel, 9, {"X:N0": 1.0}),))
    for found in replicas([empty, late], panel, COSTS, NEXT):
        assert found.level.tolist() == [1.0] * 10
        assert not found.quantities.any()
        assert not (found.house + found.carried).any()
