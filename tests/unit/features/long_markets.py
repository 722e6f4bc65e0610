"""Markets long enough for weeks and months; tests of this folder share them."""

import numpy as np

from builders.panels import instruments, panel_of
from tvquant.core.calendars import calendar


def market(rows, *, name="24x7", start="2020-01-01", names=3, gone=0.03):
    first = np.datetime64(start, "us")
    times = calendar(name).bars(first, first + np.timedelta64(2 * rows, "D"))[:rows]
    draw = np.random.default_rng(8)
    close = 50.0 * np.exp(draw.normal(0.0, 0.03, (rows, names)).cumsum(axis=0))
    blocks = {
        "close": close,
        "high": close * (1.0 + draw.random((rows, names)) / 20),
        "low": close * (1.0 - draw.random((rows, names)) / 20),
        "volume": draw.random((rows, names)) * 1e5,
    }
    away = draw.random((rows, names)) < gone
    away[0] = away[-1] = False
    blocks = {field: np.where(away, np.nan, block) for field, block in blocks.items()}
    return panel_of(blocks, names=instruments(names, calendar=name), times=times)
