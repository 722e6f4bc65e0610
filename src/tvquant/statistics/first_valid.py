"""Where series of many names begin. Importing this module imports numba."""

import numpy as np
from numpy.typing import NDArray

from tvquant.core.panel import Floats
from tvquant.statistics.kernels import compiled

type Integers = NDArray[np.int64]


@compiled
def first_known(series: Floats) -> Integers:
    """Return row of each name's first value, W where there is none.

    All -1 if after it some name has a value not known.
    """
    width, columns = series.shape
    unknown = np.zeros(columns, np.int64)
    for t in range(width):
        for j in range(columns):
            unknown[j] += series[t, j] != series[t, j]
    for j in range(columns):
        for t in range(unknown[j]):
            if not np.isnan(series[t, j]):
                return np.full(columns, -1)
    return unknown
