"""DAQP: few names of many are the answer for all, it is the same whatever came before, and how it ends without one."""

import numpy as np
import pytest

from tvquant.allocation.engines.custom import active_set
from tvquant.allocation.engines.custom.active_set import FIRST, WHOLE, answer
from tvquant.allocation.engines.custom.programs import Failure, Region
from tvquant.allocation.engines.custom.quadratic import proof
from tvquant.statistics import estimate


def covariance(n, rows=252, seed=0):
    rng = np.random.default_rng((seed, n))
    market = rng.normal(0.0, 0.01, (rows, 1))
    return estimate(market * rng.uniform(0.3, 1.7, n) + rng.normal(0.0, 0.01, (rows, n)))


def region(n, upper=0.25, *, rows=(), bounds=(), lower=None, total=1.0):
    return Region(
        lower=np.zeros(n) if lower is None else lower, upper=np.full(n, upper), total=total,
        rows=np.array(rows, dtype=float).reshape(len(bounds), n), bounds=np.array(bounds, dtype=float),
    )  # fmt: skip


@pytest.fixture
def sizes(monkeypatch):
    """How many names each program that is solved has."""
    seen = []
    whole = active_set._on

    def on(matrix, *rest):
        seen.append(len(matrix))
        return whole(matrix, *rest)

    monkeypatch.setattr(active_set, "_on", on)
    return seen


@pytest.mark.parametrize("ratio", [False, True])
@pytest.mark.parametrize("kind", ["free", "caps", "rows", "lower"])
@pytest.mark.parametrize("n", [WHOLE, WHOLE + 1, 300])
def test_a_few_names_are_the_answer_for_all(n, kind, ratio, sizes, monkeypatch):
    given = covariance(n)
    means = np.random.default_rng(n).normal(1e-3, 2e-3, n) if ratio else None
    lower = np.zeros(n)
    lower[[3, n - 2]] = 0.02
    rows = [np.arange(n) % 3 == 0, np.arange(n) % 5 == 0, np.where(np.arange(n) % 2, 1.0, -1.0)]
    where = {
        "free": region(n, 1.0),
        "caps": region(n, 0.02 if n > 60 else 0.03),
        "rows": region(n, 0.1, rows=rows, bounds=[0.1, 0.15, 0.05]),
        "lower": region(n, 0.25, lower=lower),
    }[kind]
    got = answer(given.matrix, where, means)
    assert abs(proof(given.matrix, got, where, means).excess) < 1e-12
    assert got.weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert (got.weights >= lower * (kind == "lower") - 1e-11).all()
    assert (got.weights <= where.upper + 1e-11).all()
    assert (where.rows @ got.weights <= where.bounds + 1e-10).all()
    assert (max(sizes) < n) if n == 300 else (sizes[0] == n or sizes[0] < n)
    monkeypatch.setattr(active_set, "WHOLE", n)
    whole = answer(given.matrix, where, means)
    np.testing.assert_allclose(got.weights, whole.weights, atol=1e-9)
    np.testing.assert_allclose(got.multipliers, whole.multipliers, atol=1e-9)
    assert got.level == pytest.approx(whole.level, rel=1e-9)


def test_where_the_first_names_have_no_room_there_are_more(sizes):
    n = 200
    given = covariance(n)
    tight = region(n, 1.0, rows=[np.arange(n) < 190], bounds=[0.1])  # most must go to ten names that look like others
    got = answer(given.matrix, tight, None)
    assert got.weights[190:].sum() == pytest.approx(0.9, abs=1e-9)
    assert abs(proof(given.matrix, got, tight, None).excess) < 1e-12
    assert sizes[0] >= FIRST
    assert sizes == sorted(sizes)


def test_the_answer_is_the_same_whatever_was_solved_before():
    given, where = covariance(120), region(120, 0.05)
    first = answer(given.matrix, where, None)
    for seed in range(3):
        answer(covariance(120, seed=seed + 1).matrix, where, None)
        again = answer(given.matrix, where, None)
        assert again.weights.tobytes() == first.weights.tobytes()
        assert again.level == first.level


@pytest.mark.parametrize("n", [4, WHOLE + 20])
def test_what_is_infeasible_is_said_to_be(n):
    matrix = covariance(n).matrix
    assert answer(matrix, region(n, 0.5 / n), None) == Failure("infeasible", True)
    assert answer(matrix, region(n), -np.ones(n)) == Failure("infeasible", True)
    apart = region(n, rows=[np.ones(n)], bounds=[0.5])
    assert answer(matrix, apart, None) == Failure("infeasible", True)


def test_what_is_not_convex_is_no_answer():
    got = answer(np.array([[1.0, 2.0], [2.0, 1.0]]), region(2, 1.0), None)
    assert got == Failure("not convex", False)


@pytest.mark.parametrize("ratio", [False, True])
def test_what_is_given_is_untouched(ratio):
    matrix = covariance(60).matrix.copy()
    means = np.linspace(-1.0, 2.0, 60) if ratio else None
    where = region(60, 0.1, rows=[np.arange(60) < 9], bounds=[0.2], lower=np.full(60, 1e-3))
    arrays = [a for a in (matrix, means, *where) if isinstance(a, np.ndarray)]
    before = [a.copy() for a in arrays]
    for a in arrays:
        a.flags.writeable = False
    answer(matrix, where, means)
    for a, b in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("seed", range(6))
def test_a_name_that_improves_little_joins_too(seed):
    given = covariance(300, seed=seed)
    got = answer(given.matrix, region(300, 1.0), None)
    assert abs(proof(given.matrix, got, region(300, 1.0), None).excess) < 1e-12
