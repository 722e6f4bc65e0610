"""Jumps are told from many steps, and noise is called one as seldom as is said."""

import math

import numpy as np
import pytest

from tvquant.statistics.jumps import Jump, jump_of


def noise(n: int = 40, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 0.01, n)


def test_figures_are_those_of_the_formula() -> None:
    """By hand, of four returns of alternating sign and equal size but one."""
    found = jump_of(np.array([0.01, -0.01, 0.03, 0.01]))
    total, products = 0.0012, 4 / 3 * math.pi / 2 * (0.0001 + 0.0003 + 0.0003)
    assert found.relative == pytest.approx(max(1.0 - products / total, 0.0))
    assert (found.largest, found.at) == (pytest.approx(0.75), 2)
    triple = (0.01 * 0.01 * 0.03) ** (4 / 3) * 2
    mean = 2 ** (2 / 3) * math.gamma(7 / 6) / math.gamma(0.5)
    spread = max(1.0, 16 / 2 * triple / mean**3 / products**2)
    assert found.z == pytest.approx((1 - products / total) / math.sqrt(0.6090 / 4 * spread), rel=1e-3)


def test_one_leap_is_sudden_and_the_same_loss_by_steps_is_not() -> None:
    leap = noise()
    leap[17] = -0.2
    found = jump_of(leap)
    assert (found.sudden, found.at) == (True, 17)
    assert found.relative > 0.6
    assert not jump_of(noise() - 0.2 / 40).sudden
    assert not jump_of(np.full(30, 0.01)).sudden, "what only drifts has no jump"


def test_two_leaps_side_by_side_are_seen_by_their_share() -> None:
    """The bipower variation holds neighbours for ordinary variation."""
    leap = noise(20)
    leap[8:10] = -0.2, -0.15
    assert jump_of(leap).z < 3.09
    assert jump_of(leap).sudden


def test_noise_is_seldom_a_jump() -> None:
    found = [jump_of(row).z > 3.09 for row in np.random.default_rng(5).normal(size=(2_000, 40))]
    assert np.mean(found) < 0.01


@pytest.mark.parametrize(
    ("returns", "expected"),
    [
        ([0.0, 0.0, 0.0, 0.0], (0.0, False)),
        ([0.1], (1.0, True)),
        ([0.1, -0.1], (0.5, True)),
        ([0.1, 0.0, 0.0], (1.0, True)),
    ],
)
def test_what_is_too_short_or_still_is_judged_by_its_share_alone(
    returns: list[float], expected: tuple[float, bool]
) -> None:
    found: Jump = jump_of(np.array(returns))
    assert (pytest.approx(found.largest), found.sudden) == expected
