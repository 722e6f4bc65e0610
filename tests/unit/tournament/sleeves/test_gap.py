"""The way from the mix of the streams to the account, by cases in which one part is all of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from builders.held_sleeves import held_sleeve, moving_market
from builders.netting import meta_path, union_rules
from builders.panels import panel_of
from tvquant.core.books import Convention, CostModel, EventKind, Execution, FeeTier
from tvquant.core.calendars import NEW_YORK
from tvquant.core.panel import Panel
from tvquant.core.sleeves import Sleeve
from tvquant.tournament.path_holdings import weight_path
from tvquant.tournament.sleeves.account import account_panel
from tvquant.tournament.sleeves.gap import PARTS, Gap, Kept, Mixed, gap
from tvquant.tournament.sleeves.join import joined
from tvquant.tournament.sleeves.netting import decision_times, netted
from tvquant.tournament.sleeves.replicas import played
from tvquant.tournament.sleeves.specs import UnionRules

FREE = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0)
DEAR = CostModel(slippage_bps=30.0, commission_bps=20.0, borrow_rate=0.1)
NEXT, AT_ONCE = Execution(), Execution(convention=Convention.SAME_CLOSE)


def case(
    panel: Panel,
    decided: Mapping[str, Mapping[int, Mapping[str, float]]],
    given: Mapping[int, Sequence[float]],
    *,
    costs: CostModel = FREE,
    execution: Execution = NEXT,
    rules: UnionRules | None = None,
) -> tuple[Gap, Kept, Mixed]:
    """Return the gap of sleeves on one panel, weighed at common rows; sizes are by `SYMBOL SIDE`."""
    sleeves = [held_sleeve(name, panel, one, costs=costs, execution=execution) for name, one in decided.items()]
    return told(sleeves, panel, given, costs, execution, rules or union_rules())


def told(
    sleeves: Sequence[Sleeve],
    panel: Panel,
    given: Mapping[int, Sequence[float]],
    costs: CostModel,
    execution: Execution,
    rules: UnionRules,
) -> tuple[Gap, Kept, Mixed]:
    mixed = Mixed(sleeves=sleeves, joined=joined(sleeves), path=meta_path(sleeves, given))
    book = netted(sleeves, mixed.path, panel, rules)
    result = played(panel, weight_path(panel, book.rebalances), costs, execution)
    kept = Kept(book=book, panel=panel, costs=costs, execution=execution, result=result)
    return gap(mixed, kept), kept, mixed


def test_parts_add_up_in_the_order_they_are_told() -> None:
    one = Gap(mix=0.1, netting=0.02, costs=-0.03, caps=0.004, timing=-0.001, account=0.2)
    assert one.rest == pytest.approx(0.2 - 0.1 - 0.02 + 0.03 - 0.004 + 0.001, rel=1e-14)
    assert tuple(one.table["part"]) == PARTS
    assert sum(one.table["value"][:-1]) == pytest.approx(one.table["value"][-1], rel=1e-14)


TIERED = CostModel(slippage_bps=30.0, tiers=(FeeTier(traded=0.0, maker_bps=5.0, taker_bps=20.0),), borrow_rate=0.1)


@pytest.mark.parametrize(
    ("execution", "costs"),
    [
        (NEXT, DEAR),
        (AT_ONCE, DEAR),
        (Execution(convention=Convention.NEXT_CLOSE, lag=1, buffer=0.02), DEAR),
        (Execution(nav=1e4), TIERED),
    ],
)
def test_of_opposite_sleeves_on_one_coin_all_of_the_gap_is_netting(execution: Execution, costs: CostModel) -> None:
    """The account holds and pays nothing; the mix pays for both, trades and the fee of the short."""
    panel = moving_market(1, 40)
    at = 0 if execution is not AT_ONCE else 1  # at once the sleeves have paid before the mix holds them
    decided = {"long": {at: {"X:N0 LONG": 1.0}}, "short": {at: {"X:N0 SHORT": 1.0}}}
    if execution is AT_ONCE:
        decided = {name: {0: {}, **own} for name, own in decided.items()}
    given = {0: [0.5, 0.5]} | ({at: [0.5, 0.5]} if at else {})  # weighed again where they pay: it is paid once
    found, kept, mixed = case(panel, decided, given, costs=costs, execution=execution)
    assert not kept.result.traded.any()
    assert found.account == 0.0
    paid = 1.0 - 0.5 * (mixed.joined.levels[-1].sum())
    assert paid > 0.005
    assert found.netting == pytest.approx(paid, rel=1e-12)
    assert [found.costs, found.caps, found.timing, found.rest] == pytest.approx([0.0] * 4, abs=1e-14)


@pytest.mark.parametrize("fee", [0.0, 0.4])
def test_without_overlap_and_caps_accounts_that_trade_for_free_are_the_mix(fee: float) -> None:
    """Restored at once: nothing is saved, nothing is late; a short is borrowed in the one as in the other."""
    panel = moving_market(3, 40)
    decided = {
        "one": {0: {"X:N0 LONG": 0.6}, 12: {"X:N1 LONG": 0.9}},
        "two": {0: {"X:N2 SHORT": 0.5}, 7: {"X:N2 SHORT": 0.2}},
    }
    costs, given = replace(FREE, borrow_rate=fee), {3: [0.5, 0.4], 9: [0.2, 0.7], 20: [0.8, 0.1]}
    found, kept, _ = case(panel, decided, given, costs=costs, execution=AT_ONCE)
    assert abs(found.mix) > 1e-3
    assert (kept.result.costs["borrow"].sum() > 1e-4) == (fee > 0.0)
    assert [found.netting, found.costs, found.caps, found.timing, found.rest] == pytest.approx([0.0] * 5, abs=1e-11)


@pytest.mark.parametrize("execution", [NEXT, AT_ONCE])
def test_without_overlap_the_account_pays_for_shares_that_are_restored(execution: Execution) -> None:
    """By hand: entering at the first meta decision what the sleeves hold already, and moving it at the second."""
    panel = moving_market(2, 30)
    decided = {"one": {0: {}, 1: {"X:N0 LONG": 1.0}}, "two": {0: {}, 1: {"X:N1 LONG": 1.0}}}
    costs = CostModel(slippage_bps=10.0, commission_bps=0.0, borrow_rate=0.0)
    found, kept, mixed = case(panel, decided, {4: [0.5, 0.3], 10: [0.2, 0.6]}, costs=costs, execution=execution)
    close, levels, path = panel.fields["close"], mixed.joined.levels, [0.5, 0.3]
    entered = 1e-3 * sum(path)
    grown = [share * levels[10, k] / levels[4, k] for k, share in enumerate(path)]
    whole = sum(grown) + 0.2
    restored = 1e-3 * sum(abs(share * whole - one) for share, one in zip([0.2, 0.6], grown, strict=True))
    # The account is smaller by what it paid, and its fills are at other prices than its decisions.
    assert found.costs == pytest.approx(-(entered + restored), rel=2e-3 if execution is AT_ONCE else 2e-2)
    assert found.costs == pytest.approx(-kept.result.costs["slippage"].sum(), rel=1e-12)
    assert [found.netting, found.caps] == pytest.approx([0.0] * 2, abs=1e-12)
    assert (abs(found.timing) < 1e-12) == (execution is AT_ONCE)
    assert abs(found.rest) < 2.0 * (entered + restored + abs(found.timing)) * float(
        np.abs(close[-1] / close[4] - 1.0).max()
    )


def missed(sleeve: Sleeve, panel: Panel, row: int) -> float:
    """Return what a sleeve earns from a close to the next open, by the coin that it bought at its first decision."""
    first = int(np.searchsorted(panel.times, sleeve.decisions[0].at))
    units = sleeve.decisions[0].atoms[0].size / panel.fields["close"][first, 0]
    level = sleeve.levels[np.searchsorted(sleeve.times, panel.times[row])]
    return float(units * (panel.fields["open"][row + 1, 0] - panel.fields["close"][row, 0]) / level)


def paying(panel: Panel, amounts: Mapping[int, float]) -> Panel:
    """Return a market in which each coin pays these amounts at these rows, before their opens."""
    dividend = np.zeros_like(panel.fields["close"])
    for row, amount in amounts.items():
        dividend[row] = amount
    return replace(panel, fields={**panel.fields, "dividend": dividend}, _first_known=None)


def split_market(rows: int, at: int) -> Panel:
    """Return a market of one coin that is split two for one at a row."""
    panel = moving_market(1, rows)
    behind = np.where(np.arange(rows)[:, None] >= at, 2.0, 1.0)
    fields = {name: panel.fields[name] / behind for name in ("close", "open")}
    fields["split"] = np.where(np.arange(rows)[:, None] == at, 2.0, 1.0)
    return replace(panel, fields=fields, _first_known=None)


def test_what_prices_do_until_the_fill_is_timing() -> None:
    """One sleeve, held since long; half of it is bought at the open behind the meta decision, by quantities fixed.

    A split on that day changes nothing; a decision that is filled on the last day counts.
    """
    panel = moving_market(1, 20)
    decided = {"one": {0: {"X:N0 LONG": 1.0}}}
    found, _, mixed = case(panel, decided, {8: [0.5]})
    way = missed(mixed.sleeves[0], panel, 8)
    assert abs(way) > 1e-4
    assert found.timing == pytest.approx(-0.5 * way, rel=1e-12)
    assert [found.netting, found.costs, found.caps, found.rest] == pytest.approx([0.0] * 4, abs=1e-14)
    split, _, _ = case(split_market(20, 9), decided, {8: [0.5]})
    assert split.table["value"] == pytest.approx(found.table["value"], abs=1e-14)
    # What is paid at the fill the mix has and the account has not; what was paid before is in the sleeve's level.
    for market in (paying(panel, {5: 2.0, 9: 3.0}), paying(split_market(20, 9), {5: 2.0, 9: 1.5})):
        paid, _, mixed_paid = case(market, decided, {8: [0.5]})
        one = mixed_paid.sleeves[0]
        due = 3.0 / panel.fields["close"][0, 0] / one.levels[8]
        assert paid.timing == pytest.approx(-0.5 * (missed(one, panel, 8) + due), rel=1e-12)
        assert [paid.netting, paid.costs, paid.caps, paid.rest] == pytest.approx([0.0] * 4, abs=1e-14)
    twice, _, _ = case(panel, decided, {8: [0.5], 18: [0.9]})
    level = mixed.sleeves[0].levels
    grown = 0.5 * level[18] / level[8]
    late = -(0.9 * (0.5 + grown) - grown) * missed(mixed.sleeves[0], panel, 18)
    assert twice.timing - found.timing == pytest.approx(late, rel=1e-10)


def test_what_is_closed_unordered_costs_the_account_what_it_costs_the_mix() -> None:
    """One sleeve, held from its first decision on: nothing is between the two, halted too long or not."""
    panel = moving_market(2, 30)
    fields = {name: panel.fields[name].copy() for name in ("close", "open")}
    for values in fields.values():
        values[12:, 1] = np.nan
    market = panel_of(fields, names=panel.instruments, times=panel.times)
    decided = {0: {"X:N0 LONG": 0.5, "X:N1 SHORT": 0.4}, 22: {"X:N0 LONG": 0.6}}
    found, kept, _ = case(market, {"one": decided}, {0: [1.0]}, costs=replace(DEAR, borrow_rate=0.0))
    assert [one.kind for one in kept.result.events] == [EventKind.CLOSED_OUT]
    assert kept.result.costs["slippage"][17 - 1] > 1e-4  # of a book that begins with its first fill
    assert abs(found.account) > 1e-3
    parts = [found.netting, found.costs, found.caps, found.timing, found.rest]
    assert parts == pytest.approx([0.0] * 5, abs=1e-12)


def test_what_caps_take_is_what_the_account_without_them_earned_more() -> None:
    panel = moving_market(1, 20)
    rules = replace(union_rules(), limits=replace(union_rules().limits, position=0.2))
    found, kept, _ = case(panel, {"one": {0: {"X:N0 LONG": 1.0}}}, {8: [0.5]}, execution=AT_ONCE, rules=rules)
    growth = panel.fields["close"][-1, 0] / panel.fields["close"][8, 0] - 1.0
    assert found.account == pytest.approx(0.2 * growth, rel=1e-12)
    assert found.caps == pytest.approx(-0.3 * growth, rel=1e-12)
    assert [found.netting, found.costs, found.timing, found.rest] == pytest.approx([0.0] * 4, abs=1e-14)
    assert kept.book.rebalances[0].moved == pytest.approx(0.3)


def test_a_decision_that_waits_for_a_session_is_timing() -> None:
    """The coin is doubled on a Saturday behind a Friday that decides; the account buys behind Monday, not on Sunday."""
    coins, funds = moving_market(1, 30), moving_market(1, 21, seed=1, market=NEW_YORK)
    funds = replace(funds, instruments=(replace(funds.instruments[0], symbol="X:E"),))
    friday = int(np.searchsorted(coins.times, np.datetime64("2024-01-12", "us")))
    session = int(np.searchsorted(funds.times, np.datetime64("2024-01-12", "us")))
    coin = held_sleeve("coin", coins, {1: {"X:N0 LONG": 0.5}, friday + 1: {"X:N0 LONG": 1.0}}, costs=FREE)
    fund = held_sleeve("fund", funds, {0: {"X:E LONG": 0.5}, session: {"X:E LONG": 0.9}}, costs=FREE)
    sleeves = [coin, fund]
    common = joined(sleeves)
    path = meta_path(sleeves, {2: [0.6, 0.4]})
    grid = account_panel({"coin": coins, "fund": funds}, common.times, decision_times(sleeves, path), NEXT)
    assert grid.waiting.tolist() == [coins.times[friday + 1].item()]
    found, kept, _ = told(sleeves, grid.panel, {2: [0.6, 0.4]}, FREE, NEXT, union_rules())
    assert kept.book.waited == {"coin": 1, "fund": 0, "mix/given": 0}
    delayed = held_sleeve("coin", coins, {1: {"X:N0 LONG": 0.5}, friday + 4: {"X:N0 LONG": 1.0}}, costs=FREE)
    bought, end = coin.levels[np.searchsorted(coin.times, path.decisions[0].at)], coin.times == common.times[-1]
    late = 0.6 / bought * float((delayed.levels - coin.levels)[end][0])
    days = [int(np.searchsorted(panel.times, path.decisions[0].at)) for panel in (coins, funds)]
    entered = 0.6 * missed(coin, coins, days[0]) + 0.4 * missed(fund, funds, days[1])
    assert abs(late) > 1e-3
    assert found.timing == pytest.approx(late - entered, rel=1e-10)
    assert abs(found.rest) < 0.1 * abs(late)
    assert [found.netting, found.costs, found.caps] == pytest.approx([0.0] * 3, abs=1e-14)
