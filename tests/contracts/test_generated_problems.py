"""Every engine on every risk profile that it solves, on problems of every awkward kind.

Two hundred under TVQUANT_PROOF; in the gate one of every kind for the house's own engine, and for each library every
third one by turns of its profiles. What libraries solve is asked in one worker, which imports them once.
"""

import os
import warnings
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from builders.generated_problems import KINDS, generated
from builders.problems import estimated, limits
from tvquant.allocation import ENGINES, RISK_PROFILES, allocate, risk_profiles_of
from tvquant.core.allocations import Status
from tvquant.core.problems import Problem
from tvquant.profiles.options import declared_by

TOLERANCE = 1e-6
HARD = (27,)  # a net limit that leaves a barbell nothing
PROOF = bool(os.environ.get("TVQUANT_PROOF"))
TOGETHER = pytest.mark.xdist_group("engine libraries")
CASES = [
    pytest.param(engine, profile, marks=TOGETHER if ENGINES[engine].library else ())
    for engine in ENGINES
    for profile in sorted(risk_profiles_of(ENGINES[engine]))
]


def numbers(engine: str, profile: str) -> tuple[int, ...]:
    """Numbers of the problems that an engine is asked on a risk profile."""
    if PROOF:
        return tuple(range(200))
    solved = sorted(risk_profiles_of(ENGINES[engine]))
    turns = min(3, len(solved)) if ENGINES[engine].library else 1
    return (*range(solved.index(profile) % turns, len(KINDS), turns), *HARD)


problem = cache(lambda number: generated(number)[1])


def defaults(engine: str, profile: str):
    return tuple(declared() for declared in declared_by((ENGINES[engine], RISK_PROFILES[profile])))


def broken(given: Problem, weights: dict[str, float]) -> dict[str, float]:
    """Limits that are exceeded by the assets that weights of streams come to -> by how much."""
    limits, held = given.limits, np.array([weights[key] for key in given.keys])
    assets = sorted({asset for key in given.keys for asset in given.composition[key]})
    units = np.array([[given.composition[key].get(asset, 0.0) for asset in assets] for key in given.keys])
    net = held @ units
    excess = {
        "negative": -held.min(),
        "position": held.max() - limits.position,
        "asset": (held @ np.abs(units)).max() - limits.position,
        "cluster": max(held[np.array(given.clusters) == c].sum() for c in set(given.clusters)) - limits.cluster,
        "gross": (held @ np.abs(units)).sum() - limits.gross,
        "net high": net.sum() - limits.net[1],
        "net low": limits.net[0] - net.sum(),
        "long": 0.5 * (held @ np.abs(units).sum(axis=1) + net.sum()) - (1.0 if limits.long is None else limits.long),
        "short": 0.5 * (held @ np.abs(units).sum(axis=1) - net.sum()) - (1.0 if limits.short is None else limits.short),
    }
    return {name: float(by) for name, by in excess.items() if not by <= TOLERANCE}


@pytest.mark.requirement("R-RSK-10")
@pytest.mark.requirement("R-RSK-18")
@pytest.mark.parametrize(("engine", "profile"), CASES)
def test_limits_hold_or_the_failure_is_recorded(engine, profile, capfd):
    answered = 0
    asked = numbers(engine, profile)
    for number in asked:
        given, where = problem(number), f"problem {number}, {generated(number)[0]}"
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            warnings.simplefilter("ignore", ResourceWarning)  # of what another test left, and is freed meanwhile
            got = allocate(given, engine=engine, risk_profile=profile, options=defaults(engine, profile))
        assert [str(one.message) for one in warned] == [], where
        assert got.attempts, where
        assert all(one.outcome and one.outcome.isprintable() for one in got.attempts), where
        assert got.status is Status.FAILED or (profile, generated(number)[0]) != ("max_sharpe", "losing"), where
        if got.status is Status.FAILED:
            assert (got.weights, got.cash) == ({}, 1.0), where
            assert not got.attempts[-1].outcome.startswith("solved"), where
            continue
        answered += 1
        assert np.isfinite([*got.weights.values(), got.cash]).all(), where
        assert broken(given, dict(got.weights)) == {}, where
        assert sum(got.weights.values()) > TOLERANCE, where
        assert sum(got.weights.values()) + got.cash == pytest.approx(1.0, abs=1e-12), where
        assert got.attempts[-1].outcome.startswith("solved"), where
    assert answered >= len(asked) // 2
    assert capfd.readouterr() == ("", "")


@pytest.mark.requirement("R-RSK-18")
@pytest.mark.parametrize(("engine", "profile"), CASES)
def test_directional_limits_hold_and_a_pair_that_cannot_is_named(engine, profile):
    """Shorts of three tenths, a net of two tenths to a half; more shorts than longs, and an asset on both sides."""
    signs = np.array([1.0, -1.0, -1.0, 1.0, -1.0, -1.0, 1.0, -1.0])
    returns = 0.005 + 0.01 * np.random.default_rng(7).normal(0.0, 1.0, (90, 8)) * np.linspace(0.5, 3.0, 8)
    given = estimated(returns, signs=signs, limits=limits(short=0.3, net=(0.2, 0.5), reference=2.0))
    twice = {**given.composition, given.keys[1]: {f"X:{given.keys[0]}": -1.0}}
    given = replace(given, composition=twice, target=np.full(8, 0.1))
    got = allocate(given, engine=engine, risk_profile=profile, options=defaults(engine, profile))
    if got.status is Status.FAILED:  # shares that only growth could mend, and aggressors that may have no more
        assert profile in ("equal_weight", "equal_names", "fixed", "barbell"), got.attempts
    else:
        assert broken(given, dict(got.weights)) == {}
    impossible = replace(given, limits=replace(given.limits, long=0.2, net=(0.3, 0.5)))
    told = allocate(impossible, engine=engine, risk_profile=profile, options=defaults(engine, profile))
    assert (told.status, told.weights) == (Status.FAILED, {})
    assert told.conflict is not None
    assert {one.what for one in told.conflict.limits} == {"long at most", "net at least"}


def test_every_kind_has_its_problems_and_the_gate_has_one_of_each():
    assert [generated(number)[0] for number in range(20)] == [*KINDS, *KINDS]
    for engine in ENGINES:
        asked = {number for profile in risk_profiles_of(ENGINES[engine]) for number in numbers(engine, profile)}
        assert asked >= set(range(len(KINDS))), engine
