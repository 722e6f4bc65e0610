"""The v4 pipeline: six stages over one context that none of them can alter."""

from dataclasses import dataclass, fields, replace

import numpy as np
import pytest

from tvquant.selection import SelectionPipeline, SelectionPipelineAdapter
from tvquant.selection.stages.feature_engineering import FeatureEngineeringStage

ONCE = ("ingestion", "feature_engineering", "inference", "partitioning")


@pytest.fixture
def noise():
    return np.random.default_rng(11).normal(0.0005, 0.02, (200, 40))


@dataclass
class Counted:
    """A stage that counts its runs."""

    inner: object
    name: str
    runs: int = 0

    def run(self, context):
        self.runs += 1
        return self.inner.run(context)

    def goes_on(self, context):
        return self.inner.goes_on(context)


def counted():
    """A pipeline of counted stages, and the counters by name."""
    plain = SelectionPipeline()
    counters = {f.name: Counted(getattr(plain, f.name), f.name) for f in fields(plain)}
    return SelectionPipeline(**counters), counters


@pytest.mark.requirement("R-SEL-01")
def test_the_six_stages_run_once_when_the_pool_suffices(context, noise):
    got = SelectionPipelineAdapter().select(context(noise, min_winners=1))
    assert got.stage == 1
    assert got.trace == (*ONCE, "policy", "synthesis")


@pytest.mark.requirement("R-SEL-01")
@pytest.mark.requirement("R-SEL-03")
@pytest.mark.parametrize(("count", "floor", "stage"), [(40, 1, 1), (6, 15, 4)])
def test_only_the_policy_repeats_once_per_stage_of_relaxation(context, noise, count, floor, stage):
    pipeline, counters = counted()
    got = SelectionPipelineAdapter(pipeline=pipeline).select(context(noise[:, :count], min_winners=floor))
    assert got.stage == stage
    assert {name: counter.runs for name, counter in counters.items()} == {
        **dict.fromkeys(ONCE, 1), "policy": stage, "synthesis": 1,
    }  # fmt: skip
    assert got.trace == (*ONCE, *["policy"] * stage, "synthesis")


@dataclass
class Meddling:
    """A stage that tries to change what it was given."""

    attack: object
    name: str = "meddling"

    def run(self, context):
        self.attack(context)
        return context


def attack_returns(context):
    context.pool.streams.returns[0, 0] = 1.0


def attack_times(context):
    context.pool.streams.times[0] = np.datetime64("2000-01-01")


def attack_composition(context):
    context.pool.streams.composition["X:N000_hold_LONG"] = {}


def attack_holding(context):
    context.pool.streams.composition["X:N000_hold_LONG"]["X:N000"] = 2.0


def attack_terms(context):
    context.features.values[0, 0] = 1.0


def attack_atom_features(context):
    context.atom_features.values[0, 0] = 1.0


def attack_scores(context):
    context.scores[0] = 99.0


def attack_probabilities(context):
    context.probabilities["momentum"][0] = 1.0


def attack_missing(context):
    context.missing["momentum"] = ()


def attack_the_context(context):
    context.winners = ()


@pytest.mark.requirement("R-SEL-01")
@pytest.mark.parametrize(
    "attack",
    [
        attack_returns, attack_times, attack_composition, attack_holding, attack_terms, attack_atom_features,
        attack_scores, attack_probabilities, attack_missing, attack_the_context,
    ],
)  # fmt: skip
def test_no_stage_can_alter_the_raw_pool_or_what_an_earlier_stage_found(context, noise, attack):
    given = context(noise)
    before = given.pool.streams.returns.tobytes()
    with pytest.raises((ValueError, TypeError, AttributeError)):
        SelectionPipeline(partitioning=Meddling(attack)).run(given)
    assert given.pool.streams.returns.tobytes() == before
    assert given.trace == ()


@pytest.mark.requirement("R-SEL-01")
def test_the_context_given_is_left_as_it_was(context, noise):
    given = context(noise)
    done = SelectionPipeline().run(given)
    assert done is not given
    assert (given.atom_features, given.scores, given.clusters, given.winners, given.stage) == (None, None, (), (), 0)
    assert done.pool is given.pool


@pytest.mark.requirement("R-SEL-03")
def test_the_response_carries_everything_of_the_context(context, noise):
    streams = np.column_stack([noise, noise[:, 0] * 10])
    given = context(streams, terms={"adv_median_30": [*[1e6] * 40, np.nan], "recommend_ma": np.linspace(-1, 1, 41)})
    done, got = SelectionPipeline().run(given), SelectionPipelineAdapter().select(given)
    assert (got.model, got.version, got.decided_at) == ("v4", "4.0-mlops", given.decided_at)
    assert got.winners == done.winners
    assert list(got.scores) == list(given.pool.ids)
    assert list(got.scores.values()) == done.scores.tolist()
    assert set(got.components["X:N000_hold_LONG"]) == {
        "momentum", "stability", "liquidity", "antifragility", "survival", "efficiency", "entropy", "hurst",
        "rating_ma", "skewness", "kurtosis", "cvar", "fragility",
    }  # fmt: skip
    assert got.vetoes["X:N040_hold_LONG"].rule == "volatility"
    assert got.missing == {"liquidity": ("X:N040_hold_LONG",)}
    assert set(got.absent) == {"adx", "rating_all"}
    assert got.clusters == dict(zip(given.pool.ids, done.clusters, strict=True))
    assert set(got.recruited) == {atom.symbol for atom in got.winners}
    assert not set(got.standing_vetoes) & set(got.recruited)


def test_winners_stand_best_first(context, noise):
    got = SelectionPipelineAdapter().select(context(noise))
    scores = [got.scores[atom.symbol] for atom in got.winners]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) > 10


@pytest.mark.requirement("R-SEL-13")
@pytest.mark.requirement("R-SEL-30")
def test_the_most_bearish_asset_is_the_best_short(context):
    # Multiples of 2^-20 on 256 rows: drifts change means by no rounding, so shape and spread are equal to the bit.
    drift = np.arange(10, -10, -1) * 2.0**-11
    asset = drift + np.round(np.random.default_rng(5).normal(0.0, 0.01, (256, 1)) * 2**20) / 2**20
    terms = {"adv_median_30": [1e6] * 20, "recommend_ma": np.sign(drift)}
    got = SelectionPipelineAdapter().select(context(-np.minimum(asset, 1.0), terms=terms, directions="S" * 20))
    assert got.winners[0].physical_symbol == "X:N019"
    assert {atom.direction.value for atom in got.winners} == {"SHORT"}


@pytest.mark.requirement("R-SEL-29")
def test_direction_is_neither_limited_nor_changed(context, noise):
    given = context(-np.minimum(noise, 1.0), directions="S" * 40)
    got = SelectionPipelineAdapter().select(given)
    assert len(got.winners) >= 15
    assert set(got.winners) <= set(given.pool.atoms)


@pytest.mark.requirement("R-SEL-24")
def test_a_pool_of_9_is_taken_whole_and_flagged(context, noise):
    got = SelectionPipelineAdapter().select(context(noise[:, :9]))
    assert len(got.winners) == 9
    assert got.flags - {"hardened"} == {"sparse"}


@pytest.mark.requirement("R-SEL-24")
@pytest.mark.requirement("R-SEL-25")
def test_15_atoms_on_6_coins_are_flagged_and_every_logic_may_win(context, noise):
    coins = [f"X:C{k % 6}" for k in range(18)]
    logics = [f"logic{k // 6}" for k in range(18)]
    got = SelectionPipelineAdapter().select(context(noise[:, [k % 6 for k in range(18)]], assets=coins, logics=logics))
    assert len(got.winners) >= 15
    assert got.flags - {"hardened"} == {"few_assets"}
    assert len({atom.logic for atom in got.winners}) == 3


@pytest.mark.parametrize("count", [1, 2, 30])
def test_identical_streams_and_small_pools_have_an_answer(context, noise, count):
    got = SelectionPipelineAdapter().select(context(np.tile(noise[:, :1], count)))
    assert len(got.winners) == min(count, 15)
    assert np.isfinite(list(got.scores.values())).all()


def test_a_pool_of_1000_has_an_answer(context):
    streams = np.random.default_rng(2).normal(0.0, 0.02, (500, 1000))
    got = SelectionPipelineAdapter().select(context(streams))
    assert len(got.winners) == 25
    assert len(got.scores) == 1000
    assert max(got.clusters.values()) <= 25


@pytest.mark.requirement("R-SEL-31")
def test_equal_contexts_have_equal_payloads(context, noise):
    first, second = (SelectionPipelineAdapter().select(context(noise)).payload() for _ in range(2))
    assert first == second


def test_a_stage_out_of_order_is_refused(context, noise):
    skipped = SelectionPipeline(inference=FeatureEngineeringStage())
    with pytest.raises(ValueError, match="run inference first"):
        skipped.run(replace(context(noise), scores=None))
