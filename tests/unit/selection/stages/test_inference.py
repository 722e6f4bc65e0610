"""Inference uses the weights that the profile names, on features that are there."""

import numpy as np
import pytest

from tvquant.selection.scorer import AlphaScorer
from tvquant.selection.stages.feature_engineering import FeatureEngineeringStage
from tvquant.selection.stages.inference import InferenceStage
from tvquant.selection.weights import WEIGHTS


@pytest.fixture
def noise():
    return np.random.default_rng(3).normal(0.0, 0.02, (120, 6))


@pytest.mark.requirement("R-SEL-10")
@pytest.mark.parametrize("weights", sorted(WEIGHTS))
def test_scores_are_those_of_the_named_weights(context, noise, weights):
    given = FeatureEngineeringStage().run(context(noise, weights=weights))
    done = InferenceStage().run(given)
    expected = AlphaScorer(components=WEIGHTS[weights]).score(given.atom_features)
    assert done.scores.tolist() == expected.scores.tolist()
    assert set(done.probabilities) == set(expected.probabilities)
    assert dict(done.absent) == expected.absent
    assert "liquidity" in done.absent


def test_the_two_sets_of_weights_differ(context, noise):
    tuned, whole = (
        InferenceStage().run(FeatureEngineeringStage().run(context(noise, weights=w))).scores
        for w in ("v4_tuned", "v4_round")
    )
    assert not np.allclose(tuned, whole)


@pytest.mark.requirement("R-SEL-13")
def test_the_most_bearish_asset_ranks_first_among_shorts(context):
    # Multiples of 2^-20 on 256 rows: drifts change means by no rounding, so shape and spread are equal to the bit.
    drift = np.array([8, 2, -4, -12]) * 2.0**-11
    asset = drift + np.round(np.random.default_rng(5).normal(0.0, 0.01, (256, 1)) * 2**20) / 2**20
    ratings = {"adv_median_30": [1e6] * 4, "recommend_ma": [0.9, 0.2, -0.3, -0.9]}
    given = context(-np.minimum(asset, 1.0), terms=ratings, directions="SSSS")
    scores = InferenceStage().run(FeatureEngineeringStage().run(given)).scores
    assert np.argsort(scores).tolist() == [0, 1, 2, 3]


@pytest.mark.requirement("R-SEL-01")
def test_inference_before_features_is_refused(context, noise):
    with pytest.raises(ValueError, match="run feature_engineering first"):
        InferenceStage().run(context(noise))
