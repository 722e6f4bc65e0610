"""Scores of several sleeves on one scale, so that their candidates can be put in one ranking (R-FEA-14).

A score means something within its own sleeve only: it was ranked and mapped among that sleeve's pool. What can be
compared is how far a candidate is from its sleeve's mean, in its standard deviations. A sleeve's own order
never changes, whatever is pooled with it.
"""

from collections.abc import Mapping

import numpy as np


def comparable(sleeves: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Return sleeve -> atom id -> z-score of its (logarithmic) score within that sleeve.

    Each is 0 in a sleeve whose scores are all alike.
    """
    return {name: _standardised(scores) for name, scores in sleeves.items()}


def pooled(sleeves: Mapping[str, Mapping[str, float]]) -> list[tuple[str, str, float]]:
    """Return (sleeve, atom id, z-score) of all candidates, best first; equals by sleeve, its own score, and atom.

    Scores that differ by less than rounding have one z-score; they stay in the order of their sleeve all the same.
    """
    rows = [(name, atom, z) for name, scores in comparable(sleeves).items() for atom, z in scores.items()]
    return sorted(rows, key=lambda row: (-row[2], row[0], -sleeves[row[0]][row[1]], row[1]))


def _standardised(scores: Mapping[str, float]) -> dict[str, float]:
    values = np.array(list(scores.values()), dtype=np.float64)
    if not len(values):
        return {}
    spread = float(values.std())
    centred = values - values.mean()
    # A spread at the level of rounding is none.
    alike = spread <= 1e-12 * max(1.0, float(np.abs(values).max()))
    z = np.zeros(len(values)) if alike else centred / spread
    return dict(zip(scores, z.tolist(), strict=True))
