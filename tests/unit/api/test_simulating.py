import re
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import polars as pl
import pytest

import tvquant as tv
from tvquant.profiles.files import packaged_defaults

DAYS = pd.bdate_range("2024-01-02", periods=40)
A = pd.Series(100.0 * 1.01 ** np.arange(40), index=DAYS)
B = pd.Series(50.0 * 0.99 ** np.arange(40), index=DAYS)
CLOSES = pd.DataFrame({"A": A, "B": B})
WEIGHTS = pd.DataFrame({"A": [0.5, 0.0], "B": [-0.25, 0.5]}, index=DAYS[[0, 10]])
FREE = tv.Costs(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0)


def test_costs_are_those_of_the_packaged_profiles() -> None:
    house = packaged_defaults().values
    told = {**house["costs"], "delisting_haircut": house["execution"]["delisting_haircut"]}
    assert asdict(tv.Costs()) == told
    usual = {key: value for key, value in house["execution"].items() if key in asdict(tv.Trading())}
    assert asdict(tv.Trading()) == usual


def test_a_book_without_costs_is_what_the_holdings_earn() -> None:
    made = tv.simulate(WEIGHTS, CLOSES, FREE)
    first, second = 0.5 / 100.0, -0.25 / 50.0  # units, fixed at the first close, held from the next on
    until = 1.0 + first * (A - A.iloc[1]) + second * (B - B.iloc[1])
    assert made.equity["time"].to_list() == [day.to_pydatetime() for day in DAYS[1:]]
    np.testing.assert_allclose(made.equity["equity"][:11], until.iloc[1:12], rtol=1e-12)
    np.testing.assert_allclose(made.returns["return"][1:11], until.pct_change().iloc[2:12], rtol=1e-9)
    assert made.turnover["filled_at"].to_list() == [DAYS[1].to_pydatetime(), DAYS[11].to_pydatetime()]
    assert made.turnover["traded"][0] == pytest.approx(0.5 * 1.01 + 0.25 * 0.99)
    assert made.held.columns == ["time", "A", "B"]
    assert made.held["A"][11:].to_list() == [0.0] * 28
    assert made.held["B"][0] == pytest.approx(-0.25 * 0.99)
    assert made.metrics["periods_per_year"] == 252
    assert made.metrics["total_return"] == pytest.approx(made.equity["equity"][-1] - 1.0)
    assert made.equity["drawdown"].min() == pytest.approx(made.metrics["max_drawdown"])
    assert made.costs.select(pl.sum_horizontal(pl.exclude("time")).sum()).item() == 0.0
    assert (made.events.height, made.failure) == (0, None)


def test_costs_conventions_and_calendar_are_those_that_are_asked_for_and_said() -> None:
    both = {"open": CLOSES.shift(1).bfill(), "close": CLOSES}
    made = tv.simulate(WEIGHTS, both, tv.Costs(slippage_bps=7, commission_bps=3), calendar="24x7")
    assert made.assumptions[0] == "next_open: filled at the open of the next row"
    assert made.assumptions[2] == "365 periods per year, of the calendar 24x7"
    traded = made.turnover["traded"][0]
    assert made.costs["slippage"][0] == pytest.approx(7e-4 * traded)
    assert made.costs["commission"][0] == pytest.approx(3e-4 * traded)
    assert made.costs["borrow"].sum() > 0.0
    assert tv.simulate(WEIGHTS, CLOSES).assumptions[1].startswith("5 bps slippage and 1 bps commission")
    at_once = tv.simulate(WEIGHTS, CLOSES, FREE, convention="same_close")
    assert (at_once.equity["time"][0], at_once.stamps) == (DAYS[0].to_pydatetime(), {"optimistic_execution"})
    later = tv.simulate(WEIGHTS, CLOSES, FREE, lag=2)
    assert later.turnover["filled_at"][0] == DAYS[3].to_pydatetime()
    assert "2 rows later" in later.assumptions[0]


def test_frames_of_any_sort_make_the_same_book() -> None:
    """Columns in any order, a name that is not weighed, bars in rows, polars."""
    wanted = tv.simulate(WEIGHTS, CLOSES).equity
    rows = CLOSES.stack().rename("close").rename_axis(["date", "symbol"])
    for weights, prices in (
        (WEIGHTS[["B", "A"]], CLOSES.assign(C=1.0)),
        (WEIGHTS, rows.to_frame()),
        (pl.from_pandas(WEIGHTS.reset_index(names="d")), pl.from_pandas(rows.reset_index())),
        (WEIGHTS.tz_localize("UTC"), CLOSES.tz_localize("America/New_York")),
    ):
        assert tv.simulate(weights, prices).equity.equals(wanted)


def test_a_name_that_ends_is_closed_at_a_haircut_and_named() -> None:
    ended = CLOSES.copy()
    ended.loc[DAYS[20] :, "B"] = np.nan
    made = tv.simulate(WEIGHTS, ended, replace(FREE, delisting_haircut=0.5))
    [event] = made.events.to_dicts()
    assert (event["symbol"], event["kind"], event["time"]) == ("B", "closed_out", DAYS[25].to_pydatetime())
    before, after = made.equity["equity"][23], made.equity["equity"][24]
    assert after == pytest.approx(before * (1.0 - 0.5 * made.held["B"][23]))
    begins = CLOSES.copy()
    begins.loc[: DAYS[5], "A"] = np.nan  # columns stand in the order of first bars inside, not in what comes out
    assert tv.simulate(WEIGHTS.assign(A=[0.0, 0.5]), begins).turnover.height == 2


@pytest.mark.parametrize(
    ("weights", "prices", "more", "message"),
    [
        (WEIGHTS.reindex(DAYS), CLOSES, {}, "weights: A on 2024-01-03 is empty; write 0 for a name that is not held"),
        (WEIGHTS * 100, CLOSES, {}, "weights: on 2024-01-02 they sum to 75 times equity"),
        (WEIGHTS.assign(Z=0.1), CLOSES, {}, "weights: prices have no column Z; they have A, B"),
        (WEIGHTS.set_axis(DAYS[[0, 1]] + pd.Timedelta("5D")), CLOSES, {}, "weights: prices have no row of 2024-01-07"),
        (WEIGHTS, CLOSES.iloc[:5], {}, "weights: prices have no row of 2024-01-16"),
        (WEIGHTS.iloc[::-1], CLOSES, {}, "weights: 2024-01-02 stands behind 2024-01-16"),
        (WEIGHTS.iloc[:0], CLOSES, {}, "weights: the frame is empty"),
        (WEIGHTS, CLOSES.assign(B=np.nan), {}, "prices: B has no price at all"),
        (WEIGHTS, CLOSES - 100, {}, "prices: close of A on 2024-01-02 is 0, expected a number above zero"),
        (WEIGHTS, {"open": CLOSES}, {}, "prices: expected frames for close and perhaps open, high, low, volume, found"),
        (WEIGHTS, {"open": CLOSES[["A"]], "close": CLOSES}, {}, "prices: open and close have different dates or names"),
        (WEIGHTS, CLOSES, {"convention": "next"}, "convention: unknown name 'next' - did you mean next_"),
        (WEIGHTS, CLOSES, {"convention": "next_open"}, "use next_close"),
        (WEIGHTS, CLOSES.iloc[::2], {}, "calendar: 20 rows from 2024-01-02 to 2024-02-23 do not say"),
        (WEIGHTS, CLOSES, {"lag": -1}, "lag must be a number from 0"),
        (WEIGHTS, CLOSES, {"lag": 1.5}, "lag must be a whole number of rows, found 1.5"),
        (WEIGHTS, CLOSES, {"lag": "1"}, "lag must be a number from 0 to inf, found '1'"),
        (WEIGHTS, CLOSES, {"costs": 0.001}, "costs: expected tv.Costs(slippage_bps=5, ...), found 0.001"),
        (WEIGHTS, CLOSES, {"costs": tv.Costs(slippage_bps="5")}, "costs.slippage_bps must be a number from 0 to 10000"),
        (WEIGHTS.rename(columns={"A": "B:X.P"}), CLOSES.rename(columns={"A": "B:X.P"}), {}, "is a perpetual swap"),
        (WEIGHTS.tail(1).set_axis(DAYS[-1:]), CLOSES, {}, "no decision is filled"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_one_line(weights: object, prices: object, more: dict, message: str) -> None:
    with pytest.raises(tv.TvquantError) as caught:
        tv.simulate(weights, prices, **more)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_weights_are_restored_every_day_and_every_fill_names_its_decision() -> None:
    """No costs, fills at the close: equity grows by the weighted returns of each day, which is what daily means."""
    made = tv.simulate(WEIGHTS, CLOSES, FREE, convention="same_close", trading=tv.Trading(rebalancing="daily"))
    held = WEIGHTS.reindex(CLOSES.index).ffill().shift(1).loc[made.equity["time"][1] :]
    growth = 1.0 + (held * CLOSES.pct_change().loc[held.index]).sum(axis=1)
    np.testing.assert_allclose(made.returns["return"][1:], growth - 1.0, atol=1e-12)
    assert (
        made.turnover["decided_at"].to_list() == made.turnover["filled_at"].to_list() == made.equity["time"].to_list()
    )
    assert "rebalancing 'daily'" in made.assumptions


@pytest.mark.parametrize("simulator", ["vectorbt", "cvxportfolio"])
def test_another_simulator_makes_the_same_book(simulator: str, request: pytest.FixtureRequest) -> None:
    if simulator == "vectorbt":
        request.getfixturevalue("vectorbt")
    ours, theirs = (
        tv.simulate(WEIGHTS, CLOSES, tv.Costs(borrow_rate=0.0), simulator=name, trading=tv.Trading(buffer=0.01))
        for name in ("custom", simulator)
    )
    np.testing.assert_allclose(ours.equity["equity"], theirs.equity["equity"], rtol=1e-9)


def test_idle_cash_earns_and_what_moves_the_market_costs_more() -> None:
    made = tv.simulate(WEIGHTS * 0.0, CLOSES, tv.Costs(cash_yield=0.05))
    days = (made.equity["time"] - made.equity["time"][0]).dt.total_days().to_numpy()[1:]
    yearly = np.diff(np.concatenate([[0], days])) * 0.05 / 365.0
    np.testing.assert_allclose(made.returns["return"][1:], yearly, rtol=1e-9)
    moves = np.random.default_rng(5).normal(0.0, 0.02, CLOSES.shape)
    prices = {"close": CLOSES * np.exp(moves), "volume": CLOSES * 0.0 + 1e6}
    dear, late = tv.Costs(impact=1.0, borrow_rate=0.0), WEIGHTS.set_axis(DAYS[[25, 30]])
    spent = [tv.simulate(late, prices, dear, trading=tv.Trading(nav=nav)).costs["impact"].sum() for nav in (1e6, 4e6)]
    assert spent[1] == pytest.approx(2.0 * spent[0], rel=0.05)  # a root: four times the size, twice the share


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"trading": tv.Trading(rebalancing="dayly")},
            "trading.rebalancing: unknown name 'dayly' - did you mean daily",
        ),
        ({"costs": tv.Costs(spread="roll")}, "costs.spread: unknown name 'roll'"),
        ({"costs": tv.Costs(tiers=[{"traded": 0}])}, "costs.tiers: expected [{'traded': 0, "),
        ({"costs": tv.Costs(impact=1.0)}, "costs.impact is measured of volumes, and this panel has none"),
        ({"costs": tv.Costs(tiers=[{"traded": 0, "maker_bps": 2, "taker_bps": 5}])}, "costs.tiers needs trading.nav"),
        ({"trading": tv.Trading(participation=0.1)}, "trading.participation needs trading.nav"),
        ({"trading": tv.Trading(band=2.0)}, "trading.band must be a number from 0 to 1"),
        ({"costs": tv.Costs(delisting_haircut=2.0)}, "costs.delisting_haircut must be a number from 0 to 1"),
        (
            {"costs": tv.Costs(borrow_rate=0), "trading": tv.Trading(band=0.1), "simulator": "vectorbt"},
            "trading.band: simulator vectorbt refuses band",
        ),
        ({"simulator": "vectorbt"}, "costs.borrow_rate: simulator vectorbt refuses borrow"),
        ({"simulator": "excel"}, "simulator: unknown name 'excel'"),
        ({"trading": {"band": 0.1}}, "trading: expected tv.Trading(rebalancing='daily', ...)"),
    ],
)
def test_a_rule_that_is_none_or_that_is_refused_is_one_line(given: dict[str, object], said: str) -> None:
    with pytest.raises(tv.ProfileError) as caught:
        tv.simulate(WEIGHTS, CLOSES, **given)
    assert said in str(caught.value)
    assert "execution." not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"borrow_rates": {"AA": 0.4}}, "costs.borrow_rates: unknown name of prices 'AA'"),
        ({"cash_yield": 4.0}, "costs.cash_yield: expected a fraction per year, as 0.04, found 4"),
        ({"cash_yield": float("nan")}, "costs.cash_yield: expected a fraction per year"),
    ],
)
def test_a_rate_of_nobody_and_a_yield_in_percent_are_refused(given: dict[str, object], words: str) -> None:
    with pytest.raises(tv.ProfileError, match=re.escape(words)):
        tv.simulate(WEIGHTS, CLOSES, tv.Costs(**given))


def test_many_books_are_those_of_one_by_one() -> None:
    """Of other names, dates and sides; a ruined one stays at nothing, and none begins before its first fill."""
    late = WEIGHTS.set_axis(DAYS[[5, 12]])
    many = {
        "both": WEIGHTS, "other sides": -WEIGHTS, "one name": WEIGHTS[["B"]], "late": late,
        "ruined": pd.DataFrame({"A": [-9.0]}, index=DAYS[[0]]),
    }  # fmt: skip
    made = tv.simulate_many(many, CLOSES, tv.Costs(slippage_bps=7), convention="same_close", lag=1)
    assert made.columns == ["time", *many]
    for name, weights in many.items():
        alone = tv.simulate(weights, CLOSES, tv.Costs(slippage_bps=7), convention="same_close", lag=1)
        filled = made.filter(made[name].is_not_null())
        assert filled["time"].to_list() == alone.equity["time"].to_list()
        np.testing.assert_allclose(filled[name], alone.equity["equity"], rtol=1e-12, atol=1e-15)
    assert made["ruined"][-1] == 0.0


@pytest.mark.parametrize(
    ("weights", "costs", "said"),
    [
        ({}, None, "weights: expected name -> frame"),
        (WEIGHTS, None, "weights: expected name -> frame"),
        (
            {"one": WEIGHTS},
            tv.Costs(cash_yield=0.02),
            "costs.cash_yield is 0.02: many books at once",
        ),
        ({"one": WEIGHTS.assign(C=0.1)}, None, "weights: prices have no column C"),
    ],
)
def test_what_is_not_many_books_is_refused(weights: object, costs: tv.Costs | None, said: str) -> None:
    with pytest.raises(tv.ProfileError, match=re.escape(said)):
        tv.simulate_many(weights, CLOSES, costs)
