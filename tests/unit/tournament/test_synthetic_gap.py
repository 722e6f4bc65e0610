"""The streams that were decided beside the book: equal where weights are restored, told apart where they drift."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.panels import panel_of
from builders.rebalances import path_of, rebalance_of
from tvquant.atoms import synthesise
from tvquant.core.atoms import Atom, Direction
from tvquant.core.books import Convention, CostModel, Execution, Rebalancing, SimResult
from tvquant.core.panel import Floats, Panel
from tvquant.simulation import SIMULATORS
from tvquant.simulation.accruals import Accruals
from tvquant.tournament.atom_attribution import attribution
from tvquant.tournament.rebalances import Rebalance
from tvquant.tournament.synthetic_gap import synthetic_gap
from tvquant.tournament.trades import trades

type Markets = Callable[..., Panel]

FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0, assumed_funding_bps=0.0)
CLOSE = Execution(convention=Convention.SAME_CLOSE)
DAILY = Execution(convention=Convention.SAME_CLOSE, rebalancing=Rebalancing.DAILY)


def played(panel: Panel, rebalances: Sequence[Rebalance], execution: Execution, costs: CostModel = FREE) -> SimResult:
    path = path_of(panel, rebalances)
    return SIMULATORS["custom"].simulate(panel, path, costs=costs, execution=execution)


def gap(
    panel: Panel, rebalances: Sequence[Rebalance], execution: Execution, costs: CostModel = FREE
) -> dict[str, Floats]:
    result = played(panel, rebalances, execution, costs)
    made = trades(panel, result, execution, costs)
    paid = Accruals(panel=panel, result=result, costs=costs, execution=execution, trades=made)
    return synthetic_gap(panel, result, execution, rebalances, attribution(paid, rebalances, made))


@pytest.mark.requirement("R-SYN-02")
@pytest.mark.requirement("R-SYN-10")
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_synthetic_longs_are_true_shorts_under_daily_reset(seed: int) -> None:
    """Weights of synthetic longs times their streams, against an account that holds quantities of what they flatten to.

    Moves up to eight-fold take shorts' collateral; gates are fractions; one name is long for one reason and short for
    another (moves of such a name stay below a doubling: net, the account posts collateral for what is left).
    """
    draw, rows, names = np.random.default_rng(seed), 12, 4
    moves = np.exp(draw.normal(0.0, 0.6, (rows, names)))
    moves[:, 0] = np.clip(moves[:, 0], 0.4, 1.9)
    panel = panel_of({"close": 100.0 * moves.cumprod(axis=0), "open": np.full((rows, names), 1.0)})
    sides = ("LONG", "SHORT", "SHORT", "LONG", "SHORT")
    assets = (0, 0, 1, 2, 3)
    rebalances, streams = [], np.zeros(rows)
    for window, row in enumerate((2, 7)):
        weights, held = draw.dirichlet(np.ones(5)) * 0.9, draw.uniform(0.1, 1.0, 5)
        held[[0, 3]] = 1.0
        atoms = [
            (f"X:N{j}", side, float(w), float(g)) for j, side, w, g in zip(assets, sides, weights, held, strict=True)
        ]
        rebalances.append(rebalance_of(panel, row, *atoms, window=window))
        pool = [Atom(physical_symbol=symbol, logic="momentum" if k in (1, 2, 4) else "hold", direction=Direction(side))
                for k, (symbol, side, _, _) in enumerate(atoms)]  # fmt: skip
        frozen = np.tile(held, (rows, 1))
        returns = synthesise(
            panel.fields["total_return"][1:], panel.times[1:], panel.keys, pool, frozen
        ).streams.returns
        after = slice(row, 7 if window == 0 else rows - 1)  # rows of `returns` are one less
        streams[row + 1 : after.stop + 1] = returns[after] @ weights
    result = played(panel, rebalances, DAILY)
    np.testing.assert_allclose(result.equity, np.cumprod(1.0 + streams[2:]), rtol=1e-12)
    found = gap(panel, rebalances, DAILY)
    np.testing.assert_allclose(found["synthetic_gap"], 0.0, atol=1e-12)
    assert (np.abs(found["synthetic"]) > 1e-4).all()


def test_what_drift_makes_of_a_long_and_of_a_short(market: Markets) -> None:
    """Long half of A, +10 % twice: 1.05^2 - 1 = .1025 reset, .5 x .21 = .105 held.

    Short half of B, 100 -> 110 -> 99: .95 x 1.05 - 1 = -.0025 reset, .5 x .01 = .005 held. Together, by rows, reset:
    (1 + .05 - .05)(1 + .05 + .05) - 1 = .1; held: .11.
    """
    panel = market({"A": np.array([100.0, 110.0, 121.0]), "B": np.array([100.0, 110.0, 99.0])})
    for held, reset, book in (
        ([("X:A", "LONG", 0.5, 1.0)], 0.1025, 0.105),
        ([("X:B", "SHORT", 0.5, 1.0)], -0.0025, 0.005),
        ([("X:B", "SHORT", 1.0, 0.5)], -0.0025, 0.005),
        ([("X:A", "LONG", 0.5, 1.0), ("X:B", "SHORT", 0.5, 1.0)], 0.1, 0.11),
    ):
        found = gap(panel, [rebalance_of(panel, 0, *held)], CLOSE)
        assert found["synthetic"] == pytest.approx([reset], abs=1e-15)
        assert found["gross_return"] == pytest.approx([book], abs=1e-14)
        assert found["synthetic_gap"] == pytest.approx([book - reset], abs=1e-14)


def test_a_fill_at_the_open_splits_its_row_between_two_decisions() -> None:
    """A: 100, open 110 close 121, open 132 close 120. Long all from row 0, filled at 110; short half, filled at 132.

    The first has 121/110 - 1 = .1 and 132/121 - 1 = 1/11, so 1.1 x 12/11 - 1 = .2; the second .5 x (1 - 120/132).
    The order was of 1/100 units at 110: a tenth more is held than was weighed, .01 x 22 = .22.
    """
    panel = panel_of({"close": np.array([[100.0], [121.0], [120.0]]), "open": np.array([[100.0], [110.0], [132.0]])})
    rebalances = [rebalance_of(panel, 0, ("X:N0", "LONG", 1.0, 1.0)),
                  rebalance_of(panel, 1, ("X:N0", "SHORT", 0.5, 1.0), window=1)]  # fmt: skip
    found = gap(panel, rebalances, Execution())
    assert found["synthetic"] == pytest.approx([0.2, 0.5 * (1.0 - 120.0 / 132.0)], abs=1e-15)
    assert found["gross_return"][0] == pytest.approx(0.22, abs=1e-15)


def test_a_name_without_an_open_has_the_whole_row_of_its_fill() -> None:
    """Half of one, 50 -> 60 -> 66 and never an open: .5 x .2 for the first decision, .5 x .1 for the second."""
    panel = panel_of({"close": np.array([[50.0], [60.0], [66.0]]), "open": np.full((3, 1), np.nan)})
    held = [rebalance_of(panel, row, ("X:N0", "LONG", 0.5, 1.0), window=row) for row in (0, 1)]
    assert gap(panel, held, Execution())["synthetic"] == pytest.approx([0.1, 0.05], abs=1e-15)


def test_costs_are_in_neither_and_what_is_never_filled_has_no_figure(market: Markets) -> None:
    panel = market({"A": np.array([100.0, 110.0, 121.0])})
    held = [rebalance_of(panel, 0, ("X:A", "LONG", 0.5, 1.0)), rebalance_of(panel, 2, ("X:A", "LONG", 0.5, 1.0))]
    dear = CostModel(slippage_bps=100.0)
    later = Execution(convention=Convention.NEXT_CLOSE)
    free, paid = gap(panel, held, later), gap(panel, held, later, dear)
    np.testing.assert_allclose(free["synthetic"], [0.05, np.nan], rtol=1e-14)
    np.testing.assert_allclose(paid["gross_return"], free["gross_return"], rtol=1e-15)
    assert np.isnan(free["gross_return"][1])
    kept = gap(panel, held[:1], Execution(convention=Convention.SAME_CLOSE, buffer=0.2))
    assert kept["synthetic"] == pytest.approx([1.04**2 - 1.0], abs=1e-15), "the buffer is part of what was ordered"
