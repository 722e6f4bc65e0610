import numpy as np
import pytest
from scipy.stats import linregress

from tvquant.core.errors import ModelError
from tvquant.statistics.regression import market_model, rolling_beta, slopes


def pair(n: int = 240) -> tuple[np.ndarray, np.ndarray]:
    k = np.arange(n)
    x = 0.01 * np.sin(k * 1.7) + 0.004 * np.cos(k * 0.31)
    return 0.0003 + 0.8 * x + 0.006 * np.sin(k * 0.9) * np.cos(k * 0.05) + 0.02 * x * np.sin(k * 0.2), x


def test_line_and_hac_errors_are_those_of_statsmodels() -> None:
    """statsmodels 0.15.0: OLS(y, add_constant(x)).fit(cov_type="HAC", maxlags=4, use_correction=True)."""
    found = market_model(*pair())
    assert found is not None
    assert (found.n, found.lags) == (240, 4)
    np.testing.assert_allclose(
        [found.alpha, found.beta, found.alpha_se, found.beta_se, found.r_squared],
        [0.0003348637992539812, 0.8030123030929974, 0.00015743743878221338, 0.020140834740171337, 0.8119825806562554],
        rtol=1e-11,
    )


def test_annual_alpha_compounds_and_is_none_below_sixty_days() -> None:
    found = market_model(*pair())
    assert found is not None
    value, error = found.annual_alpha(252)  # type: ignore[misc]
    assert value == pytest.approx((1 + found.alpha) ** 252 - 1, rel=1e-12)
    step = 1e-9
    slope = ((1 + found.alpha + step) ** 252 - (1 + found.alpha - step) ** 252) / (2 * step)
    assert error == pytest.approx(slope * found.alpha_se, rel=1e-5)
    short = market_model(*(one[:41] for one in pair()))
    assert short is not None
    assert short.annual_alpha(252) is None
    assert market_model(*(one[:42] for one in pair())).annual_alpha(252) is not None  # type: ignore[union-attr]


def test_of_noise_the_errors_are_near_those_of_independent_rows_and_cover_the_truth() -> None:
    draws, n = np.random.default_rng(1), 500
    covered = 0
    for _ in range(200):
        x = draws.normal(0, 0.01, n)
        y = 0.0002 + 0.5 * x + draws.normal(0, 0.01, n)
        found, plain = market_model(y, x), linregress(x, y)
        assert found is not None
        assert found.beta == pytest.approx(plain.slope, rel=1e-9)
        assert found.beta_se == pytest.approx(plain.stderr, rel=0.35)
        covered += abs(found.alpha - 0.0002) < 1.96 * found.alpha_se
    assert 0.88 <= covered / 200 <= 0.98


def test_what_cannot_be_measured_is_none_and_what_does_not_fit_is_refused() -> None:
    y, x = pair(10)
    assert market_model(y, np.full(10, 0.01)) is None
    assert market_model(y[:2], x[:2]) is None
    held = market_model(np.zeros(10), x)
    assert held is not None
    assert (held.beta, held.r_squared) == (0.0, None)
    with pytest.raises(ModelError, match="one length"):
        market_model(y, x[:9])
    with pytest.raises(ModelError, match="finite"):
        market_model(y, np.where(np.arange(10) == 3, np.nan, x))


def test_rolling_beta_is_the_slope_of_each_window() -> None:
    y, x = pair()
    found = rolling_beta(y, x, window=60)
    assert np.isnan(found[:59]).all()
    for row in (59, 60, 150, 239):
        rows = slice(row - 59, row + 1)
        assert found[row] == pytest.approx(linregress(x[rows], y[rows]).slope, rel=1e-9)
    assert np.isnan(rolling_beta(y, np.zeros(240), window=60)).all()
    assert np.isnan(rolling_beta(y[:59], x[:59], window=60)).all()
    with pytest.raises(ModelError, match="at least 3"):
        rolling_beta(y, x, window=2)


def test_slopes_and_hac_errors_are_those_of_statsmodels() -> None:
    """statsmodels 0.15.0: OLS(y, add_constant(x)).fit(cov_type="HAC", maxlags=4, use_correction=True)."""
    y, x = pair()
    alone, line = slopes(y, x[:, None]), market_model(y, x)
    assert alone is not None
    assert line is not None
    assert (alone.n, *alone.values, *alone.errors) == pytest.approx((240, line.beta, line.beta_se), rel=1e-9)
    both = slopes(y, np.column_stack([x, 0.01 * np.cos(np.arange(240) * 2.3)]))
    assert both is not None
    assert both.values == pytest.approx((0.8030134559767775, -0.0037514560413852427), rel=1e-9)
    assert both.errors == pytest.approx((0.020186694614533127, 0.010391431237384221), rel=1e-9)


def test_factors_that_cannot_be_told_apart_have_no_slopes() -> None:
    y, x = pair(30)
    assert slopes(y, np.column_stack([x, -0.4 * x])) is None
    assert slopes(y, np.column_stack([x, np.full(30, 0.01)])) is None
    two = np.column_stack([x, np.cos(np.arange(30))])
    assert slopes(y, two) is not None
    assert slopes(y[:4], two[:4]) is None
    assert slopes(y[:5], two[:5]) is not None
    for broken, why in ((two[:9], "shapes"), (np.where(two > 0.9, np.nan, two), "finite")):
        with pytest.raises(ModelError, match=why):
            slopes(y, broken)
