"""The baseline takes everyone."""

import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.selection.models.baseline import Baseline
from tvquant.selection.pipeline import SelectionPipelineAdapter


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(0.0, 0.2, (120, 40))  # volatile enough to be vetoed elsewhere


@pytest.mark.requirement("R-SEL-02")
def test_everyone_wins_in_the_order_of_the_pool_unscored_and_without_floor_or_ceiling(context, noise):
    given = context(noise, assets=[f"X:N{(7 * k) % 40:02d}" for k in range(40)])
    got = Baseline().select(given)
    assert got.winners == given.pool.atoms
    assert set(got.scores.values()) == {0.0}
    assert set(got.recruited.values()) == {"passed_through"}
    assert (got.vetoes, got.thresholds, got.components, got.stage, got.flags) == ({}, {}, {}, 1, frozenset())
    assert got.trace == ("ingestion", "partitioning")


def test_its_clusters_are_those_of_v4(context, noise):
    given = context(noise)
    assert Baseline().select(given).clusters == SelectionPipelineAdapter().select(given).clusters


def test_a_malformed_pool_is_refused(context):
    with pytest.raises(ModelError, match="has no return at all"):
        Baseline().select(context(np.full((3, 1), np.nan)))
