"""The dates of a profile, from the plan to the results."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from builders.clocks import ManualClock
from builders.panels import days
from builders.profiles import resolved_of
from builders.workspaces import workspace_of
from tvquant.app.plan import make_plan
from tvquant.app.progress import Watcher
from tvquant.app.run import run
from tvquant.app.run_context import late_start
from tvquant.app.selection_as_of import selected
from tvquant.app.workspace import Workspace
from tvquant.core.errors import DataError, ProfileError
from tvquant.core.panel import Basis
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.ledger.result_store import ResultStore
from tvquant.profiles import ResolvedProfile
from tvquant.tournament.windows import Schedule

CLOCK = ManualClock(datetime(2026, 1, 2, tzinfo=UTC))
SHARES = ("AAPL", "MSFT", "AMZN", "META", "NVDA", "TSLA")
END = date(2020, 3, 13)


class Notes(Watcher):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, text: str) -> None:
        self.told.append(text)


def shares() -> pl.DataFrame:
    """Raw prices of 2019 to June 2020; after the end come a listing, all dividends, a split and the volume."""
    times, draw = days(375, start="2019-01-02", calendar="XNYS"), np.random.default_rng(5)
    late, frames = times > np.datetime64(END), []
    for name in SHARES:
        close = 100.0 * np.exp(draw.normal(0.0004, 0.015, len(times)).cumsum())
        split = np.where((name == "MSFT") & (np.cumsum(late) == 9) & late, 2.0, 0.0)
        raw = close / np.cumprod(np.where(split > 0, split, 1.0))
        frame = pl.DataFrame(
            {
                "symbol": f"NASDAQ:{name}", "timestamp": times, "close": raw, "stock_splits": split,
                "volume": np.where(late, 1e6, np.nan),
                "dividends": np.where(late & (np.arange(len(times)) % 40 == 0), 0.5, 0.0),
            }
        )  # fmt: skip
        frames.append(frame.filter(pl.Series(late)) if name == "TSLA" else frame)
    return pl.concat(frames).with_columns(
        pl.col("timestamp").dt.replace_time_zone("UTC"), pl.col("volume").fill_nan(None)
    )


def profile(**keys: Any) -> ResolvedProfile:
    plain = {
        "execution__convention": "next_close",
        "benchmark__market": [],
        "selection__min_winners": 3,
        "allocation__profiles": ["hrp"],
    }
    return resolved_of("us_equities", **plain | keys)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return workspace_of(tmp_path_factory.mktemp("whole") / "ws", shares(), recorded_at=CLOCK.now(), basis=Basis.RAW)


def test_a_run_that_ends_is_the_run_of_a_lake_that_ends_there(whole: Workspace, tmp_path: Path) -> None:
    """To the byte, decisions by the month included; the month of the end is not over, so it decides nothing."""
    before = shares().filter(pl.col("timestamp").dt.date() <= END)
    past = workspace_of(tmp_path / "ws", before, recorded_at=CLOCK.now(), basis=Basis.RAW)
    dated: dict[str, Any] = {"data__start": date(2019, 9, 17), "windows__step": "month_end"}
    told = Notes()
    ended = run(whole, profile(data__end="2020-03-13", **dated), clock=CLOCK, jobs=1, again=False, watcher=told)
    there = run(past, profile(**dated), clock=CLOCK, jobs=1, again=False, watcher=Watcher())
    assert ended.result == there.result
    assert told.told == ["health of us_equities: 5/6 assets, DEGRADED; not healthy: NASDAQ:TSLA (missing)"]
    tables = ResultStore(ended.folder.results), ResultStore(there.folder.results)
    for name in ("returns", "windows", "weights", "vetoes"):
        assert tables[0].read(name).equals(tables[1].read(name))
    cells = RecordedRun(ended.folder).outcomes, RecordedRun(there.folder).outcomes
    assert [(one.metrics, one.stamps) for one in cells[0]] == [(one.metrics, one.stamps) for one in cells[1]]
    windows = tables[0].read("windows").filter(pl.col("cell") == cells[0][0].key)
    decided = [str(at)[:10] for at in windows["decided_at"]]
    assert decided == [
        "2019-09-16", "2019-09-30", "2019-10-31", "2019-11-29", "2019-12-31", "2020-01-31", "2020-02-28",
    ]  # fmt: skip
    assert [str(at)[:10] for at in windows["filled_at"]][:2] == ["2019-09-17", "2019-10-01"]
    assert windows["partial"].to_list() == [False] * 6 + [True]
    whose = ended.folder.read_json("data/health.json")
    assert {one["symbol"]: one["state"] for one in whose}["NASDAQ:TSLA"] == "missing"
    assert max(one["last"] or "" for one in whose)[:10] == "2020-03-13"


def test_a_start_that_the_data_do_not_allow_is_told(whole: Workspace) -> None:
    told = Notes()
    resolved = profile(data__start=date(2019, 2, 1), data__end=date(2019, 9, 30), windows__step={"week": "friday"})
    run(whole, resolved, clock=CLOCK, jobs=1, again=False, watcher=told)
    _, line = told.told
    assert line.startswith("data.start is 2019-02-01, and the first window begins on 2019-05-13: before that no name")


def test_what_a_phase_puts_off_is_no_want_of_history_and_a_start_of_the_grid_is_named_as_one() -> None:
    times = np.arange(np.datetime64("2024-01-01", "us"), np.datetime64("2024-03-01", "us"), np.timedelta64(1, "D"))
    own = date(2024, 1, 20)
    phased = Schedule(train=10, test=5, step=5, span=None, start=own, phase=2)
    assert late_start(phased, 21, times, own) is None
    late = late_start(phased, 22, times, own)
    assert late is not None
    assert late.startswith("data.start is 2024-01-20, and the first window begins on 2024-01-23")
    other = late_start(replace(phased, start=date(2024, 1, 1)), 10, times, own)
    assert other is not None
    assert other.startswith("grid.starts has 2024-01-01, and the first window begins on 2024-01-11")
    assert late_start(replace(phased, start=None), 40, times, own) is None


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"data__end": "2018-12-31"}, "data.end is 2018-12-31, and the data begin on 2019-01-02; set it later"),
        ({"data__end": "2030-01-01"}, r"data.end is 2030-01-01, and the data end on 2020-06-26, \d+ sessions before"),
        ({"data__end": "2020-06-29"}, r"and the data end on 2020-06-26, 1 sessions before it; import what"),
        (
            {"data__start": "2020-06-20", "data__end": "2020-06-21"},
            "no bar is dated from data.start, 2020-06-20, to data",
        ),
        ({"data__start": "2020-06-27"}, "data.start is 2020-06-27, and the data end on 2020-06-26; set it earlier"),
    ],
)
def test_dates_that_the_data_do_not_reach_are_refused(whole: Workspace, keys: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        make_plan(whole.lake(), profile(**keys))


def test_a_weekend_belongs_to_the_session_before_it(whole: Workspace) -> None:
    friday, sunday = (make_plan(whole.lake(), profile(data__end=f"2020-06-{day}")).panel for day in (26, 28))
    assert friday.times[-1] == sunday.times[-1] == np.datetime64("2020-06-26")
    assert len(friday.keys) == 6
    assert "volume" in friday.fields


def test_a_selection_is_of_the_last_row_that_is_used(whole: Workspace) -> None:
    found = selected(whole.lake(), profile(data__end=END), None, now=CLOCK.now())
    assert found.footing.bar == np.datetime64(END)
    with pytest.raises(ProfileError, match=r"--as-of 2020-03-14 is after data.end \(2020-03-13\)"):
        selected(whole.lake(), profile(data__end=END), date(2020, 3, 14), now=CLOCK.now())
