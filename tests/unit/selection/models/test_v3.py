"""The product by hand, its collapse, the strict stage, and the single place where names are copies."""

import math
from dataclasses import replace

import numpy as np
import pytest

from builders.mappings import normal, penalty, ranks
from tvquant.selection.models.v3 import V3

MAPPINGS = {
    "momentum": ranks, "stability": ranks, "antifragility": ranks, "liquidity": normal, "survival": normal,
    "adx": normal, "fragility": penalty,
}  # fmt: skip


@pytest.mark.requirement("R-SEL-06")
@pytest.mark.requirement("R-SEL-07")
def test_the_score_is_the_log_of_the_product(score, features):
    mapped = {name: mapping(features[name]) for name, mapping in MAPPINGS.items()}
    expected = [math.log(math.prod(column[k] for column in mapped.values())) for k in range(4)]
    assert score(V3, features) == pytest.approx(expected, rel=1e-12)


@pytest.mark.requirement("R-SEL-06")
def test_one_factor_near_nothing_collapses_the_score(score):
    best = {name: [*[1.0] * 40, 2.0] for name in MAPPINGS if name not in ("survival", "fragility")}
    found = score(V3, best | {"survival": [*[1.0] * 40, -1.0], "fragility": [0.0] * 41})
    assert found[-1] < min(found[:-1])
    assert math.exp(found[-1]) <= 0.001


@pytest.mark.requirement("R-SEL-07")
def test_the_most_fragile_loses_half(score, features):
    free = score(V3, features | {"fragility": [0.0] * 4})
    assert math.exp(score(V3, features)[1] - free[1]) == pytest.approx(0.5, rel=1e-12)


def test_one_strict_stage_and_no_fill(context):
    got = V3.select(context(np.random.default_rng(8).normal(0.0, 0.02, (200, 16))))
    assert (got.stage, got.flags) == (1, {"sparse"})
    assert set(got.recruited.values()) <= {"ranked"}
    assert got.thresholds["friction"]["hurdle"] == 0.02


@pytest.mark.requirement("R-SEL-06")
def test_a_cluster_has_one_place_where_names_are_copies(context):
    rng = np.random.default_rng(8)
    streams = np.round(rng.normal(0.002, 0.02, (200, 6)), 6)
    given = context(streams[:, [0, 0, 0, 1, 2, 3]], vetoes=[], hurdle=-100.0)
    capped = V3.select(given)
    assert capped.thresholds["condition_number"]["places"] == 1.0
    assert len(capped.winners) == max(capped.clusters.values()) == 4
    free = V3.select(replace(given, pool=context(streams).pool))
    assert free.thresholds["condition_number"]["places"] == 3.0
