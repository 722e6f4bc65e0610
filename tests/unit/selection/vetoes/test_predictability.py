"""Soft vetoes: each rejects its share of noise, and one fixture on which exactly that veto fires."""

import math
import os
from dataclasses import replace

import numpy as np
import pytest

from builders.profiles import selection_of
from tvquant.selection.pipeline import SelectionPipelineAdapter
from tvquant.selection.relaxation import Relaxation
from tvquant.selection.stages.feature_engineering import FeatureEngineeringStage
from tvquant.selection.stages.policy import SelectionPolicyStage
from tvquant.selection.vetoes.catalogue import VETOES
from tvquant.selection.vetoes.predictability import EFFICIENCY, ENTROPY, PERSISTENT_LOSER, RANDOM_WALK
from tvquant.statistics import NullStatistic, null_quantile
from tvquant.statistics.directional import directional_movement
from tvquant.statistics.nulls import noise_bars

PROOF = bool(os.environ.get("TVQUANT_PROOF"))
CALIBRATED = ("entropy", "efficiency", "random_walk", "persistent_loser", "adx")
STRICT = Relaxation.STRICT
ROWS = np.arange(200)
CALM = 0.003 - 0.01 * np.sin(2 * np.pi * ROWS / 100) + 0.0005 * np.sin(1.3 * ROWS)
FIXTURES = {
    "no_statistics": np.full(200, 0.003),
    "kurtosis": np.where(ROWS == 100, 0.3, CALM),
    "volatility": 0.3 - 0.25 * np.sin(2 * np.pi * ROWS / 100) + 0.0005 * np.sin(1.3 * ROWS),
    "survival": np.where(ROWS % 15 == 0, np.nan, CALM),  # never traded throughout
    "roc": CALM,
    "volatility_d": CALM,
    "metadata": CALM,
    "unborrowable": CALM,
    "entropy": 0.003 + np.random.default_rng(3).normal(0.0, 0.01, 200),
    "efficiency": -0.01 * np.sin(2 * np.pi * ROWS / 40) + 0.0005 * np.sin(1.3 * ROWS),
    "random_walk": 0.003 + np.random.default_rng(23).normal(0.0, 0.01, 200),
    "persistent_loser": -CALM,
    "no_adx": CALM,
    "adx": CALM,
    "friction": CALM,
}
USUAL = {
    "roc_9": 5.0,
    "volatility_d": 4.0,
    "adx_14": 30.0,
    "plus_di_14": 25.0,
    "minus_di_14": 15.0,
    "metadata_known": 1.0,
    "adv_median_30": np.nan,  # not known, so friction judges nobody
}
UNUSUAL = {
    "roc": ("roc_9", 101.0),
    "volatility_d": ("volatility_d", 101.0),
    "metadata": ("metadata_known", 0.0),
    "no_adx": ("adx_14", np.nan),
    "adx": ("adx_14", 9.0),
    "friction": ("adv_median_30", 0.0),
}


def broken(given):
    """Rules that each atom breaks."""
    verdicts = {name: rule.judgement(given, STRICT).broken for name, rule in VETOES.items()}
    return [[name for name, hit in verdicts.items() if hit[k]] for k in range(len(given.pool.atoms))]


@pytest.mark.requirement("R-SEL-15")
@pytest.mark.requirement("R-SEL-16")
@pytest.mark.requirement("R-SEL-31")
@pytest.mark.requirement("R-SEL-17")
@pytest.mark.requirement("R-SEL-32")
def test_exactly_one_veto_fires_on_its_fixture_and_none_on_a_calm_trend(context):
    assert list(FIXTURES) == list(VETOES)
    terms = {name: [value] * (len(FIXTURES) + 1) for name, value in USUAL.items()}
    for rule, (name, value) in UNUSUAL.items():
        terms[name][list(FIXTURES).index(rule)] = value
    sides = "".join("S" if name == "unborrowable" else "L" for name in (*FIXTURES, ""))
    chosen = {"unborrowable": (f"X:N{list(FIXTURES).index('unborrowable'):03d}", f"X:N{len(FIXTURES):03d}")}
    given = context(np.column_stack([*FIXTURES.values(), CALM]), terms=terms, directions=sides, **chosen)
    assert broken(FeatureEngineeringStage().run(given)) == [*([name] for name in FIXTURES), []]
    got = SelectionPipelineAdapter().select(replace(given, parameters=selection_of(min_winners=1, **chosen))).payload()
    assert got["stage"] == 1
    assert [got["vetoes"][symbol]["rule"] for symbol in given.pool.ids[:-1]] == list(FIXTURES)
    assert given.pool.ids[-1] not in got["vetoes"]


@pytest.fixture(scope="module")
def noise():
    """Noise of another seed than that of the calibration."""
    return np.random.default_rng(99).standard_t(4, (200, 6000)) * 0.01


@pytest.mark.requirement("R-SEL-15")
@pytest.mark.parametrize("rows", [60, 95, 200])
@pytest.mark.parametrize("share", [0.05, 0.10, 0.25])
def test_each_soft_veto_rejects_its_share_of_noise(context, noise, rows, share):
    given = FeatureEngineeringStage().run(context(noise[:rows], null_share=share))
    tolerance = 5.0 * math.sqrt(2.0 * share * (1.0 - share) / 4000)  # sampling of the calibration and of this noise
    for rule in (ENTROPY, EFFICIENCY, RANDOM_WALK):
        assert rule.judge(given, STRICT).broken.mean() == pytest.approx(share, abs=tolerance), rule.name
    losing = given.of_atoms("momentum") < 0.0
    rejected = PERSISTENT_LOSER.judge(given, STRICT).broken
    assert not rejected[~losing].any()
    assert rejected.mean() == pytest.approx(share, abs=tolerance)


@pytest.mark.requirement("R-SEL-15")
@pytest.mark.requirement("R-SEL-28")
@pytest.mark.requirement("R-SEL-32")
@pytest.mark.parametrize("rows", [90, 120, 500])
def test_on_pools_of_noise_each_calibrated_veto_rejects_its_share_as_the_policy_judges(context, rows):
    """Pools of 60 names, their bars of noise as well, hardening included: 20 here, 200 in the proof.

    Within 3 points of 10 %; in the proof that is ten standard errors of a share of 12 000 names.
    """
    pools, names = 200 if PROOF else 20, 60
    draw, policy = np.random.default_rng(rows), SelectionPolicyStage()
    rejected, hardened = dict.fromkeys(CALIBRATED, 0), 0
    for _ in range(pools):
        adx = directional_movement(*noise_bars(draw, rows, names), rows=1)[0][-1]
        terms = {name: [value] * names for name, value in USUAL.items()} | {"adx_14": adx.tolist()}
        given = FeatureEngineeringStage().run(context(0.01 * draw.standard_t(4, (rows, names)), terms=terms))
        done = policy.run(replace(given, scores=np.zeros(names), clusters=(1,) * names))
        hardened += "hardened" in done.flags
        for name in CALIBRATED:
            rejected[name] += int(VETOES[name].judgement(replace(given, flags=done.flags), STRICT).broken.sum())
    assert {name: count / (pools * names) for name, count in rejected.items()} == pytest.approx(
        dict.fromkeys(CALIBRATED, 0.10), abs=0.03
    )
    assert hardened / pools < 0.15  # 1 in 20; of twenty pools, three or more happen one time in thirteen


@pytest.mark.requirement("R-SEL-15")
def test_limits_are_those_of_each_atoms_own_number_of_returns(judged):
    given = judged(entropy=[0.97] * 3, observations=[60.0, 120.0, 500.0])
    verdict = ENTROPY.judge(given, STRICT)
    expected = null_quantile(NullStatistic.ENTROPY, np.array([60, 120, 500]), 0.9)
    assert verdict.limits.tolist() == expected.tolist()
    assert verdict.thresholds == {"null_share": 0.1, "min": expected.min(), "max": expected.max()}
    assert expected[0] < expected[1] == expected[2]


@pytest.mark.requirement("R-FEA-06")
def test_a_random_walk_is_vetoed_on_the_raw_exponent(judged):
    low, high = (null_quantile(NullStatistic.HURST, np.array([200]), share).item() for share in (0.45, 0.55))
    given = judged(hurst=[low - 0.01, low + 1e-6, (low + high) / 2, high - 1e-6, high + 0.01])
    verdict = RANDOM_WALK.judge(given, STRICT)
    assert verdict.broken.tolist() == [False, True, True, True, False]
    assert verdict.limits[[1, 3]].tolist() == [low, high]
    assert verdict.thresholds == {
        "null_share": 0.1, "low_min": low, "low_max": low, "high_min": high, "high_max": high,
    }  # fmt: skip


@pytest.mark.requirement("R-SEL-15")
def test_a_persistent_winner_and_a_fickle_loser_are_kept(judged):
    given = judged(hurst=[0.95, 0.95, 0.3], momentum=[0.2, -0.2, -0.2])
    assert PERSISTENT_LOSER.judge(given, STRICT).broken.tolist() == [False, True, False]


@pytest.mark.parametrize("rule", [ENTROPY, EFFICIENCY, RANDOM_WALK, PERSISTENT_LOSER])
def test_too_few_returns_for_a_limit_or_a_statistic_are_not_judged(judged, rule):
    columns = {"entropy": [1.0, np.nan], "efficiency": [0.0, np.nan], "hurst": [0.5, np.nan], "momentum": [-1.0, -1.0]}
    verdict = rule.judge(judged(observations=[31.0, 31.0], **columns), STRICT)
    assert not verdict.broken.any()
    assert verdict.thresholds == {"null_share": 0.1}
    assert not rule.judge(judged(observations=[200.0, 200.0], **columns), STRICT).broken[1]
