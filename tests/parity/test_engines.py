"""The same problem by every engine that solves it: one book, as far as tolerances on scaled figures let it be one."""

from functools import cache

import numpy as np
import pytest
from scipy.cluster import hierarchy

from builders.problems import FREE, HOUSE, estimated, limits
from tvquant.allocation import ENGINES, RISK_PROFILES, risk_profiles_of
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.engines.custom.hrp import weights_in_order
from tvquant.profiles.options import declared_by
from tvquant.statistics import correlation_distance

pytestmark = pytest.mark.xdist_group("engine libraries")
WITHIN = 1e-4
"""Largest difference of a weight, as a fraction of equity, between two solvers of one convex problem."""


@cache
def problem(name):
    n, rows, these, clusters = {
        "free": (20, 252, FREE, None),
        "capped": (20, 252, HOUSE, None),
        "clusters and cash": (20, 252, limits(gross=0.7, cluster=0.15), [i // 5 for i in range(20)]),
        "net": (20, 120, limits(net=(-0.1, 0.1)), [i % 7 for i in range(20)]),
        "more names than rows": (60, 40, HOUSE, [i % 9 for i in range(60)]),
    }[name]
    rng = np.random.default_rng(n + rows)
    returns = rng.normal(0.0004, 0.01, (rows, 1)) * rng.uniform(0.3, 1.7, n)
    returns = returns + rng.normal(0.1, 1.0, (rows, n)) * rng.uniform(0.005, 0.02, n)
    signs = np.where(np.arange(n) % 3, 1.0, -1.0) if name == "net" else None
    return estimated(returns, limits=these, clusters=clusters, signs=signs)


@cache
def weights(engine, profile, name):
    member, aim, given = ENGINES[engine], RISK_PROFILES[profile], problem(name)
    options = tuple(declared() for declared in declared_by((member, aim)))
    answer = member.solve(given, feasible_set(given), aim, options)
    assert answer.weights is not None, answer.attempts
    return answer.weights


def libraries(profile):
    return [name for name, engine in ENGINES.items() if engine.library and profile in risk_profiles_of(engine)]


def cases(*profiles):
    found = [(engine, profile) for profile in profiles for engine in libraries(profile)]
    return pytest.mark.parametrize(("engine", "profile"), found)


@pytest.mark.requirement("R-RSK-01")
@pytest.mark.parametrize("name", ["free", "capped", "clusters and cash", "net", "more names than rows"])
@cases("min_variance", "max_sharpe", "max_diversification")
def test_convex_programs_have_one_book(engine, profile, name):
    mine, ours = weights(engine, profile, name), weights("custom", profile, name)
    np.testing.assert_allclose(mine, ours, rtol=0.0, atol=WITHIN)


@pytest.mark.parametrize("name", ["capped", "clusters and cash"])
@cases("cvar_min")
def test_the_least_tail_is_as_small_though_books_may_differ(engine, profile, name):
    def tail(held):
        losses = np.sort(-problem(name).returns @ held)[::-1]
        share = 0.05 * len(losses)  # of .05 x 252 rows the last one counts in part
        whole = int(share)
        return (losses[:whole].sum() + (share - whole) * losses[whole]) / share

    assert tail(weights(engine, profile, name)) == pytest.approx(tail(weights("custom", profile, name)), rel=1e-6)


@pytest.mark.requirement("R-RSK-05")
@pytest.mark.parametrize("engine", ["custom", *libraries("risk_parity")])
@pytest.mark.parametrize("name", ["free", "more names than rows"])
def test_contributions_to_risk_are_equal(engine, name):
    held = weights(engine, "risk_parity", name)
    parts = held * (problem(name).covariance.matrix @ held)
    np.testing.assert_allclose(
        parts / parts.sum(), 1.0 / len(held), rtol=0.0, atol=1e-8 if engine == "custom" else 1e-6
    )


def bisected(matrix, ordered):
    """HRP by our bisection in another order of the leaves: scipy's search, or that of the linkage itself."""
    deviation = np.sqrt(np.diag(matrix))
    distance = correlation_distance(np.clip(matrix / np.outer(deviation, deviation), -1.0, 1.0))
    tree = hierarchy.linkage(distance[np.triu_indices(len(matrix), 1)], "ward", optimal_ordering=ordered)
    return weights_in_order(matrix, hierarchy.leaves_list(tree))


@pytest.mark.requirement("R-RSK-09")
@pytest.mark.parametrize("name", ["free", "net", "more names than rows"])
@cases("hrp")
def test_hrp_is_ours_in_the_order_of_each_library(engine, profile, name):
    expected = bisected(problem(name).covariance.matrix, ordered=engine != "pyportfolioopt")
    np.testing.assert_allclose(weights(engine, profile, name), expected, rtol=0.0, atol=1e-8)


@cases("equal_weight", "inverse_volatility")
def test_closed_forms_of_libraries_are_ours(engine, profile):
    for name in ("free", "clusters and cash"):
        mine, ours = weights(engine, profile, name), weights("custom", profile, name)
        np.testing.assert_allclose(mine, ours, rtol=0.0, atol=1e-12)
