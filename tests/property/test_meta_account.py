"""The account of several sleeves: never below zero, all of it told, and costs only hurt."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.held_sleeves import held_sleeve, moving_market
from builders.netting import meta_path, union_rules
from builders.panels import days, instrument, panel_of
from tvquant.core.books import Convention, CostModel, Execution
from tvquant.core.calendars import CRYPTO, NEW_YORK
from tvquant.core.instruments import Kind
from tvquant.core.panel import Panel
from tvquant.tournament.path_holdings import weight_path
from tvquant.tournament.sleeves.account import account_panel
from tvquant.tournament.sleeves.gap import Gap, Kept, Mixed, gap
from tvquant.tournament.sleeves.join import joined
from tvquant.tournament.sleeves.netting import decision_times, netted
from tvquant.tournament.sleeves.replicas import played
from tvquant.tournament.sleeves.shares import mix_levels

FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0, assumed_funding_bps=0.0)
TRADED = CostModel(slippage_bps=20.0, commission_bps=10.0, borrow_rate=0.0, assumed_funding_bps=0.0)


def settled(seed: int, costs: CostModel, convention: Convention, *, capped: bool) -> tuple[Gap, Kept]:
    """Return the account of three sleeves that share four coins, decide when they will, and are weighed three times."""
    rng = np.random.default_rng(seed)
    panel, execution = moving_market(4, 50, seed=seed), Execution(convention=convention)

    def sizes() -> dict[str, float]:
        chosen = rng.choice(4, rng.integers(1, 4), replace=False)
        given = rng.dirichlet(np.ones(len(chosen))) * rng.uniform(0.3, 1.0)
        return {f"X:N{j} {rng.choice(['LONG', 'SHORT'])}": float(size) for j, size in zip(chosen, given, strict=True)}

    def decided() -> dict[int, dict[str, float]]:
        return {0: {}} | {int(row): sizes() for row in np.sort(rng.choice(np.arange(1, 45), 4, replace=False))}

    sleeves = [held_sleeve(name, panel, decided(), costs=costs, execution=execution) for name in ("a", "b", "c")]
    path = meta_path(sleeves, {row: (rng.dirichlet(np.ones(4))[:3]).tolist() for row in (0, 15, 30)})
    book = netted(sleeves, path, panel, union_rules(**({"position": 0.2, "gross": 0.7} if capped else {})))
    result = played(panel, weight_path(panel, book.rebalances), costs, execution)
    kept = Kept(book=book, panel=panel, costs=costs, execution=execution, result=result)
    return gap(Mixed(sleeves=sleeves, joined=joined(sleeves), path=path), kept), kept


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from(Convention), st.booleans())
def test_the_account_is_whole_and_costs_only_hurt(seed: int, convention: Convention, capped: bool) -> None:
    found, kept = settled(seed, TRADED, convention, capped=capped)
    result = kept.result
    held = np.nansum(result.quantities * result.marks, axis=1)
    np.testing.assert_allclose(held + result.cash, result.equity, rtol=1e-12)
    assert (result.equity >= 0.0).all()
    for one in kept.book.rebalances:
        assert sum(one.units.values()) + one.cash == pytest.approx(1.0, abs=1e-12)
    free = played(kept.panel, weight_path(kept.panel, kept.book.rebalances), FREE, kept.execution)
    assert (result.equity <= free.equity + 1e-12).all()
    assert found.netting >= -1e-12
    assert sum(found.table["value"][:-1]) == pytest.approx(found.account, abs=1e-12)
    assert found.account == pytest.approx(float(result.equity[-1]) - 1.0, abs=1e-15)
    assert (found.caps == 0.0) <= (not capped or bool((kept.book.tree.size == kept.book.tree.asked).all()))
    if convention is Convention.SAME_CLOSE:
        assert found.timing == pytest.approx(0.0, abs=1e-12)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.sampled_from(Convention))
def test_without_costs_and_caps_only_time_stands_between_mix_and_account(seed: int, convention: Convention) -> None:
    """And that it compounds: sizes go by the account's own equity."""
    found, _ = settled(seed, FREE, convention, capped=False)
    assert [found.netting, found.costs, found.caps] == pytest.approx([0.0] * 3, abs=1e-12)
    if convention is Convention.SAME_CLOSE:
        assert found.rest == pytest.approx(0.0, abs=1e-10)
    else:
        assert abs(found.rest) <= 0.5 * abs(found.timing) + 1e-3


def paying_market(rng: np.random.Generator, names: tuple[str, ...], kind: Kind, market: str, rows: int) -> Panel:
    """Return a market from 2 January 2024 on, of funds that pay and are split, or of swaps whose longs pay."""
    each = [instrument(name, kind=kind, calendar=market) for name in names]
    shape = rows, len(each)
    close = 100.0 * np.cumprod(1.0 + rng.normal(0.0, 0.03, shape), axis=0)
    fields = {"close": close, "open": close * (1.0 + rng.normal(0.0, 0.01, shape))}
    if kind is Kind.SWAP:
        fields |= {"funding": rng.normal(0.0, 1e-3, shape), "funding_hours": rng.choice([8.0, 24.0], shape)}
    else:
        split = np.where(rng.random(shape) < 0.1, 2.0, 1.0)
        fields = {name: values / np.cumprod(split, axis=0) for name, values in fields.items()}
        fields |= {"split": split, "dividend": np.where(rng.random(shape) < 0.1, 0.01 * fields["close"], 0.0)}
    return panel_of(fields, names=each, times=days(rows, start="2024-01-02", calendar=market))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.requirement("R-META-02", "R-META-11", "R-SIM-18")
def test_on_two_calendars_an_account_that_waits_for_nothing_is_the_mix_with_all_it_paid(seed: int) -> None:
    """Funds with dividends and splits, swaps with funding; a coin is decided on two Saturdays and a Sunday.

    Shared once, before anybody holds anything, and without a name in common: no part stands between the two.
    """
    rng = np.random.default_rng(seed)
    coins = paying_market(rng, ("A", "B"), Kind.SWAP, CRYPTO, 40)
    funds = paying_market(rng, ("E", "F"), Kind.ETF, NEW_YORK, 27)

    def sizes(*names: str) -> dict[str, float]:
        given = rng.dirichlet(np.ones(3))[:2]
        return {f"X:{n} {rng.choice(['LONG', 'SHORT'])}": float(one) for n, one in zip(names, given, strict=True)}

    costs, execution = replace(TRADED, assumed_funding_bps=1.0), Execution()
    decided = {
        "coin": {int(np.searchsorted(coins.times, np.datetime64(f"2024-{day}"))): sizes("A", "B")
                 for day in ("01-04", "01-13", "01-17", "01-20", "01-28", "02-02")},
        "fund": {int(np.searchsorted(funds.times, np.datetime64(f"2024-{day}"))): sizes("E", "F")
                 for day in ("01-04", "01-09", "01-16", "01-22")},
    }  # fmt: skip
    panels = {"coin": coins, "fund": funds}
    sleeves = [held_sleeve(name, panels[name], own, costs=costs, execution=execution) for name, own in decided.items()]
    common, path = joined(sleeves), meta_path(sleeves, {0: [0.55, 0.4]})
    grid = account_panel(panels, common.times, decision_times(sleeves, path), execution)
    assert len(grid.panel.times) == len(grid.measured) + int(grid.measured[0]) + 3
    assert not len(grid.waiting)
    book = netted(sleeves, path, grid.panel, union_rules())
    result = played(grid.panel, weight_path(grid.panel, book.rebalances), costs, execution)
    at = np.searchsorted(result.times, common.times[1:])
    np.testing.assert_allclose(result.equity[at], mix_levels(common, path)[1:], rtol=1e-12)
    assert result.costs["funding"].any()
    kept = Kept(book=book, panel=grid.panel, costs=costs, execution=execution, result=result)
    found = gap(Mixed(sleeves=sleeves, joined=common, path=path), kept)
    parts = [found.netting, found.costs, found.caps, found.timing, found.rest]
    assert parts == pytest.approx([0.0] * 5, abs=1e-12)
