from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tvquant.core.rates import RiskFree
from tvquant.report.figures import to_plotly
from tvquant.report.performance_figures import (
    Track,
    annual_bars,
    days_of,
    drawdown,
    equity,
    rolling_betas,
    rolling_sharpe,
    rolling_volatility,
    shared_excess,
    shared_rows,
    window_of,
)


def track(name: str = "mine", seed: int = 1, n: int = 300, basis: str = "") -> Track:
    times = np.datetime64("2020-12-01", "us") + np.arange(n) * np.timedelta64(1, "D")
    return Track(name=name, times=times, returns=np.random.default_rng(seed).normal(0.001, 0.01, n), basis=basis)


def test_growth_and_falls_of_each_track_are_drawn_and_one_without_dividends_says_so() -> None:
    mine, index = track(), track("index", 2, basis="prices only")
    traces = {trace["name"]: trace for trace in equity([mine, index], "mine").spec["data"] if "yaxis" not in trace}
    np.testing.assert_allclose(traces["mine"]["y"], np.cumprod(1 + mine.returns), rtol=1e-5)
    assert (traces["mine"]["line"]["dash"], traces["index (prices only)"]["line"]["dash"]) == ("solid", "dot")
    assert traces["mine"]["x"][0] == "2020-12-01"
    falls = drawdown([mine]).spec["data"][0]["y"]
    level = np.append(1.0, np.cumprod(1 + mine.returns))
    np.testing.assert_allclose(falls, 100 * (level / np.maximum.accumulate(level) - 1)[1:], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize(
    ("returns", "step"),
    [
        ([0.1, 0.2], "L0.05"),  # 1.1 to 1.32
        ([0.0, 1.5], "L0.5"),  # 1 to 2.5
        ([0.0, 4.9], "L1"),
        ([0.0, 5.1], "D2"),  # the powers and their halves are enough
        ([0.0, -0.95], "D2"),
        ([0.0, 0.0], "L1e-06"),
    ],
)
def test_an_axis_of_growth_has_marks_however_little_it_spans(returns: list[float], step: str) -> None:
    mine = replace(track(n=2), returns=np.array(returns))
    assert equity([mine]).spec["layout"]["yaxis"]["dtick"] == step


def test_rolling_measures_are_of_the_last_rows_and_the_band_is_an_error_wide() -> None:
    mine, its = track(), track("its", 2)
    low, high, line = rolling_sharpe(mine, window=60, periods_per_year=365).spec["data"]
    rows = mine.returns[100:160]
    expected = rows.mean() / rows.std(ddof=1)
    assert line["y"][159] == pytest.approx(expected * np.sqrt(365), rel=1e-5)
    error = np.sqrt((1 + expected**2 / 2) / 59 * 365)
    assert high["y"][159] - line["y"][159] == pytest.approx(error, rel=1e-4)
    assert line["y"][159] - low["y"][159] == pytest.approx(error, rel=1e-4)
    assert line["y"][58] is None
    (moved,) = rolling_volatility(mine, window=60, periods_per_year=365).spec["data"]
    assert moved["y"][159] == pytest.approx(100 * rows.std(ddof=1) * np.sqrt(365), rel=1e-5)
    (beta,) = rolling_betas(mine, [its], window=60).spec["data"]
    other = its.returns[100:160]
    assert beta["y"][159] == pytest.approx(np.cov(rows, other)[0, 1] / other.var(ddof=1), rel=1e-5)


def test_a_moment_is_drawn_at_its_date_also_before_1970() -> None:
    times = np.array(["1969-12-31T23:30", "1970-01-01T00:00", "2024-02-29T12:00"], "M8[us]")
    assert days_of(times) == ["1969-12-31", "1970-01-01", "2024-02-29"]


def test_years_stand_side_by_side() -> None:
    mine, its = track(), track("its", 2)
    drawn = annual_bars([mine, its], "mine").spec
    one, other = drawn["data"]
    assert drawn["layout"]["xaxis"]["dtick"] == 1
    assert annual_bars([track(n=12 * 366)]).spec["layout"]["xaxis"]["dtick"] is None
    assert one["x"] == other["x"] == [2020, 2021]
    assert one["y"][0] == pytest.approx(100 * (np.prod(1 + mine.returns[:31]) - 1), rel=1e-5)
    assert one["marker"] != other["marker"]


def test_rows_that_only_one_has_go_into_its_next_shared_row() -> None:
    daily = track()
    weekdays = daily.times.astype("datetime64[D]").view("int64") % 7 < 5
    fewer = Track(name="fewer", times=daily.times[weekdays], returns=np.zeros(weekdays.sum()))
    times, mine, its = shared_rows(daily, fewer)
    np.testing.assert_array_equal(times, fewer.times)
    np.testing.assert_array_equal(its, fewer.returns)
    since, until = np.searchsorted(daily.times, times[0]), np.searchsorted(daily.times, times[-1]) + 1
    assert np.prod(1 + mine) == pytest.approx(np.prod(1 + daily.returns[since:until]), rel=1e-12)


def test_rows_before_the_other_begins_are_no_part_of_the_first_shared_one() -> None:
    early = track()
    late = Track(name="late", times=early.times[60:], returns=np.full(240, 0.01))
    for one, other, place in ((early, late, 1), (late, early, 2)):
        found = shared_rows(one, other)
        np.testing.assert_array_equal(found[0], late.times)
        np.testing.assert_allclose(found[place], early.returns[60:], rtol=1e-9)
        np.testing.assert_allclose(found[3 - place], late.returns, rtol=1e-9)


def test_a_run_from_before_there_was_a_rate_is_over_none() -> None:
    mine = track()
    rows = pl.DataFrame({"time": mine.times, "return": mine.returns})
    assert not Track.of("mine", rows).risk_free.per_row.any()
    rated = rows.with_columns(risk_free=pl.lit(0.001))
    np.testing.assert_array_equal(Track.of("mine", rated).risk_free.per_row, np.full(300, 0.001))


def test_a_window_is_a_year_or_a_quarter_of_a_short_history() -> None:
    assert [window_of(n, 252) for n in (159, 160, 1007, 1008, 9000)] == [None, 40, 251, 252, 252]


def test_plotly_takes_every_figure() -> None:
    mine = track()
    made = to_plotly(annual_bars([mine]))
    assert made.layout.title.text == "Return of each calendar year, net of costs"
    for one in (equity([mine]), drawdown([mine]), rolling_sharpe(mine, window=60, periods_per_year=365)):
        assert len(to_plotly(one).data) == len(one.spec["data"])


def test_an_excess_is_over_the_rate_of_the_rows_that_both_have() -> None:
    """A rate that grows day by day, compounded over the bar that only one of them has."""
    times = np.arange("2024-01-01", "2024-01-05", dtype="datetime64[D]").astype("datetime64[us]")
    rates = np.array([0.001, 0.002, 0.003, 0.004])
    mine = Track(name="a", times=times, returns=np.full(4, 0.01), risk_free=RiskFree(per_row=rates))
    its = Track(name="b", times=times[[0, 2, 3]], returns=np.array([0.02, 0.03, 0.04]))
    both, book, benchmark = shared_excess(mine, its)
    rate = np.array([0.001, 1.002 * 1.003 - 1.0, 0.004])
    assert (both == its.times).all()
    np.testing.assert_allclose(book, [0.01, 1.01**2 - 1.0, 0.01] - rate, rtol=1e-12)
    np.testing.assert_allclose(benchmark, its.returns - rate, rtol=1e-12)
    assert rolling_betas(mine, [its], window=3).spec["data"][0]["y"][-1] == pytest.approx(
        np.polyfit(benchmark, book, 1)[0], rel=1e-4
    )
