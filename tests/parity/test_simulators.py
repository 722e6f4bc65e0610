"""Random long/short books come to the same equity, to 1e-9, in `custom`, vectorbt and cvxportfolio (R-SIM-10).

What all three can say: gross of 1 at most, no lots, no accruals, every bar there, no short that doubles between fills.
They keep three accounts that share prices, weights and rows alone: quantities in the house's kernel, orders and cash
flows in vectorbt, values and returns in cvxportfolio.
"""

import os
from typing import Any

import numpy as np
import pytest

from builders.panels import instruments, panel_of
from builders.simulators import played
from tvquant.core.books import Convention, CostModel, Execution, WeightPath
from tvquant.core.instruments import Kind
from tvquant.core.panel import Panel
from tvquant.simulation import SIMULATORS
from tvquant.simulation.simulators.vectorbt_engine import Engine

pytestmark = [
    pytest.mark.xdist_group("documentation"),
    pytest.mark.usefixtures("vectorbt"),
    pytest.mark.requirement("R-SIM-10"),
]

PROOF = bool(os.environ.get("TVQUANT_PROOF"))
ROWS, NAMES, EVERY = (2500, 50, 20) if PROOF else (200, 20, 10)
BOOKS = 6 if PROOF else 1
COSTS = CostModel(borrow_rate=0.0)
WITHIN = 1e-9


def world(seed: int, rows: int = ROWS, names: int = NAMES) -> tuple[Panel, WeightPath]:
    """Shares on random walks, and weights from dollar neutral to three fifths net long, of gross .3 to 1.

    A gross of all of the equity is of long and short: who is only long has the costs to pay too.
    """
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(rng.normal(2e-4, 0.012, (rows, names)).cumsum(axis=0)) * 10.0 ** rng.integers(-4, 4, names)
    fields = {"close": close, "open": close * np.exp(rng.normal(0.0, 0.004, close.shape))}
    panel = panel_of(fields, names=instruments(names, kind=Kind.STOCK))
    decided = np.arange(0, rows, EVERY)
    net = rng.normal(rng.uniform(-0.2, 0.4), 1.0, (len(decided), names)) * (rng.random((len(decided), names)) < 0.8)
    gross = rng.uniform(0.3, 1.0, (len(decided), 1))
    return panel, WeightPath(keys=panel.keys, decided=decided, net=net * gross / np.abs(net).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("convention", list(Convention))
@pytest.mark.parametrize("seed", range(BOOKS))
def test_three_accounts_of_a_book_are_one(convention: Convention, seed: int) -> None:
    panel, path = world(seed)
    execution = Execution(convention=convention)
    ours = played("custom", panel, path, COSTS, execution)
    assert not ours.events
    for name in ("vectorbt", "cvxportfolio"):
        theirs = played(name, panel, path, COSTS, execution)
        np.testing.assert_allclose(theirs.equity, ours.equity, rtol=WITHIN, err_msg=name)
        worth = np.abs(theirs.quantities - ours.quantities) * ours.marks
        assert worth.max() <= WITHIN, name
        for figure in ("cash", "fill_equity", "traded", "turnover"):
            given = getattr(theirs, figure)
            np.testing.assert_allclose(
                given, getattr(ours, figure), rtol=WITHIN, atol=WITHIN, err_msg=f"{name} {figure}"
            )
        for kind, amounts in ours.costs.items():
            np.testing.assert_allclose(theirs.costs[kind], amounts, rtol=0, atol=1e-13, err_msg=f"{name} {kind}")


@pytest.mark.parametrize("convention", list(Convention))
def test_both_kernels_of_vectorbt_play_alike(convention: Convention) -> None:
    """Those of numba as plain Python: the fixture has them not compiled."""
    panel, path = world(7, rows=60, names=5)
    compiled, plain = (
        SIMULATORS["vectorbt"].simulate(
            panel, path, (Engine(engine=engine),), costs=COSTS, execution=Execution(convention=convention)
        )
        for engine in ("rust", "numba")
    )
    np.testing.assert_allclose(plain.equity, compiled.equity, rtol=1e-13)
    np.testing.assert_allclose(plain.quantities, compiled.quantities, rtol=1e-12, atol=1e-18)


@pytest.mark.parametrize("name", ["vectorbt", "cvxportfolio"])
@pytest.mark.parametrize(
    "wrong",
    [{"costs": CostModel(borrow_rate=0.0, slippage_bps=4.99)}, {"execution": Execution(lag=1)},
     {"execution": Execution(convention=Convention.NEXT_CLOSE)}, {"execution": Execution(buffer=1e-6)}],
)  # fmt: skip
def test_a_book_that_is_not_the_same_is_told_apart(name: str, wrong: dict[str, Any]) -> None:
    """A hundredth of a basis point, a row, a convention, a millionth of the weights: all far above the tolerance."""
    panel, path = world(3, rows=60, names=5)
    right = played("custom", panel, path, COSTS, Execution())
    given = {"costs": COSTS, "execution": Execution()} | wrong
    theirs = played(name, panel, path, given["costs"], given["execution"])
    rows = min(len(theirs.equity), len(right.equity))
    assert np.abs(theirs.equity[-rows:] / right.equity[-rows:] - 1.0).max() > 10.0 * WITHIN
