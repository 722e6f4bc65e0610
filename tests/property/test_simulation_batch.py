"""Many books at once against the simulator `custom`, one by one, in random worlds with everything in them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.panels import instruments, panel_of
from builders.simulated_books import Scenario, scenario
from tvquant.core.books import Convention, CostModel, Execution, Rebalancing, SimResult, WeightPath
from tvquant.core.errors import ModelError, ProfileError
from tvquant.core.instruments import Kind
from tvquant.simulation import batch, batch_single
from tvquant.simulation.batch import BookPaths, play_books

SEEDS = st.integers(0, 2**32 - 1)
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def flat(seed: int, convention: Convention, gross: float = 1.5) -> Scenario:
    """A random world with what is taken of its costs and rules, all others as they are by default.

    Every name has an open when it has its first bar: nothing is filled late.
    """
    world = scenario(seed, convention, gross=gross)
    fields = {name: values for name, values in world.panel.fields.items() if name != "total_return"}
    never = ~np.logical_or.accumulate(fields["open"] > 0.0)
    fields["open"] = np.where(never, fields["close"], fields["open"])
    panel = replace(world.panel, fields=fields, _first_known=None)
    costs, execution = (
        type(given)(**{name: getattr(given, name) for name in batch.TAKEN[section]})
        for section, given in (("costs", world.costs), ("execution", world.execution))
    )
    return replace(world, panel=panel, costs=costs, execution=replace(execution, buffer=0.0))


def crowd(world: Scenario, paths: int, seed: int) -> np.ndarray:
    """Other weights for the same decisions, P x D x N: the first as they are, then some smaller, some turned around."""
    factors = np.random.default_rng(seed).uniform(-1.0, 1.0, (paths, *world.path.net.shape))
    factors[0] = 1.0
    return factors * world.path.net


def played(world: Scenario, net: np.ndarray, costs=None, **how) -> BookPaths:
    return play_books(
        world.panel, world.path.keys, world.path.decided, net,
        costs=world.costs if costs is None else costs, execution=world.execution, **how,
    )  # fmt: skip


def assert_same_book(books: BookPaths, k: int, one: SimResult) -> None:
    """Book k of many has every figure of the single one."""
    fills = len(one.filled)
    np.testing.assert_allclose(books.equity[:, k], one.equity, **CLOSE)
    np.testing.assert_allclose(books.returns[:, k], one.returns, **CLOSE)
    np.testing.assert_array_equal(books.times, one.times)
    assert books.fills[k] == fills
    np.testing.assert_array_equal(books.filled[:fills], one.filled)
    for name in ("fill_equity", "traded", "turnover"):
        figures = getattr(books, name)[:, k]
        np.testing.assert_allclose(figures[:fills], getattr(one, name), err_msg=name, **CLOSE)
        assert not figures[fills:].any()
    for kind, amounts in (*one.costs.items(), ("assumed_funding", one.assumed_funding)):
        total = books.costs[kind][k] if kind in books.costs else 0.0
        np.testing.assert_allclose(total, amounts.sum(), err_msg=kind, **CLOSE)
    found = [event.kind for event in one.events]
    assert {kind: int(counts[k]) for kind, counts in books.events.items()} == {
        kind: found.count(kind) for kind in books.events
    }


@pytest.mark.requirement("R-SIM-07")
@pytest.mark.requirement("R-SIM-09")
def test_every_book_is_that_of_custom() -> None:
    """In 60 fixed worlds, five books each, with every kind of event and cost, under two cost models at once."""
    seen: dict[str, int] = {}
    for seed in range(60):
        world = flat(seed, list(Convention)[seed % 3], gross=1.5 + seed % 4)
        net, dear = crowd(world, 5, seed), replace(world.costs, slippage_bps=80.0, commission_bps=0.0)
        books, stamps = played(world, net, (world.costs, dear)), set()
        for k in range(10):
            one = replace(world, path=replace(world.path, net=net[k // 2]), costs=(world.costs, dear)[k % 2]).play()
            assert_same_book(books, k, one)
            stamps |= one.stamps
            for what in (*(e.kind for e in one.events), *(kind for kind, v in one.costs.items() if v.any())):
                seen[what] = seen.get(what, 0) + 1
        assert books.stamps == stamps
    asked = (*batch_events(), "slippage", "commission", "borrow", "overdraft", "funding")
    assert all(seen.get(kind, 0) >= 6 for kind in asked), seen


def batch_events() -> tuple[str, ...]:
    return ("unfilled", "closed_out", "collateral_lost", "liquidated")


@pytest.mark.parametrize("convention", list(Convention))
@given(seed=SEEDS)
def test_a_book_depends_on_nothing_beside_it(convention: Convention, seed: int) -> None:
    """Alone, in a crowd, in chunks of another size, on two threads, in another place: equal to the last bit."""
    world = flat(seed, convention, gross=3.0)
    net = crowd(world, 11, seed)
    whole = played(world, net, positions=True)
    alone = played(world, net[:1], positions=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "CHUNK", 3)
        cut = played(world, net[::-1], threads=2, positions=True)
    for name in ("equity", "fill_equity", "traded", "turnover", "quantities", "fills"):
        figures = getattr(whole, name)
        np.testing.assert_array_equal(getattr(alone, name)[..., 0], figures[..., 0], err_msg=name)
        np.testing.assert_array_equal(getattr(cut, name)[..., ::-1], figures, err_msg=name)
    for kind, totals in whole.costs.items():
        np.testing.assert_array_equal(cut.costs[kind][::-1], totals, err_msg=kind)
        np.testing.assert_array_equal(alone.costs[kind], totals[:1], err_msg=kind)


@pytest.mark.parametrize("convention", list(Convention))
def test_a_single_plain_book_is_played_by_the_shorter_way_or_given_up(
    convention: Convention, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spot without holes, actions or interest: kept or given up, the book is that of custom."""
    kept, run = [], batch_single.run
    monkeypatch.setattr(batch_single, "run", lambda *given: kept.append(run(*given)) or kept[-1])
    for seed in range(40):
        rng = np.random.default_rng(seed)
        rows, names = int(rng.integers(12, 60)), int(rng.integers(1, 11))
        close = 50.0 * np.exp(rng.normal(0.0, rng.choice([0.02, 0.12]), (rows, names)).cumsum(axis=0))
        opens = close * np.exp(rng.normal(0.0, 0.03, close.shape))
        if seed % 8 == 0:
            opens[rng.random(close.shape) < 0.1] = np.nan
        panel = panel_of({"close": close, "open": opens}, names=instruments(names, kind=Kind.SPOT))
        decided = np.arange(int(rng.integers(0, 3)), rows, int(rng.integers(3, 20)))
        net = rng.normal(0.0, 1.0, (len(decided), names))
        net *= rng.choice([1.0, 3.0]) / np.abs(net).sum(axis=1, keepdims=True)
        path = WeightPath(keys=panel.keys, decided=decided, net=net)
        world = Scenario(panel, path, CostModel(borrow_rate=0.0), Execution(convention=convention))
        one, books = world.play(), played(world, net[None], positions=True)
        assert_same_book(books, 0, one)
        assert books.stamps == one.stamps
        assert kept[-1] == (not one.events)
        if kept[-1]:
            np.testing.assert_allclose(books.quantities[:, :, 0], one.quantities[one.filled - one.filled[0]], **CLOSE)
    assert len(kept) == 40
    assert 8 < sum(kept) < 36


@pytest.mark.parametrize("rest", [1, 20])
def test_a_single_book_that_is_ruined_between_fills_stays_so_when_prices_recover(rest: int) -> None:
    """Three times long loses 120 % in a row behind its only fill; it never sees the recovery."""
    panel = panel_of({"close": np.array([[100.0], [100.0], [60.0], *[[120.0]] * rest])}, names=instruments(1))
    path = WeightPath(keys=panel.keys, decided=np.array([0]), net=np.array([[3.0]]))
    free = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0)
    world = Scenario(panel, path, free, Execution(convention=Convention.SAME_CLOSE))
    books = played(world, path.net[None])
    assert books.equity[:, 0].tolist() == [1.0, 1.0, *[0.0] * (rest + 1)]
    assert books.events["liquidated"].tolist() == [1]


def test_positions_are_those_after_each_fill() -> None:
    for seed in range(12):
        world = flat(seed, list(Convention)[seed % 3])
        one, books = world.play(), played(world, world.path.net[None], positions=True)
        if not one.events:
            assert books.quantities is not None
            np.testing.assert_allclose(books.quantities[:, :, 0], one.quantities[one.filled - one.filled[0]], **CLOSE)


def test_paths_of_other_rows_and_names_are_played_in_groups_and_keep_their_places() -> None:
    world = flat(9, Convention.NEXT_CLOSE)
    whole, last = world.path, replace(world.path, decided=world.path.decided[1:], net=world.path.net[1:])
    turned = WeightPath(keys=whole.keys[::-1], decided=whole.decided, net=-whole.net[:, ::-1])
    paths = (whole, last, replace(whole, net=whole.net * 0.5), turned, replace(last, net=last.net * 2.0))
    found = batch.play_paths(world.panel, paths, costs=world.costs, execution=world.execution)
    for path, (books, column) in zip(paths, found, strict=True):
        assert_same_book(books, column, replace(world, path=path).play())
    assert [books is found[0][0] for books, _ in found] == [True, False, True, False, False]


def test_the_buffer_comes_off_every_weight() -> None:
    world = flat(4, Convention.NEXT_CLOSE)
    world = replace(world, execution=replace(world.execution, buffer=0.1))
    assert_same_book(played(world, world.path.net[None]), 0, world.play())


@pytest.mark.parametrize(
    ("costs", "execution", "named"),
    [
        (CostModel(cash_yield=0.03), Execution(), r"costs\.cash_yield is 0\.03"),
        (CostModel(borrow_rates=(("X:N0", 0.1),)), Execution(), r"costs\.borrow_rates"),
        (CostModel(impact=1.0), Execution(nav=1e6), r"costs\.impact is 1\.0"),
        (CostModel(), Execution(rebalancing=Rebalancing.DAILY), r"execution\.rebalancing"),
        (CostModel(), Execution(band=0.01), r"execution\.band is 0\.01"),
        (CostModel(), Execution(maintenance_margin=0.3), r"execution\.maintenance_margin is 0\.3"),
        (CostModel(slippage_bps=-1.0), Execution(), r"costs\.slippage_bps must be"),
    ],
)
def test_what_is_not_flat_is_refused_by_name(costs: CostModel, execution: Execution, named: str) -> None:
    world = flat(1, Convention.NEXT_CLOSE)
    with pytest.raises(ProfileError, match=named):
        play_books(
            world.panel, world.path.keys, world.path.decided, world.path.net[None],
            costs=(CostModel(), costs), execution=execution,
        )  # fmt: skip


def test_a_name_that_is_filled_late_is_refused_by_name() -> None:
    world = flat(1, Convention.NEXT_OPEN)
    fields = {name: values for name, values in world.panel.fields.items() if name != "total_return"}
    fields["open"] = np.where(np.arange(len(world.panel.keys)) == 0, np.nan, fields["open"])
    late = replace(world, panel=replace(world.panel, fields=fields, _first_known=None))
    with pytest.raises(ProfileError, match=rf"{late.panel.keys[0]} has no open by row .* next_close"):
        played(late, world.path.net[None])


def test_a_weight_of_any_path_that_cannot_be_traded_is_refused() -> None:
    worlds = (flat(seed, Convention.NEXT_CLOSE) for seed in range(99))
    world, unseen = next(
        (w, ~seen) for w in worlds if not (seen := w.panel.tradable[: w.path.decided[0] + 1].any(axis=0)).all()
    )
    late = int(np.flatnonzero(unseen)[0])
    for value, said in ((np.nan, "expected a finite number"), (0.1, "comes before its first bar")):
        net = crowd(world, 3, 0)
        net[2, 0, late] = value
        with pytest.raises(ModelError, match=said):
            played(world, net)
