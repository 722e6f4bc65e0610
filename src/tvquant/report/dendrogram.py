"""The tree of a correlation matrix: the order of its leaves, and its lines beside a heat map."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats
from tvquant.report.figures import GREY, plotted
from tvquant.statistics import Linkage, correlation_distance, dendrogram

LEAF = 10.0
"""Distance of two leaves as scipy draws them; the first is at half of it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tree:
    """The tree of K correlated series, as lines.

    Parameters
    ----------
    leaves : K places in the matrix, in an order in which no two branches cross and neighbours are close.
    across, up : one polyline of four points per merge: places among the leaves (0 ... K - 1), heights of merges.
    """

    leaves: tuple[int, ...]
    across: Floats
    up: Floats


def tree_of(correlation: Floats, linkage: Linkage) -> Tree:
    """Return the tree that allocation cuts its clusters from, its leaves in the optimal order of scipy."""
    from scipy.cluster import hierarchy

    if len(correlation) < 2:
        none: NDArray[np.float64] = np.empty((0, 4))
        return Tree(leaves=tuple(range(len(correlation))), across=none, up=none)
    found = dendrogram(correlation_distance(correlation), linkage=linkage)
    drawn = hierarchy.dendrogram(found.merges, no_plot=True)
    return Tree(
        leaves=found.leaves,
        across=(np.array(drawn["icoord"]) - LEAF / 2) / LEAF,
        up=np.array(drawn["dcoord"]),
    )


def lines_of(tree: Tree) -> dict[str, Any]:
    """Return all merges as one line with holes, on the second axis upwards and the heat map's own across."""
    holes = np.full((len(tree.across), 1), np.nan)
    across, up = (np.hstack((part, holes)).ravel() for part in (tree.across, tree.up))
    return {
        "type": "scatter", "mode": "lines", "name": "tree", "showlegend": False, "yaxis": "y2",
        "x": plotted(across), "y": plotted(up), "line": {"width": 1.4, "color": GREY},
        "hovertemplate": "merged at %{y:.2f}<extra></extra>",
    }  # fmt: skip


def ordered[T](items: Sequence[T], tree: Tree) -> list[T]:
    """Return items of the matrix in the order of the leaves."""
    return [items[k] for k in tree.leaves]
