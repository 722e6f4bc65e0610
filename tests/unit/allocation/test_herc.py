import numpy as np
import pytest

from builders.problems import covariance_of
from tvquant.allocation.engines.custom import herc

BLOCK = np.arange(12) // 4
CORRELATION = np.where(np.equal.outer(BLOCK, BLOCK), 0.9, 0.1) + 0.1 * np.eye(12)
CORRELATION[:8, :8] += 0.1 * (CORRELATION[:8, :8] < 0.5)  # the first two blocks join first
DEVIATION = np.linspace(0.01, 0.03, 12)
MATRIX = CORRELATION * np.outer(DEVIATION, DEVIATION)


def block(b):
    """Weights of a block by inverse variance, and the variance of that."""
    names = b == BLOCK
    w = 1.0 / np.diag(MATRIX)[names]
    w /= w.sum()
    return w, w @ MATRIX[np.ix_(names, names)] @ w


def test_capital_goes_down_the_tree_by_the_risks_of_the_clusters() -> None:
    (first, risk_1), (second, risk_2), (third, risk_3) = map(block, range(3))
    both = 1.0 - (risk_1 + risk_2) / (risk_1 + risk_2 + risk_3)
    share = both * (1.0 - risk_1 / (risk_1 + risk_2))
    wanted = [*(share * first), *((both - share) * second), *((1.0 - both) * third)]
    assert herc.solve(covariance_of(MATRIX)).weights == pytest.approx(wanted, abs=1e-14)


def test_two_names_are_held_by_inverse_variance_and_one_is_all() -> None:
    assert herc.solve(covariance_of([[4.0, 1.0], [1.0, 1.0]])).weights == pytest.approx([0.2, 0.8], abs=1e-14)
    assert herc.solve(covariance_of([[2.0]])).weights.tolist() == [1.0]


def test_a_cluster_without_variance_has_no_answer() -> None:
    none = 2.2 * np.eye(3) - 1.2  # correlations below -1
    assert herc.solve(covariance_of(none)).attempts[0].outcome == "a cluster has no positive variance"
