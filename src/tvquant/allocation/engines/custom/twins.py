"""Names that a covariance cannot tell apart: they share equally what one of them would have (R-SYN-09).

Atoms of several pass-through logics on one coin are the same stream. A programme splits equally between them, for the
ridge makes any other split dearer; a tree halves leaves wherever they stand, and gave one of three as much as the other
two. So trees are grown over groups of such names, each held in equal parts, and the parts are given out behind.
"""

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats

ALIKE = 1e-10
"""Two covariances that differ by less than this share of the deviations of both are the same."""

type Groups = NDArray[np.intp]
"""N numbers of groups, from 0 on."""


def twins(matrix: Floats) -> Groups:
    """Return the group of each name of an N x N covariance: those that may change places and leave it as it is."""
    n = len(matrix)
    groups = np.arange(n)
    deviation = np.sqrt(np.diag(matrix))
    sums = matrix.sum(axis=1)
    slack = ALIKE * deviation.sum() * deviation
    order = np.argsort(sums, kind="stable")
    near = np.diff(sums[order]) <= slack[order[1:]]
    for run in np.split(order, np.flatnonzero(~near) + 1):
        heads: list[int] = []
        for name in sorted(run.tolist()) if len(run) > 1 else ():
            head = next((one for one in heads if _alike(matrix, deviation, one, name)), None)
            if head is None:
                heads.append(name)
            else:
                groups[name] = head
    return np.unique(groups, return_inverse=True)[1]


def _alike(matrix: Floats, deviation: Floats, one: int, other: int) -> bool:
    if abs(matrix[one, one] - matrix[other, other]) > ALIKE * matrix[one, one]:
        return False
    apart = np.abs(matrix[one] - matrix[other]) / (deviation * deviation[one])
    apart[[one, other]] = 0.0
    return bool(apart.max() <= ALIKE)


def together(matrix: Floats, groups: Groups) -> Floats:
    """Return the G x G covariance of the groups, each held in equal parts."""
    parts = _parts(groups)
    found: Floats = parts.T @ matrix @ parts
    return found


def given_out(weights: Floats, groups: Groups) -> Floats:
    """Return the N weights of names whose groups have G weights."""
    return _parts(groups) @ weights


def _parts(groups: Groups) -> Floats:
    found = np.zeros((len(groups), int(groups.max()) + 1))
    found[np.arange(len(groups)), groups] = 1.0 / np.bincount(groups)[groups]
    return found
