import numpy as np
import pytest

from builders.problems import covariance_of
from tvquant.allocation.engines.custom import inverse_volatility, risk_parity


def test_weights_are_inverse_volatilities_and_risk_parity_where_all_correlations_are_alike() -> None:
    assert inverse_volatility.solve(covariance_of(np.diag([1.0, 4.0, 16.0]))).weights == pytest.approx(
        [4 / 7, 2 / 7, 1 / 7]
    )
    deviation = np.array([0.01, 0.03, 0.02, 0.05])
    alike = covariance_of(np.outer(deviation, deviation) * (0.4 + 0.6 * np.eye(4)))
    np.testing.assert_allclose(inverse_volatility.solve(alike).weights, risk_parity.solve(alike).weights, atol=1e-12)
