"""What cvxportfolio's simulator has to be told: accruals by row, marks at closes, borrowed cash, the end of a book."""

import logging

import numpy as np
import pytest

from builders.hand_books import FREE, hand_book
from builders.panels import instrument, panel_of
from builders.simulators import played
from tvquant.core.books import Convention, CostModel, Execution, Rebalancing, WeightPath
from tvquant.core.errors import ModelError
from tvquant.core.instruments import Kind

pytestmark = pytest.mark.xdist_group("engine libraries")

KINDS = (Kind.STOCK, Kind.SWAP, Kind.SPOT)


def world(gross: float, bias: float):
    """Days of one to three, stocks, swaps that pay early and late with bare hours between, and coins."""
    rng = np.random.default_rng(5)
    shape = rows, columns = 60, 6
    names = [instrument(f"N{j}", kind=KINDS[j % 3]) for j in range(columns)]
    swaps = np.array([Kind.SWAP in one.kinds for one in names])
    close = 100.0 * np.exp(rng.normal(0.0, 0.012, shape).cumsum(axis=0))
    rates = np.where(swaps, rng.normal(0.0, 3e-4, shape), np.nan)
    panel = panel_of(
        {
            "close": close, "open": close * np.exp(rng.normal(0.0, 0.004, shape)),
            "funding": rates, "funding_hours": np.where(swaps, rng.integers(0, 25, shape), np.nan),
            "funding_early": 0.3 * rates, "funding_early_hours": np.where(swaps, rng.integers(0, 9, shape), np.nan),
        },
        names=names,
        times=np.datetime64("2020-01-01", "us") + rng.integers(1, 4, rows).cumsum() * np.timedelta64(1, "D"),
    )  # fmt: skip
    decided = np.arange(1, rows, 7)
    net = rng.normal(bias, 1.0, (len(decided), columns)) * (rng.random((len(decided), columns)) < 0.8)
    net *= gross / np.abs(net).sum(axis=1, keepdims=True)
    return panel, WeightPath(keys=panel.keys, decided=decided, net=net)


@pytest.mark.requirement("R-SIM-10")
@pytest.mark.requirement("R-SIM-17")
@pytest.mark.parametrize("convention", list(Convention))
@pytest.mark.parametrize(
    ("lag", "rebalancing", "gross", "bias"),
    [(0, "window", 1.0, 0.0), (9, "window", 1.5, 1.0), (2, "daily", 1.5, 1.0)],
)
def test_every_figure_is_that_of_custom(
    convention: Convention, lag: int, rebalancing: str, gross: float, bias: float
) -> None:
    """Borrowed names and cash, funding told and assumed, decisions that overlap: both know it all."""
    panel, path = world(gross, bias)
    earned = np.random.default_rng(6).uniform(-0.01, 0.06, len(panel.times))
    own = (("X:N0", 0.3), ("X:N2", 0.0))
    costs = CostModel(borrow_rate=0.05, assumed_funding_bps=2.0, cash_yield=earned, borrow_rates=own)
    rules = Execution(convention=convention, lag=lag, rebalancing=Rebalancing(rebalancing))
    ours, theirs = (played(name, panel, path, costs, rules) for name in ("custom", "cvxportfolio"))
    assert not ours.events
    for figure in ("returns", "equity", "cash", "quantities", "marks", "filled", "fill_equity", "traded", "turnover",
                   "assumed_funding"):  # fmt: skip
        given = getattr(theirs, figure)
        np.testing.assert_allclose(given, getattr(ours, figure), rtol=1e-12, atol=1e-13, err_msg=figure)
    for kind, amounts in ours.costs.items():
        np.testing.assert_allclose(theirs.costs[kind], amounts, rtol=0, atol=1e-14, err_msg=kind)
        charged = kind in ("slippage", "commission", "borrow", "funding", "cash_yield") or (
            kind == "overdraft" and gross > 1.0
        )
        assert amounts.any() == charged
    assert theirs.stamps == ours.stamps


def test_a_value_of_nothing_stops_it_and_is_told() -> None:
    book = hand_book("gone", {"A": [100.0, 90.0, 40.0, 50.0]}, {0: {"A": 2.0}}, [])
    with pytest.raises(ModelError, match=r"cvxportfolio refuses ruin: equity is nothing or less at 2020-01-03"):
        played("cvxportfolio", book.panel, book.path, FREE, book.execution)


def test_it_leaves_the_logs_as_they_were() -> None:
    book = hand_book("one", {"A": [100.0, 90.0]}, {0: {"A": 0.5}}, [])
    log, root = logging.getLogger("cvxportfolio"), logging.getLogger()
    before = (log.level, root.level, list(root.handlers))
    played("cvxportfolio", book.panel, book.path, FREE, book.execution)
    assert (log.level, root.level, list(root.handlers)) == before
