"""The account of several sleeves: never below zero, all of it told, and costs only hurt."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.held_sleeves import held_sleeve, moving_market
from builders.netting import meta_path, union_rules
from tvquant.core.books import Convention, CostModel, Execution
from tvquant.tournament.sleeves.gap import Gap, Kept, Mixed, gap
from tvquant.tournament.sleeves.join import joined
from tvquant.tournament.sleeves.netting import netted
from tvquant.tournament.sleeves.replicas import played
from tvquant.tournament.walk_forward import weight_path

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
