"""Where series of many names begin. Importing this module imports numba."""

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats
from tvquant.statistics.kernels import compiled

type Integers = NDArray[np.int64]


def first_known(series: Floats) -> Integers:
    """Return row of each name's first value, W where there is none.

    All -1 if after it some name has a value not known.
    """
    unknown = np.zeros(series.shape[1], np.int64)
    if not _count_before_first(series, unknown):
        unknown[:] = -1
    return unknown


@compiled
def _count_before_first(series: Floats, unknown: Integers) -> bool:
    """Add the number of each name's values that are not known; return whether all of them are before its first."""
    for t in range(series.shape[0]):
        for j in range(series.shape[1]):
            unknown[j] += series[t, j] != series[t, j]
    for j in range(series.shape[1]):
        for t in range(unknown[j]):
            if series[t, j] == series[t, j]:
                return False
    return True
