"""Small markets by hand; tests of this folder share `referee.py`, which importlib mode does not put on the path."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builders.panels import days, market_of
from tvquant.core.panel import Panel

sys.path.insert(0, str(Path(__file__).parent))
DAY = np.timedelta64(1, "D")


@pytest.fixture
def market() -> Callable[..., Panel]:
    """A panel of daily closes by name (NaN is a row without a bar); other fields by keyword, `late` in days."""

    def make(close: Mapping[str, Any], *, late: Mapping[str, int] | None = None, **fields: Mapping[str, Any]) -> Panel:
        rows = len(next(iter(close.values())))
        delay = np.array([(late or {}).get(name, 0) for name in close]) * DAY
        return market_of(close, times=days(rows, start="2024-01-01"), delay=delay, **fields)

    return make
