"""Ledgers to write to and to damage, and a clock that only its reader moves."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from builders.clocks import ManualClock
from tvquant.core.records import RUN, Entry
from tvquant.ledger import Ledger, genesis_entry


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), step=timedelta(seconds=1))


@pytest.fixture
def genesis() -> Entry:
    return genesis_entry(
        run_id="r1",
        profile="demo",
        code="c0de",
        manifest="3a1f",
        environment="e417",
        train=60,
        test=20,
        step=20,
        lookback=500,
        selection="baseline",
        rebalance="next_close",
    )


@pytest.fixture
def begun(tmp_path: Path, clock: ManualClock, genesis: Entry) -> Ledger:
    """A ledger in `tmp_path` with its genesis record."""
    ledger = Ledger.create(tmp_path, run_id="r1", clock=clock)
    ledger.record(genesis)
    return ledger


@pytest.fixture
def fill() -> Callable[..., None]:
    """Writes two interleaved cells, three records a window, inside a pair of the run: 2 + 6 x windows."""

    def write(ledger: Ledger, windows: int = 3) -> None:
        ledger.record(Entry(chain=RUN, stage=15, kind="intent"))
        for number in range(windows):
            for cell in ("min_variance", "equal_weight"):
                for kind in ("intent", "snapshot", "outcome"):
                    content = {"window": number, "weights": {"A": 0.5}}
                    ledger.record(Entry(chain=cell, stage=15, kind=kind, pillar=3, data=content))
        ledger.record(Entry(chain=RUN, stage=15, kind="outcome"))

    return write


@pytest.fixture
def leaves() -> dict[str, str]:
    return {"min_variance": "a" * 64, "equal_weight": "b" * 64}


@pytest.fixture
def sealed(tmp_path: Path, begun: Ledger, fill: Callable[..., None], leaves: dict[str, str]) -> Path:
    """Folder of a sealed ledger of 22 records."""
    fill(begun)
    begun.seal(leaves)
    return tmp_path
