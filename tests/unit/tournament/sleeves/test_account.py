"""The panel of several sleeves' instruments, and the rows that it has."""

from dataclasses import replace

import numpy as np
import pytest

from builders.panels import days, market_of
from builders.simulators import played, players
from tvquant.core.books import Convention, CostModel, EventKind, Execution, Rebalancing, WeightPath
from tvquant.core.calendars import CRYPTO, NEW_YORK
from tvquant.core.errors import DataError, ModelError
from tvquant.core.instruments import Fact, Kind
from tvquant.core.panel import Basis, Caveat, Panel, Times
from tvquant.core.stamps import Stamp
from tvquant.profiles.sections.parity import ParitySection
from tvquant.tournament.parity_settings import parity_setting
from tvquant.tournament.sleeves.account import account_panel, on_common_dates

COSTS = CostModel(slippage_bps=5.0, commission_bps=1.0, borrow_rate=0.0, assumed_funding_bps=1.0)
NEXT = Execution()
LIMITS = ParitySection(
    equity_bps=0.01, holdings_bps=0.01, sharpe=0.015, near_zero=0.1, annual_return=0.015, turnover=0.01, costs=0.01,
    buffer=0.005,
)  # fmt: skip
FIRST = "2024-01-08"
"""A Monday; the Monday after it New York is closed."""
FIRST_DAY = np.datetime64(FIRST, "us")


def stamps(*texts: str) -> Times:
    return np.array(texts, "datetime64[us]")


def walk(count: int, seed: int, level: float = 100.0) -> list[float]:
    return (level * np.exp(np.cumsum(np.random.default_rng(seed).normal(0.0, 0.02, count)))).tolist()


def coins(*names: str, rows: int = 25, start: str = FIRST, kind: Kind = Kind.SPOT, **more: object) -> Panel:
    close = {name: walk(rows, seed) for seed, name in enumerate(names)}
    opens = {name: [price * 1.01 for price in column] for name, column in close.items()}
    return market_of(close, open=opens, times=days(rows, start=start), kind=kind, **more)


def shares(*names: str, rows: int = 16, start: str = FIRST) -> Panel:
    close = {name: walk(rows, seed + 50) for seed, name in enumerate(names)}
    opens = {name: [price * 0.99 for price in column] for name, column in close.items()}
    times = days(rows, start=start, calendar=NEW_YORK)
    return market_of(close, open=opens, times=times, kind=Kind.ETF, calendar=NEW_YORK)


def only(panel: Panel, *keys: str) -> Panel:
    return panel.only(np.sort(panel.columns(keys)))


def rows_from(panel: Panel, first: int) -> Panel:
    """Return the panel as its data would have been imported from a row on."""
    fields = {name: array[first:] for name, array in panel.fields.items() if name != "total_return"}
    return Panel(
        times=panel.times[first:], instruments=panel.instruments, fields=fields, known_at=panel.known_at[first:],
        tradable=panel.tradable[first:], bases=panel.bases, stamps=panel.stamps, calendar=panel.calendar,
    )  # fmt: skip


def test_panels_of_one_calendar_are_united() -> None:
    """Instruments and rows of both; what both have is there once, and its first return is that of the longer one."""
    whole = coins("A", "B", "C")
    a, b = only(whole, "X:A", "X:B"), rows_from(only(whole, "X:B", "X:C"), 5)
    found = account_panel({"one": a, "two": b}, whole.times[8:], whole.times[9:10], NEXT)
    assert found.panel.keys == ("X:A", "X:B", "X:C")
    assert found.panel.calendar == CRYPTO
    assert found.measured.tolist() == list(range(8, 25))
    assert not len(found.waiting)
    for name, array in found.panel.fields.items():
        expected = whole.fields[name].copy()
        expected[:5, 2] = np.nan
        if name == "total_return":
            expected[5, 2] = np.nan
        np.testing.assert_array_equal(array, expected, err_msg=name)
    np.testing.assert_array_equal(found.panel.known_at, whole.known_at)


def test_the_account_ends_at_the_last_common_date_and_knows_nothing_later() -> None:
    whole = coins("A", "B")
    later = Fact(field="delisted_at", value=whole.times[20], known_at=whole.times[20])
    whole = replace(whole, instruments=(replace(whole.instruments[0], facts=(later,)), whole.instruments[1]))
    found = account_panel({"one": whole, "two": whole}, whole.times[3:15], whole.times[:0], NEXT)
    assert found.panel.times.tolist() == whole.times[:15].tolist()
    assert found.panel.instruments[0].facts == ()
    same = account_panel({"one": whole}, whole.times[3:], whole.times[:0], NEXT)
    assert same.panel is whole


@pytest.mark.parametrize("field", ["close", "dividend"])
def test_sleeves_that_saw_different_bars_are_refused(field: str) -> None:
    """By name of both, of the instrument and of the first day; a field that one lacks is blank there."""
    a = coins("A", "B")
    fields = {name: array.copy() for name, array in a.fields.items() if name != "total_return"}
    fields.setdefault("dividend", np.zeros((25, 2)))[7:, 1] += 0.5
    fields["close"][7:, 1] += 0.5 * (field == "close")
    fields["dividend"][:, 1] *= field == "dividend"
    b = Panel(
        times=a.times, instruments=a.instruments, fields=fields, known_at=a.known_at, tradable=a.tradable,
        bases=a.bases, stamps=a.stamps, calendar=a.calendar,
    )  # fmt: skip
    with pytest.raises(DataError, match=rf"sleeves one and two: X:B has {field} .* on 2024-01-15; they were played"):
        account_panel({"one": a, "two": b}, a.times, a.times[:0], NEXT)


def test_an_instrument_is_described_in_one_way() -> None:
    """By the same facts where panels end on one day, on the same basis, and on one calendar."""
    a, told = coins("A"), Fact(field="lot", value=0.1, known_at=stamps("2024-01-10")[0])
    known = replace(a, instruments=(replace(a.instruments[0], facts=(told,)),))
    for other in (known, replace(a, bases=(Basis.SPLIT,))):
        with pytest.raises(DataError, match="sleeves one and two: X:A is described in two ways"):
            account_panel({"one": a, "two": other}, a.times, a.times[:0], NEXT)
    with pytest.raises(DataError, match="X:A has bars of the calendars 24x7 and XNYS in the data of two sleeves"):
        account_panel({"one": a, "two": shares("A")}, shares("A").times, a.times[:0], NEXT)


def test_of_two_spans_the_later_one_knows_an_instrument_better() -> None:
    """Caveats are those of either."""
    later = coins("A")
    told = Fact(field="lot", value=0.1, known_at=stamps("2024-01-10")[0])
    later = replace(later, instruments=(replace(later.instruments[0], facts=(told,)),))
    assumed = Caveat(stamp=Stamp.ASSUMED_METADATA, since=FIRST_DAY)
    earlier = replace(coins("A").until(later.known_at[20].max()), stamps=(frozenset({assumed}),))
    for panels in ({"one": earlier, "two": later}, {"one": later, "two": earlier}):
        found = account_panel(panels, later.times[:21], later.times[:0], NEXT).panel
        assert found.instruments[0].facts == (told,)
        assert found.stamps == (frozenset({assumed}),)


def test_common_dates_must_be_there() -> None:
    with pytest.raises(ModelError, match="needs a common date"):
        account_panel({"one": coins("A")}, stamps(), stamps(), NEXT)
    with pytest.raises(ModelError, match="sleeve etf: its panel has no row of the common date 2024-01-13"):
        account_panel({"coin": coins("A"), "etf": shares("E")}, stamps("2024-01-12", "2024-01-13"), stamps(), NEXT)


FRIDAY, SATURDAY, SUNDAY, HOLIDAY, TUESDAY = stamps(
    "2024-01-12", "2024-01-13", "2024-01-14", "2024-01-15", "2024-01-16"
)


LATER, MONDAY = stamps("2024-01-20", "2024-01-22")


@pytest.mark.parametrize(
    ("decided", "execution", "extra", "waiting"),
    [
        ([FRIDAY], NEXT, [], []),
        ([SATURDAY], NEXT, [SATURDAY], []),
        ([FRIDAY, SATURDAY], NEXT, [], [SATURDAY]),
        ([SATURDAY, SUNDAY, HOLIDAY], NEXT, [SATURDAY], [SUNDAY, HOLIDAY]),
        ([SATURDAY], Execution(convention=Convention.NEXT_CLOSE), [SATURDAY], []),
        ([SATURDAY], Execution(convention=Convention.SAME_CLOSE), [], [SATURDAY]),
        ([stamps("2024-01-11")[0], SATURDAY], Execution(lag=1), [], [SATURDAY]),
        ([FRIDAY, SATURDAY, SUNDAY], Execution(lag=1), [SATURDAY], [SUNDAY]),
        ([SATURDAY], Execution(rebalancing=Rebalancing.DAILY), [SATURDAY], []),
        ([stamps("2024-01-09")[0], SATURDAY], Execution(rebalancing=Rebalancing.DAILY), [], [SATURDAY]),
        ([FRIDAY, SATURDAY], Execution(rebalancing=Rebalancing.DAILY), [], [SATURDAY]),
        ([stamps("2024-01-09")[0], SATURDAY, LATER], Execution(lag=3), [], [SATURDAY, LATER]),  # it waits for Tuesday's
    ],
)
def test_a_day_without_a_session_has_a_row_where_a_sleeve_decides_and_nothing_is_filled(
    decided: list[np.datetime64], execution: Execution, extra: list[np.datetime64], waiting: list[np.datetime64]
) -> None:
    etf = shares("E")
    found = account_panel({"coin": coins("A"), "etf": etf}, etf.times, np.array(decided), execution)
    assert np.setdiff1d(found.panel.times, etf.times).tolist() == [one.item() for one in extra]
    assert found.waiting.tolist() == [one.item() for one in waiting]
    assert found.panel.times[found.measured].tolist() == etf.times.tolist()
    assert found.panel.calendar == "24x7+XNYS"
    stand = found.panel.times[found.rows_of(np.array(waiting, "datetime64[us]"))]
    assert stand.tolist() == [(MONDAY if one == LATER else TUESDAY).item() for one in waiting]


def test_a_nested_account_shares_instruments_with_sleeves_of_their_own_calendars() -> None:
    """Their own bars are taken, whatever rows the nested account has; other closes are refused.

    What is in the nested account alone has the bars of its rows: on Sunday the close of Saturday stands.
    """
    coin, etf = coins("A", "B"), shares("E", "F")
    nested = account_panel({"coin": coin, "etf": only(etf, "X:E")}, etf.times, np.array([SATURDAY]), NEXT).panel
    panels = {"nested": nested, "etf": etf, "coin": only(coin, "X:A")}
    decided = np.array([SUNDAY])
    found = account_panel(panels, etf.times, decided, NEXT)
    plain = account_panel({"coin": coin, "etf": etf}, etf.times, decided, NEXT)
    assert sorted(found.panel.keys) == ["X:A", "X:B", "X:E", "X:F"]
    assert found.panel.times.tolist() == plain.panel.times.tolist()
    both = [panel.columns(("X:A", "X:E", "X:F")) for panel in (found.panel, plain.panel)]
    for name, array in found.panel.fields.items():
        np.testing.assert_array_equal(array[:, both[0]], plain.panel.fields[name][:, both[1]], err_msg=name)
    close = found.panel.fields["close"][:, found.panel.columns(("X:B",))[0]]
    at, day = np.searchsorted(found.panel.times, SUNDAY), np.searchsorted(coin.times, SATURDAY)
    assert close[at] == coin.fields["close"][day, 1]
    assert close[at + 1] == coin.fields["close"][day + 3, 1]
    fields = {name: array for name, array in etf.fields.items() if name != "total_return"}
    other = replace(
        etf, fields=fields | {"close": fields["close"] + (etf.times == TUESDAY)[:, None]}, _first_known=None
    )
    with pytest.raises(DataError, match=r"X:E closes at .* in the data of a nested meta-portfolio on 2024-01-16"):
        account_panel(panels | {"etf": other}, etf.times, decided, NEXT)


def test_history_before_the_common_dates_is_on_sessions_of_all() -> None:
    coin, etf = coins("A", start="2024-01-03", rows=30), shares("E")
    decided = stamps("2024-01-06", "2024-01-17", "2024-01-31")  # before the common dates, on one, behind them
    found = account_panel({"coin": coin, "etf": etf}, etf.times[4:], decided, NEXT)
    assert found.panel.times.tolist() == etf.times.tolist()
    assert found.measured.tolist() == list(range(4, 16))


def held(panel: Panel, at: np.datetime64, weights: dict[str, float]) -> WeightPath:
    net = np.array([[weights.get(key, 0.0) for key in panel.keys]])
    return WeightPath(keys=panel.keys, decided=np.searchsorted(panel.times, [at]), net=net)


@pytest.mark.requirement("R-SIM-18")
@pytest.mark.parametrize("name", players())
def test_an_account_of_a_fund_and_a_coin_is_the_sum_of_two(name: str) -> None:
    """Decided on a Friday before a long week-end: the coin is filled at Saturday's open, the fund at Tuesday's."""
    coin, etf = coins("A"), shares("E")
    grid = account_panel({"coin": coin, "etf": etf}, etf.times, stamps("2024-01-12"), NEXT)
    both = played(name, grid.panel, held(grid.panel, FRIDAY, {"X:A": 0.3, "X:E": 0.5}), COSTS, NEXT)
    of_coin = played("custom", coin, held(coin, FRIDAY, {"X:A": 1.0}), COSTS, NEXT)
    of_etf = played("custom", etf, held(etf, FRIDAY, {"X:E": 1.0}), COSTS, NEXT)
    at = np.searchsorted(of_coin.times, both.times)
    expected = 0.2 + 0.3 * of_coin.equity[at] + 0.5 * of_etf.equity
    np.testing.assert_allclose(both.equity, expected, rtol=1e-12)


def test_funding_of_a_row_is_what_its_days_paid() -> None:
    """Of a swap held over a long week-end, decided on Friday and again on Saturday, with hours that nobody told of."""
    rng, rows = np.random.default_rng(3), 25
    paid = rng.normal(0.0, 1e-3, rows)
    paid[[6, 12]] = np.nan
    told = np.where(np.isnan(paid), np.nan, rng.choice([8.0, 16.0, 24.0], rows))
    coin, etf = coins("A", kind=Kind.SWAP, funding={"A": paid}, funding_hours={"A": told}), shares("E")
    for at in (FRIDAY, SATURDAY):
        grid = account_panel({"coin": coin, "etf": etf}, etf.times, np.array([at]), NEXT)
        for side in (0.3, -0.3):
            both = played("custom", grid.panel, held(grid.panel, at, {"X:A": side}), COSTS, NEXT)
            alone = played("custom", coin, held(coin, at, {"X:A": side}), COSTS, NEXT)
            common = np.searchsorted(alone.times, both.times)
            np.testing.assert_allclose(both.equity, alone.equity[common], rtol=1e-12)
            until = slice(None, common[-1] + 1)
            assert both.costs["funding"].sum() == pytest.approx(alone.costs["funding"][until].sum(), rel=1e-12)
            assert both.assumed_funding.sum() == pytest.approx(alone.assumed_funding[until].sum(), rel=1e-12)
            assert both.assumed_funding.sum() > 0.0


def test_an_account_on_common_dates_alone_is_that_of_decisions_which_wait() -> None:
    """Its bars are those of a panel that never had more rows; Saturday's decision takes the place of Friday's."""
    coin, etf = coins("A", kind=Kind.SWAP, funding={"A": [1e-4] * 25}, funding_hours={"A": [16.0] * 25}), shares("E")
    grid = account_panel({"coin": coin, "etf": etf}, etf.times[3:], np.array([SATURDAY]), NEXT)
    plain = account_panel({"coin": coin, "etf": etf}, etf.times[3:], np.array([], "datetime64[us]"), NEXT)
    rows = np.searchsorted(grid.panel.times, np.array([SATURDAY, TUESDAY, np.datetime64("2024-01-18", "us")]))
    net = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.5]])
    panel, path = on_common_dates(grid, WeightPath(keys=grid.panel.keys, decided=rows, net=net))
    assert path.decided.tolist() == np.searchsorted(etf.times, stamps("2024-01-16", "2024-01-18")).tolist()
    assert path.net.tolist() == net[1:].tolist()
    assert set(panel.fields) == set(plain.panel.fields)
    for name, array in plain.panel.fields.items():
        np.testing.assert_allclose(panel.fields[name], array, rtol=1e-13, err_msg=name)
    np.testing.assert_array_equal(panel.known_at, plain.panel.known_at)
    assert on_common_dates(plain, path)[0] is plain.panel


@pytest.mark.requirement("R-SIM-18")
@pytest.mark.parametrize("name", players(["vectorbt", "cvxportfolio", "nautilus"]))
def test_in_the_parity_setting_all_play_the_account_on_its_common_dates(name: str) -> None:
    """Weights restored at every close: on the account's own rows a fund would have to be traded on a Saturday."""
    grid = account_panel({"coin": coins("A"), "etf": shares("E")}, shares("E").times, np.array([SATURDAY]), NEXT)
    path = WeightPath(
        keys=grid.panel.keys, decided=np.searchsorted(grid.panel.times, stamps("2024-01-09", "2024-01-13")),
        net=np.array([[0.3, 0.5], [0.5, 0.4]]),
    )  # fmt: skip
    panel, fewer = on_common_dates(grid, path)
    setting = parity_setting(panel, COSTS, NEXT, LIMITS)
    ours, theirs = (played(one, setting.panel, fewer, setting.costs, setting.execution) for one in ("custom", name))
    np.testing.assert_allclose(theirs.equity, ours.equity, rtol=1e-9)
    assert not ours.events
    whole = parity_setting(grid.panel, COSTS, NEXT, LIMITS)
    unfilled = played("custom", whole.panel, path, whole.costs, whole.execution).events
    assert [(one.key, one.kind) for one in unfilled] == [("X:E", EventKind.UNFILLED)]


@pytest.mark.parametrize("name", players())
def test_a_week_end_on_which_a_coin_is_decided_is_no_halt_of_the_fund(name: str) -> None:
    """The fund's last price stands on Saturday; by hand: quantities of Saturday's marks, filled at the next opens."""
    coin, etf = coins("A"), shares("E")
    grid = account_panel({"coin": coin, "etf": etf}, etf.times, np.array([SATURDAY]), NEXT)
    net = np.array([[0.3, 0.5], [0.5, 0.4]])
    rows = np.searchsorted(grid.panel.times, stamps("2024-01-09", "2024-01-13"))
    assert grid.panel.keys == ("X:E", "X:A")
    path = WeightPath(keys=grid.panel.keys, decided=rows, net=net)
    book = played(name, grid.panel, path, COSTS, NEXT)
    coin_day, fund_day = int(np.searchsorted(coin.times, SATURDAY)), int(np.searchsorted(etf.times, FRIDAY))
    held = book.quantities[0]
    marks = np.array([etf.fields["close"][fund_day, 0], coin.fields["close"][coin_day, 0]])
    opens = np.array([etf.fields["open"][fund_day + 1, 0], coin.fields["open"][coin_day + 1, 0]])
    cash, on_saturday = book.cash[0], rows[1] - rows[0] - 1
    equity = cash + held @ marks
    assert book.equity[on_saturday] == pytest.approx(equity, rel=1e-12)
    np.testing.assert_allclose(book.quantities[on_saturday + 1], net[1] * equity / marks, rtol=1e-9)
    paid = COSTS.per_notional * np.abs(net[1] * equity / marks - held) @ opens
    closes = np.array([etf.fields["close"][fund_day + 1, 0], coin.fields["close"][coin_day + 3, 0]])
    after = net[1] * equity / marks
    expected = cash - (after - held) @ opens - paid + after @ closes
    assert book.equity[on_saturday + 1] == pytest.approx(expected, rel=1e-12)
