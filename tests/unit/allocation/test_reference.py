"""Reference bounds: no stream far above the method's own weight, and the cash that they keep."""

from dataclasses import replace

import numpy as np
import pytest

from builders.problems import FREE, covariance_of, estimated, limits, problem_of
from tvquant.allocation import allocate
from tvquant.allocation.caps import bounded, feasible_set
from tvquant.allocation.reference import reference_of
from tvquant.allocation.risk.catalogue import RISK_PROFILES
from tvquant.core.allocations import Status
from tvquant.core.problems import Limits, Problem
from tvquant.statistics import estimate

PROFILES = [name for name in RISK_PROFILES if name not in ("fixed", "cvar_min")]
TWICE = limits(reference=2.0)


def lopsided(seed: int = 0, these: Limits = TWICE) -> Problem:
    """One cluster of twelve that move together and three names that stand alone, which are wilder."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0.001, 0.01, (120, 1))
    crowd = market + 0.003 * rng.normal(0.0, 1.0, (120, 12))
    alone = 0.001 + 0.03 * rng.normal(0.0, 1.0, (120, 3))
    return estimated(np.hstack((crowd, alone)), clusters=(0,) * 12 + (1, 2, 3), limits=these)


def weights_of(problem: Problem, profile: str) -> np.ndarray:
    options = tuple(one() for one in RISK_PROFILES[profile].options)
    got = allocate(problem, engine="custom", risk_profile=profile, options=options)
    assert got.status is not Status.FAILED, got.attempts
    return np.array(list(got.weights.values()))


@pytest.mark.requirement("R-RSK-10")
@pytest.mark.requirement("R-RSK-24")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("profile", PROFILES)
def test_nobody_holds_more_than_twice_its_own_weight_and_the_rest_is_cash_of_its_own_sort(profile, seed):
    given = lopsided(seed)
    own = weights_of(replace(given, limits=FREE), "hrp" if profile == "barbell" else profile)
    options = tuple(one() for one in RISK_PROFILES[profile].options)
    got = allocate(given, engine="custom", risk_profile=profile, options=options)
    weights = np.array(list(got.weights.values()))
    assert (weights <= np.maximum(2.0 * own / own.sum(), 1.0 / 15) + 1e-8).all()
    assert weights[:12].sum() <= 0.25 + 1e-9
    assert weights.sum() + got.cash == pytest.approx(1.0, abs=1e-12)
    open_book = allocate(lopsided(seed, limits()), engine="custom", risk_profile=profile, options=options)
    assert (open_book.reference_cash, open_book.forced_cash) == (0.0, pytest.approx(got.forced_cash, abs=0.5))
    if profile in ("min_variance", "hrp", "risk_parity"):
        assert np.array(list(open_book.weights.values()))[12:].max() == pytest.approx(0.25, abs=1e-8)
        assert got.reference_cash > 0.1
        assert got.forced_cash == 0.0
        assert got.cash == pytest.approx(got.reference_cash, abs=1e-9)


def test_the_bounds_by_hand():
    given = problem_of(covariance_of(np.diag([1.0, 1.0, 0.25, 4.0])), limits=limits(reference=1.5))
    found = reference_of(given, RISK_PROFILES["min_variance"], ())
    own = np.array([1.0, 1.0, 4.0, 0.25]) / 6.25
    assert found.most is not None
    np.testing.assert_allclose(found.most, np.maximum(1.5 * own, 0.25), atol=1e-9)
    assert reference_of(given, RISK_PROFILES["equal_weight"], ()).most.tolist() == [0.375] * 4
    assert reference_of(given, RISK_PROFILES["fixed"], ()).most is None
    assert reference_of(replace(given, limits=limits()), RISK_PROFILES["hrp"], ()).most is None


def test_a_least_is_above_the_bounds():
    given = problem_of(covariance_of(np.eye(8)), limits=limits(reference=1.0, names={"X:N000": (0.2, 0.25)}))
    found = bounded(feasible_set(given), reference_of(given, RISK_PROFILES["equal_weight"], ()).most)
    assert found.upper.tolist() == pytest.approx([0.2] + [0.125] * 7)
    assert (found.budget, found.reference_cash) == (1.0, 0.0)


def test_where_the_method_itself_has_no_answer_neither_have_its_bounds():
    given = lopsided()
    down = replace(given, covariance=replace(given.covariance, means=-np.abs(given.covariance.means)))
    got = allocate(down, engine="custom", risk_profile="max_sharpe", fallbacks=("hrp",))
    assert (got.status, got.risk_profile) == (Status.FELL_BACK, "hrp")
    assert got.attempts[0].what == "max_sharpe: reference, means"


@pytest.mark.parametrize("profile", ["min_variance", "hrp", "equal_weight"])
def test_in_two_layers_a_cluster_holds_what_its_streams_may(profile):
    given = lopsided()
    most = reference_of(given, RISK_PROFILES[profile], ()).most
    got = allocate(given, engine="custom", risk_profile=profile, estimated=estimate)
    held = np.bincount(given.clusters, list(got.weights.values()))
    room = np.bincount(given.clusters, np.minimum(most, 0.25))
    assert (held <= np.minimum(room, 0.25) + 1e-9).all()
    assert sum(got.weights.values()) + got.cash == pytest.approx(1.0, abs=1e-12)
    if profile != "equal_weight":
        assert got.reference_cash > 0.1


def test_the_bounds_are_by_the_l2_of_the_profile():
    given = replace(problem_of(covariance_of(np.diag([1.0, 3.0])), limits=limits(reference=1.5)), l2=0.5)
    own = np.array([1.0 / 2.0, 1.0 / 4.0]) / 0.75  # half of the mean variance of 2 is added to each
    found = reference_of(given, RISK_PROFILES["min_variance"], ()).most
    np.testing.assert_allclose(found, np.maximum(1.5 * own, 0.5), atol=1e-9)


@pytest.mark.parametrize("profile", PROFILES)
def test_what_profiles_of_the_same_streams_share_changes_no_weight(profile):
    given = replace(lopsided(), l2=0.05)
    known, asked = {}, []

    def once(key, compute):
        asked.append(key)
        return known[key] if key in known else known.setdefault(key, compute())

    def weigh(problem, name, **shared):
        options = tuple(one() for one in RISK_PROFILES[name].options)
        return allocate(problem, engine="custom", risk_profile=name, options=options, **shared)

    for l2, budget in ((0.05, 1.0), (0.15, 1.0), (0.15, 0.5)):
        problem = replace(given, l2=l2, budget=budget)
        for name in ("hrp", "min_variance", profile, profile):
            shared, own = weigh(problem, name, once=once), weigh(problem, name)
            assert dict(shared.weights) == dict(own.weights)
            assert shared.payload() == own.payload()
    assert len(known) < len(asked) / 2


def test_a_barbell_has_the_bounds_of_its_core_and_they_are_found_once():
    known = {}
    for name in ("hrp", "barbell"):
        options = tuple(one() for one in RISK_PROFILES[name].options)
        allocate(
            lopsided(), engine="custom", risk_profile=name, options=options,
            once=lambda key, compute: known.setdefault(key, compute()),
        )  # fmt: skip
    assert len(known) == 2  # the limits, and the bounds of hrp
