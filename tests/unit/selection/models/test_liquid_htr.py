"""The most liquid are the best, all else as in v3.4."""

import numpy as np
import pytest

from tvquant.selection.models.liquid_htr import LIQUID_HTR
from tvquant.selection.models.v3_4 import V3_4

NOISE = np.random.default_rng(8).normal(0.0, 0.02, (200, 30))


@pytest.mark.requirement("R-SEL-02")
def test_winners_stand_by_liquidity_under_the_vetoes_of_v3_4(context):
    traded = np.random.default_rng(1).permutation(30) * 1e6 + 1e6
    given = context(NOISE, terms={"adv_median_30": traded})
    got, other = LIQUID_HTR.select(given), V3_4.select(given)
    of_winners = [traded[int(atom.physical_symbol[-3:])] for atom in got.winners]
    assert of_winners == sorted(of_winners, reverse=True)
    assert (got.clusters, got.thresholds.keys()) == (other.clusters, other.thresholds.keys())
    assert got.thresholds["friction"] == other.thresholds["friction"]
    assert got.stage >= 2


def test_where_nothing_is_known_of_liquidity_all_are_alike_and_that_is_said(context):
    got = LIQUID_HTR.select(context(NOISE))
    assert set(got.scores.values()) == {0.0}
    assert got.absent == {"liquidity": "the data have no volume"}
