"""One account of several sleeves: what it holds, what it costs, and that all of it leads back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.netting import book_levels, decision, meta_path, meta_spec, union_rules
from builders.panels import days, instrument, panel_of
from builders.sleeves import sleeve
from tvquant.core.books import Convention, CostModel, Execution, SimResult
from tvquant.core.calendars import CRYPTO
from tvquant.core.errors import DataError, ModelError
from tvquant.core.instruments import Kind
from tvquant.core.panel import Floats, Panel
from tvquant.core.sleeves import Closed, Sleeve
from tvquant.core.stamps import Stamp
from tvquant.simulation import SIMULATORS
from tvquant.simulation.accruals import Accruals
from tvquant.tournament.atom_attribution import attribution
from tvquant.tournament.path_holdings import PathHoldings, weight_path
from tvquant.tournament.rebalances import Rebalance
from tvquant.tournament.sleeves.join import joined
from tvquant.tournament.sleeves.netting import decision_times, netted, put_back
from tvquant.tournament.sleeves.shares import MetaPath, mix_levels
from tvquant.tournament.sleeves.specs import UnionRules
from tvquant.tournament.sleeves.weighing import weighed
from tvquant.tournament.trades import trades

type Sides = Mapping[int, Mapping[str, float]]
FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0)
AT_ONCE = Execution(convention=Convention.SAME_CLOSE)


def market(rows: int = 60, names: int = 4, seed: int = 0) -> Panel:
    moves = np.random.default_rng(seed).normal(0.0, 0.02, (rows, names))
    return panel_of({"close": 100.0 * np.cumprod(1.0 + moves, axis=0)}, times=days(rows))


def held(panel: Panel, name: str, decisions: Sides, **more: object) -> Sleeve:
    """Return the sleeve that holds instruments N0, N1 ... by these sides, with the levels of a free book of them."""
    keyed = {row: {f"X:{key}": size for key, size in sides.items()} for row, sides in decisions.items()}
    made = tuple(decision(panel, row, sides) for row, sides in keyed.items())
    levels = book_levels(panel, keyed).tolist()
    return sleeve(name, levels, first=panel.times[min(decisions)], decisions=made, **more)


def played(panel: Panel, rebalances: Sequence[Rebalance], costs: CostModel = FREE) -> SimResult:
    return SIMULATORS["custom"].simulate(panel, weight_path(panel, rebalances), (), costs=costs, execution=AT_ONCE)


def two(panel: Panel) -> tuple[Sleeve, Sleeve]:
    return (
        held(panel, "long", {0: {"N0": 0.6, "N1": 0.3}, 20: {"N1": 0.5, "N2": 0.5}, 40: {"N0": 0.9}}),
        held(panel, "short", {0: {"N1": -0.4, "N3": -0.4}, 30: {"N1": -0.2, "N2": -0.3}}),
    )


def test_what_a_sleeve_s_own_book_closed_is_given_up_at_that_date() -> None:
    """The short of N3 is closed at row 12: the account is decided there without it, and all else stands as drifted."""
    panel = market()
    long, short = two(panel)
    path = meta_path((long, short), {5: [0.5, 0.4]})
    plain = netted((long, short), path, panel, union_rules())
    gone = replace(short, closed=(Closed(panel.times[3], "X:N0"), Closed(panel.times[12], "X:N3")))
    book = netted((long, gone), path, panel, union_rules())
    assert [one.row for one in plain.rebalances] == [5, 20, 30, 40]
    assert [one.row for one in book.rebalances] == [5, 12, 20, 30, 40]
    assert set(book.rebalances[1].weights) == {"X:N0", "X:N1"}
    found = played(panel, book.rebalances).quantities[[11 - 60, 12 - 60]]
    np.testing.assert_allclose(found[1, :2], found[0, :2], rtol=1e-9)
    assert decision_times((long, gone), path).tolist() == panel.times[[5, 12, 20, 30, 40]].tolist()


@pytest.mark.requirement("R-META-11")
def test_the_account_without_costs_and_caps_is_the_mix_of_the_streams() -> None:
    """Shares and sizes as drifted are what is held already: a date at which one sleeve decides moves only its own."""
    panel = market()
    sleeves = two(panel)
    path = meta_path(sleeves, {5: [0.5, 0.4], 25: [0.2, 0.7], 45: [0.9, 0.0]})
    book = netted(sleeves, path, panel, union_rules())
    assert [one.row for one in book.rebalances] == [5, 20, 25, 30, 40, 45]
    found = played(panel, book.rebalances)
    np.testing.assert_allclose(found.equity[-55:], mix_levels(joined(sleeves), path), rtol=1e-11)
    of_one = found.quantities[20 - 60] - found.quantities[19 - 60]
    assert abs(of_one[3]) < 1e-12 < abs(of_one[0])  # the short sleeve's own coin is not traded where the long decides


@pytest.mark.requirement("R-META-11")
def test_opposite_sleeves_on_one_coin_net_to_nothing_and_pay_nothing() -> None:
    panel = market()
    sleeves = held(panel, "long", {5: {"N0": 1.0}}), held(panel, "short", {5: {"N0": -1.0}})
    path = meta_path(sleeves, {0: [0.5, 0.5]})
    book = netted(sleeves, path, panel, union_rules())
    assert [dict(one.weights) for one in book.rebalances] == [{}]
    assert book.tree.weight.tolist() == [0.5, -0.5]
    dear = CostModel(slippage_bps=50.0, commission_bps=10.0, borrow_rate=0.2)
    found = played(panel, book.rebalances, dear)
    assert not found.returns.any()
    assert found.traded.sum() == 0.0
    assert sum(amounts.sum() for amounts in found.costs.values()) == 0.0


def sides(rng: np.random.Generator) -> dict[str, float]:
    chosen = rng.choice(6, rng.integers(1, 5), replace=False)
    sizes = rng.dirichlet(np.ones(len(chosen))) * rng.uniform(0.2, 1.0) * rng.choice([-1.0, 1.0], len(chosen))
    return {f"N{j}": float(size) for j, size in zip(chosen, sizes, strict=True)}


def drawn(seed: int, position: float, cluster: float) -> tuple[Panel, list[Sleeve], MetaPath, UnionRules]:
    rng, panel = np.random.default_rng(seed), market(50, 6, seed)
    sleeves = [
        held(panel, f"s{k}", {int(row): sides(rng) for row in (0, *np.sort(rng.choice(np.arange(1, 49), 2, False)))})
        for k in range(3)
    ]
    path = meta_path(sleeves, {row: (rng.dirichlet(np.ones(3)) * 0.95).tolist() for row in (21, 33)})
    return panel, sleeves, path, union_rules(position=position, cluster=cluster, gross=0.9, net=(-0.5, 0.5))


@pytest.mark.requirement("R-META-11", "R-RSK-12", "R-SYN-10")
@settings(max_examples=15)
@given(st.integers(0, 10_000), st.floats(0.02, 1.0), st.floats(0.05, 1.0))
def test_weight_is_conserved_from_sleeves_to_instruments_and_back(seed: int, position: float, cluster: float) -> None:
    panel, sleeves, path, rules = drawn(seed, position, cluster)
    book = netted(sleeves, path, panel, rules)
    tree, dates = book.tree, len(book.rebalances)
    columns = len(panel.keys)
    net = np.bincount(tree.cell(columns), tree.weight, dates * columns).reshape(dates, columns)
    np.testing.assert_allclose(net, weight_path(panel, book.rebalances).net, atol=1e-10)
    for k, (one, payload) in enumerate(zip(book.rebalances, book.payloads, strict=True)):
        own = tree.date == k
        # Atoms of a sleeve before caps add to its share, less what the sleeve itself has in cash there.
        for s, name in enumerate(book.sleeves):
            mine = own & (tree.sleeve == s)
            whole = book.shares[k, s] * sum_of(sleeves[s], panel, one.row)
            assert tree.asked[mine].sum() == pytest.approx(whole, abs=1e-10)
            assert {tree.atoms[a].partition("/")[0] for a in tree.atom[mine]} <= {name}
        assert one.moved == pytest.approx(tree.asked[own].sum() - tree.size[own].sum(), abs=1e-12)
        assert one.cash + tree.size[own].sum() == pytest.approx(1.0, abs=1e-12)
        parts = list(zip(one.holdings["symbol"], PathHoldings(panel, [one]).size.tolist(), strict=True))
        for key, weight in one.weights.items():
            assert sum(size for symbol, size in parts if symbol == key) == pytest.approx(weight, abs=1e-10)
        assert sum(payload["atoms"].values()) == pytest.approx(1.0 - one.cash, abs=1e-12)
        # Caps hold after netting, on gross over the union, by the clusters of the date.
        assert (one.status == "failed") == (not one.weights)
        if one.weights:
            gross = np.bincount(tree.column[own], tree.size[own], columns)
            clusters = np.array([payload["clusters"].get(key, 0) for key in panel.keys])
            assert gross.max() <= position + 1e-9
            assert np.bincount(clusters, gross).max() <= cluster + 1e-9
            assert gross.sum() <= 0.9 + 1e-9
            assert abs(net[k].sum()) <= 0.5 + 1e-9
    if book.rebalances[0].weights:
        # Whatever is really held of an instrument is laid to the atoms behind it.
        really = {(0, int(j)): 0.123 * (j + 1) for j in np.unique(tree.column[tree.date == 0])}
        back = np.bincount(tree.cell(columns), put_back(tree, really), dates * columns).reshape(dates, columns)
        for (date, column), weight in really.items():
            net[date, column] = weight
        np.testing.assert_allclose(back, net, atol=1e-10)


def sum_of(one: Sleeve, panel: Panel, row: int) -> float:
    """Return gross of what the sleeve holds at a row, of its own equity, by quantities."""
    force = [d for d in one.decisions if d.at <= panel.times[row]][-1]
    since = int(np.searchsorted(panel.times, force.at))
    at, first = {key: j for j, key in enumerate(panel.keys)}, int(np.searchsorted(panel.times, one.times[0]))
    close = panel.fields["close"]
    worth = sum(a.size * close[row, at[a.symbol]] / close[since, at[a.symbol]] for a in force.atoms)
    return worth * float(one.levels[since - first] / one.levels[row - first])


@pytest.mark.requirement("R-RSK-12")
def test_what_is_one_name_in_two_sleeves_is_capped_once_and_the_rest_is_cash() -> None:
    panel = market()
    sleeves = held(panel, "a", {0: {"N0": 0.5, "N1": 0.5}}), held(panel, "b", {0: {"N0": 0.4, "N2": -0.4}})
    path = meta_path(sleeves, {0: [0.5, 0.5]})
    one = netted(sleeves, path, panel, union_rules(position=0.25)).rebalances[0]
    assert one.weights == pytest.approx({"X:N0": 0.25, "X:N1": 0.25, "X:N2": -0.2})
    assert one.units == pytest.approx(
        {"a/X:N0_trend_LONG": 0.25 * 5 / 9, "b/X:N0_trend_LONG": 0.25 * 4 / 9, "a/X:N1_trend_LONG": 0.25,
         "b/X:N2_trend_SHORT": 0.2}
    )  # fmt: skip
    assert (one.moved, one.cash) == pytest.approx((0.2, 0.3))
    assert one.holdings["how"] == ["a", "a", "b", "b"]
    assert one.holdings["allocation_cluster"] == [1, 1, 2, 2]
    assert one.flags == ("unclustered",)


@pytest.mark.requirement("R-RSK-12")
def test_spot_and_perpetual_of_one_base_share_a_cap() -> None:
    plain = market(names=2)
    coins = [replace(instrument(name, kind=kind), base="BTC") for name, kind in (("A", Kind.SPOT), ("A.P", Kind.SWAP))]
    panel = panel_of({"close": plain.fields["close"]}, names=coins, times=plain.times)
    sleeves = tuple(
        sleeve(name, np.ones(60).tolist(), first=panel.times[0], decisions=(decision(panel, 30, {key: size}),))
        for name, key, size in (("spot", "X:A", 0.6), ("perp", "X:A.P", -0.4))
    )
    one = netted(sleeves, meta_path(sleeves, {30: [0.5, 0.5]}), panel, union_rules(cluster=0.25)).rebalances[0]
    assert one.weights == pytest.approx({"X:A": 0.15, "X:A.P": -0.1})
    assert set(one.holdings["cluster"]) == {1}
    assert one.flags == ()


def test_where_no_sleeve_moved_the_account_is_cash() -> None:
    panel = market()
    sleeves = two(panel)
    still = replace(joined(sleeves), returns=np.zeros((59, 2)))
    book = netted(sleeves, weighed(still, meta_spec(), CRYPTO), panel, union_rules())
    assert {(one.status, one.cash, len(one.weights), one.risk_profile) for one in book.rebalances} == {
        ("no_candidate", 1.0, 0, "hrp")
    }
    assert [one.row for one in book.rebalances] == [20, 25, 30, 35, 40, 45, 50, 55]


def test_a_limit_that_no_scaling_down_can_keep_is_cash_and_says_so() -> None:
    panel = market()
    sleeves = two(panel)
    for least, failed in ((0.35, False), (0.6, True)):
        book = netted(sleeves, meta_path(sleeves, {5: [0.5, 0.4]}), panel, union_rules(net=(least, 1.0)))
        for one, payload in zip(book.rebalances, book.payloads, strict=True):
            assert (one.status, not one.weights, one.cash == 1.0) == (
                "failed" if failed else "baseline",
                failed,
                failed,
            )
            low = next(c for c in payload["constraints"] if c["name"] == "net_low")
            assert (low["value"] > low["limit"] + 1e-9) is failed


@pytest.mark.requirement("R-META-08")
def test_what_follows_a_date_never_matters() -> None:
    panel, sleeves, path, rules = drawn(7, 0.2, 0.3)
    whole = netted(sleeves, path, panel, rules)
    rng = np.random.default_rng(1)
    for k, one in enumerate(whole.rebalances[:-1]):
        close = panel.fields["close"].copy()
        close[one.row + 1 :] *= rng.uniform(0.5, 1.5, close[one.row + 1 :].shape)
        other = panel_of({"close": close}, times=panel.times)
        unlike = [replace(s, levels=_scrambled(s, panel.times[one.row], rng)) for s in sleeves]
        again = netted(unlike, path, other, rules)
        assert list(again.payloads[: k + 1]) == list(whole.payloads[: k + 1])
        assert [r.digest for r in again.rebalances[: k + 1]] == [r.digest for r in whole.rebalances[: k + 1]]
        assert again.payloads[k + 1] != whole.payloads[k + 1]


def _scrambled(one: Sleeve, until: np.datetime64, rng: np.random.Generator) -> Floats:
    levels = one.levels.copy()
    behind = one.times > until
    levels[behind] *= rng.uniform(0.5, 1.5, int(behind.sum()))
    return levels


def test_dates_without_a_row_wait_and_are_counted() -> None:
    panel = market()
    long, short = two(panel)
    path = meta_path((long, short), {5: [0.5, 0.4], 25: [0.2, 0.7]})
    kept = np.setdiff1d(np.arange(60), [20, 25, 40])
    sparse = panel_of({"close": panel.fields["close"][kept]}, times=panel.times[kept])
    short = replace(short, times=short.times[:36], levels=short.levels[:36])  # until row 35
    book = netted((long, short), path, sparse, union_rules())
    assert [str(sparse.times[one.row])[:10] for one in book.rebalances] == [
        "2020-01-06", "2020-01-22", "2020-01-27", "2020-01-31"
    ]  # fmt: skip
    assert book.waited == {"long": 1, "short": 0, "mix/given": 1}  # row 40 lies behind what both have
    assert book.payloads[2]["weighed_at"] == str(panel.times[25])
    assert [(w.id, w.start, w.stop) for w in book.windows(57)] == [(6, 6, 21), (21, 21, 25), (25, 25, 29), (29, 29, 57)]
    assert decision_times((long, short), path).tolist() == panel.times[[5, 20, 25, 30, 40]].tolist()
    late = netted((long, short), meta_path((long, short), {20: [0.5, 0.4]}), sparse, union_rules())
    assert [str(sparse.times[one.row])[:10] for one in late.rebalances] == ["2020-01-22", "2020-01-31"]
    assert late.waited == {"long": 1, "short": 0, "mix/given": 1}


def test_records_are_what_the_digests_are_of_and_tables_lead_back() -> None:
    panel = market()
    sleeves = tuple(replace(one, stamps=frozenset({Stamp.PRICE_RETURN})) for one in two(panel))
    book = netted(sleeves, meta_path(sleeves, {5: [0.5, 0.4]}), panel, union_rules())
    table = book.table(panel.times)
    assert len({len(column) for column in table.values()}) == 1
    assert set(table) == {"decided_at", "sleeve", "atom", "symbol", "share", "weight"}
    first = book.rebalances[0]
    assert {a: abs(w) for a, w in list(zip(table["atom"], table["weight"].tolist(), strict=True))[:4]} == first.units
    assert list(table["symbol"][:4]) == first.holdings["symbol"]
    assert table["share"][:4].tolist() == [0.5, 0.5, 0.4, 0.4]
    assert (first.window, first.row, first.footing.bar) == (6, 5, panel.times[5])
    assert first.stamps == {Stamp.PRICE_RETURN}
    assert len({one.digest for one in book.rebalances}) == len(book.rebalances)
    assert dict(book.payloads[1]["shares"]) == pytest.approx(dict(zip(book.sleeves, book.shares[1], strict=True)))


def test_what_the_account_brought_is_laid_to_the_atoms_of_sleeves() -> None:
    panel = market()
    sleeves = two(panel)
    book = netted(sleeves, meta_path(sleeves, {5: [0.5, 0.4]}), panel, union_rules())
    result = played(panel, book.rebalances)
    done = trades(panel, result, AT_ONCE, FREE)
    paid = Accruals(panel=panel, result=result, costs=FREE, execution=AT_ONCE, trades=done)
    found = attribution(paid, book.rebalances, done)
    first = np.asarray(found["decision"]) == 0
    assert set(np.asarray(found["logic"])[first]) == {"long/trend", "short/trend"}
    assert found["gross"][first].sum() == pytest.approx(result.equity[20 - 60] - 1.0, abs=1e-12)


def test_a_book_of_other_sleeves_or_of_no_row_is_refused() -> None:
    panel = market()
    sleeves = two(panel)
    path = meta_path(sleeves, {5: [0.5, 0.4]})
    with pytest.raises(ModelError, match="sleeves short, long are not those that were weighed: long, short"):
        netted(sleeves[::-1], path, panel, union_rules())
    early = panel_of({"close": panel.fields["close"][:6]}, times=panel.times[:6])
    with pytest.raises(DataError, match="mix/given: the account ends on 2020-01-06"):
        netted(sleeves, path, early, union_rules())
