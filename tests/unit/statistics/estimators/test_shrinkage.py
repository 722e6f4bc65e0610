"""Linear shrinkage: scikit-learn is the referee, and cases whose answer is known."""

import numpy as np
import pytest

from builders.returns import one_factor
from tvquant.statistics.estimators.shrinkage import OAS, ledoit_wolf_shrinkage, oracle_shrinkage, shrunk

SHAPES = [(252, 20), (60, 100), (1000, 5), (3, 8), (2, 3), (40, 1), (300, 300)]


def centred(rows, columns, seed=0):
    returns = one_factor(rows, columns, seed=seed)
    return returns - returns.mean(axis=0)


@pytest.mark.parametrize(("rows", "columns"), SHAPES)
@pytest.mark.requirement("R-RSK-08")
def test_shrinkage_equals_scikit_learn(rows, columns):
    from sklearn.covariance import ledoit_wolf, oas

    x = centred(rows, columns, rows)
    for ours, referee in ((ledoit_wolf_shrinkage, ledoit_wolf), (oracle_shrinkage, oas)):
        matrix, shrinkage = shrunk(x, ours)
        expected, expected_shrinkage = referee(x)
        assert np.abs(matrix - expected).max() <= 1e-12 * np.abs(expected).max()
        if columns > 1:  # one column is its own target
            assert shrinkage == pytest.approx(expected_shrinkage, rel=1e-12, abs=1e-14)


def test_equal_uncorrelated_variances_are_their_own_target():
    # Rows +-sqrt(2) e_i have the identity as their covariance. The one method sees nothing to shrink, the other all.
    x = np.sqrt(2.0) * np.vstack((np.eye(2), -np.eye(2)))
    for method, expected in ((ledoit_wolf_shrinkage, 0.0), (oracle_shrinkage, 1.0)):
        matrix, shrinkage = shrunk(x, method)
        np.testing.assert_allclose(matrix, np.eye(2), atol=1e-15)
        assert shrinkage == expected


@pytest.mark.parametrize(("rows", "columns"), [(60, 100), (100, 100), (101, 100), (9, 1), (500, 30)])
def test_extremes_are_those_of_the_matrix(rows, columns):
    found = OAS.estimate(centred(rows, columns), 1.0, ())
    values = np.linalg.eigvalsh(found.matrix)
    assert found.extremes == pytest.approx((values[0], values[-1]), rel=1e-9)
    assert found.rows == rows
