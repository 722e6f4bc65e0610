"""The sum of min-max values within clusters, by hand."""

import math

import numpy as np
import pytest

from builders.mappings import spans
from tvquant.selection.models.v2_0 import V2_0

WEIGHTS = {"momentum": 0.3, "stability": 0.2, "antifragility": 0.2, "liquidity": 0.3}


@pytest.mark.requirement("R-SEL-04")
def test_each_cluster_is_mapped_by_itself(score, features):
    clusters = (1, 2, 2, 1)
    expected = [0.0] * 4
    for inside in ([0, 3], [1, 2]):
        mapped = {name: spans([features[name][k] for k in inside]) for name in WEIGHTS}
        for place, k in enumerate(inside):
            expected[k] = math.fsum(weight * mapped[name][place] for name, weight in WEIGHTS.items())
    assert score(V2_0, features, clusters) == pytest.approx(expected, rel=1e-12)


def test_who_is_alone_in_a_cluster_is_undecided(score, features):
    assert score(V2_0, features, (1, 2, 2, 2))[0] == pytest.approx(0.5, rel=1e-14)


def test_clusters_come_before_scores(context):
    got = V2_0.select(context(np.random.default_rng(3).normal(0.0, 0.02, (120, 6))))
    assert got.trace == ("ingestion", "feature_engineering", "partitioning", "inference", "policy", "synthesis")
    assert got.winners


def test_no_veto_judges_and_places_are_by_correlation(context):
    got = V2_0.select(context(np.random.default_rng(4).standard_t(2, (200, 9)) * 0.2))
    assert (got.vetoes, got.stage, set(got.thresholds)) == ({}, 1, {"places"})
