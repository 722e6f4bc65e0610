"""Scans are added, never changed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tvquant.lake import Lake
from tvquant.lake.reading.scans import stored_scans
from tvquant.lake.writing.scans import store_scan

BAR = datetime(2022, 3, 3, tzinfo=UTC)


def row(symbol: str, at: datetime, **more: Any) -> dict[str, Any]:
    plain = {
        "scanner": "s", "definition": "d", "clock": "replay", "timestamp": BAR, "scanned_at": at, "symbol": symbol,
        "logic": "trend", "direction": "LONG", "atom": "", "outcome": "recruited", "recommend_all": 0.2,
    }  # fmt: skip
    return plain | more


@pytest.mark.requirement("R-DAT-23")
def test_each_scan_is_a_record_of_its_own(lake: Lake) -> None:
    first, second = BAR + timedelta(days=1), BAR + timedelta(days=2)
    assert store_scan(lake, [row("X:B", first), row("X:A", first)]) == 2
    assert store_scan(lake, [row("X:A", second, recommend_all=None)]) == 1
    found = stored_scans(lake.root, "s")
    assert found["scanned_at"].to_list() == [first, first, second]
    assert found["symbol"].to_list() == ["X:A", "X:B", "X:A"]
    assert found["recommend_all"].to_list() == [0.2, 0.2, None]
    assert stored_scans(lake.root, "another").is_empty()
    assert len(stored_scans(lake.root, "s", first=BAR + timedelta(days=1))) == 0
