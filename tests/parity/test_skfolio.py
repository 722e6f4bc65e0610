"""min_variance against skfolio's MeanRisk on the same covariance, tuned so that its tolerances mean something."""

import numpy as np
import pytest

from tvquant.allocation import allocate
from tvquant.core.allocations import Limits, Problem
from tvquant.statistics import estimate

pytestmark = [
    pytest.mark.xdist_group("skfolio"),
    # At tolerances of 1e-12 skfolio warns even where it agrees to 1e-13; the assertions judge.
    pytest.mark.filterwarnings("ignore:Solution may be inaccurate"),
]
TUNED = {"scale_objective": 1e4, "solver_params": {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12}}


def synthetic(n, rows):
    rng = np.random.default_rng(n)
    market = rng.normal(0.0004, 0.01, (rows, 1))
    return market * rng.uniform(0.3, 1.7, n) + rng.normal(0.0, 1.0, (rows, n)) * rng.uniform(0.005, 0.02, n)


def stocks():
    """The last 252 daily returns of the 20 stocks that skfolio carries."""
    from skfolio.datasets import load_sp500_dataset

    return load_sp500_dataset().pct_change().to_numpy()[-252:]


def skfolio_weights(returns, covariance, cap):
    from skfolio.moments import BaseCovariance
    from skfolio.optimization import MeanRisk
    from skfolio.prior import EmpiricalPrior

    class Given(BaseCovariance):
        def fit(self, X, y=None):
            self.covariance_ = covariance
            return self

    prior = EmpiricalPrior(covariance_estimator=Given())
    return MeanRisk(max_weights=cap, prior_estimator=prior, **TUNED).fit(returns).weights_


@pytest.mark.requirement("R-RSK-05")
@pytest.mark.parametrize("cap", [1.0, 0.25])
@pytest.mark.parametrize(
    "returns",
    [
        pytest.param(stocks, id="stocks"),
        *(pytest.param(lambda n=n: synthetic(n, 60), id=f"N{n}") for n in (5, 20, 100)),
    ],
)
def test_min_variance_equals_skfolio(returns, cap):
    r = returns()
    covariance = estimate(r)
    n = r.shape[1]
    problem = Problem(
        keys=tuple(f"N{i}" for i in range(n)),
        covariance=covariance,
        clusters=tuple(range(n)),
        limits=Limits(gross=1.0, net=(-1.0, 1.0), position=cap, cluster=cap),
    )
    ours = np.array(list(allocate(problem, engine="custom", risk_profile="min_variance").weights.values()))
    theirs = skfolio_weights(r, covariance.matrix, cap)
    objective = ours @ covariance.matrix @ ours
    assert theirs @ covariance.matrix @ theirs == pytest.approx(objective, rel=1e-9)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
