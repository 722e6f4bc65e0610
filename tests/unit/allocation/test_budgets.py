"""Budgets: the quick proof and the linear program agree, and neither invents weights that break a limit."""

import numpy as np
import pytest

from tvquant.allocation import budgets
from tvquant.allocation.budgets import NOTHING, largest, most


def groups(rng, n):
    """Rows of two partitions that cross, and of longs against shorts."""
    found = [(rng.integers(0, 4, n) == g).astype(float) for _ in range(2) for g in range(4)]
    signs = rng.choice([-1.0, 1.0], n)
    return np.array([*found, signs, -signs]), np.array([*rng.uniform(0.1, 0.4, 8), *rng.uniform(0.0, 0.5, 2)])


@pytest.mark.parametrize("seed", range(20))
def test_the_proof_is_the_linear_program(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    rows, bounds = groups(rng, 12)
    upper, lower = rng.uniform(0.02, 0.3, 12), np.where(rng.random(12) < 0.2, 0.01, 0.0)
    ceiling = rng.uniform(0.1, 1.0)
    quick = most(lower, upper, rows, bounds, ceiling)
    monkeypatch.setattr(budgets, "_proves", lambda *_: False)
    assert most(lower, upper, rows, bounds, ceiling) == pytest.approx(quick, abs=1e-9)
    assert quick <= ceiling


def test_a_ceiling_that_is_reached_needs_no_program(monkeypatch):
    monkeypatch.setattr(budgets, "largest", lambda *_: pytest.fail("a program was solved"))
    rows = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    assert most(np.zeros(3), np.full(3, 0.4), rows, np.array([0.5, 0.7]), 0.6) == 0.6


def test_a_book_that_is_found_proves_the_ceiling_without_a_program(monkeypatch):
    """Three longs and a short, cut alike, are net .5; the nearest that are net .1 need another share of each."""
    signs = np.array([1.0, 1.0, 1.0, -1.0])
    given = np.zeros(4), np.full(4, 0.5), np.array([signs, -signs]), np.array([0.1, 0.1]), 1.0
    assert not budgets._proves(np.full(4, 0.5), *given)
    monkeypatch.setattr(budgets, "largest", lambda *_: pytest.fail("a program was solved"))
    assert most(*given) == 1.0


def test_what_is_looked_at_is_the_nearest():
    """Of the sum 1 each of three loses the same; where one is at its most the others lose less."""
    start, none = np.array([0.5, 0.45, 0.25]), (np.zeros((0, 3)), np.zeros(0), 1.0)
    found = budgets._nearest(start, np.zeros(3), np.ones(3), *none)
    assert found == pytest.approx(start - 0.2 / 3.0, abs=1e-12)
    found = budgets._nearest(start, np.zeros(3), np.array([0.4, 1.0, 1.0]), *none)
    assert found == pytest.approx([0.4, 0.4, 0.2], abs=1e-12)


@pytest.mark.parametrize(
    "off", [np.array([0.5, 0.5, 0.0]), np.array([0.2, 0.2, 0.1]), np.array([0.7, 0.1, 0.2]), np.array([0.3, 0.6, 0.1])]
)
def test_what_is_found_proves_nothing_unless_it_keeps_every_limit(off, monkeypatch):
    """Of a least, of the sum, of a most and of a row."""
    monkeypatch.setattr(budgets, "_nearest", lambda *_: off)
    monkeypatch.setattr(budgets, "_cut", lambda *_: np.zeros(3))
    monkeypatch.setattr(budgets, "largest", lambda *_: 0.9)
    rows, bounds = np.array([[0.0, 1.0, 1.0]]), np.array([0.6])
    assert most(np.array([0.0, 0.0, 0.05]), np.full(3, 0.65), rows, bounds, 1.0) == 0.9


def test_what_nothing_keeps():
    one = np.ones((1, 2))
    assert most(np.full(2, 0.3), np.full(2, 0.5), one, np.array([0.5]), 1.0) == NOTHING
    assert most(np.array([0.6, 0.0]), np.full(2, 0.5), one, np.array([1.0]), 1.0) == NOTHING
    assert largest(np.ones(2), np.zeros(2), np.full(2, 0.3), one, np.array([1.0]), total=0.7) is None


def test_the_largest_value_of_a_given_sum():
    found = largest(np.array([3.0, 1.0]), np.zeros(2), np.full(2, 0.5), np.ones((1, 2)), np.array([1.0]), total=0.8)
    assert found == pytest.approx(3.0 * 0.5 + 0.3)
