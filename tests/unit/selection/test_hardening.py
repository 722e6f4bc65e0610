"""Hardening: what triggers it, and that it is applied once, to every stage."""

from dataclasses import replace

import numpy as np
import pytest

from tvquant.core.features import FeatureSet
from tvquant.selection.hardening import HARDENED, HARDENING, hardening
from tvquant.selection.pipeline import SelectionPipeline
from tvquant.selection.stages.feature_engineering import FeatureEngineeringStage
from tvquant.selection.stages.policy import SelectionPolicyStage
from tvquant.statistics import null_mean_quantile, permutation_entropy

POLICY = SelectionPolicyStage()
LIMIT = null_mean_quantile(np.full(4, 120), 0.95)
pytestmark = pytest.mark.requirement("R-SEL-28")


@pytest.fixture
def stages(judged):
    """The contexts after each of the four stages."""

    def make(**given):
        context = judged(**given)
        count = len(context.pool.atoms)
        done = [replace(context, scores=-np.arange(float(count)), clusters=tuple(range(1, count + 1)))]
        for _ in range(4):
            done.append(POLICY.run(done[-1]))
        return done[1:]

    return make


@pytest.mark.parametrize(("off", "triggered"), [(1e-9, True), (-1e-9, False)])
def test_a_pool_whose_mean_is_above_that_of_matched_noise_is_hardened(judged, off, triggered):
    mean = LIMIT + off
    found = hardening(judged(entropy=[mean - 0.01, mean + 0.01, mean - 0.02, mean + 0.02]))
    assert found.mean == pytest.approx(mean, abs=1e-15)
    assert found.flags == (frozenset({HARDENED}) if triggered else frozenset())
    assert replace(found, mean=found.limit).flags == frozenset()
    assert found.thresholds == {HARDENING: {"mean": found.mean, "limit": LIMIT}}


def test_the_share_of_entropy_is_one_and_a_half_once_and_halved_from_stage_2(stages):
    done = stages(entropy=[1.0] * 4)
    assert [context.thresholds["entropy"]["null_share"] for context in done] == pytest.approx([0.15] + [0.075] * 3)
    assert [context.thresholds["efficiency"]["null_share"] for context in done] == [0.10, 0.05, 0.05, 0.05]
    assert [context.thresholds[HARDENING] for context in done] == [{"mean": 1.0, "limit": LIMIT}] * 4
    assert [context.flags for context in done] == [{HARDENED}] * 4
    calm = stages(entropy=[0.5] * 4)
    assert [context.thresholds["entropy"]["null_share"] for context in calm] == [0.10, 0.05, 0.05, 0.05]
    assert [context.flags for context in calm] == [frozenset()] * 4


@pytest.mark.parametrize(
    ("entropy", "periods", "ceilings"),
    [
        (0.9501, 252, [0.95 * 0.9, *[1.0] * 3]),
        (0.95, 252, [0.95, 1.0, 1.0, 1.0]),
        (0.9501, 365, [0.999 * 0.9, *[1.0] * 3]),
        (0.9501, 0, [0.9 * 0.9, *[0.9 * 0.9 * 1.2] * 3]),
    ],
)
def test_as_specified_the_ceiling_is_a_tenth_lower_once_then_raised(stages, entropy, periods, ceilings):
    done = stages(entropy=[entropy] * 3, periods=periods, settings={"thresholds": "as_specified"})
    assert [context.thresholds["entropy"]["limit"] for context in done] == pytest.approx(ceilings, rel=1e-15)
    assert {context.thresholds[HARDENING]["limit"] for context in done} == {0.95}


def test_every_asset_counts_once_and_who_has_no_entropy_does_not(context):
    def engineered(assets):
        rows = np.random.default_rng(1).normal(0.0, 0.01, (150, 4))
        rows[:, 3] = 0.0
        given = context(
            rows[:, [int(name[-1]) for name in assets]], assets=assets, logics=list("abcdef")[: len(assets)]
        )
        return hardening(FeatureEngineeringStage().run(given))

    three, more = engineered(["X:0", "X:1", "X:2"]), engineered(["X:2", "X:0", "X:1", "X:1", "X:3", "X:1"])
    assert (more.mean, more.limit) == (three.mean, three.limit)


@pytest.mark.parametrize("logics", ["ab", "ba"])
def test_the_first_id_of_an_asset_speaks_for_it_wherever_it_stands(context, logics):
    given = context(np.zeros((1, 2)), assets=["X:0", "X:0"], logics=list(logics))
    entropy = [{"a": 0.75, "b": 0.25}[logic] for logic in logics]
    features = FeatureSet(
        names=("entropy", "observations"),
        keys=given.pool.ids,
        values=np.array([entropy, [200.0, 200.0]]),
        known_at=given.decided_at,
    )
    assert hardening(given.passed("given", atom_features=features)).mean == 0.75


@pytest.mark.parametrize("columns", [{"entropy": [np.nan] * 3}, {"entropy": [1.0] * 3, "observations": [31.0] * 3}])
def test_where_nobody_can_be_measured_nothing_is_hardened_or_recorded(stages, columns):
    done = stages(**columns)[0]
    assert (done.flags, HARDENING in done.thresholds) == (frozenset(), False)


def test_without_the_entropy_veto_there_is_no_hardening(stages):
    done = stages(entropy=[1.0] * 3, settings={"vetoes": ("kurtosis",)})[0]
    assert (done.flags, HARDENING in done.thresholds) == (frozenset(), False)


def test_the_flag_travels_in_the_response_beside_the_others(context):
    """The six least predictable of 600 streams of noise."""
    noise = np.random.default_rng(5).normal(0.0, 0.01, (240, 600))
    given = context(noise[:, np.argsort(-permutation_entropy(noise))[:6]])
    assert SelectionPipeline().run(given).flags == {HARDENED, "sparse"}
