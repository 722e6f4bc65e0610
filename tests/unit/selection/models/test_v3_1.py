"""What sets v3.1 apart from v3: the hurdle, and places whatever the correlations."""

import numpy as np
import pytest

from tvquant.selection.models.v3 import V3
from tvquant.selection.models.v3_1 import V3_1

CALM = np.random.default_rng(8).normal(0.0, 0.02, (200, 30))


@pytest.mark.requirement("R-SEL-06")
def test_the_score_is_that_of_v3_and_the_hurdle_lower(context, score, features):
    assert score(V3_1, features) == score(V3, features)
    got = V3_1.select(context(CALM))
    assert got.thresholds["friction"]["hurdle"] == 0.005
    assert (got.stage, "condition_number" in got.thresholds) == (1, False)


@pytest.mark.requirement("R-SEL-06")
def test_copies_keep_their_places(context):
    given = context(np.round(CALM, 6)[:, [0, 0, 0, 1]], vetoes=[], hurdle=-100.0)
    assert len(V3_1.select(given).winners) == 4
    assert len(V3.select(given).winners) == 2


@pytest.mark.requirement("R-SEL-06")
def test_a_return_between_the_hurdles_passes_v3_1_only(context):
    streams = CALM[:, :4] - CALM[:, :4].mean(axis=0) + 0.01 / 365  # a year earns a hundredth
    given = context(streams, terms={"adv_median_30": [1e18] * 4}, train=200, vetoes=[])
    assert len(V3_1.select(given).winners) == 4
    assert {veto.rule for veto in V3.select(given).vetoes.values()} == {"friction"}
