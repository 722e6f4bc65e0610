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


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_last_finite_keeps_the_order_of_time():
    out = np.zeros(6)
    values = np.array([1.0, np.nan, 2.0, np.inf, 3.0, 4.0])
    assert kernels.last_finite.py_func(values, 3, out) == 3
    np.testing.assert_array_equal(out[3:], [2.0, 3.0, 4.0])
    assert kernels.last_finite.py_func(values, 10, out) == 4
    np.testing.assert_array_equal(out[2:], [1.0, 2.0, 3.0, 4.0])
