"""Markets long enough for weeks and months; tests of this folder share them."""

import numpy as np

from tvquant.core.calendars import calendar
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Basis, Panel


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
    return Panel(
        times=times,
        instruments=tuple(
            Instrument(symbol=f"X:N{j}", kinds=frozenset({Kind.SPOT}), currency="USD", calendar=name)
            for j in range(names)
        ),
        fields=blocks,
        known_at=np.broadcast_to(calendar(name).close_of(times)[:, None], close.shape),
        tradable=~away,
        bases=(Basis.RAW,) * names,
        stamps=(frozenset(),) * names,
        calendar=name,
    )
