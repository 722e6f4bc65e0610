"""Kernels: whatever the caller's array is, one compilation and the same figures; neighbours do not matter."""

import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.statistics import cvar, efficiency_ratio, hurst, kernels, moments, permutation_entropy, tail_gain

PUBLIC = {
    "entropy": permutation_entropy,
    "efficiency": efficiency_ratio,
    "hurst": hurst,
    "kurtosis": lambda returns: moments(returns).excess_kurtosis,
    "cvar": lambda returns: cvar(returns)[0],
    "cvar_error": lambda returns: cvar(returns)[1],
    "tail_gain": lambda returns: tail_gain(returns)[0],
}


@pytest.fixture(scope="module")
def returns():
    x = np.random.default_rng(0).standard_t(4, (260, 7))
    x[:100, 2] = np.nan
    x[np.random.default_rng(1).random(x.shape) < 0.03] = np.nan
    return x


@pytest.mark.parametrize("name", PUBLIC)
def test_layouts_and_writability_do_not_matter(name, returns):
    expected = PUBLIC[name](returns)
    read_only = returns.copy()
    read_only.flags.writeable = False
    wide = np.repeat(returns, 2, axis=1)
    for same in (np.asfortranarray(returns), read_only, read_only.T.copy().T, wide[:, ::2], returns[::-1][::-1]):
        np.testing.assert_array_equal(PUBLIC[name](same), expected)


def test_each_kernel_is_compiled_once(returns):
    for measure in PUBLIC.values():
        for same in (returns, np.asfortranarray(returns), returns[:, :1], returns[:1]):
            measure(same)
    compiled = (
        kernels._entropy, kernels._net_over_gross, kernels._slope_of_ranges, kernels._moments, kernels._tail_means,
    )  # fmt: skip
    assert [len(kernel.signatures) for kernel in compiled] == [1] * 5


@pytest.mark.parametrize("name", PUBLIC)
def test_a_column_does_not_depend_on_its_neighbours(name, returns):
    whole = PUBLIC[name](returns)
    alone = np.concatenate([PUBLIC[name](returns[:, j : j + 1]) for j in range(returns.shape[1])])
    np.testing.assert_array_equal(whole, alone)


def test_the_input_is_untouched(returns):
    before = returns.copy()
    for measure in PUBLIC.values():
        measure(returns)
    np.testing.assert_array_equal(returns, before)


@pytest.mark.parametrize("name", PUBLIC)
def test_only_matrices(name):
    with pytest.raises(ModelError, match=r"rows x columns, found shape \(40,\)"):
        PUBLIC[name](np.ones(40))


def test_series_end_with_their_finite_values_in_the_order_of_time():
    returns = np.array([[1.0, np.nan, 2.0, np.inf, 3.0, 4.0], [-np.inf] * 6, [5.0, 6.0, 7.0, 8.0, 9.0, np.nan]]).T
    none = np.nan
    expected = [[none, none, 1.0, 2.0, 3.0, 4.0], [none] * 6, [none, 5.0, 6.0, 7.0, 8.0, 9.0]]
    np.testing.assert_array_equal(kernels.by_series(returns), expected)


def test_what_is_packed_already_is_not_copied(returns):
    series = kernels.by_series(returns)
    assert np.isnan(series[:, 0]).any()
    assert np.shares_memory(kernels.by_series(series.T), series)
    infinite = series.copy()
    infinite[0, 0] = -np.inf
    assert np.isnan(kernels.by_series(infinite.T)[0, 0])
    assert infinite[0, 0] == -np.inf


@pytest.mark.parametrize("name", PUBLIC)
def test_more_series_than_are_worked_on_beside_each_other(name):
    returns = np.random.default_rng(3).standard_t(4, (70, kernels.LANES + 3))
    returns[:20, [4, kernels.LANES + 1]] = np.nan
    returns[30:, 5] = 0.0
    whole = PUBLIC[name](returns)
    alone = np.concatenate([PUBLIC[name](returns[:, j : j + 1]) for j in range(returns.shape[1])])
    np.testing.assert_array_equal(whole, alone)


@pytest.mark.parametrize("level", [0.05, 0.5, 0.93])
def test_the_tail_is_bounded_by_the_quantile_of_numpy(level):
    draw = np.random.default_rng(4)
    for n in (1, 2, 3, 20, 21, 119):
        for returns in (draw.standard_normal(n), draw.integers(1, 5, n) / 8.0, np.full(n, 0.25)):
            bound = np.quantile(returns, level)
            worst, _, count = cvar(returns[:, None], level=level)
            assert count[0] == n
            np.testing.assert_allclose(worst[0], returns[returns <= bound].mean(), rtol=1e-12)
            best = returns[returns > bound]
            np.testing.assert_allclose(
                tail_gain(returns[:, None], level=level)[0][0], best.mean() if len(best) else np.nan, rtol=1e-12
            )
