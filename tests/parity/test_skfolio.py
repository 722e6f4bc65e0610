"""Risk profiles against skfolio's on the same covariance, tuned so that its tolerances mean something."""

import numpy as np
import pytest

from builders.problems import covariance_of, estimated, limits, problem_of
from builders.returns import factors
from tvquant.allocation import allocate
from tvquant.allocation.engines.custom.hrp import weights_in_order
from tvquant.allocation.risk.tail import Tail
from tvquant.core.allocations import Status
from tvquant.core.problems import Covariance
from tvquant.statistics import Estimates, correlation_distance, dendrogram, estimate
from tvquant.statistics.estimators.spectral import Denoised
from tvquant.statistics.means import shrunk

pytestmark = [
    pytest.mark.xdist_group("engine libraries"),
    # At tolerances of 1e-12 skfolio warns even where it agrees to 1e-13; the assertions judge.
    pytest.mark.filterwarnings("ignore:Solution may be inaccurate"),
]
TIGHT = {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12}
SAMPLE = Estimates(means="sample")
TUNED = {"scale_objective": 1e4, "solver_params": TIGHT}


def synthetic(n, rows):
    rng = np.random.default_rng(n)
    market = rng.normal(0.0004, 0.01, (rows, 1))
    return market * rng.uniform(0.3, 1.7, n) + rng.normal(0.0, 1.0, (rows, n)) * rng.uniform(0.005, 0.02, n)


def stocks():
    """The last 252 daily returns of the 20 stocks that skfolio carries."""
    from skfolio.datasets import load_sp500_dataset

    return load_sp500_dataset().pct_change().to_numpy()[-252:]


RETURNS = pytest.mark.parametrize(
    "returns",
    [
        pytest.param(stocks, id="stocks"),
        *(pytest.param(lambda n=n: synthetic(n, 60), id=f"N{n}") for n in (5, 20, 100)),
    ],
)


def ours(covariance: Covariance, risk_profile, cap=1.0, clusters=None):
    problem = problem_of(covariance, clusters=clusters, limits=limits(position=cap, cluster=cap))
    got = allocate(problem, engine="custom", risk_profile=risk_profile)
    assert got.status is Status.SOLVED
    return np.array(list(got.weights.values()))


def prior(covariance: Covariance):
    """skfolio's way of being told means (the sample's own) and covariance."""
    from skfolio.moments import BaseCovariance
    from skfolio.prior import EmpiricalPrior

    class Given(BaseCovariance):
        def fit(self, X, y=None):
            self.covariance_ = covariance.matrix
            return self

    return EmpiricalPrior(covariance_estimator=Given())


@pytest.mark.requirement("R-RSK-06")
@RETURNS
def test_shrunk_means_equal_skfolios_bayes_stein(returns):
    from skfolio.moments import BaseCovariance, ShrunkMu, ShrunkMuMethods

    r = returns()
    covariance = estimate(r)

    class Given(BaseCovariance):
        def fit(self, X, y=None):
            self.covariance_ = covariance.matrix
            return self

    theirs = ShrunkMu(covariance_estimator=Given(), method=ShrunkMuMethods.BAYES_STEIN).fit(r).mu_
    means, _ = shrunk(r.mean(axis=0), covariance.matrix, len(r))
    np.testing.assert_allclose(means, theirs, rtol=1e-10)
    np.testing.assert_allclose(covariance.means, theirs, rtol=1e-10)


def test_a_denoised_covariance_equals_skfolios():
    """Ours and theirs put the edge of noise elsewhere; here both keep as many components."""
    from skfolio.moments import DenoiseCovariance

    r = factors(250, 60, 3)
    found = Denoised().estimate(r - r.mean(axis=0), 1.0, ())
    theirs = DenoiseCovariance().fit(r).covariance_ * (len(r) - 1) / len(r)
    np.testing.assert_allclose(found.matrix, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.requirement("R-RSK-05")
@pytest.mark.parametrize("cap", [1.0, 0.25])
@RETURNS
def test_min_variance_equals_skfolio(returns, cap):
    from skfolio.optimization import MeanRisk

    r = returns()
    covariance = estimate(r)
    weights = ours(covariance, "min_variance", cap)
    theirs = MeanRisk(max_weights=cap, prior_estimator=prior(covariance), **TUNED).fit(r).weights_
    objective = weights @ covariance.matrix @ weights
    assert theirs @ covariance.matrix @ theirs == pytest.approx(objective, rel=1e-9)
    np.testing.assert_allclose(weights, theirs, atol=1e-6)


@pytest.mark.requirement("R-RSK-06")
@pytest.mark.parametrize("cap", [1.0, 0.25])
@RETURNS
def test_max_sharpe_equals_skfolio(returns, cap):
    from skfolio.optimization import MeanRisk, ObjectiveFunction

    r = returns()
    r = r + max(0.0, 0.001 - r.mean())  # where luck left most means below zero there would be no answer
    covariance = estimate(r, SAMPLE)
    weights = ours(covariance, "max_sharpe", cap)
    model = MeanRisk(
        objective_function=ObjectiveFunction.MAXIMIZE_RATIO,
        max_weights=cap,
        prior_estimator=prior(covariance),
        **TUNED,
    )
    theirs = model.fit(r).weights_

    def ratio(w):
        return (w @ covariance.means) / np.sqrt(w @ covariance.matrix @ w)

    assert ratio(theirs) == pytest.approx(ratio(weights), rel=1e-9)
    np.testing.assert_allclose(weights, theirs, atol=1e-5)


@pytest.mark.requirement("R-RSK-06")
def test_max_sharpe_under_cluster_caps_equals_skfolio():
    import pandas as pd
    from skfolio.optimization import MeanRisk, ObjectiveFunction

    r = stocks()
    n = r.shape[1]
    covariance = estimate(r, SAMPLE)
    clusters = tuple(i % 6 for i in range(n))
    weights = ours(covariance, "max_sharpe", 0.25, clusters)
    names = [f"N{i}" for i in range(n)]
    model = MeanRisk(
        objective_function=ObjectiveFunction.MAXIMIZE_RATIO,
        max_weights=0.25,
        groups={name: [f"g{c}"] for name, c in zip(names, clusters, strict=True)},
        linear_constraints=[f"g{c} <= 0.25" for c in range(6)],
        prior_estimator=prior(covariance),
        **TUNED,
    )
    theirs = model.fit(pd.DataFrame(r, columns=names)).weights_
    assert np.bincount(clusters, weights).max() == pytest.approx(0.25, abs=1e-9)  # the caps bind
    np.testing.assert_allclose(weights, theirs, atol=1e-5)


@pytest.mark.requirement("R-RSK-05")
@RETURNS
def test_risk_parity_equals_skfolio(returns):
    from skfolio.optimization import RiskBudgeting

    r = returns()
    covariance = estimate(r)
    model = RiskBudgeting(prior_estimator=prior(covariance), solver_params=TIGHT)
    np.testing.assert_allclose(ours(covariance, "risk_parity"), model.fit(r).weights_, atol=1e-6)


@pytest.mark.requirement("R-RSK-09")
@RETURNS
def test_hrp_equals_skfolio_in_the_order_that_skfolio_takes(returns):
    """It takes scipy's, and ours is never longer."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform
    from skfolio.cluster import HierarchicalClustering, LinkageMethod
    from skfolio.distance import CovarianceDistance
    from skfolio.optimization import HierarchicalRiskParity
    from skfolio.seriation import HierarchicalSeriation

    r = returns()
    covariance = estimate(r)
    ward = HierarchicalClustering(linkage_method=LinkageMethod.WARD)
    model = HierarchicalRiskParity(
        prior_estimator=prior(covariance),
        distance_estimator=CovarianceDistance(covariance_estimator="precomputed"),
        seriation_estimator=HierarchicalSeriation(hierarchical_clustering_estimator=ward, optimal_ordering=True),
    )
    deviation = np.sqrt(np.diag(covariance.matrix))
    distance = correlation_distance(covariance.matrix / np.outer(deviation, deviation))
    leaves = leaves_list(linkage(squareform(distance, checks=False), "ward", optimal_ordering=True))
    np.testing.assert_allclose(weights_in_order(covariance.matrix, leaves), model.fit(r).weights_, rtol=0.0, atol=1e-8)
    own = list(dendrogram(distance).leaves)
    assert distance[own[1:], own[:-1]].sum() <= distance[leaves[1:], leaves[:-1]].sum() + 1e-12
    np.testing.assert_allclose(ours(covariance, "hrp"), weights_in_order(covariance.matrix, own), rtol=0.0, atol=1e-12)


def ward():
    from skfolio.cluster import HierarchicalClustering, LinkageMethod

    return HierarchicalClustering(linkage_method=LinkageMethod.WARD)


@RETURNS
def test_inverse_volatility_equals_skfolio(returns):
    from skfolio.optimization import InverseVolatility

    r = returns()
    covariance = estimate(r)
    theirs = InverseVolatility(prior_estimator=prior(covariance)).fit(r).weights_
    np.testing.assert_allclose(ours(covariance, "inverse_volatility"), theirs, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("cap", [1.0, 0.25])
@RETURNS
def test_max_diversification_equals_skfolio(returns, cap):
    from skfolio.optimization import MaximumDiversification

    r = returns()
    covariance = estimate(r)
    model = MaximumDiversification(max_weights=cap, prior_estimator=prior(covariance), **TUNED)
    np.testing.assert_allclose(ours(covariance, "max_diversification", cap), model.fit(r).weights_, atol=1e-5)


@pytest.mark.parametrize("level", [0.95, 0.8])
@pytest.mark.parametrize("cap", [1.0, 0.25])
@RETURNS
def test_min_cvar_equals_skfolio(returns, cap, level):
    from skfolio import RiskMeasure
    from skfolio.optimization import MeanRisk

    r = returns()
    problem = estimated(r, limits=limits(position=cap, cluster=cap))
    got = allocate(problem, engine="custom", risk_profile="cvar_min", options=(Tail(level=level),))
    model = MeanRisk(risk_measure=RiskMeasure.CVAR, cvar_beta=level, max_weights=cap, **TUNED)
    np.testing.assert_allclose(list(got.weights.values()), model.fit(r).weights_, atol=1e-6)


@RETURNS
def test_herc_equals_skfolio(returns):
    from skfolio.distance import CovarianceDistance
    from skfolio.optimization import HierarchicalEqualRiskContribution

    r = returns()
    covariance = estimate(r)
    given = prior(covariance)
    model = HierarchicalEqualRiskContribution(
        prior_estimator=given,
        distance_estimator=CovarianceDistance(covariance_estimator=given.covariance_estimator),
        hierarchical_clustering_estimator=ward(),
    )
    got = ours(covariance, "herc")
    np.testing.assert_allclose(got, model.fit(r).weights_, rtol=0.0, atol=1e-8)


@pytest.mark.parametrize("returns", [stocks, lambda: synthetic(20, 60)])
def test_nco_equals_skfolio(returns):
    from skfolio.optimization import MeanRisk, NestedClustersOptimization

    r = returns()
    covariance = covariance_of(np.cov(r.T))  # skfolio's own: an inner one is estimated of each cluster
    least = MeanRisk(**TUNED)
    model = NestedClustersOptimization(
        inner_estimator=least, outer_estimator=least, clustering_estimator=ward(), cv="ignore"
    )
    got = ours(covariance, "nco")
    np.testing.assert_allclose(got, model.fit(r).weights_, atol=1e-6)
