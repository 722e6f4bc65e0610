"""The score of v3.2 with relaxation."""

import numpy as np
import pytest

from tvquant.selection.models.v3_2 import V3_2
from tvquant.selection.models.v3_4 import V3_4


@pytest.mark.requirement("R-SEL-09")
def test_a_scarce_pool_is_relaxed_by_the_scores_of_v3_2(context):
    given = context(np.random.default_rng(8).normal(0.0, 0.02, (200, 16)))
    strict, relaxed = V3_2.select(given), V3_4.select(given)
    assert relaxed.scores == strict.scores
    assert relaxed.stage >= 2
    assert len(relaxed.winners) >= 15 > len(strict.winners)
    assert relaxed.thresholds["friction"]["hurdle"] == 0.005


@pytest.mark.requirement("R-SEL-09")
def test_a_sufficient_pool_stays_strict(context):
    got = V3_4.select(context(np.random.default_rng(8).normal(0.0, 0.02, (200, 30)), vetoes=[], hurdle=-100.0))
    assert (got.stage, set(got.recruited.values())) == (1, {"ranked"})
