"""Two layers: what clusters are, what they may hold, and that the streams in them keep every limit."""

from dataclasses import replace

import numpy as np
import pytest

from builders.problems import HOUSE, estimated, limits
from builders.returns import one_factor
from tvquant.allocation import RISK_PROFILES, allocate
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.layered import SHARES, layered
from tvquant.allocation.risk.catalogue import BARBELL
from tvquant.core.allocations import Status
from tvquant.profiles.options import declared_by
from tvquant.statistics import estimate

CLUSTERS = (0, 0, 0, 0, 5, 5, 5, 2, 2, 9, 9, 9)
RETURNS = one_factor(90, 12) * np.linspace(0.5, 2.0, 12) + 0.003
BY_STREAM = {"fixed", "equal_names", BARBELL}


def problem(bounds=HOUSE, signs=None, clusters=CLUSTERS):
    return estimated(RETURNS, clusters=clusters, limits=bounds, signs=signs)


def weighed(given, name, **more):
    options = tuple(one() for one in declared_by([RISK_PROFILES[name]]))
    return allocate(given, engine="custom", risk_profile=name, options=options, **more)


def by_cluster(weights):
    return {one: weights[np.array(CLUSTERS) == one] for one in dict.fromkeys(CLUSTERS)}


@pytest.mark.requirement("R-RSK-04")
def test_clusters_are_streams_of_their_own_by_inverse_variance():
    given, asked = problem(), []

    def spied(returns):
        asked.append(returns)
        return estimate(returns)

    streams, expansion = layered(given, spied)
    precision = 1.0 / np.diag(given.covariance.matrix)
    first = np.where(np.array(CLUSTERS) == 0, precision, 0.0)
    np.testing.assert_allclose(expansion.shares[:, 0], first / first.sum(), rtol=1e-14)
    np.testing.assert_allclose(expansion.shares.sum(axis=0), np.ones(4), rtol=1e-14)
    np.testing.assert_array_equal(streams.returns, given.returns @ expansion.shares)
    np.testing.assert_array_equal(streams.covariance.matrix, estimate(asked[0]).matrix)
    assert streams.keys == ("cluster 0", "cluster 2", "cluster 5", "cluster 9")
    assert streams.composition["cluster 2"] == pytest.approx(
        {"X:N007": expansion.shares[7, 1], "X:N008": expansion.shares[8, 1]}
    )


@pytest.mark.parametrize(("most", "single"), [(0.25, True), (0.26, False)])
def test_four_clusters_of_a_quarter_each_leave_one_book_in_two_layers_only(most, single):
    given = problem(limits(cluster=most, position=1.0))
    assert weighed(given, "hrp", estimated=estimate).single is single
    assert not weighed(given, "hrp").single


@pytest.mark.requirement("R-RSK-04")
@pytest.mark.parametrize("bounds", [HOUSE, limits(cluster=0.4), limits(cluster=0.4, position=0.1), limits(gross=0.5)])
@pytest.mark.parametrize("name", sorted(set(RISK_PROFILES) - BY_STREAM))
def test_the_streams_keep_every_limit_and_their_proportions(name, bounds):
    got = weighed(problem(bounds), name, estimated=estimate)
    weights = np.array(list(got.weights.values()))
    assert got.status is Status.SOLVED, got.attempts
    assert weights.sum() + got.cash == pytest.approx(1.0, abs=1e-12)
    assert (weights >= 0.0).all()
    assert weights.max() <= bounds.position + 1e-9
    precision = 1.0 / np.diag(problem().covariance.matrix)
    for cluster, inverse in zip(by_cluster(weights).values(), by_cluster(precision).values(), strict=True):
        assert cluster.sum() <= bounds.cluster + 1e-9
        np.testing.assert_allclose(cluster, cluster.sum() * inverse / inverse.sum(), atol=1e-8)


@pytest.mark.requirement("R-RSK-04")
def test_equal_weight_is_over_clusters():
    weights = np.array(list(weighed(problem(), "equal_weight", estimated=estimate).weights.values()))
    assert [one.sum() for one in by_cluster(weights).values()] == pytest.approx([0.25] * 4)


@pytest.mark.parametrize("name", ["fixed", "equal_names"])
def test_what_is_asked_of_streams_is_asked_of_them_in_either(name):
    one, two = weighed(problem(), name), weighed(problem(), name, estimated=estimate)
    assert one.weights == two.weights


def test_a_member_at_its_limit_holds_its_cluster_back_and_the_cash_has_that_cause():
    bounds = limits(cluster=1.0, position=0.1)
    got = weighed(problem(bounds, clusters=(0,) * 6 + (1,) * 6), "min_variance", estimated=estimate)
    weights = np.array(list(got.weights.values()))
    streams, expansion = layered(problem(bounds, clusters=(0,) * 6 + (1,) * 6), estimate)
    room = 0.1 / expansion.shares.max(axis=0)
    assert room.sum() < 1.0
    assert got.cash == pytest.approx(1.0 - room.sum(), abs=1e-9)
    assert got.causes == {SHARES: pytest.approx(got.cash, abs=1e-9)}
    assert got.forced_cash == pytest.approx(got.cash, abs=1e-9)
    assert sorted(weights)[-2:] == pytest.approx([0.1, 0.1], abs=1e-9)
    assert len(streams.keys) == 2


@pytest.mark.requirement("R-RSK-04")
@pytest.mark.parametrize("name", ["min_variance", "hrp", "risk_parity", "max_sharpe", "equal_weight"])
def test_shorts_beside_longs_keep_their_net_whatever_cluster_they_are_in(name):
    signs = np.where(np.arange(12) % 2, 1.0, -1.0)
    bounds = limits(net=(-0.05, 0.05), cluster=0.5)
    got = weighed(problem(bounds, signs), name, estimated=estimate)
    weights = np.array(list(got.weights.values()))
    assert got.status is Status.SOLVED, got.attempts
    assert abs(weights @ signs) <= 0.05 + 1e-9
    assert weights.sum() > 0.5


def test_the_image_of_a_feasible_set_holds_what_the_set_holds():
    """Of random weights of clusters those are let in whose streams keep every bound and row, and no others."""
    signs = np.where(np.arange(12) % 3, 1.0, -1.0)
    bounds = limits(net=(-0.4, 0.3), cluster=0.35, groups={"g": (["X:N000", "X:N004", "X:N007"], 0.25)})
    given = replace(problem(bounds, signs), selection_clusters=tuple(i % 5 for i in range(12)))
    feasible = feasible_set(given)
    _, expansion = layered(given, estimate)
    within = expansion.within(feasible)
    inside = 0
    for clusters in np.random.default_rng(0).dirichlet(np.ones(4), 500) * 0.7:
        streams = expansion.weights(clusters)
        every = (streams <= feasible.upper).all() and (feasible.rows @ streams <= feasible.bounds).all()
        image = (clusters <= within.upper).all() and (within.rows @ clusters <= within.bounds).all()
        assert every == image
        inside += every
    assert 20 < inside < 480


def test_a_least_of_a_member_is_a_least_of_its_cluster():
    got = weighed(problem(limits(cluster=1.0, names={"X:N011": (0.1, 0.25)})), "min_variance", estimated=estimate)
    assert got.status is Status.SOLVED, got.attempts
    assert got.weights["N011"] == pytest.approx(0.1, abs=1e-9)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["max_sharpe", "max_diversification", "min_variance", "hrp"])
def test_a_least_that_the_shares_of_its_cluster_cannot_keep_is_said(name):
    """One cluster of twelve may hold .15, of which N011 alone is to be .1: more than its share of that."""
    bounds = limits(cluster=0.15, names={"X:N011": (0.1, 0.15)})
    got = weighed(problem(bounds, clusters=(0,) * 12), name, estimated=estimate)
    assert got.status is Status.FAILED
    assert [str(one.outcome) for one in got.attempts] == [
        "allocation.layers: two leaves nothing to hold within the other limits"
    ]
