"""How each library is asked for min_variance, max_sharpe, hrp and erc: as it comes, and tuned to a gap of 1e-9.

All get the finished covariance and means, so only the method is timed. Scale is what they lack: daily variances are
about 1e-4, and an absolute tolerance of 1e-8 stops far from the optimum. Tuned ones are scaled and have tolerances of
1e-12.
"""

import warnings
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from skfolio.cluster import HierarchicalClustering, LinkageMethod
from skfolio.distance import CovarianceDistance
from skfolio.moments import BaseCovariance, BaseMu
from skfolio.optimization import HierarchicalRiskParity, MeanRisk, ObjectiveFunction, RiskBudgeting
from skfolio.prior import EmpiricalPrior
from skfolio.seriation import HierarchicalSeriation

from tvquant.core.problems import Covariance

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import cvxportfolio as cvx
    import pypfopt
    import riskfolio

TIGHT = {"tol_gap_abs": 1e-12, "tol_gap_rel": 1e-12}
SCALE = 1e4

type Weigh = Callable[[], np.ndarray]
type Moments = tuple[np.ndarray, Covariance]
"""Returns (T x N) and what was estimated of them."""


class GivenCovariance(BaseCovariance):
    """A covariance that is already known."""

    def __init__(self, matrix=None, nearest=False, higham=False, higham_max_iteration=100):
        super().__init__(nearest=nearest, higham=higham, higham_max_iteration=higham_max_iteration)
        self.matrix = matrix

    def fit(self, X, y=None):  # noqa: ARG002 (skfolio's signature)
        self.covariance_ = self.matrix
        return self


class GivenMeans(BaseMu):
    """Means that are already known."""

    def __init__(self, means=None):
        self.means = means

    def fit(self, X, y=None):  # noqa: ARG002 (skfolio's signature)
        self.mu_ = self.means
        return self


def prior(found: Covariance) -> EmpiricalPrior:
    return EmpiricalPrior(mu_estimator=GivenMeans(found.means), covariance_estimator=GivenCovariance(found.matrix))


def min_variance(moments: Moments, cap: float) -> Mapping[str, Weigh]:
    returns, found = moments
    return {
        "skfolio": _skfolio(moments, max_weights=cap),
        "skfolio tuned": _skfolio(moments, max_weights=cap, scale_objective=SCALE, solver_params=TIGHT),
        "riskfolio": _riskfolio(moments, "MinRisk", cap, scale=1.0),
        "riskfolio tuned": _riskfolio(moments, "MinRisk", cap, scale=SCALE, **TIGHT),
        "pypfopt": _pypfopt(found, "min_volatility", cap, scale=1.0),
        "pypfopt tuned": _pypfopt(found, "min_volatility", cap, scale=SCALE, solver="CLARABEL", solver_options=TIGHT),
        "cvxportfolio": _cvxportfolio(returns, found, cap, scale=1.0),
        "cvxportfolio tuned": _cvxportfolio(returns, found, cap, scale=SCALE, solver="CLARABEL", **TIGHT),
    }


def max_sharpe(moments: Moments, cap: float) -> Mapping[str, Weigh]:
    _, found = moments
    aim = {"objective_function": ObjectiveFunction.MAXIMIZE_RATIO, "max_weights": cap}
    return {
        "skfolio": _skfolio(moments, **aim),
        "skfolio tuned": _skfolio(moments, **aim, scale_objective=SCALE, solver_params=TIGHT),
        "riskfolio": _riskfolio(moments, "Sharpe", cap, scale=1.0),
        "riskfolio tuned": _riskfolio(moments, "Sharpe", cap, scale=SCALE, **TIGHT),
        "pypfopt": _pypfopt(found, "max_sharpe", cap, scale=1.0, risk_free_rate=0.0),
        "pypfopt tuned": _pypfopt(
            found, "max_sharpe", cap, scale=SCALE, risk_free_rate=0.0, solver="CLARABEL", solver_options=TIGHT
        ),
    }


def erc(moments: Moments) -> Mapping[str, Weigh]:
    returns, found = moments
    models = {
        "skfolio": RiskBudgeting(prior_estimator=prior(found)),
        "skfolio tuned": RiskBudgeting(prior_estimator=prior(found), solver_params=TIGHT),
    }
    budgets = {name: (lambda model=model: model.fit(returns).weights_) for name, model in models.items()}
    for name, scale, tolerances in (("riskfolio", 1.0, {}), ("riskfolio tuned", SCALE, TIGHT)):
        portfolio = _portfolio(moments, scale, tolerances)
        budgets[name] = lambda portfolio=portfolio: portfolio.rp_optimization(
            model="Classic", rm="MV", rf=0.0, hist=True
        ).to_numpy()[:, 0]
    return budgets


def hrp(moments: Moments) -> Mapping[str, Weigh]:
    """Both by Ward linkage, in scipy's order of leaves. PyPortfolioOpt 1.6 reads a name that scipy 1.18 dropped."""
    returns, found = moments
    ward = HierarchicalClustering(linkage_method=LinkageMethod.WARD)
    model = HierarchicalRiskParity(
        prior_estimator=prior(found),
        distance_estimator=CovarianceDistance(covariance_estimator="precomputed"),
        seriation_estimator=HierarchicalSeriation(hierarchical_clustering_estimator=ward, optimal_ordering=True),
    )
    frame, matrix, means = pd.DataFrame(returns), pd.DataFrame(found.matrix), pd.Series(found.means)

    def of_riskfolio() -> np.ndarray:
        asked = riskfolio.HCPortfolio(returns=frame)
        return asked.optimization(
            model="HRP", codependence="custom_cov", rm="MV", method_mu="custom_mu", method_cov="custom_cov",
            custom_mu=means, custom_cov=matrix, linkage="ward", leaf_order=True,
        ).to_numpy()[:, 0]  # fmt: skip

    return {"skfolio": lambda: model.fit(returns).weights_, "riskfolio": of_riskfolio}


def _skfolio(moments: Moments, **options: object) -> Weigh:
    returns, found = moments
    return lambda: MeanRisk(prior_estimator=prior(found), **options).fit(returns).weights_


def _portfolio(moments: Moments, scale: float, tolerances: Mapping[str, float]) -> "riskfolio.Portfolio":
    returns, found = moments
    made = riskfolio.Portfolio(returns=pd.DataFrame(returns))
    made.mu, made.cov = pd.DataFrame(found.means[None, :] * np.sqrt(scale)), pd.DataFrame(found.matrix * scale)
    made.solvers, made.sol_params = ["CLARABEL"], {"CLARABEL": dict(tolerances)}
    return made


def _riskfolio(moments: Moments, aim: str, cap: float, *, scale: float, **tolerances: float) -> Weigh:
    portfolio = _portfolio(moments, scale, tolerances)
    portfolio.upperlng = cap
    return lambda: portfolio.optimization(model="Classic", rm="MV", obj=aim, rf=0.0, hist=True).to_numpy()[:, 0]


def _pypfopt(
    found: Covariance, aim: str, cap: float, *, scale: float, risk_free_rate: float | None = None, **options: object
) -> Weigh:
    rate = {} if risk_free_rate is None else {"risk_free_rate": risk_free_rate}

    def weigh() -> np.ndarray:
        asked = pypfopt.EfficientFrontier(found.means * np.sqrt(scale), found.matrix * scale, (0.0, cap), **options)
        getattr(asked, aim)(**rate)
        return asked.weights

    return weigh


def _cvxportfolio(returns: np.ndarray, found: Covariance, cap: float, *, scale: float, **options: object) -> Weigh:
    n = len(found.matrix)
    names = [f"N{i}" for i in range(n)]
    days = pd.date_range("2020-01-01", periods=len(returns))
    frame = pd.DataFrame(returns, days, names).assign(cash=0.0)
    market = cvx.UserProvidedMarketData(returns=frame, cash_key="cash", min_history=pd.Timedelta(0))
    sigma = pd.DataFrame(found.matrix, names, names)
    held = pd.Series(np.append(np.zeros(n), 1.0), [*names, "cash"])

    def weigh() -> np.ndarray:
        policy = cvx.SinglePeriodOptimization(
            -scale * cvx.FullCovariance(Sigma=sigma), [cvx.LongOnly(), cvx.NoCash(), cvx.MaxWeights(cap)],
            include_cash_return=False, **options,
        )  # fmt: skip
        trades, *_ = policy.execute(h=held, market_data=market, t=days[-1])
        return (held + trades).to_numpy()[:-1]

    return weigh
