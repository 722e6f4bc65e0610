"""Parity of two books: what each wrong way to keep an account shows, and that nothing is compared with nothing."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from builders.panels import instruments, panel_of
from builders.second_account import FAULTS, SecondAccount
from tvquant.core.books import (
    Convention,
    CostModel,
    Execution,
    FeeTier,
    Rebalancing,
    SimResult,
    Spread,
    WeightPath,
)
from tvquant.core.instruments import Kind
from tvquant.core.panel import Panel
from tvquant.core.rates import ZERO, RiskFree
from tvquant.profiles.sections.parity import ParitySection
from tvquant.simulation import SIMULATORS
from tvquant.tournament.parity import Measure, Pair, compared, divergence
from tvquant.tournament.parity_play import words_of
from tvquant.tournament.parity_settings import Name, Setting, own_setting, parity_setting

LIMITS = ParitySection(
    equity_bps=0.01, holdings_bps=0.01, sharpe=0.015, near_zero=0.1, annual_return=0.015, turnover=0.01, costs=0.01,
    buffer=0.005,
)  # fmt: skip
FLAT = CostModel(borrow_rate=0.0, assumed_funding_bps=0.0)
BY = Measure(periods_per_year=365, risk_free=ZERO)
ROWS, FIRST = 120, 2
"""Rows of the world, and the one decided on first."""


def world() -> tuple[Panel, WeightPath]:
    """Five coins that rise on average, and weights of longs and shorts that are restored at every close."""
    rng = np.random.default_rng(7)
    close = 100.0 * np.exp(rng.normal(0.002, 0.02, (ROWS, 5)).cumsum(axis=0))
    panel = panel_of({"close": close, "open": close}, names=instruments(5, kind=Kind.SPOT))
    chosen = rng.uniform(0.05, 0.2, (4, 5)) * np.array([1, 1, 1, -1, 1])
    decided = np.arange(FIRST, ROWS)
    return panel, WeightPath(keys=panel.keys, decided=decided, net=chosen[(decided - FIRST) // 30])


def kept(by: Any, setting: Setting, path: WeightPath) -> SimResult:
    made: SimResult = by.simulate(setting.panel, path, (), costs=setting.costs, execution=setting.execution)
    return made


def at_close(panel: Panel, costs: CostModel = FLAT, *, name: Name = Name.PARITY) -> Setting:
    return Setting(name=name, panel=panel, costs=costs, execution=Execution(convention=Convention.SAME_CLOSE))


def pair_of(other: SecondAccount, setting: Setting, path: WeightPath) -> Pair:
    books = kept(SIMULATORS["custom"], setting, path), kept(other, setting, path)
    return compared(*books, setting=setting, limits=LIMITS, by=BY)


def figures(pair: Pair) -> dict[str, Any]:
    return {one.name: one for one in pair.figures}


@pytest.mark.requirement("R-SIM-14")
def test_equal_books_pass_and_every_figure_is_that_of_the_account() -> None:
    panel, path = world()
    rate = np.linspace(0.0, 3e-3, ROWS)
    books = (kept(one, at_close(panel), path) for one in (SIMULATORS["custom"], SecondAccount()))
    pair = compared(*books, setting=at_close(panel), limits=LIMITS, by=replace(BY, risk_free=RiskFree(per_row=rate)))
    assert pair.passed
    assert pair.binds
    assert pair.divergence is None
    found = figures(pair)
    assert list(found) == ["bars", "equity", "holdings", "sharpe", "annual_return", "turnover", "costs"]
    equity, paid, turned = by_hand(panel, path)
    assert found["equity"].first == pytest.approx(equity[-1], rel=1e-12)
    assert found["costs"].second == pytest.approx(paid, rel=1e-12)
    assert found["turnover"].second == pytest.approx(turned, rel=1e-12)
    excess = equity / np.concatenate([[1.0], equity[:-1]]) - 1.0 - rate[FIRST:]
    assert found["sharpe"].first == pytest.approx(excess.mean() / excess.std(ddof=1) * np.sqrt(365), rel=1e-9)
    assert found["annual_return"].first == pytest.approx(equity[-1] ** (365 / len(equity)) - 1.0, rel=1e-9)
    assert (pair.annual_bps, pair.final_bps) == (pytest.approx(0.0, abs=1e-8), pytest.approx(0.0, abs=1e-8))


def by_hand(panel: Panel, path: WeightPath) -> tuple[np.ndarray, float, float]:
    """Equity after each close, costs and one-way turnover of weights that are restored at every close."""
    capital, held, equity, paid, turned = 1.0, np.zeros(5), [], 0.0, 0.0
    close = panel.fields["close"]
    for weights, row in zip(path.net, path.decided, strict=True):
        if row > path.decided[0]:
            capital += float(held @ (close[row] - close[row - 1]))
        target = weights * capital / close[row]
        moved = (target - held) * close[row]
        cost = 6e-4 * float(np.abs(moved).sum())
        turned += 0.5 * float(np.abs(moved).sum() + abs(moved.sum())) / capital
        paid, capital, held = paid + cost, capital - cost, target
        equity.append(capital)
    return np.array(equity), paid, turned


@pytest.mark.requirement("R-SIM-14")
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_found_with_the_first_trade_that_differs(fault: str) -> None:
    panel, path = world()
    setting = at_close(panel)
    pair = pair_of(FAULTS[fault], setting, path)
    assert not pair.passed
    assert "equity" in {one.name for one in pair.failures}
    at = pair.divergence
    assert at is not None
    assert at.what == "trade"
    first, second = at.quantities
    units = path.net[0] / panel.fields["close"][FIRST]
    match fault:
        case "a fill one row late":
            assert (at.time, at.symbol) == (panel.times[FIRST], "X:N0")
            assert (first, second) == (pytest.approx(units[0]), None)
        case "costs halved":  # the first fill is of the same capital; what it cost tells at the next
            assert (at.time, at.symbol) == (panel.times[FIRST + 1], "X:N0")
            assert figures(pair)["costs"].difference == pytest.approx(0.5, abs=0.01)
            assert abs(float(second or 0.0) - float(first or 0.0)) < 1e-3 * units[0]
        case "95 % of the capital":
            assert (at.time, at.symbol) == (panel.times[FIRST], "X:N0")
            assert (first, second) == (pytest.approx(units[0]), pytest.approx(0.95 * units[0]))
            assert figures(pair)["sharpe"].passed  # which is why Sharpe alone is no proof
        case _:
            assert (at.time, at.symbol) == (panel.times[FIRST], "X:N3")
            assert (first, second) == (pytest.approx(units[3]), None)
    assert at.prices[0] == panel.fields["close"][FIRST + (fault == "costs halved"), panel.keys.index(at.symbol)]
    said = words_of(pair)
    assert said.startswith("custom and second differ: ")
    assert f"the first trade that differs is {at.symbol} on {str(at.time)[:10]}: custom " in said
    parted = f"; books part on {str(panel.times[FIRST])[:10]} without an order; the first"
    assert (parted in said) is (fault == "costs halved")  # the costs of the first fill differ, not its quantities


def test_a_fill_at_another_price_is_dated_by_its_close_and_not_by_the_next_trade() -> None:
    """Units are those of the decision; at the opening price they cost another sum, which the next decision shows."""
    panel, path = world()
    panel = replace(panel, fields=panel.fields | {"open": panel.fields["close"] * 1.002})
    some = replace(path, decided=path.decided[::10], net=path.net[::10])
    closes = Setting(name=Name.OWN, panel=panel, costs=FLAT, execution=Execution(convention=Convention.NEXT_CLOSE))
    opens = replace(closes, execution=Execution(convention=Convention.NEXT_OPEN))
    books = (kept(SIMULATORS["custom"], one, some) for one in (closes, opens))
    at = divergence(*books, setting=closes, limits=LIMITS)
    assert at is not None
    assert (at.what, at.time, at.since) == ("trade", panel.times[FIRST + 11], panel.times[FIRST + 1])


def test_a_limit_is_met_at_its_very_value_and_broken_above() -> None:
    panel, path = world()
    for one in pair_of(FAULTS["costs halved"], at_close(panel), path).figures:
        assert one.difference is not None
        assert replace(one, limit=one.difference).passed, one.name
        assert one.difference == 0.0 or not replace(one, limit=np.nextafter(one.difference, 0.0)).passed, one.name
    limits = {"equity": 1e-6, "holdings": 1e-6, "sharpe": 0.015, "annual_return": 0.015, "turnover": 0.01}
    found = {one.name: one.limit for one in pair_of(SecondAccount(), at_close(panel), path).figures}
    assert found == pytest.approx({"bars": 1.0, **limits, "costs": 0.01})


def test_what_one_book_lacks_fails_and_nothing_is_no_match_for_nothing() -> None:
    panel, path = world()
    setting = at_close(panel)
    first = kept(SecondAccount(), setting, path)
    bare = replace(first, costs={})
    unsaid = compared(first, bare, setting=setting, limits=LIMITS, by=BY)
    assert [one.name for one in unsaid.failures] == ["costs"]
    assert "costs cannot be compared" in words_of(unsaid)
    free = {kind: np.zeros_like(paid) for kind, paid in first.costs.items()}
    both = replace(first, costs=free), replace(first, costs=free)
    assert [one.name for one in compared(*both, setting=setting, limits=LIMITS, by=BY).failures] == ["costs"]
    idle = WeightPath(keys=path.keys, decided=path.decided, net=np.zeros_like(path.net))
    nothing = pair_of(SecondAccount(), setting, idle)
    assert {one.name for one in nothing.failures} == {"sharpe", "annual_return", "turnover", "costs"}
    assert words_of(nothing).startswith("custom and second are not told equal: ")
    gone = replace(first, equity=np.where(np.arange(len(first.equity)) == 5, np.nan, first.equity))
    holed = compared(first, gone, setting=setting, limits=LIMITS, by=BY)
    assert {"equity", "sharpe", "annual_return"} <= {one.name for one in holed.failures}


def test_a_run_that_pays_nothing_compares_no_costs_but_all_else() -> None:
    panel, path = world()
    free = at_close(panel, replace(FLAT, slippage_bps=0.0, commission_bps=0.0))
    pair = pair_of(SecondAccount(), free, path)
    assert pair.passed
    assert "costs" not in figures(pair)
    charged = pair_of(SecondAccount(costs=lambda costs: replace(costs, commission_bps=1.0)), free, path)
    assert "costs" in {one.name for one in charged.failures}


def test_books_that_share_too_few_bars_or_are_short_are_told() -> None:
    panel, path = world()
    setting = at_close(panel)
    first = kept(SecondAccount(), setting, path)

    def until(last: int) -> SimResult:
        rows = {name: getattr(first, name)[:last] for name in ("times", "returns", "equity", "cash", "marks")}
        return replace(first, **rows, quantities=first.quantities[:last])

    one, two = (compared(first, until(-k), setting=setting, limits=LIMITS, by=BY) for k in (1, 2))
    assert figures(one)["bars"].passed
    assert not figures(two)["bars"].passed
    apart = replace(first, times=first.times + np.timedelta64(12, "h"))
    none = compared(first, apart, setting=setting, limits=LIMITS, by=BY)
    assert {"bars", "equity", "holdings", "sharpe"} <= {one.name for one in none.failures}
    short = compared(until(59), until(59), setting=setting, limits=LIMITS, by=BY)
    assert "period_return" in figures(short)
    assert (short.annual_bps, short.final_bps) == (None, 0.0)
    assert "annual_return" in figures(compared(until(60), until(60), setting=setting, limits=LIMITS, by=BY))


def test_with_dividends_and_splits_in_the_prices_a_strict_book_earns_what_true_prices_bring() -> None:
    panel, path = world()
    split, dividend = np.ones((ROWS, 5)), np.zeros((ROWS, 5))
    split[40, 0], split[60, 3], dividend[50, 1], dividend[70, 3] = 2.0, 0.2, 4.0, 1.5
    close = panel.fields["close"] / np.cumprod(split, axis=0)
    true = panel_of({"close": close, "split": split, "dividend": dividend}, names=panel.instruments)
    free = replace(FLAT, slippage_bps=0.0, commission_bps=0.0)
    found = parity_setting(true, free, Execution(), LIMITS)
    plain = kept(SIMULATORS["custom"], found, path)
    whole = kept(SIMULATORS["custom"], replace(found, panel=true), path)
    np.testing.assert_allclose(plain.equity, whole.equity, rtol=1e-12)
    bare = kept(SIMULATORS["custom"], replace(found, panel=panel), path)
    assert abs(plain.equity[-1] / bare.equity[-1] - 1.0) > 1e-3  # the dividends are in it


def test_what_differs_without_an_order_is_named_by_its_first_close() -> None:
    """Units of one name at one close, then only the equity, then only the price at which a name was closed out."""
    panel, path = world()
    setting = at_close(panel)
    monthly = WeightPath(keys=path.keys, decided=path.decided[::30], net=path.net[::30])
    first = kept(SIMULATORS["custom"], setting, monthly)
    more = first.quantities.copy()
    more[40, 2] += 0.003
    other = replace(first, quantities=more, simulator="other")
    pair = compared(first, other, setting=setting, limits=LIMITS, by=BY)
    assert [one.name for one in pair.failures] == ["holdings"]
    worth = 0.003 * first.marks[40, 2] / first.equity[40]
    assert figures(pair)["holdings"].difference == pytest.approx(worth)
    assert worth != pytest.approx(0.003 * first.marks[40, 2], rel=1e-3)
    at = pair.divergence
    assert at is not None
    assert (at.what, at.time, at.symbol) == ("holdings", first.times[40], "X:N2")
    assert at.quantities == (first.quantities[40, 2], more[40, 2])
    assert "no trade differs, holdings do from" in words_of(pair)
    richer = replace(first, equity=first.equity * np.where(np.arange(len(first.equity)) < 70, 1.0, 1.1))
    pair = compared(first, richer, setting=setting, limits=LIMITS, by=BY)
    at = pair.divergence
    assert at is not None
    assert (at.what, at.time, at.symbol) == ("equity", first.times[70], "")
    assert at.quantities == pytest.approx((first.equity[70], 1.1 * first.equity[70]))
    assert "no trade or holding differs, equity does from" in words_of(pair)


@pytest.mark.parametrize("name", [0, 1])
def test_a_trade_differs_by_its_part_of_the_equity(name: int) -> None:
    """All in A, which doubles: then both sell half of it, and the second book alone buys a trace of B."""
    panel = panel_of({"close": np.array([[100.0, 10.0], [200.0, 10.0], [200.0, 10.0]])})
    setting = at_close(panel, replace(FLAT, slippage_bps=0.0, commission_bps=0.0))
    path = WeightPath(keys=panel.keys, decided=np.array([0, 1]), net=np.array([[1.0, 0.0], [0.5, 0.0]]))
    first = kept(SIMULATORS["custom"], setting, path)
    assert first.equity.tolist() == [1.0, 2.0, 2.0]
    for share, differs in ((0.9, False), (1.1, True)):
        more = first.quantities.copy()
        more[1:, name] += share * LIMITS.holdings * 2.0 / panel.fields["close"][1, name]
        at = divergence(first, replace(first, quantities=more), setting=setting, limits=LIMITS)
        assert (at is not None) is differs
        assert at is None or (at.what, at.symbol, at.time) == ("trade", f"X:N{name}", panel.times[1])


def test_the_price_at_which_a_name_was_closed_out_is_compared_too() -> None:
    panel, path = world()
    close = panel.fields["close"].copy()
    close[60:, 0] = np.nan
    setting = at_close(panel_of({"close": close}, names=panel.instruments))
    monthly = WeightPath(keys=path.keys, decided=path.decided[:1], net=path.net[:1])
    first = kept(SIMULATORS["custom"], setting, monthly)
    (event,) = first.events
    assert divergence(first, first, setting=setting, limits=LIMITS) is None
    lower = replace(first, events=(replace(event, price=event.price * (1.0 - 2e-6)),))
    at = divergence(first, lower, setting=setting, limits=LIMITS)
    assert at is not None
    assert (at.what, at.symbol, at.time) == ("trade", "X:N0", setting.panel.times[event.row])
    assert at.prices == (event.price, event.price * (1.0 - 2e-6))
    nearly = replace(first, events=(replace(event, price=event.price * (1.0 - 5e-7)),))
    assert divergence(first, nearly, setting=setting, limits=LIMITS) is None


def test_a_book_that_lost_everything_is_equal_to_its_like_alone() -> None:
    panel, path = world()
    setting = at_close(panel)
    first = kept(SecondAccount(), setting, path)
    lost = replace(first, equity=np.where(np.arange(len(first.equity)) < 50, first.equity, 0.0))
    nothing = replace(lost, quantities=np.where(lost.equity[:, None] > 0.0, lost.quantities, 0.0))
    assert compared(nothing, nothing, setting=setting, limits=LIMITS, by=BY).passed
    for one, other in ((nothing, first), (first, nothing)):
        failed = {figure.name for figure in compared(one, other, setting=setting, limits=LIMITS, by=BY).failures}
        assert {"equity", "holdings"} <= failed


def test_a_sharpe_ratio_near_zero_may_differ_by_a_figure_and_not_by_a_fraction() -> None:
    panel, path = world()
    setting = at_close(panel)
    first = kept(SecondAccount(), setting, path)
    times = np.arange(len(first.equity))

    def book(mean: float) -> SimResult:
        returns = np.where(times % 2, 0.01, -0.01) + mean
        return replace(first, equity=np.cumprod(1.0 + returns), returns=returns)

    annual = 0.01 / np.sqrt(365)  # a mean of so much times x is a Sharpe ratio of about x
    for one, other, absolute, passed in (
        (0.09, 0.18, True, True),
        (0.09, 0.2, True, False),
        (0.11, 0.13, False, False),
    ):
        pair = compared(book(one * annual), book(other * annual), setting=setting, limits=LIMITS, by=BY)
        found = figures(pair)["sharpe"]
        assert (found.absolute, found.passed) == (absolute, passed)


@pytest.mark.requirement("R-SIM-11")
def test_the_parity_setting_is_strict_and_says_what_of_the_run_is_off() -> None:
    close = np.array([[100.0, 50.0], [104.0, 25.0], [102.0, np.nan], [108.0, 27.0]])
    split, dividend = np.ones_like(close), np.zeros_like(close)
    split[1, 1], dividend[3, 0] = 2.0, 3.0
    zero = np.zeros_like(close)
    panel = panel_of({"close": close, "open": 2.0 * close, "split": split, "dividend": dividend, "funding": zero})
    costs = CostModel(slippage_bps=7.0, commission_bps=2.0, cash_yield=np.full(4, 1e-4))
    rules = Execution(lots=True, nav=1e6, band=0.01, lag=1, halt_limit=3, delisting_haircut=0.5)
    found = parity_setting(panel, costs, rules, LIMITS)
    assert found.execution == Execution(
        convention=Convention.SAME_CLOSE, rebalancing=Rebalancing.DAILY, halt_limit=3, delisting_haircut=0.5, nav=1e6,
        buffer=0.005,
    )  # fmt: skip
    assert found.costs == CostModel(slippage_bps=7.0, commission_bps=2.0, borrow_rate=0.0, assumed_funding_bps=0.0)
    assert found.binds
    assert set(found.off) == {
        "execution.convention is same_close, in the run next_open", "execution.lag is 0, in the run 1",
        "execution.rebalancing is daily, in the run window", "execution.band is 0, in the run 0.01",
        "execution.lots is False, in the run True", "execution.buffer is 0.005, in the run 0",
        "costs.borrow_rate is 0, in the run 0.02", "assumed funding, bps in 8 hours, is 0, in the run 1",
        "costs.cash_yield is 0, in the run a series", "dividends and splits are in the prices",
        "funding is not charged",
    }  # fmt: skip
    prices = found.panel.fields
    assert not {"split", "dividend", "funding"} & set(prices)
    # By hand: 108 and the 3 paid are 111 / 102 of the level 102; 25 after two for one is 50 of the old units.
    np.testing.assert_allclose(prices["close"], [[100, 50], [104, 50], [102, np.nan], [111, 54]], rtol=1e-12)
    np.testing.assert_allclose(prices["open"], 2.0 * prices["close"], rtol=1e-12)
    kept = parity_setting(panel, costs, Execution(buffer=0.02), LIMITS)
    assert kept.execution.buffer == 0.02


def test_what_fills_pay_is_said_in_few_words() -> None:
    """Figures that a measured spread, tiers or impact replace are not shown."""
    panel = panel_of({"close": np.ones((2, 1))})
    tiers = (FeeTier(traded=0.0, maker_bps=1.0, taker_bps=2.0),)
    for costs, said in (
        (CostModel(slippage_bps=2.5), "2.5 + 1 bps"),
        (CostModel(spread=Spread.ABDI_RANALDO), "abdi_ranaldo spread + 1 bps"),
        (CostModel(tiers=tiers, impact=0.5), "5 bps + commission by tier + impact 0.5"),
    ):
        assert own_setting(panel, costs, Execution()).charged == said
