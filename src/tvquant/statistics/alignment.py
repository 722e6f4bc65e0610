"""Alignment: returns of several names on the dates that all of them have."""

import numpy as np

from tvquant.core.panel import Bools, Floats


def common_returns(have: Bools, returns: Floats) -> Floats:
    """Return simple returns between consecutive rows on which every column has a bar.

    Levels are joined on the common rows first and returns are taken after, so a hole of one name makes one longer
    return for all and is never padded (R-DAT-06).

    Parameters
    ----------
    have : (M + 1) x N, there is a bar; the first row is the base of the first return.
    returns : (M + 1) x N, each from the name's own previous bar; NaN where there is no bar. Row 0 is not used.

    Returns
    -------
    At most M x N, without NaN as long as returns are finite; an infinite return stays infinite.
    """
    if have.all():
        return returns[1:]
    moves = np.where(np.isnan(returns), 0.0, returns)
    moves[0] = 0.0
    levels = np.cumprod(1.0 + moves, axis=0)[have.all(axis=1)]
    return np.asarray(levels[1:] / levels[:-1] - 1.0)
