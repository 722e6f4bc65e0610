"""Small markets by hand; tests of this folder share `referee.py`, which importlib mode does not put on the path."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Basis, Panel

sys.path.insert(0, str(Path(__file__).parent))
DAY = np.timedelta64(1, "D")


@pytest.fixture
def market() -> Callable[..., Panel]:
    """A panel of daily closes by name (NaN is a row without a bar); other fields by keyword, `late` in days."""

    def make(close: Mapping[str, Any], *, late: Mapping[str, int] | None = None, **fields: Mapping[str, Any]) -> Panel:
        blocks = {
            field: np.column_stack([np.asarray(by_name[name], float) for name in close])
            for field, by_name in {"close": close, **fields}.items()
        }
        rows, columns = blocks["close"].shape
        times = np.datetime64("2024-01-01", "us") + np.arange(rows) * DAY
        delay = np.array([(late or {}).get(name, 0) for name in close]) * DAY
        return Panel(
            times=times,
            instruments=tuple(
                Instrument(symbol=f"X:{name}", kinds=frozenset({Kind.SPOT}), currency="USD", calendar="24x7")
                for name in close
            ),
            fields=blocks,
            known_at=(times + DAY)[:, None] + delay,
            tradable=~np.isnan(blocks["close"]),
            bases=(Basis.RAW,) * columns,
            stamps=(frozenset(),) * columns,
            calendar="24x7",
        )

    return make
