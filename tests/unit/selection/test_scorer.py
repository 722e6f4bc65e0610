"""Scorers: the weighted sum and the weighted product by hand, monotone features, absent and missing ones."""

import math

import numpy as np
import pytest

from tvquant.core.features import FeatureSet
from tvquant.selection.mapping import cdf, min_max, rank, rank_desc
from tvquant.selection.scorer import AdditiveScorer, AlphaScorer, Component, shares
from tvquant.selection.weights import WEIGHTS

SCORER = AlphaScorer(components=WEIGHTS["v4_round"])
COMPUTED = (
    "momentum", "stability", "liquidity", "efficiency", "entropy", "randomness", "rating_ma", "abs_skewness",
    "kurtosis", "cvar", "antifragility", "survival", "fragility",
)  # fmt: skip


def table(columns, absent=None):
    values = np.array(list(columns.values()), dtype=np.float64)
    keys = tuple(f"A{k}" for k in range(values.shape[1]))
    return FeatureSet(
        names=tuple(columns), keys=keys, values=values, known_at=np.datetime64("2024-01-01"), absent=absent or {}
    )


def random_table(count, seed=0):
    rng = np.random.default_rng(seed)
    return table({name: rng.normal(size=count) for name in COMPUTED} | {"fragility": rng.random(count)})


@pytest.mark.requirement("R-SEL-08")
@pytest.mark.requirement("R-SEL-10")
def test_the_score_is_the_log_of_the_weighted_product():
    features = random_table(40)
    scored = SCORER.score(features)
    for k in range(40):
        product = 1.0
        for component in SCORER.components:
            if component.column in features.names:
                product *= (
                    component.mapping(features.values[features.names.index(component.column)])[k] ** component.weight
                )
        assert math.exp(scored.scores[k]) == pytest.approx(product, rel=1e-12)


def test_scores_by_hand():
    components = (
        Component(feature="up", column="a", mapping=rank, weight=2.0),
        Component(feature="down", column="b", mapping=rank_desc, weight=0.5),
    )
    scored = AlphaScorer(components=components).score(table({"a": [1.0, 2.0, 3.0], "b": [1.0, 3.0, 2.0]}))
    expected = [2 * math.log(0.01), 2 * math.log(0.505) + 0.5 * math.log(0.01), 0.5 * math.log(0.505)]
    assert scored.scores.tolist() == pytest.approx(expected, rel=1e-14)
    assert scored.probabilities["down"].tolist() == pytest.approx([1.0, 0.01, 0.505], rel=1e-14)
    assert scored.parts["down"].tolist() == pytest.approx([0.0, 0.5 * math.log(0.01), 0.5 * math.log(0.505)], rel=1e-14)
    summed = AdditiveScorer(components=components).score(table({"a": [1.0, 2.0, 3.0], "b": [1.0, 3.0, 2.0]}))
    assert summed.parts["down"].tolist() == pytest.approx([0.5, 0.005, 0.2525], rel=1e-14)
    assert summed.scores.tolist() == pytest.approx([0.02 + 0.5, 1.01 + 0.005, 2.0 + 0.2525], rel=1e-14)


BETTER_WHEN_LOWER = ("entropy", "randomness", "abs_skewness", "kurtosis", "fragility")


@pytest.mark.requirement("R-SEL-11")
@pytest.mark.parametrize("weights", sorted(WEIGHTS))
@pytest.mark.parametrize("column", COMPUTED)
def test_a_higher_feature_moves_the_score_its_own_way_and_higher_entropy_lowers_it(weights, column):
    columns = {name: [0.0, 0.0, 0.0] for name in COMPUTED} | {column: [1.0, 2.0, 3.0]}
    low, middle, high = AlphaScorer(components=WEIGHTS[weights]).score(table(columns)).scores
    if column in BETTER_WHEN_LOWER:
        low, high = high, low
    assert low < middle < high


def test_a_feature_that_no_atom_has_leaves_the_score_with_its_reason():
    columns = {name: [1.0, 2.0] for name in COMPUTED} | {"liquidity": [np.nan, np.nan], "rating_ma": [np.nan, np.nan]}
    scored = SCORER.score(table(columns, {"liquidity": "the data have no volume"}))
    without = SCORER.score(table({name: [1.0, 2.0] for name in COMPUTED if name not in ("liquidity", "rating_ma")}))
    assert scored.scores.tolist() == without.scores.tolist()
    assert scored.absent["liquidity"] == "the data have no volume"
    assert scored.absent["rating_ma"] == "no atom of the pool has it"
    assert {"adx", "rating_all"} <= set(scored.absent)
    assert not set(scored.absent) & set(scored.probabilities)


def test_an_atom_that_alone_lacks_a_feature_stands_at_one_half_and_is_named():
    columns = {name: [1.0, 2.0, 3.0] for name in COMPUTED} | {"liquidity": [1.0, np.nan, 3.0]}
    scored = SCORER.score(table(columns))
    assert scored.missing == {"liquidity": ("A1",)}
    assert scored.probabilities["liquidity"][1] == 0.5
    assert np.isfinite(scored.scores).all()


def test_one_atom_is_undecided_in_every_feature():
    scored = SCORER.score(table({name: [4.0] for name in COMPUTED}))
    weight = sum(e.weight for e in SCORER.components if e.column in COMPUTED)
    assert scored.scores.tolist() == pytest.approx([weight * math.log(0.5)], rel=1e-14)


def test_a_probability_is_floored_so_that_no_score_is_infinite():
    nothing = Component(feature="a", column="a", mapping=lambda values: np.zeros(len(values)), weight=1.0)
    scored = AlphaScorer(components=(nothing,)).score(table({"a": [1.0, 2.0]}))
    assert scored.scores.tolist() == pytest.approx([math.log(1e-9)] * 2, rel=1e-14)


@pytest.mark.requirement("R-SEL-14")
def test_each_mapping_is_called_once_for_the_whole_pool():
    sizes = []

    def counted(values):
        sizes.append(len(values))
        return cdf(values)

    components = tuple(Component(feature=name, column=name, mapping=counted, weight=1.0) for name in COMPUTED)
    AlphaScorer(components=components).score(random_table(1000))
    assert sizes == [1000] * len(COMPUTED)


@pytest.mark.requirement("R-SEL-07")
def test_the_penalty_is_ln_of_one_less_half_of_the_fragility_over_the_worst():
    columns = {name: [1.0, 2.0, 3.0] for name in COMPUTED if name != "fragility"}
    free = SCORER.score(table(columns))
    scored = SCORER.score(table(columns | {"fragility": [0.4, 0.8, 0.0]}))
    expected = [math.log(1.0 - 0.5 * 0.5), math.log(0.5), 0.0]
    assert (scored.scores - free.scores).tolist() == pytest.approx(expected, abs=1e-13)


def test_a_sum_adds_zeros_and_takes_penalties_away():
    components = (
        Component(feature="up", column="a", mapping=min_max, weight=0.75),
        Component(feature="bad", column="b", mapping=min_max, weight=-0.5),
        Component(feature="gone", column="c", mapping=min_max, weight=1.0),
    )
    scored = AdditiveScorer(components=components).score(table({"a": [1.0, 2.0, 3.0], "b": [0.0, np.nan, 4.0]}))
    assert scored.scores.tolist() == pytest.approx([0.0, 0.375 - 0.25, 0.75 - 0.5], abs=1e-15)
    assert scored.probabilities["up"].tolist() == [0.0, 0.5, 1.0]
    assert (scored.missing, set(scored.absent)) == ({"bad": ("A1",)}, {"gone"})


@pytest.mark.requirement("R-SEL-10")
def test_shares_by_hand_and_none_where_scores_are_alike():
    parts = {"momentum": np.array([0.0, 1.0, 2.0]), "against": np.array([1.0, 0.5, 0.0]), "level": np.full(3, 7.0)}
    # Scores vary by 0.5 a step: momentum gives twice that, the one against it takes once that away.
    assert shares(parts, "abc") == pytest.approx({"momentum": 2.0, "against": -1.0, "level": 0.0})
    assert shares({"level": np.full(3, 0.1), "another": np.array([1.0, 1.0, 1.0 + 1e-15])}, "abc") == {}
    assert shares({"momentum": np.array([0.3])}, "a") == {}
    assert shares({}, "abc") == {}
