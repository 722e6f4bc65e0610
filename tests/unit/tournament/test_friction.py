"""The friction audit against days counted by hand and closed forms."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from builders.panels import panel_of
from tvquant.core.books import Convention, CostModel, Execution, FeeTier, Spread, WeightPath
from tvquant.core.errors import ModelError
from tvquant.core.panel import Panel
from tvquant.core.rates import RiskFree
from tvquant.profiles import Profile
from tvquant.tournament.cells import cells, headline, schedule
from tvquant.tournament.friction import LADDER, SIZES, audit, break_even, capacity, cases

CLOSE = Execution(convention=Convention.NEXT_CLOSE)


def audited(
    panel: Panel, weights: dict[int, tuple[float, ...]], execution: Execution = CLOSE, **given: Any
) -> pl.DataFrame:
    path = WeightPath(keys=panel.keys, decided=np.array(list(weights)), net=np.array(list(weights.values())))
    return pl.DataFrame(audit(panel, path, cases(CostModel(), execution, **given)))


def figure(found: pl.DataFrame, group: str, value: str, name: str) -> Any:
    return found.filter((pl.col("group") == group) & (pl.col("value") == value))[name].item()


def one_name(close: list[float], opens: list[float] | None = None) -> Panel:
    fields = {"close": np.array(close)[:, None]} | ({"open": np.array(opens)[:, None]} if opens else {})
    return panel_of(fields)


@pytest.mark.requirement("R-SIM-06")
@pytest.mark.requirement("R-SIM-05")
def test_a_ladder_of_slippage_and_the_stress_by_hand() -> None:
    """Half is bought at once and prices stand still: each rung costs its slippage and one point of commission."""
    found = audited(one_name([100.0] * 5), {0: (0.5,)})
    for bps in LADDER:
        paid = figure(found, "slippage", f"{bps:g}", "total_return")
        assert paid == pytest.approx(-0.5 * (bps + 1) * 1e-4, abs=1e-15)
    assert figure(found, "stress", "10 + 4", "total_return") == pytest.approx(-7e-4, abs=1e-15)
    assert figure(found, "as_is", "", "total_return") == pytest.approx(-3e-4, abs=1e-15)
    assert figure(found, "slippage", "10", "cost") == pytest.approx(5.5e-4 * 365 / 4)
    assert figure(found, "slippage", "10", "traded") == pytest.approx(0.5 * 365 / 4)
    assert figure(found, "slippage", "10", "turnover") == pytest.approx(0.5 * 365 / 4)


def test_figures_of_a_book_are_those_of_its_returns() -> None:
    """A switch of names at row 40, 2 traded and 1 turned over; a rate without risk that rises from row to row."""
    draw, rows = np.random.default_rng(2), 90
    close = 100.0 * np.exp(draw.normal(0.002, 0.02, (rows, 2)).cumsum(axis=0))
    panel, rate = panel_of({"close": close}), np.linspace(0.0, 3e-3, rows)
    path = WeightPath(keys=panel.keys, decided=np.array([4, 40]), net=np.eye(2))
    free = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0)
    every = cases(free, replace(CLOSE, convention=Convention.SAME_CLOSE), whole=False)
    found = pl.DataFrame(audit(panel, path, every, risk_free=RiskFree(per_row=rate)))
    held = np.where(
        np.arange(rows) <= 40, close[:, 0] / close[4, 0], close[40, 0] / close[4, 0] / close[40, 1] * close[:, 1]
    )
    level = held[4:]
    excess = np.diff(level, prepend=1.0) / np.append(1.0, level[:-1]) - rate[4:]
    by_hand = {
        "rows": rows - 4,
        "total_return": level[-1] - 1.0,
        "log_growth": math.log(level[-1]) * 365 / (rows - 4),
        "sharpe": excess.mean() / excess.std(ddof=1) * math.sqrt(365),
        "max_drawdown": min(level[t] / level[: t + 1].max() - 1.0 for t in range(len(level))),
        "turnover": 2.0 * 365 / (rows - 4),
        "traded": 3.0 * 365 / (rows - 4),
    }
    for name, value in by_hand.items():
        assert figure(found, "as_is", "", name) == pytest.approx(value, rel=1e-9), name


def test_a_profile_with_tiers_and_a_measured_spread_is_stressed_too() -> None:
    """Half is bought: a quarter of it by makers at 4 bps, the rest by takers at 8; the stress is 14 bps flat."""
    panel = panel_of({name: np.full((5, 1), 100.0) for name in ("high", "low", "close")})
    path = WeightPath(keys=panel.keys, decided=np.array([2]), net=np.array([[0.5]]))
    tiers = (FeeTier(traded=0.0, maker_bps=4.0, taker_bps=8.0),)
    costs = CostModel(spread=Spread.ABDI_RANALDO, tiers=tiers, maker_share=0.25)
    found = pl.DataFrame(audit(panel, path, cases(costs, replace(CLOSE, nav=1e5))))
    assert figure(found, "stress", "10 + 4", "total_return") == pytest.approx(-7e-4, abs=1e-15)
    assert figure(found, "slippage", "10", "total_return") == pytest.approx(-0.5 * 17e-4, abs=1e-15)
    shown = {
        group: found.filter(pl.col("group") == group).row(0, named=True) for group in ("as_is", "slippage", "stress")
    }
    assert [(one["slippage_bps"], one["commission_bps"]) for one in shown.values()] == [
        (None, None), (0.0, None), (10.0, 4.0)
    ]  # fmt: skip


@pytest.mark.requirement("R-SIM-06")
@pytest.mark.parametrize("execution", [CLOSE, Execution()])
def test_five_points_more_cost_five_points_of_what_was_traded(execution: Execution) -> None:
    """The same weights at 5 and 10 bps: growth differs by 5 bps x traded value, but for the drift of quantities."""
    draw = np.random.default_rng(7)
    close = 100.0 * np.exp(draw.normal(0.0, 0.002, (400, 6)).cumsum(axis=0))
    panel = panel_of({"close": close, "open": close * np.exp(draw.normal(0.0, 0.001, close.shape))})
    weights = {row: tuple(draw.dirichlet(np.ones(6))) for row in range(0, 380, 10)}
    found = audited(panel, weights, execution)
    years = figure(found, "slippage", "5", "rows") / 365
    traded = figure(found, "slippage", "5", "traded") * years
    levels = [1.0 + figure(found, "slippage", bps, "total_return") for bps in ("5", "10")]
    assert traded > 20.0
    assert math.log(levels[0] / levels[1]) == pytest.approx(5e-4 * traded, rel=5e-3)
    both = [figure(found, "slippage", bps, "cagr") for bps in ("5", "10")]
    assert figure(found, "slippage", "10", "difference") == pytest.approx(both[1] - both[0], abs=1e-12)
    assert figure(found, "slippage", "10", "low") is None  # what a cost makes of a mean is no estimate


@pytest.mark.requirement("R-SIM-04")
def test_lags_and_conventions_stand_side_by_side() -> None:
    """One unit per unit of capital, ordered at 100: it costs 104 or 105 a day later, 120 or 126 after two.

    It ends at 126. Filled at the open of day 1 it earns 22, at its close 21, at the very close of the decision 26; a
    row later 6 or 0.
    """
    panel = one_name([100.0, 105.0, 126.0, 126.0], [100.0, 104.0, 120.0, 126.0])
    path = WeightPath(keys=panel.keys, decided=np.array([0]), net=np.array([[1.0]]))
    free = CostModel(slippage_bps=0.0, commission_bps=0.0, borrow_rate=0.0)
    found = pl.DataFrame(audit(panel, path, cases(free, Execution())))
    earned = {(group, value): figure(found, group, value, "total_return") for group, value in (
        ("lag", "0"), ("lag", "1"), ("lag", "2"), ("convention", "next_open"), ("convention", "next_close"),
        ("convention", "same_close"))}  # fmt: skip
    assert earned == pytest.approx({
        ("lag", "0"): 0.22, ("lag", "1"): 0.06, ("lag", "2"): 0.0, ("convention", "next_open"): 0.22,
        ("convention", "next_close"): 0.21, ("convention", "same_close"): 0.26,
    }, abs=1e-14)  # fmt: skip
    assert set(found.filter(pl.col("group") == "lag")["rows"]) == {3, 2, 1}


def test_a_lag_that_the_profile_has_is_stressed_by_one_more() -> None:
    lags = [one.execution.lag for one in cases(CostModel(), Execution(lag=3)) if one.group == "lag"]
    assert lags == [0, 1, 2, 3, 4]


def test_what_a_later_fill_makes_of_the_mean_has_an_interval_on_common_rows() -> None:
    """Prices rise 1 % each day that follows a purchase, and stand still otherwise: a lag of one row earns nothing."""
    draw = np.random.default_rng(3)
    rows = np.arange(1, 600, 4)
    moves = np.zeros(602)
    moves[rows + 2] = 0.01
    close = 100.0 * np.exp((moves + draw.normal(0.0, 1e-4, 602)).cumsum())
    weights = {int(row): (1.0,) for row in rows} | {int(row) + 2: (0.0,) for row in rows if row + 2 < 600}
    found = audited(one_name(close.tolist()), dict(sorted(weights.items())))
    yearly = 0.01 * 365 / 4
    assert figure(found, "lag", "1", "mean_difference") == pytest.approx(-yearly, rel=0.05)
    low, high = (figure(found, "lag", "1", name) for name in ("low", "high"))
    assert low < figure(found, "lag", "1", "mean_difference") < high < -0.95 * yearly
    assert figure(found, "lag", "0", "low") is None


def test_what_cannot_be_played_has_its_reason_and_no_figures() -> None:
    """Without opens there is no fill at the open, without volume no impact."""
    found = audited(one_name([100.0, 101.0, 102.0, 103.0]), {0: (1.0,)})
    left = found.filter(pl.col("why").is_not_null())
    assert left["group"].to_list() == ["convention", *["nav"] * len(SIZES)]
    assert "open" in figure(found, "convention", "next_open", "why")
    assert all("volume" in why for why in found.filter(pl.col("group") == "nav")["why"])
    assert left["total_return"].null_count() == len(left)
    assert left["nav"].drop_nulls().to_list() == list(SIZES)


def test_size_costs_by_the_square_root_law_in_closed_form() -> None:
    """Half of the equity is bought once, 20 bars behind it: 19 moves between 100 and 101, 1,000 units traded a day.

    The fill costs k sigma sqrt(v / ADV) v more than the book as it is, with v = NAV / 2 and k = 1.
    """
    close = np.where(np.arange(23) % 2 == 0, 100.0, 101.0)
    close[20:] = close[19]
    panel = panel_of({"close": close[:, None], "volume": np.full((23, 1), 1_000.0)})
    found = audited(panel, {19: (0.5,)})
    sigma = np.std(close[1:20] / close[:19] - 1.0, ddof=1)
    turned = float(np.mean(1_000.0 * close[:20]))
    for nav in SIZES[:5]:
        lost = sigma * math.sqrt(0.5 * nav / turned) * 0.5
        paid = figure(found, "as_is", "", "total_return") - figure(found, "nav", f"{nav:g}", "total_return")
        assert paid == pytest.approx(lost, rel=1e-3)  # but for interest on what little is borrowed for it
    assert {one.costs.impact for one in cases(CostModel(impact=0.4), CLOSE) if one.group == "nav"} == {0.4}


def test_a_book_that_cannot_be_kept_is_not_audited() -> None:
    with pytest.raises(ModelError, match="friction"):
        audited(one_name([100.0, 101.0]), {1: (1.0,)})


def test_ruin_has_no_growth() -> None:
    found = audited(one_name([100.0, 100.0, 40.0, 40.0]), {0: (2.0,)}, whole=False)
    assert set(found["status"]) == {"liquidated"}
    assert found["log_growth"].null_count() == len(found) == len(LADDER) + 1


@pytest.mark.parametrize(
    ("left", "expected"),
    [([0.3, 0.2, 0.0, -0.4], 10.0), ([0.3, 0.1, -0.1, -0.5], 7.5), ([-0.1, -0.2, -0.3, -0.4], -math.inf),
     ([0.3, 0.2, 0.1, 0.05], math.inf), ([0.0, -0.1, -0.2, -0.3], -math.inf), ([0.3, math.nan, 0.0, -0.1], None)],
)  # fmt: skip
def test_break_even_is_where_nothing_is_left(left: list[float], expected: float | None) -> None:
    found = break_even(np.array([0.0, 5.0, 10.0, 20.0]), np.array(left))
    assert found is None if expected is None else found == pytest.approx(expected)


def test_break_even_of_a_book_by_closed_form() -> None:
    """A round trip every other day for 200 days: bought at 100, sold at 100.4, c = s + 1 bp paid on either value.

    Quantities are fixed on the mark before, 100.4, so that 100 / 100.4 of the equity are bought.
    """
    close = np.where(np.arange(203) % 2 == 0, 100.4, 100.0)
    weights = {row: (1.0,) if row % 2 == 0 else (0.0,) for row in range(200)}
    found = audited(one_name(close.tolist()), weights, whole=False).filter(pl.col("group") == "slippage")
    at = break_even(found["slippage_bps"].to_numpy(), found["log_growth"].to_numpy())
    cost = 1e-4 * (at + 1.0)
    share = 100.0 / 100.4
    assert share * 0.004 - cost * share - cost * share * 1.004 == pytest.approx(0.0, abs=2e-6)
    assert 10.0 < at < 20.0


def test_capacity_is_where_a_share_of_the_growth_is_left() -> None:
    sizes = np.array([1e5, 1e6, 1e7])
    assert capacity(sizes, np.array([0.2, 0.15, 0.05]), 0.5) == pytest.approx(10**6.5)
    assert capacity(sizes, np.array([0.2, 0.19, 0.18]), 0.5) == math.inf
    assert capacity(sizes, np.array([0.2, 0.19, 0.1]), 0.5) == pytest.approx(1e7), "left at the largest, and not above"
    assert capacity(sizes, np.array([-0.1, -0.2, -0.3]), 0.5) is None
    assert capacity(sizes, np.array([0.2, math.nan, 0.1]), 0.5) is None


def test_headline_and_baselines_are_audited(profile: Any) -> None:
    made: Profile = profile()
    marked = {cell.key for cell in cells(made) if cell.audited}
    assert marked == {headline(made), "base_universe_ew/custom", "benchmark/custom"}
    assert schedule(made).step == 20
