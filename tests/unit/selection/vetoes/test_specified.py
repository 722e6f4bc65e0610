"""The fixed figures, market by market, at their limits and relaxed."""

import numpy as np
import pytest

from tvquant.selection.relaxation import Relaxation
from tvquant.selection.vetoes.catalogue import VETOES
from tvquant.statistics import permutation_entropy

STRICT, SPECTRAL = Relaxation.STRICT, Relaxation.SPECTRAL
pytestmark = pytest.mark.requirement("R-SEL-15")


@pytest.fixture
def verdict(judged):
    """How a rule judges under `as_specified`."""

    def ask(rule, stage=STRICT, periods=365, **columns):
        given = judged(settings={"thresholds": "as_specified"}, periods=periods, **columns)
        return VETOES[rule].judgement(given, stage)

    return ask


@pytest.mark.requirement("R-CFG-04")
@pytest.mark.parametrize(("periods", "ceiling"), [(365, 0.999), (252, 0.95), (250, 0.9)])
def test_the_ceiling_of_the_entropy_is_that_of_the_market(verdict, periods, ceiling):
    found = verdict("entropy", periods=periods, entropy=[ceiling + 1e-4, ceiling, ceiling - 1e-4, np.nan])
    assert found.broken.tolist() == [True, False, False, False]
    assert found.thresholds["limit"] == ceiling


@pytest.mark.parametrize(("periods", "floor"), [(365, 0.05), (252, 0.1), (250, 0.1)])
def test_the_floor_of_the_efficiency_is_that_of_the_market(verdict, periods, floor):
    found = verdict("efficiency", periods=periods, efficiency=[floor - 1e-4, floor, floor + 1e-4, np.nan])
    assert found.broken.tolist() == [True, False, False, False]
    assert found.thresholds["limit"] == floor


@pytest.mark.parametrize(("periods", "band"), [(365, (0.48, 0.52)), (252, (0.45, 0.55)), (250, (0.45, 0.55))])
def test_the_band_of_the_hurst_exponent_is_that_of_the_market(verdict, periods, band):
    low, high = band
    found = verdict("random_walk", periods=periods, hurst=[low - 1e-4, low + 1e-4, high - 1e-4, high + 1e-4, np.nan])
    assert found.broken.tolist() == [False, True, True, False, False]
    assert found.limits.tolist()[:4] == [low, low, high, high]
    assert (found.thresholds["low"], found.thresholds["high"]) == band


def test_a_persistent_loser_is_above_055_and_loses(verdict):
    found = verdict("persistent_loser", hurst=[0.56, 0.56, 0.55, np.nan], momentum=[-0.1, 0.1, -0.1, -0.1])
    assert found.broken.tolist() == [True, False, False, False]


@pytest.mark.requirement("R-SEL-21")
def test_the_second_stage_multiplies_ceiling_and_floor_and_keeps_them_so(verdict):
    for stage in (SPECTRAL, Relaxation.CLUSTER_FLOOR, Relaxation.ALPHA_FALLBACK):
        assert verdict("entropy", stage, periods=252, entropy=[0.5]).thresholds["limit"] == 1.0
        assert verdict("efficiency", stage, periods=252, efficiency=[0.5]).thresholds["limit"] == pytest.approx(0.08)
        assert verdict("random_walk", stage, hurst=[0.5]).thresholds["low"] == 0.48


@pytest.mark.parametrize("rule", ["entropy", "efficiency", "random_walk", "persistent_loser", "adx"])
def test_both_ways_to_judge_are_named_whichever_is_in_force(judged, rule):
    ours, theirs = (
        VETOES[rule].judgement(judged(settings={"thresholds": name}, entropy=[0.5]), STRICT).thresholds
        for name in ("calibrated", "as_specified")
    )
    assert ours["null_share"] == theirs["calibrated_null_share"] == 0.1
    assert {f"as_specified_{name}": value for name, value in theirs.items() if not name.startswith("calibrated_")} == {
        name: value for name, value in ours.items() if name.startswith("as_specified_")
    }


@pytest.mark.requirement("R-FEA-03")
def test_the_ceiling_of_crypto_rejects_no_noise_and_that_of_sessions_none_of_60_rows(verdict):
    noise = np.random.default_rng(0).standard_t(4, (120, 2000))
    long, short = (permutation_entropy(noise[:rows], order=5).tolist() for rows in (120, 60))
    assert not verdict("entropy", entropy=long).broken.any()
    assert not verdict("entropy", periods=252, entropy=short).broken.any()
    assert max(short) < 0.842  # ln 56 / ln 120: never more than 56 different patterns
