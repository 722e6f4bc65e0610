"""Work is counted, and an estimate is the sum of what was measured."""

from datetime import UTC, datetime

import pytest

from builders.clocks import ManualClock
from builders.profiles import resolved_of
from builders.workspaces import coin_closes, workspace_of
from tvquant.app import estimate
from tvquant.app.estimate import Estimate, Workload, estimated
from tvquant.app.plan import make_plan
from tvquant.app.progress import Watcher
from tvquant.app.run import run
from tvquant.app.tournament import PlannedMatrix
from tvquant.app.workspace import Workspace

CLOCK = ManualClock(datetime(2026, 1, 2, tzinfo=UTC))
SETTINGS = {"execution__convention": "next_close", "benchmark__market": [], "allocation__profiles": ["hrp"]}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    coins = {"BTC": 3, "ETH": 5, "SOL": 7}
    closes = coin_closes(coins, datetime(2024, 1, 1, tzinfo=UTC), 112)
    return workspace_of(tmp_path_factory.mktemp("made") / "ws", closes, recorded_at=CLOCK.now())


def planned(home: Workspace) -> PlannedMatrix:
    profile = resolved_of(
        **SETTINGS, grid__step=[10], grid__phases=2, grid__costs={"dear": {"slippage_bps": 50.0}},
        challengers={"rival": {"model": "v3.4"}},
    )  # fmt: skip
    return PlannedMatrix.of(make_plan(home.lake(), profile))


def test_work_is_counted_by_sort_and_windows(home: Workspace) -> None:
    made = planned(home)
    assert made.workload == Workload(
        strategies=4, baselines=8, variants=1, challengers=1, paths=8, books=14,
        windows={"60-20-20": 1, "60-10-10": 3, "60-20-20+10": 2}, decisions=3 * 1 + 3 * 3 + 2 + 1,
        snapshots=2 * (3 * 1 + 3 * 3) + 2 + 1,
    )  # fmt: skip


def test_each_part_is_what_one_took_times_how_many_there_are(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock is a second later: an interval of two looks that follow each other is one second."""
    made = planned(home)
    ticks = iter(range(100_000))
    monkeypatch.setattr(estimate.time, "process_time", lambda: float(next(ticks)))
    monkeypatch.setattr(made.engine, "_timer", lambda: float(next(ticks)))
    found = estimated(made.engine, made.cells, jobs=1)
    assert found.decide == made.workload.decisions
    assert found.settle == made.workload.books
    assert found.prepare > 0.0
    assert found.unknown == ()
    assert found.seconds == found.begin + found.prepare + found.decide + found.settle
    assert found.document()["within_factor"] == 2.0


def test_workers_share_the_work_and_not_the_beginning() -> None:
    one = Estimate(begin=5.0, prepare=10.0, decide=20.0, settle=4.0, jobs=1, memory=2**30, disk=2**20)
    two = Estimate(begin=5.0, prepare=10.0, decide=20.0, settle=4.0, jobs=2, memory=2**31, disk=2**20)
    assert (one.seconds, two.seconds) == (39.0, 25.0)
    assert one.line.startswith("this will take about 1 minutes with --jobs 1 (within a factor of 2), 1,024 MiB")


def test_a_long_matrix_is_foretold_and_a_short_one_is_not(home: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    class Notes(Watcher):
        def __init__(self) -> None:
            self.found: list[str] = []

        def note(self, text: str) -> None:
            self.found.append(text)

    def told(long: float) -> list[str]:
        monkeypatch.setattr(estimate, "MANY", 1)
        monkeypatch.setattr(estimate, "LONG", long)
        watcher = Notes()
        run(home, resolved_of(**SETTINGS), clock=CLOCK, jobs=1, again=True, watcher=watcher)
        return [one for one in watcher.found if one.startswith("this will take about")]

    assert len(told(0.0)) == 1
    assert told(1e9) == []
