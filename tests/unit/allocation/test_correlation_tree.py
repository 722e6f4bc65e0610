import numpy as np
import pytest

from tvquant.allocation.engines.custom.correlation_tree import cluster_tree, cut

CORRELATION = np.kron(np.eye(3), np.full((2, 2), 0.8)) + 0.2 * np.eye(6)
"""Three pairs, each name with its neighbour."""
PAIRS = [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]


@pytest.mark.parametrize(
    ("clusters", "groups"),
    [
        (1, [{0, 1, 2, 3, 4, 5}]),
        (2, [{0, 1, 2, 3}, {4, 5}]),
        (3, [{0, 1}, {2, 3}, {4, 5}]),
        (6, [{0}, {1}, {2}, {3}, {4}, {5}]),
    ],
)
def test_a_tree_is_cut_into_as_many_clusters_as_asked(clusters, groups) -> None:
    tree = cut(PAIRS, clusters)
    assert sorted(map(set, tree.members.values()), key=min) == groups
    assert len(tree.above) == clusters - 1


def test_merges_above_run_from_the_root_down_to_the_clusters() -> None:
    tree = cut(PAIRS, 3)
    assert tree.above == ((10, 8, 9), (9, 6, 7))
    assert set(tree.members) == {6, 7, 8}


@pytest.mark.parametrize(("blocks", "found"), [(1, 2), (2, 2), (3, 3), (5, 5)])
def test_there_are_as_many_clusters_as_the_correlations_show(blocks, found) -> None:
    size = np.arange(1.0, 4 * blocks + 1.0)  # volatilities do not matter
    correlation = 0.1 + 0.8 * np.kron(np.eye(blocks), np.ones((4, 4))) + 0.1 * np.eye(4 * blocks)
    groups = sorted(map(set, cluster_tree(correlation * np.outer(size, size)).members.values()), key=min)
    assert len(groups) == found
    if blocks > 1:
        assert groups == [set(range(4 * b, 4 * b + 4)) for b in range(blocks)]


@pytest.mark.parametrize("n", [1, 2])
def test_one_name_or_two_are_clusters(n) -> None:
    assert cluster_tree(np.eye(n)).members == {i: [i] for i in range(n)}
