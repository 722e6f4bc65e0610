"""Antifragility, fragility and survival by hand and against scipy."""

import numpy as np
import pytest
from scipy import stats

from tvquant.selection.resilience import antifragility, fragility, survival
from tvquant.statistics import cvar, moments, tail_gain


def ids(count):
    return tuple(f"A{k:02d}" for k in range(count))


@pytest.fixture
def streams():
    """Long and short histories, of different spread and skewness."""
    draw = np.random.default_rng(3)
    returns = draw.gamma(2.0, 1.0, (400, 6)) * draw.uniform(0.005, 0.03, 6) * [1, -1, 1, -1, 1, 1]
    returns -= returns.mean(axis=0)
    returns[:274, 1] = np.nan  # 126 are left, half of a year
    returns[:399, 5] = np.nan
    return returns


def scaled(values):
    low, high = np.nanmin(values), np.nanmax(values)
    return (values - low) / (high - low)


def by_hand(streams, sign):
    """Both tails of each column from its finite values, after scipy and numpy."""
    skewness, tail, n = np.full(6, np.nan), np.full(6, np.nan), np.zeros(6)
    for j, column in enumerate(streams.T):
        x = column[np.isfinite(column)]
        n[j] = len(x)
        if len(x) < 4:
            continue
        skewness[j] = sign * stats.skew(x)
        edge = x[x >= np.quantile(x, 0.95)] if sign > 0 else x[x <= np.quantile(x, 0.05)]
        tail[j] = abs(edge.mean()) / x.std(ddof=1)
    return (scaled(skewness) + scaled(tail)) * np.minimum(1.0, n / 252)


@pytest.mark.requirement("R-FEA-10")
def test_antifragility_is_its_formula_and_a_short_history_is_scaled(streams):
    found = antifragility(moments(streams), tail_gain(streams)[0])
    np.testing.assert_allclose(found, by_hand(streams, 1.0), rtol=1e-9, atol=1e-12)
    assert np.isnan(found).tolist() == [False] * 5 + [True]
    assert ((found[:5] >= 0.0) & (found[:5] <= 2.0)).all()
    assert found[1] <= 1.0


@pytest.mark.requirement("R-FEA-11")
def test_fragility_is_its_mirror(streams):
    found = fragility(moments(streams), cvar(streams)[0])
    np.testing.assert_allclose(found, by_hand(streams, -1.0), rtol=1e-9, atol=1e-12)
    turned = fragility(moments(-streams), cvar(-streams)[0])
    np.testing.assert_allclose(turned, antifragility(moments(streams), tail_gain(streams)[0]), rtol=1e-9, atol=1e-12)


@pytest.mark.requirement("R-FEA-10")
def test_raw_volatility_is_not_rewarded(streams):
    """A stream ten times as wild is the same in both."""
    wild = streams * [1, 1, 10, 1, 1, 1]
    for feature, tail in ((antifragility, tail_gain), (fragility, cvar)):
        np.testing.assert_allclose(
            feature(moments(wild), tail(wild)[0]), feature(moments(streams), tail(streams)[0]), rtol=1e-9, atol=1e-12
        )


@pytest.mark.requirement("R-FEA-10")
def test_it_is_computed_again_for_each_window(streams):
    now, before = (antifragility(moments(part), tail_gain(part)[0])[:5] for part in (streams, streams[:-40]))
    assert (now != before).any()


def test_one_stream_alone_is_in_the_middle(streams):
    alone = streams[:, :1]
    assert antifragility(moments(alone), tail_gain(alone)[0]).tolist() == [1.0]
    assert fragility(moments(alone), cvar(alone)[0]).tolist() == [1.0]


@pytest.mark.requirement("R-FEA-11")
def test_survival_by_hand():
    returns = np.full((500, 6), 0.001)
    returns[300:310, :] = -0.02  # the pool's stress
    returns[305, 1] = -0.6  # of the 25 worst windows 20 hold this row, and lose more than half
    returns[305, 2] = np.nan  # or are not traded throughout
    returns[:374, 3] = np.nan  # listed 126 rows ago, after it
    returns[100::2, 4] = np.nan  # half missing
    returns[:, 5] = np.nan
    found = survival(returns, ids(6))
    assert found[0] == 1.0
    assert found[1] == pytest.approx(5 / 25)
    assert found[2] == pytest.approx(5 / 25 * 499 / 500)
    assert found[3] == pytest.approx(126 / 252)
    assert found[4] == 0.0
    assert np.isnan(found[5])


@pytest.mark.requirement("R-FEA-11")
def test_a_new_listing_scores_lower_the_newer_it_is():
    returns = np.random.default_rng(1).normal(0.0, 0.01, (300, 4))
    for j, age in enumerate((300, 200, 100, 25)):
        returns[: 300 - age, j] = np.nan
    found = survival(returns, ids(4))
    assert found.tolist() == pytest.approx([1.0, 200 / 252, 100 / 252, 25 / 252])


def test_missing_bars_lower_it_by_their_share():
    returns = np.random.default_rng(1).normal(0.0, 0.001, (260, 3))
    returns[-100:-50, :] = -0.002
    returns[:150:10, 1] = np.nan  # 15 before the stress
    returns[0, 1] = 0.0
    found = survival(returns, ids(3))
    assert found.tolist() == pytest.approx([1.0, (260 - 14) / 260, 1.0])


def test_the_order_of_the_pool_does_not_matter_to_the_last_bit(streams):
    order = [4, 2, 5, 0, 3, 1]
    straight, turned = survival(streams, ids(6)), survival(streams[:, order], [ids(6)[k] for k in order])
    assert turned.tobytes() == straight[order].tobytes()


def test_a_history_shorter_than_a_window_of_stress_is_judged_by_its_length():
    assert survival(np.full((19, 2), 0.01), ids(2)).tolist() == pytest.approx([19 / 252] * 2)
