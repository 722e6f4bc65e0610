"""What a selection was worth in one window, by hand: outcomes, alpha, rank correlations, shares, regret."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from builders.selections import after_of, response_of
from tvquant.statistics.significance import mean_estimate
from tvquant.tournament.selection_evidence import Outcomes, measured, nothing_chosen, outcomes

NAN = float("nan")


def test_outcomes_compound_and_a_name_that_ends_counts_with_its_last_return() -> None:
    after = np.array([
        [0.10, NAN, NAN, -0.5],
        [0.20, 0.30, NAN, NAN],
        [-0.10, -0.10, NAN, NAN],
    ])  # fmt: skip
    found = outcomes(("a", "late", "silent", "ended"), after, (1, 2))
    assert found.returns[0] == pytest.approx([0.10, NAN, NAN, -0.5], nan_ok=True)
    assert found.returns[1] == pytest.approx([0.32, 0.30, NAN, -0.5], nan_ok=True)
    assert found.returns[2] == pytest.approx([1.1 * 1.2 * 0.9 - 1, 1.3 * 0.9 - 1, NAN, -0.5], nan_ok=True)
    assert found.window["ended"] == -0.5


def test_alpha_is_the_mean_of_the_winners_less_that_of_the_pool_without_those_that_have_no_outcome() -> None:
    response = response_of({"one": np.arange(6.0)}, winners=[5, 4, 0])
    found = measured(response, after_of(np.array([[0.01, 0.02, 0.03, -0.04, NAN, 0.09]])), rows=20)
    assert found.alpha == pytest.approx((0.09 + 0.01) / 2 - 0.11 / 5, rel=1e-12)
    assert (found.silent, found.rows, found.bets, found.stage) == (1, 20, 2.5, 1)
    everyone = measured(response_of({"one": np.arange(3.0)}, [0, 1, 2]), after_of(np.array([[0.1, 0.2, 0.3]])), rows=1)
    assert everyone.alpha == 0.0


def test_information_is_by_horizon_and_a_penalty_counts_as_the_score_uses_it() -> None:
    rng = np.random.default_rng(0)
    good, fragile = rng.random(30), rng.random(30)
    after = np.array([good, -fragile])  # first what the one feature says, then what the penalty does
    response = response_of({"good": 0.4 * good, "fragility": -0.1 * fragile}, winners=[0])
    found = measured(response, after_of(after), rows=2)
    assert found.features["good"].ic.tolist() == pytest.approx([1.0, spearmanr(good, after[1]).statistic])
    assert found.features["fragility"].ic.tolist() == pytest.approx([spearmanr(-fragile, good).statistic, 1.0])
    score = 0.4 * good - 0.1 * fragile
    assert found.ic.tolist() == pytest.approx([spearmanr(score, row).statistic for row in after])


def test_shares_of_the_variance_of_a_score_are_those_of_the_response_by_hand_covariances() -> None:
    one, two = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 4.0, 0.0, 4.0])
    found = measured(response_of({"one": one, "two": two}, [0]), after_of(np.ones((1, 4))), rows=1)
    score = one + two
    by_hand = np.cov(one, score)[0, 1] / np.var(score, ddof=1)
    assert found.features["one"].share == pytest.approx(by_hand, rel=1e-12)
    assert sum(feature.share for feature in found.features.values()) == pytest.approx(1.0, rel=1e-12)
    flat = measured(response_of({"one": np.ones(4)}, [0]), after_of(np.ones((1, 4))), rows=1)
    assert np.isnan(flat.features["one"].share)
    assert np.isnan(flat.features["one"].ic).all()


def test_regret_is_the_mean_of_the_vetoed_less_that_of_the_winners_and_overridden_vetoes_stand_apart() -> None:
    response = response_of(
        {"one": np.arange(6.0)},
        winners=[5, 4, 3],
        vetoes={0: ("kurtosis", False), 1: ("kurtosis", False), 2: ("adx", False), 3: ("adx", True)},
    )
    found = measured(response, after_of(np.array([[0.30, 0.10, NAN, -0.06, 0.02, 0.04]])), rows=5)
    regret = {key: (one.count, one.regret) for key, one in found.vetoes.items()}
    assert regret["kurtosis", False] == (2, pytest.approx(0.20 - 0.0))
    assert regret["adx", True] == (1, pytest.approx(-0.06 - 0.03))
    assert regret["adx", False][0] == 1
    assert np.isnan(regret["adx", False][1])


def test_the_order_of_the_pool_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    parts = {"one": rng.normal(size=12), "two": rng.normal(size=12).round(0)}
    response = response_of(parts, [3, 7], vetoes={1: ("adx", False), 2: ("adx", False)})
    after = after_of(rng.normal(size=(2, 12)))
    order = rng.permutation(12)
    turned = Outcomes(ids=tuple(after.ids[k] for k in order), returns=after.returns[:, order])
    found, again = measured(response, after, rows=3), measured(response, turned, rows=3)
    assert again.ic.tolist() == pytest.approx(found.ic.tolist(), rel=1e-12)
    assert (again.alpha, again.vetoes["adx", False].regret) == (found.alpha, found.vetoes["adx", False].regret)
    for name, feature in found.features.items():
        assert again.features[name].ic.tolist() == pytest.approx(feature.ic.tolist(), rel=1e-12)
        assert again.features[name].share == pytest.approx(feature.share, rel=1e-12)


def test_where_nobody_wins_or_nothing_is_decided_there_is_no_number() -> None:
    empty = replace(response_of({"one": np.arange(3.0)}, []), effective_bets=0.0, flags=frozenset({"sparse"}))
    found = measured(empty, after_of(np.array([[0.1, 0.2, 0.3]])), rows=1)
    assert np.isnan([found.alpha, found.bets]).all()
    assert (found.winners, found.sparse, found.ic.tolist()) == ((), True, [1.0])
    nobody = nothing_chosen(rows=7, horizons=2, failure="no answer")
    assert (nobody.stage, nobody.rows, nobody.failure, len(nobody.ic)) == (0, 7, "no answer", 2)
    assert np.isnan([nobody.alpha, *nobody.ic]).all()


def test_on_noise_about_one_of_twenty_studies_is_significant() -> None:
    rng = np.random.default_rng(11)
    alphas, scores = 0, 0
    for _ in range(120):
        windows = [
            measured(
                response_of({"one": rng.normal(size=20)}, list(range(5))),
                after_of(rng.standard_t(4, size=(1, 20)) + rng.normal()),
                rows=5,
            )
            for _ in range(20)
        ]
        for_alpha = mean_estimate(np.array([one.alpha for one in windows]))
        for_score = mean_estimate(np.array([one.ic[-1] for one in windows]))
        assert for_alpha.p is not None
        assert for_score.p is not None
        alphas += for_alpha.p <= 0.05
        scores += for_score.p <= 0.05
    assert alphas / 120 == pytest.approx(0.045, abs=0.04)
    assert scores / 120 == pytest.approx(0.045, abs=0.04)
