"""Where the time of a run went is told by when its own chain was recorded."""

from datetime import timedelta
from pathlib import Path

import pytest

from builders.clocks import ManualClock
from tvquant.core.records import EVIDENCE, RUN, TIMES, Entry
from tvquant.ledger import Ledger, genesis_entry, records
from tvquant.ledger.timing import PLANNING, Timing, timing_of

GENESIS = genesis_entry(
    run_id="r", profile="p", code="c", manifest="m", environment="e", train=60, test=20, step=20, lookback=500,
    selection="baseline", rebalance="window",
)  # fmt: skip


def entry(kind: str, stage: int, chain: str = RUN, **metrics: float) -> Entry:
    return Entry(chain=chain, stage=stage, kind=kind, metrics={"status": "played", **metrics})


def timed(folder: Path, *, killed: bool = False) -> Timing:
    """Seconds between records are 1, 2, 4, 8 ...; an interruption takes an hour."""
    clock = ManualClock()

    def after(seconds: float) -> None:
        clock.at += timedelta(seconds=seconds)

    ledger = Ledger.create(folder, run_id="r", clock=clock)
    ledger.record(GENESIS)
    flow = [
        entry("intent", 1), entry("outcome", 1, **{PLANNING: 0.5}), entry("plan", 10), entry("intent", 15),
        entry("intent", 15, "cell"), entry("outcome", 15, "cell"), entry(TIMES, 15), entry(EVIDENCE, 15),
        entry("outcome", 15),
        entry("intent", 16), entry("outcome", 16),
    ]  # fmt: skip
    for k, one in enumerate(flow):
        after(2.0**k)
        ledger.record(one)
        if killed and k == 5:
            ledger.close()
            after(3600.0)
            ledger = Ledger.resume(folder, run_id="r", clock=clock)
            after(0.25)
            ledger.record(entry("intent", 15))
    after(1024.0)
    ledger.seal({"cell": "0" * 64})
    return timing_of(records(folder, chain=RUN))


@pytest.mark.requirement("R-TRN-11")
def test_each_part_is_what_passed_until_its_end_was_recorded(tmp_path: Path) -> None:
    """Other chains' records are inside of a stage; a cell's outcome ends none."""
    found = timed(tmp_path)
    assert found.parts == {
        "planning": 0.5, "environment": 2.0, "pinning": 4.0, "deciding": 16.0 + 32.0 + 64.0,
        "settling": 128.0 + 256.0, "reporting": 1024.0, "sealing": 1024.0,
    }  # fmt: skip
    assert found.between == 1.0 + 8.0 + 512.0
    assert found.wall == 0.5 + 3071.0
    assert found.covered == pytest.approx(1.0 - 521.0 / 3071.5)
    assert found.resumed == 0


@pytest.mark.requirement("R-TRN-11")
def test_an_interruption_and_what_it_lost_are_no_work(tmp_path: Path) -> None:
    found = timed(tmp_path, killed=True)
    assert (found.resumed, found.parts["deciding"], found.parts["settling"]) == (1, 64.0, 384.0)
    assert found.between == 1.0 + 8.0 + 0.25 + 512.0


@pytest.mark.requirement("R-TRN-11")
def test_what_passes_before_the_snapshot_is_read_is_estimating(tmp_path: Path) -> None:
    clock = ManualClock(step=timedelta(seconds=1))
    with Ledger.create(tmp_path, run_id="r", clock=clock) as ledger:
        for one in (GENESIS, entry("plan", 10), entry("intent", 13), entry("outcome", 13), entry("intent", 14)):
            ledger.record(one)
    found = timing_of(records(tmp_path, chain=RUN))
    assert (found.parts, found.between) == ({"pinning": 1.0, "estimating": 1.0, "regime": 1.0}, 1.0)


def test_validation_without_a_time_of_deciding_is_one_part(tmp_path: Path) -> None:
    clock = ManualClock(step=timedelta(seconds=1))
    with Ledger.create(tmp_path, run_id="r", clock=clock) as ledger:
        for one in (GENESIS, entry("intent", 15), entry("outcome", 15)):
            ledger.record(one)
    assert timing_of(records(tmp_path, chain=RUN)).parts == {"validation": 1.0}
