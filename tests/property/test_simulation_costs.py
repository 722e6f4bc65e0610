"""What costs do to a book, whatever its prices: they only hurt, idle cash earns, size matters where a rule says so."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.simulated_books import Scenario, make_panel, scenario
from property.test_simulation_custom import CONVENTIONS, SEEDS, quick
from tvquant.core.books import Convention, CostModel, FeeTier, WeightPath
from tvquant.core.instruments import Kind
from tvquant.core.panel import Floats, Panel
from tvquant.simulation.accruals import gross_equity

FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0, assumed_funding_bps=0.0)


def costs_of(kind: str, rate: float, panel: Panel) -> CostModel:
    """Costs of one kind at a rate from 0 to .1: the higher, the dearer."""
    lent = [one.symbol for one in panel.instruments if Kind.SWAP not in one.kinds]
    keys: dict[str, Any] = {
        "slippage": {"slippage_bps": 1e4 * rate},
        "commission": {"commission_bps": 1e4 * rate},
        "tiers": {"tiers": (FeeTier(traded=0.0, maker_bps=0.0, taker_bps=1e4 * rate),)},
        "impact": {"impact": 100.0 * rate},
        "borrow": {"borrow_rate": 10.0 * rate},
        "borrow_rates": {"borrow_rates": tuple((symbol, 10.0 * rate) for symbol in lent)},
        "funding": {"assumed_funding_bps": 1e3 * rate},
        "cash_yield": {"cash_yield": 0.5 - 10.0 * rate},
    }
    return replace(FREE, **keys[kind])


KINDS = ("slippage", "commission", "tiers", "impact", "borrow", "borrow_rates", "funding", "cash_yield")


def bought_once(seed: int, convention: Convention) -> Scenario:
    """A world in which one decision is filled and held, long and short, with borrowed cash at times; no close-outs."""
    world = scenario(seed, convention, rough=False, gross=1.6)
    shape = world.panel.fields["close"].shape
    rng = np.random.default_rng(seed)
    fields = {name: values for name, values in world.panel.fields.items() if name != "total_return"}
    fields["volume"] = rng.uniform(1e3, 1e5, shape)
    instruments = world.panel.instruments
    panel = make_panel(world.panel.times, instruments, fields, world.panel.tradable)
    path = WeightPath(keys=panel.keys, decided=np.array([3]), net=world.path.net[:1])
    execution = replace(world.execution, nav=1e6, lag=0)
    return replace(world, panel=panel, path=path, execution=execution, payments=((),) * len(instruments), costs=FREE)


@CONVENTIONS
@pytest.mark.parametrize("kind", KINDS)
@given(seed=SEEDS, low=st.floats(0, 0.05), more=st.floats(0, 0.05))
@quick
def test_a_dearer_rate_never_leaves_more(kind: str, convention: Convention, seed: int, low: float, more: float) -> None:
    """Of a book that is bought once: what it holds is fixed before anything is paid, so the dearer one has less."""
    world = bought_once(seed, convention)
    pair = [costs_of(kind, rate, world.panel) for rate in (low, low + more)]
    cheap, dear = (replace(world, costs=one).play().equity for one in pair)
    assert (dear <= cheap * (1.0 + 1e-12) + 1e-15).all()


@CONVENTIONS
@given(seed=SEEDS)
@quick
def test_zero_weights_earn_exactly_what_cash_does(convention: Convention, seed: int) -> None:
    world = scenario(seed, convention)
    rates = np.random.default_rng(seed).normal(0.03, 0.2, len(world.panel.times))
    nothing = replace(world.path, net=np.zeros_like(world.path.net))
    result = replace(world, path=nothing, costs=replace(world.costs, cash_yield=rates)).play()
    days = np.diff(result.times) / np.timedelta64(1, "D")
    growth = np.cumprod([1.0, *(1.0 + rates[len(rates) - len(days) :] * days / 365.0)])
    np.testing.assert_allclose(result.equity, growth, rtol=1e-13)
    assert not any(amounts.any() for kind, amounts in result.costs.items() if kind != "cash_yield")


@CONVENTIONS
@given(seed=SEEDS)
@quick
def test_size_matters_where_a_rule_names_it_and_nowhere_else(convention: Convention, seed: int) -> None:
    world = scenario(seed, convention)
    plain = replace(world, costs=replace(world.costs, tiers=(), maker_share=0.0, impact=0.0))

    def equity(of: Scenario, nav: float) -> Floats:
        return replace(of, execution=replace(of.execution, nav=nav)).play().equity

    np.testing.assert_array_equal(equity(plain, 1e3), equity(plain, 1e9))
    once = bought_once(seed, convention)
    moved = replace(once, costs=replace(FREE, impact=1.0))
    small, big = (replace(moved, execution=replace(moved.execution, nav=nav)).play() for nav in (1e4, 4e4))
    np.testing.assert_allclose(big.costs["impact"], 2.0 * small.costs["impact"], rtol=1e-12)


@CONVENTIONS
@pytest.mark.requirement("R-SIM-09")
@given(seed=SEEDS)
@quick
def test_a_short_never_loses_more_than_its_collateral(convention: Convention, seed: int) -> None:
    """One short, posted at its fill and without dividends: before costs no more is gone than the value that it had."""
    world = bought_once(seed, convention)
    rng = np.random.default_rng(seed)
    close = 50.0 * np.exp(rng.normal(0.05, 0.5, world.panel.tradable.shape).cumsum(axis=0))
    fields = {"close": close, "open": close * np.exp(rng.normal(0.0, 0.4, close.shape)), "volume": close}
    panel = make_panel(world.panel.times, world.panel.instruments, fields, world.panel.tradable)
    net = np.zeros_like(world.path.net)
    net[0, 0] = -0.5
    result = replace(world, panel=panel, path=replace(world.path, net=net), costs=CostModel()).play()
    posted = (
        -0.5 / close[3, 0] * -fields["open" if convention is Convention.NEXT_OPEN else "close"][result.filled[0], 0]
    )
    assert (gross_equity(result) >= 1.0 - posted - 1e-12).all()
    assert result.quantities[-1, 0] == 0.0 or (close[result.filled[0] :, 0] < 2.0 * posted / 0.5 * close[3, 0]).all()
