"""Time hrp beside skfolio's HierarchicalRiskParity on one covariance, and hold the weights equal while timing.

Both get the finished covariance (ours, by Ledoit-Wolf), Ward linkage and scipy's optimal leaf ordering, so only the
method is timed: `allocate` with its checks on one side, `fit` with a prior that hands the matrix over on the other. At
500 names most of the time of both is scipy's leaf ordering. Exit 1 when a target is missed.
"""

import sys
import time
from collections.abc import Callable

import numpy as np
from skfolio.cluster import HierarchicalClustering, LinkageMethod
from skfolio.distance import CovarianceDistance
from skfolio.moments import BaseCovariance
from skfolio.optimization import HierarchicalRiskParity
from skfolio.prior import EmpiricalPrior
from skfolio.seriation import HierarchicalSeriation
from threadpoolctl import threadpool_limits

from tvquant.allocation import allocate
from tvquant.core.allocations import Limits, Problem
from tvquant.statistics import estimate

ROWS = 252
TARGETS = {20: 5.0, 100: 5.0, 500: 1.8}
"""Least ratio to skfolio's time, by number of names."""
TARGET_DIFFERENCE = 1e-8


class Given(BaseCovariance):
    """A covariance that is already known."""

    def __init__(self, matrix=None, nearest=False, higham=False, higham_max_iteration=100):
        super().__init__(nearest=nearest, higham=higham, higham_max_iteration=higham_max_iteration)
        self.matrix = matrix

    def fit(self, X, y=None):  # noqa: ARG002 (skfolio's signature)
        self.covariance_ = self.matrix
        return self


def in_turns(*runs: Callable[[], np.ndarray], seconds: float = 2.0) -> list[tuple[float, np.ndarray]]:
    """For each: shortest time of at least five runs after a warm one, taken in turns, and the last weights."""
    weights = [run() for run in runs]
    times: list[list[float]] = [[] for _ in runs]
    while len(times[0]) < 5 or sum(map(sum, times)) < seconds:
        for i, run in enumerate(runs):
            start = time.perf_counter()
            weights[i] = run()
            times[i].append(time.perf_counter() - start)
    return [(min(spent), last) for spent, last in zip(times, weights, strict=True)]


def measure(n: int, target: float) -> bool:
    rng = np.random.default_rng(n)
    market = rng.normal(0.0004, 0.01, (ROWS, 1))
    returns = market * rng.uniform(0.3, 1.7, n) + rng.normal(0.0, 1.0, (ROWS, n)) * rng.uniform(0.005, 0.02, n)
    covariance = estimate(returns)
    keys = tuple(f"N{i}" for i in range(n))
    problem = Problem(
        keys=keys,
        returns=returns,
        covariance=covariance,
        composition={key: {key: 1.0} for key in keys},
        clusters=tuple(range(n)),
        limits=Limits(gross=1.0, net=(-1.0, 1.0), position=1.0, cluster=1.0),
        previous=np.zeros(n),
    )
    ward = HierarchicalClustering(linkage_method=LinkageMethod.WARD)
    model = HierarchicalRiskParity(
        prior_estimator=EmpiricalPrior(covariance_estimator=Given(covariance.matrix)),
        distance_estimator=CovarianceDistance(covariance_estimator="precomputed"),
        seriation_estimator=HierarchicalSeriation(hierarchical_clustering_estimator=ward, optimal_ordering=True),
    )

    def ours() -> np.ndarray:
        return np.array(list(allocate(problem, engine="custom", risk_profile="hrp").weights.values()))

    (seconds, weights), (peer_seconds, peer) = in_turns(ours, lambda: model.fit(returns).weights_)
    difference, ratio = float(np.abs(weights - peer).max()), peer_seconds / seconds
    print(
        f"{n:>5} {seconds * 1e3:>10.3f} {peer_seconds * 1e3:>10.2f} {ratio:>7.1f}x {target:>7.1f}x {difference:>16.1e}"
    )
    return ratio >= target and difference <= TARGET_DIFFERENCE


def main() -> int:
    print("hrp, milliseconds per call, best of several")
    print("    N    tvquant    skfolio   ratio   target   weights differ")
    with threadpool_limits(1):
        met = [measure(n, target) for n, target in TARGETS.items()]
    print(f"targets, weights within {TARGET_DIFFERENCE:g}: {'met' if all(met) else 'MISSED'}")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
