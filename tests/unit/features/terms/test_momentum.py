"""Rates of change and performance by hand."""

from datetime import date, timedelta

import numpy as np
import pytest

from tvquant.features import compute

NAN = np.nan


def values(panel, name):
    return compute(panel, [name], rating_min_bars=1).values[0]


@pytest.mark.requirement("R-FEA-08")
def test_the_rate_of_change_is_over_nine_bars_of_the_name_in_percent(market):
    close = {name: np.arange(100.0, 120.0) for name in ("full", "holes", "ten", "nine", "halted")}
    close["holes"][[5, 12, 15]] = NAN
    close["ten"][:10] = NAN
    close["nine"][:11] = NAN
    close["halted"][-1] = NAN
    found = values(market({name: close[name] for name in ("full", "holes", "halted", "ten", "nine")}), "roc_9")
    expected = [100 * (119 / 110 - 1), 100 * (119 / 108 - 1), NAN, 100 * (119 / 110 - 1), NAN]
    np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.requirement("R-UNI-24")
def test_what_more_than_doubles_in_nine_bars_has_a_rate_beyond_100(market):
    assert values(market({"A": [*[1.0] * 10, 2.5]}), "roc_9").tolist() == pytest.approx([150.0])


HORIZONS = {"perf_1w": 7, "perf_1m": 30, "perf_3m": 90, "perf_6m": 180, "perf_1y": 365}


@pytest.mark.requirement("R-UNI-17")
@pytest.mark.parametrize(("name", "days"), HORIZONS.items())
def test_performance_is_since_the_last_bar_that_many_days_ago_or_before(market, name, days):
    draw = np.random.default_rng(0)
    rows = 400
    close = {key: 50.0 + 10.0 * draw.random(rows) for key in ("full", "gap", "young", "just")}
    gone = rows - 1 - days
    close["gap"][gone - 3 : gone + 1] = NAN
    close["just"][:gone] = NAN
    close["young"][: gone + 1] = NAN
    found = values(market({key: close[key] for key in ("full", "gap", "just", "young")}), name)
    expected = [
        100 * (close["full"][-1] / close["full"][gone] - 1),
        100 * (close["gap"][-1] / close["gap"][gone - 4] - 1),
        100 * (close["just"][-1] / close["just"][gone] - 1),
        NAN,
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_a_name_without_a_bar_now_has_no_performance_and_one_bar_alone_has_none(market):
    assert np.isnan(values(market({"A": [*[1.0] * 20, NAN]}), "perf_1w")).all()
    assert np.isnan(values(market({"A": [1.0]}), "perf_ytd")).all()


@pytest.mark.parametrize("rows", [1, 366, 367, 500])
def test_the_year_begins_with_the_last_bar_of_the_year_before(market, rows):
    """The market begins on 2024-01-01, a leap year."""
    close = 50.0 + np.random.default_rng(1).random(rows)
    last = date(2024, 1, 1) + timedelta(days=rows - 1)
    found = values(market({"A": close}), "perf_ytd")
    start = (date(last.year - 1, 12, 31) - date(2024, 1, 1)).days
    expected = [100 * (close[-1] / close[start] - 1)] if start >= 0 else [NAN]
    np.testing.assert_allclose(found, expected, rtol=1e-13)
