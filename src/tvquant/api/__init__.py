"""The Python API: frames in, frames out, over the very code that the commands call.

pandas or polars frames go in; what comes out are polars frames (`.to_pandas()` is polars' own). Times are without a
zone, in UTC or the date of a session; returns and weights are fractions. Nothing is printed.
"""

import tvquant.app  # noqa: F401 (sets what must be set before numpy and numba are imported)
