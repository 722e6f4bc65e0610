"""The simulator `custom` equals vectorbt's `from_orders` with target percent, where vectorbt can say the same."""

from typing import Any

import numpy as np
import pytest

from builders.panels import instruments, panel_of
from tvquant.core.books import Convention, CostModel, Execution, WeightPath
from tvquant.core.instruments import Kind
from tvquant.core.panel import Basis, Panel
from tvquant.simulation import SIMULATORS

pytestmark = [pytest.mark.xdist_group("documentation"), pytest.mark.requirement("R-SIM-10")]

ROWS, NAMES, EVERY = 200, 8, 20


@pytest.fixture(scope="module")
def world() -> tuple[Panel, WeightPath]:
    """Random walks, and long/short weights with gross 1 every 20 rows: vectorbt has no margin account.

    Shares, without a borrow fee, and none doubles between two fills: vectorbt knows neither funding nor collateral.
    """
    rng = np.random.default_rng(11)
    close = 100.0 * np.exp(np.cumsum(rng.normal(2e-4, 0.015, (ROWS, NAMES)), axis=0))
    fields = {"close": close, "open": close * np.exp(rng.normal(0.0, 0.004, close.shape))}
    panel = panel_of(fields, names=instruments(NAMES, kind=Kind.STOCK), basis=Basis.TOTAL)
    decided = np.arange(0, ROWS, EVERY)
    net = rng.normal(0.3, 1.0, (len(decided), NAMES)) * (rng.random((len(decided), NAMES)) < 0.8)
    net /= np.abs(net).sum(axis=1, keepdims=True)
    return panel, WeightPath(keys=panel.keys, decided=decided, net=net)


@pytest.mark.parametrize("convention", list(Convention))
def test_equity_and_holdings_equal_vectorbt(
    world: tuple[Panel, WeightPath], vectorbt: Any, convention: Convention
) -> None:
    import pandas as pd

    panel, path = world
    costs = CostModel(borrow_rate=0.0)
    ours = SIMULATORS["custom"].simulate(panel, path, costs=costs, execution=Execution(convention=convention))
    index = pd.DatetimeIndex(panel.times)
    close, opens = (pd.DataFrame(panel.fields[name], index=index) for name in ("close", "open"))
    targets = pd.DataFrame(np.nan, index=index, columns=close.columns)
    targets.iloc[path.decided] = path.net
    # Units are fixed at the decision's close: one row later vectorbt sizes with that close by val_price.
    later = {} if convention is Convention.SAME_CLOSE else {"val_price": close.shift(1)}
    theirs = vectorbt.Portfolio.from_orders(
        close,
        targets.shift(1) if later else targets,
        price=opens if convention is Convention.NEXT_OPEN else close,
        size_type="targetpercent", direction="both", group_by=True, cash_sharing=True, call_seq="auto",
        fees=costs.per_notional, slippage=0.0, init_cash=1.0, freq="1D", **later,
    )  # fmt: skip
    assert not ours.events
    first = int(ours.filled[0])
    np.testing.assert_allclose(ours.equity, theirs.value().to_numpy()[first:], rtol=1e-9)
    np.testing.assert_allclose(ours.quantities, theirs.assets().to_numpy()[first:], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours.cash, theirs.cash().to_numpy()[first:], rtol=1e-9)
    fees = ours.costs["slippage"].sum() + ours.costs["commission"].sum()
    assert fees == pytest.approx(theirs.orders.records["fees"].sum(), rel=1e-9)
