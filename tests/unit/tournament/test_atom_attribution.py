"""What atoms brought and paid, counted by hand."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from builders.panels import panel_of
from builders.rebalances import rebalance_with
from tvquant.core.books import Convention, CostModel, Execution, WeightPath
from tvquant.core.panel import Panel
from tvquant.simulation import SIMULATORS
from tvquant.simulation.accruals import Accruals
from tvquant.tournament.atom_attribution import attribution
from tvquant.tournament.rebalances import Rebalance
from tvquant.tournament.trades import trades

type Atoms = Mapping[str, float]


def rebalance(panel: Panel, row: int, atoms: Atoms, gates: Atoms) -> Rebalance:
    """A decision that holds atoms `A_logic_SIDE`, at a gate of 1 unless one is given."""
    given: dict[str, list[Any]] = {
        "symbol": [f"X:{atom.partition('_')[0]}" for atom in atoms],
        "atom": [f"X:{atom}" for atom in atoms],
        "direction": [atom.rpartition("_")[2] for atom in atoms],
        "weight": list(atoms.values()),
        "gate": [gates.get(atom, 1.0) for atom in atoms],
    }
    return rebalance_with(panel, row, given, window=row, weights={})


def brought(
    panel: Panel, decisions: Mapping[int, Atoms], costs: CostModel, gates: Atoms | None = None, **rules: Any
) -> list[dict[str, Any]]:
    """Lines of the attribution of a book of these atoms by decision row, filled at the next close."""
    execution = Execution(convention=Convention.NEXT_CLOSE, **rules)
    made = [rebalance(panel, row, atoms, gates or {}) for row, atoms in decisions.items()]
    net = np.zeros((len(made), len(panel.keys)))
    for k, one in enumerate(made):
        held = one.holdings
        for symbol, side, weight, gate in zip(
            held["symbol"], held["direction"], held["weight"], held["gate"], strict=True
        ):
            net[k, panel.keys.index(symbol)] += weight * gate * (1 if side == "LONG" else -1)
    path = WeightPath(keys=panel.keys, decided=np.array(list(decisions)), net=net)
    result = SIMULATORS["custom"].simulate(panel, path, costs=costs, execution=execution)
    done = trades(panel, result, execution, costs)
    paid = Accruals(panel=panel, result=result, costs=costs, execution=execution, trades=done)
    found = attribution(paid, made, done)
    names, columns = list(found), [np.asarray(values).tolist() for values in found.values()]
    return [dict(zip(names, line, strict=True)) for line in zip(*columns, strict=True)]


def market(**closes: list[float]) -> Panel:
    return panel_of({"close": np.column_stack(list(closes.values()))}, names=list(closes))


FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0)


def test_opposite_atoms_bring_their_own_though_the_book_holds_the_rest() -> None:
    """A long of .6 and a short of .2 hold .4 of A; from 100 to 110 they bring 6 % and -2 %, the book 4 %."""
    found = brought(market(A=[100.0, 100.0, 110.0]), {0: {"A_hold_LONG": 0.6, "A_ma_SHORT": 0.2}}, FREE)
    lines = {(one["atom"], one["logic"], one["direction"]): one["gross"] for one in found}
    assert lines == {
        ("X:A_hold_LONG", "hold", "LONG"): pytest.approx(0.06),
        ("X:A_ma_SHORT", "ma", "SHORT"): pytest.approx(-0.02),
    }


def test_a_gate_is_a_share_of_the_weight() -> None:
    found = brought(market(A=[100.0, 100.0, 110.0]), {0: {"A_momentum_LONG": 0.8}}, FREE, {"A_momentum_LONG": 0.25})
    assert [one["gross"] for one in found] == [pytest.approx(0.02)]


def test_costs_are_shared_by_what_each_atom_traded() -> None:
    """First the book buys .4 at 10 bps: 4e-4, of which the long's share is .6 / .8.

    Prices stand still. Then the long halves and the short stays: the book sells .3, all of it for the long; weights are
    of an equity that is 4e-4 less, so that the short trades 4e-4 of its .2, which is its share.
    """
    atoms = [{"A_hold_LONG": 0.6, "A_ma_SHORT": 0.2}, {"A_hold_LONG": 0.3, "A_ma_SHORT": 0.2}]
    costs = CostModel(slippage_bps=9.0, commission_bps=1.0, borrow_rate=0.0)
    found = brought(market(A=[100.0] * 5), {0: atoms[0], 2: atoms[1]}, costs)
    paid = {(one["decision"], one["logic"]): one["slippage"] + one["commission"] for one in found}
    assert paid[0, "hold"] == pytest.approx(3e-4, abs=1e-12)
    assert paid[0, "ma"] == pytest.approx(1e-4, abs=1e-12)
    left = 1.0 - 4e-4
    sold, less = 0.6 - 0.3 * left, 0.2 - 0.2 * left
    cost = 10e-4 * (0.4 - 0.1 * left) / left
    assert paid[1, "hold"] == pytest.approx(cost * sold / (sold + less), rel=1e-9)
    assert paid[1, "ma"] == pytest.approx(cost * less / (sold + less), rel=1e-9)
    assert found[-1]["level"] == pytest.approx(left)


def test_a_borrow_fee_is_of_the_atom_that_is_short() -> None:
    """Net short .2 of a coin at 36.5 % a year, .1 % a day: the long of the same coin pays nothing of it."""
    costs = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.365)
    found = brought(market(A=[100.0, 100.0, 100.0]), {0: {"A_hold_LONG": 0.1, "A_ma_SHORT": 0.3}}, costs)
    assert [(one["logic"], one["borrow"]) for one in found] == [("ma", pytest.approx(2e-4))]


def test_an_order_that_lapses_is_execution() -> None:
    """A has no bar where it should be sold: it goes on to earn 10 %, which nobody ordered."""
    panel = market(A=[100.0, 100.0, 100.0, np.nan, 110.0], B=[50.0, 50.0, 50.0, 50.0, 50.0])
    found = brought(panel, {0: {"A_hold_LONG": 0.5}, 2: {"B_hold_LONG": 0.5}}, FREE)
    assert [(one["part"], one["symbol"], one["gross"]) for one in found] == [("execution", "X:A", pytest.approx(0.05))]


def test_a_close_out_is_borne_by_the_atoms() -> None:
    """Two rows without a bar, and the holding is sold 30 % below its last price."""
    panel = market(A=[100.0, 100.0, np.nan, np.nan, np.nan], B=[50.0] * 5)
    found = brought(panel, {0: {"A_hold_LONG": 0.5}}, FREE, halt_limit=1)
    assert [(one["part"], one["symbol"], one["gross"]) for one in found] == [("atom", "X:A", pytest.approx(-0.15))]


def test_what_a_close_out_costs_is_shared_by_what_atoms_held_and_not_by_what_they_traded_last() -> None:
    """.3 and .1 of A become .3 and .3 of what is left, L; two rows without a bar, and .6 L is sold at .7 of the price.

    Of the second fill `hold` traded .3 less .3 L alone; of the close-out half is its own.
    """
    panel = market(A=[100.0] * 4 + [np.nan] * 2, B=[50.0] * 6)
    atoms = [{"A_hold_LONG": 0.3, "A_ma_LONG": 0.1}, {"A_hold_LONG": 0.3, "A_ma_LONG": 0.3}]
    costs = CostModel(slippage_bps=10.0, commission_bps=0.0, borrow_rate=0.0)
    found = brought(panel, {0: atoms[0], 2: atoms[1]}, costs, halt_limit=1)
    paid = {(one["decision"], one["logic"]): one["slippage"] for one in found}
    left = 1.0 - 4e-4
    sold, bought = 0.3 - 0.3 * left, 0.3 * left - 0.1
    filled, closed = 10e-4 * (0.6 * left - 0.4), 10e-4 * 0.6 * left * 0.7
    assert paid[1, "hold"] == pytest.approx((filled * sold / (sold + bought) + closed / 2) / left, rel=1e-9)
    assert paid[1, "ma"] == pytest.approx((filled * bought / (sold + bought) + closed / 2) / left, rel=1e-9)


def test_an_order_goes_through_a_split_until_its_fill() -> None:
    """.5 at 100 are .005 units, .01 after two for one: from 50 to 55 they bring .05, and nothing is execution."""
    panel = panel_of(
        {"close": np.array([[100.0], [50.0], [55.0]]), "split": np.array([[1.0], [2.0], [1.0]])}, names="A"
    )
    found = brought(panel, {0: {"A_hold_LONG": 0.5}}, FREE)
    assert [(one["part"], one["gross"]) for one in found] == [("atom", pytest.approx(0.05))]


def test_the_loss_that_nobody_pays_is_told_apart() -> None:
    """Twice the equity in A, which falls by 60 %: the atom lost 1.2, the book 1.0."""
    found = brought(market(A=[100.0, 100.0, 40.0]), {0: {"A_hold_LONG": 2.0}}, FREE)
    lines = {(one["part"], one["symbol"]): one["gross"] for one in found}
    assert lines == {("atom", "X:A"): pytest.approx(-1.2), ("execution", ""): pytest.approx(0.2)}


def test_books_without_atoms_have_no_lines() -> None:
    assert brought(market(A=[100.0, 100.0, 110.0]), {0: {}}, FREE) == []
