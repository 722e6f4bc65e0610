"""The simulator `custom` against a plain-Python referee, and what must hold for every book."""

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders.ordering import with_rules
from builders.simulated_books import DAY, Referee, assert_equal_books, make_panel, scenario, simulate
from tvquant.core.books import Convention, CostModel, Execution, Spread, WeightPath
from tvquant.core.instruments import Instrument, Kind

SEEDS = st.integers(0, 2**32 - 1)
PART = 2 if os.environ.get("TVQUANT_PROOF") else 4
quick = settings(
    max_examples=settings().max_examples // PART, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
CONVENTIONS = pytest.mark.parametrize("convention", list(Convention))


@CONVENTIONS
@pytest.mark.requirement("R-SIM-07")
@given(seed=SEEDS)
@quick
def test_equals_the_referee(convention: Convention, seed: int) -> None:
    world = scenario(seed, convention)
    assert_equal_books(world.play(), Referee(world).play())
    ruled = with_rules(world, seed)
    assert_equal_books(ruled.play(), Referee(ruled).play())


def test_the_worlds_have_everything_in_them() -> None:
    """The referee proves nothing about what never happens: 180 fixed worlds, equal, with every kind of event."""
    seen: dict[str, int] = {}
    for seed in range(180):
        world = scenario(seed, list(Convention)[seed % 3], gross=1.5 + seed % 3)
        world = with_rules(world, seed) if seed >= 120 else world
        result = world.play()
        assert_equal_books(result, Referee(world).play())
        for kind in (
            *(e.kind for e in result.events),
            *(k for k, v in result.costs.items() if v.any()),
            *result.stamps,
        ):
            seen[kind] = seen.get(kind, 0) + 1
        rules = world.execution
        for rule, there in (
            ("lag", rules.lag > 0),
            ("tiers", world.costs.tiers),
            (world.costs.spread, True),
            ("daily", rules.rebalancing == "daily"),
            ("band", rules.band > 0.0),
            ("partial", rules.partial < 1.0),
            ("lots", rules.lots),
            ("all of them", rules.band > 0.0 and rules.partial < 1.0 and rules.lots),
        ):
            seen[rule] = seen.get(rule, 0) + bool(there)
    kinds = ("unfilled", "closed_out", "collateral_lost", "margin_call", "liquidated", "slippage", "commission",
             "borrow", "cash_yield", "overdraft", "funding", "assumed_funding", "impact", "tiers",
             *Spread, "lag", "optimistic_execution", "research_only", "partly_filled", "late_fill", "assumed_metadata",
             "daily", "band", "partial", "lots", "all of them")  # fmt: skip
    assert all(seen.get(kind, 0) >= 4 for kind in kinds), seen


@CONVENTIONS
@given(seed=SEEDS)
@quick
def test_equity_changes_by_prices_dividends_and_costs_alone(convention: Convention, seed: int) -> None:
    world = scenario(seed, convention)
    result, panel = world.play(), world.panel
    rows = int(np.argmin(result.equity > 0)) if result.failure else len(result.equity)
    first, place = len(panel.times) - len(result.times), {key: j for j, key in enumerate(panel.keys)}
    marks = np.nan_to_num(result.marks)
    before, held, mark = 1.0, np.zeros(len(place)), np.zeros(len(place))
    for r in range(rows):
        t = first + r
        split = panel.fields["split"][t]
        held, mark = held * split, mark / split
        price = panel.fields["open" if convention is Convention.NEXT_OPEN else "close"][t].copy()
        never = ~(panel.fields["open"][: t + 1] > 0.0).any(axis=0)
        price[never] = panel.fields["close"][t, never]  # filled late
        for event in result.events:
            if event.row == t and event.kind == "closed_out":
                price[place[event.key]] = event.price
        forced = [(e.value * before, place[e.key], e.price) for e in result.events
                  if e.row == t and e.kind in ("collateral_lost", "margin_call")]  # fmt: skip
        moved = result.quantities[r] - held
        for value, j, at in forced:
            moved[j] += value / at
        moved = np.where(np.abs(moved) * marks[r] < 1e-14, 0.0, moved)
        gain = result.quantities[r] @ marks[r] - held @ mark - (moved * np.where(moved == 0, 0.0, price)).sum()
        gain += sum(value for value, _, _ in forced)
        gain += held @ panel.fields["dividend"][t]
        cost = sum(amounts[r] for amounts in result.costs.values())
        scale = 1 + np.abs(result.quantities[r]) @ marks[r] + np.abs(held) @ mark + abs(before)
        assert result.equity[r] - before == pytest.approx(gain - cost, abs=1e-12 * scale)
        assert result.equity[r] == pytest.approx(result.cash[r] + result.quantities[r] @ marks[r], abs=1e-12 * scale)
        before, held, mark = result.equity[r], result.quantities[r], marks[r]


@CONVENTIONS
@pytest.mark.requirement("R-SIM-09")
@given(seed=SEEDS)
@quick
def test_equity_is_never_below_zero(convention: Convention, seed: int) -> None:
    result = scenario(seed, convention, gross=4.0).play()
    assert (result.equity >= 0).all()
    assert (result.returns >= -1).all()
    assert np.isfinite(result.returns).all()
    assert (result.failure == "liquidated") == (result.equity[-1] == 0) == (result.equity.min() == 0)
    np.testing.assert_allclose(np.cumprod(1 + result.returns), result.equity, rtol=1e-9, atol=1e-12)


def rates_to(costs: CostModel, rows: int, rng: np.random.Generator | None = None) -> CostModel:
    """The costs with yields of cash to a row; beyond it none are left, or others where there is a generator."""
    if not np.ndim(costs.cash_yield):
        return costs
    kept = np.asarray(costs.cash_yield).copy()
    if rng is None:
        return replace(costs, cash_yield=kept[:rows])
    kept[rows:] = rng.normal(0.0, 0.3, len(kept) - rows)
    return replace(costs, cash_yield=kept)


@CONVENTIONS
@pytest.mark.requirement("R-SIM-03")
@given(seed=SEEDS, cut=st.floats(0, 1))
@quick
def test_later_rows_never_change_earlier_ones(convention: Convention, seed: int, cut: float) -> None:
    world = scenario(seed, convention)
    whole, panel = world.play(), world.panel
    first = len(panel.times) - len(whole.times)
    rows = first + 1 + int(cut * (len(whole.times) - 1))
    rng = np.random.default_rng(seed)
    fields = {name: values.copy() for name, values in panel.fields.items() if name != "total_return"}
    for array in fields.values():
        array[rows:] = rng.uniform(0.5, 90, array[rows:].shape)
    fields["high"][rows:], fields["low"][rows:] = 95.0, 0.4
    tradable = panel.tradable.copy()
    tradable[rows:] = True
    scrambled = make_panel(panel.times, panel.instruments, fields, tradable)
    cut_path = replace(
        world.path, decided=(d := world.path.decided[world.path.decided < rows]), net=world.path.net[: len(d)]
    )
    ends = panel.known_at[rows - 1, 0]
    shorter = panel.until(ends)
    worlds = [replace(world, panel=scrambled, costs=rates_to(world.costs, rows, rng))]
    if shorter.keys == panel.keys:
        worlds.append(replace(world, panel=shorter, path=cut_path, costs=rates_to(world.costs, rows)))
    for other in worlds:
        result = other.play()
        n = rows - first
        for name in ("returns", "equity", "cash", "quantities", "marks"):
            np.testing.assert_array_equal(getattr(result, name)[:n], getattr(whole, name)[:n], err_msg=name)
        known = [e for e in whole.events if e.row < rows]
        assert [e for e in result.events if e.row < rows] == known


@CONVENTIONS
@given(seed=SEEDS, scale=st.sampled_from([1e-6, 1e3, 1e9]))
@quick
def test_the_unit_of_prices_does_not_matter(convention: Convention, seed: int, scale: float) -> None:
    world = scenario(seed, convention)
    priced = {name: world.panel.fields[name] * scale for name in ("close", "open", "high", "low", "dividend")}
    priced["volume"] = world.panel.fields["volume"] / scale
    fields = {name: values for name, values in world.panel.fields.items() if name != "total_return"} | priced
    panel = make_panel(world.panel.times, world.panel.instruments, fields, world.panel.tradable)
    result, scaled = world.play(), replace(world, panel=panel).play()
    np.testing.assert_allclose(scaled.equity, result.equity, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(scaled.quantities * scale, result.quantities, rtol=1e-9, atol=1e-12)


@CONVENTIONS
@given(seed=SEEDS)
@quick
def test_the_order_of_names_does_not_matter(convention: Convention, seed: int) -> None:
    world = scenario(seed, convention)
    order = np.random.default_rng(seed).permutation(len(world.path.keys))
    path = replace(world.path, keys=tuple(world.path.keys[j] for j in order), net=world.path.net[:, order])
    result, other = world.play(), replace(world, path=path).play()
    np.testing.assert_allclose(other.equity, result.equity, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(other.quantities, result.quantities[:, order], rtol=1e-12, atol=1e-12)


@CONVENTIONS
@given(seed=SEEDS, bps=st.floats(0, 500))
@quick
def test_a_single_trade_costs_exactly_its_notional_times_the_rate(
    convention: Convention, seed: int, bps: float
) -> None:
    """With one fill, no close-out and no interest, final equity falls by rate x traded, whatever the signs."""
    world = scenario(seed, convention, rough=False, gross=0.5)
    path = WeightPath(keys=world.path.keys, decided=np.array([0]), net=world.path.net[:1])
    costs = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0)
    free = replace(world, path=path, costs=costs).play()
    charged = replace(world, path=path, costs=replace(costs, slippage_bps=bps)).play()
    if charged.failure is None:
        assert charged.equity[-1] == pytest.approx(free.equity[-1] - bps * 1e-4 * free.traded[0], rel=1e-12, abs=1e-12)


@given(seed=SEEDS, low=st.floats(0, 100), more=st.floats(0, 100))
@quick
def test_costs_only_hurt_an_unlevered_long_book(seed: int, low: float, more: float) -> None:
    """Under same_close, weights >= 0 that leave 5 % cash, prices that at most halve or double between decisions.

    Then a higher rate never ends higher: the poorer book holds less of everything, and what it saves on its smaller
    trades (at most 1 % of the gap in each of value and target) is less than the gap itself. Without these bounds it
    is false: who has less to lose may end with more.
    """
    rng = np.random.default_rng(seed)
    rows, names = 20, 4
    close = 10 * np.cumprod(rng.uniform(0.5, 2.0, (rows, names)), axis=0)
    times = np.datetime64("2020-01-01", "us") + np.arange(rows) * DAY
    spot = frozenset({Kind.SPOT})
    instruments = tuple(Instrument(symbol=f"X:N{j}", kinds=spot, currency="USD", calendar="24x7") for j in range(names))
    panel = make_panel(times, instruments, {"close": close}, np.ones(close.shape, bool))
    net = rng.dirichlet(np.ones(names), rows) * rng.uniform(0, 0.95, (rows, 1))
    path = WeightPath(keys=panel.keys, decided=np.arange(rows), net=net)
    ends = [
        simulate(panel, path, costs=CostModel(slippage_bps=bps, commission_bps=0.0),
                 execution=Execution(convention=Convention.SAME_CLOSE)).equity
        for bps in (min(low, 100.0), min(low + more, 100.0))
    ]  # fmt: skip
    assert (ends[1] <= ends[0] * (1 + 1e-12)).all()
