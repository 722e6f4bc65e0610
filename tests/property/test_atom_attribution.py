"""What atoms brought adds up to the return of the book, window by window and over the whole, in any world."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.ordering import with_rules
from builders.rebalances import rebalance_with
from builders.simulated_books import Scenario, make_panel, scenario
from property.test_accruals import ledger
from property.test_simulation_custom import CONVENTIONS, SEEDS, quick
from tvquant.core.books import Convention, Rebalancing, SimResult
from tvquant.simulation.preflight import decisions_filled
from tvquant.tournament.atom_attribution import attribution
from tvquant.tournament.rebalances import Rebalance


def rebalances(world: Scenario, seed: int) -> list[Rebalance]:
    """Two atoms of each name, a long and a short one, whose orders leave what the path holds."""
    draw, made = np.random.default_rng(seed), []
    for k, (row, net) in enumerate(zip(world.path.decided.tolist(), world.path.net, strict=True)):
        both = draw.uniform(0, 0.3, len(net)) * (draw.random(len(net)) < 0.5) * (net != 0.0)
        held = [
            (f"{key}_hold_{direction}", key, direction, size, 1.0)
            for key, weight, beside in zip(world.path.keys, net.tolist(), both.tolist(), strict=True)
            for direction, size in (("LONG", max(weight, 0.0) + beside), ("SHORT", max(-weight, 0.0) + beside))
        ]
        columns = zip(
            ("atom", "symbol", "direction", "weight", "gate"), map(list, zip(*held, strict=True)), strict=True
        )
        made.append(rebalance_with(world.panel, row, dict(columns), window=k, weights={}))
    return made


def brought(world: Scenario, result: SimResult, seed: int) -> dict[str, np.ndarray]:
    paid, made = ledger(world, result)
    found = attribution(paid, rebalances(world, seed), made)
    return {name: np.asarray(values) for name, values in found.items()}


def levels(world: Scenario, result: SimResult) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the decisions that were filled, and equity at the first fill of each and at the end."""
    decision = decisions_filled(world.path.decided, result.filled, world.execution)
    first = np.flatnonzero(np.diff(decision, prepend=-1))
    return decision[first], np.append(result.fill_equity[first], result.equity[-1])


@CONVENTIONS
@given(seed=SEEDS, rules=st.sampled_from(["", "daily", "all"]), gross=st.sampled_from([1.0, 3.0]))
@quick
def test_parts_add_up_to_the_return(convention: Convention, seed: int, rules: str, gross: float) -> None:
    world = scenario(seed, convention, gross=gross)
    if rules == "all":
        world = with_rules(world, seed)
    if rules == "daily":
        world = replace(world, execution=replace(world.execution, rebalancing=Rebalancing.DAILY, buffer=0.1))
    result = world.play()
    found = brought(world, result, seed)
    decision, level = levels(world, result)
    costs = sum(found[kind] for kind in result.costs)
    np.testing.assert_allclose(found["gross"] - costs, found["net"], atol=1e-12)
    for k, (number, start, end) in enumerate(zip(decision, level[:-1], level[1:], strict=True)):
        mine = found["decision"] == number
        assert found["net"][mine].sum() == pytest.approx(end / start - 1.0, abs=1e-10 * (1 + gross) / start), k
    scale = 1e-10 * (1.0 + gross) * max(1.0, level.max())
    assert (found["net"] * found["level"]).sum() == pytest.approx(result.equity[-1] - 1.0, abs=scale)
    for kind, amounts in result.costs.items():
        assert (found[kind] * found["level"]).sum() == pytest.approx(amounts.sum(), abs=1e-12 * len(amounts)), kind


@CONVENTIONS
@given(seed=SEEDS, daily=st.booleans())
@quick
def test_without_accidents_atoms_explain_all(convention: Convention, seed: int, daily: bool) -> None:
    """No order lapses, so the book held what was ordered; collateral that is lost is lost by atoms, too."""
    world = scenario(seed, convention, rough=False)
    if daily:
        world = replace(world, execution=replace(world.execution, rebalancing=Rebalancing.DAILY, buffer=0.1))
    result = world.play()
    found = brought(world, result, seed)
    if result.failure is None:
        assert not found["gross"][found["part"] == "execution"].any()


@given(seed=SEEDS, rough=st.booleans())
@quick
def test_a_name_without_opens_is_held_until_the_close_of_its_fill(seed: int, rough: bool) -> None:
    """Its order waits for the close: until there its old quantity earns, and costs and funding are of that."""
    world = scenario(seed, Convention.NEXT_OPEN, rough=rough)
    fields = {name: block.copy() for name, block in world.panel.fields.items() if name != "total_return"}
    fields["open"][:, 0] = np.nan
    panel = make_panel(world.panel.times, world.panel.instruments, fields, world.panel.tradable)
    world = replace(world, panel=panel)
    result = world.play()
    paid, _ = ledger(world, result)
    for kind, amounts in result.costs.items():
        np.testing.assert_allclose(paid.of(kind).sum(axis=1), amounts, atol=1e-12, rtol=0, err_msg=kind)
    found = brought(world, result, seed)
    scale = 1e-10 * max(1.0, result.equity.max())
    assert (found["net"] * found["level"]).sum() == pytest.approx(result.equity[-1] - 1.0, abs=scale)
