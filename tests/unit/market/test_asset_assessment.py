from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from table_provider import BTC, NOW, day

from tvquant.core.instants import instant
from tvquant.market.asset_assessment import assess, open_holes, repairable, wanted
from tvquant.market.coverage import Coverage, Grid
from tvquant.market.registry import AssetRecord, AssetState
from tvquant.market.tasks import DataTask

GRID = Grid.of(BTC, "1d", NOW)
DAY = timedelta(days=1)


def record(**fields: object) -> AssetRecord:
    return AssetRecord(physical_symbol=BTC, interval="1d", **fields)  # type: ignore[arg-type]


def covered(bars: int = 300, *, last: int = 0, holes: tuple[tuple[int, int], ...] = ()) -> Coverage:
    """So many bars up to some days ago, less holes of days ago (older, newer)."""
    spans = tuple((instant(day(a)), instant(day(b))) for a, b in holes)
    missing = sum(a - b + 1 for a, b in holes)
    return Coverage(
        bars=bars - missing,
        first=instant(day(last + bars - 1)),
        last=instant(day(last)),
        holes=spans,
        missing=missing,
    )


def state(held: Coverage, known: AssetRecord | None = None, grid: Grid = GRID) -> tuple[AssetState, str]:
    found = assess(held, known or record(), grid, as_of=instant(grid.now))
    return found.state, found.reason


@pytest.mark.requirement("R-DAT-20")
def test_every_state_follows_from_data_alone() -> None:
    assert state(Coverage()) == (AssetState.ABSENT, "never fetched")
    assert state(Coverage(), record(last_attempt=NOW)) == (AssetState.DEGRADED, "no bars: the provider has none")
    assert state(Coverage(), record(last_attempt=NOW, error="503"))[1] == "no bars: 503"
    assert state(covered()) == (AssetState.STABLE, "")
    assert state(covered(last=5)) == (AssetState.DEGRADED, "stale: last bar 2024-05-26")
    gaps = covered(holes=((9, 8), (40, 40)))
    assert state(gaps) == (AssetState.DEGRADED, "gaps: 3 bars missing, the newest 2024-05-23")
    assert state(covered(89)) == (AssetState.DEGRADED, "short: 89 bars, 90 needed")
    assert state(covered(90)) == (AssetState.STABLE, "")
    assert state(covered(50, last=3))[1] == "stale: last bar 2024-05-28; short: 50 bars, 90 needed"


@pytest.mark.requirement("R-DAT-20")
def test_all_transitions_between_states_happen() -> None:
    """What the registry held before does not hinder any state."""
    cases = {
        AssetState.STABLE: covered(),
        AssetState.DEGRADED: covered(last=5),
        AssetState.ABSENT: Coverage(),
    }
    for before in AssetState:
        for after, held in cases.items():
            assert state(held, record(state=before))[0] is after


@pytest.mark.requirement("R-DAT-09")
@pytest.mark.parametrize(
    ("hours", "expected"), [(23, AssetState.STABLE), (24, AssetState.STABLE), (25, AssetState.DEGRADED)]
)
def test_crypto_is_stale_a_day_after_its_last_close(hours: int, expected: AssetState) -> None:
    held = covered()
    now = day() + DAY + timedelta(hours=hours)
    assert state(held, grid=Grid.of(BTC, "1d", now))[0] is expected


@pytest.mark.parametrize(("days", "expected"), [(5, AssetState.STABLE), (6, AssetState.DEGRADED)])
def test_sessions_are_stale_five_days_after_their_last_close(days: int, expected: AssetState) -> None:
    close = datetime(2024, 5, 31, 20, tzinfo=UTC)
    held = Coverage(bars=200, first=np.datetime64("2023-08-01", "us"), last=np.datetime64("2024-05-31", "us"))
    grid = Grid.of("NASDAQ:AAPL", "1d", close + timedelta(days=days))
    assert assess(held, record(), grid, as_of=instant(grid.now)).state is expected


def test_an_asset_that_ended_is_not_stale_but_may_be_cut_short() -> None:
    ended = record(delisted=day(4))
    assert state(covered(last=5), ended)[0] is AssetState.STABLE
    assert state(covered(last=9), ended)[0] is AssetState.DEGRADED


def spans(
    held: Coverage, known: AssetRecord | None = None, *, live: bool = True, **task: object
) -> list[tuple[int, int]]:
    """Wanted spans as days ago (older, newer)."""
    told = DataTask(physical_symbol=BTC, **task)  # type: ignore[arg-type]
    found = wanted(told, held, known or record(), GRID, live=live)
    here = instant(day())
    return [(int((here - a) / np.timedelta64(1, "D")), int((here - b) / np.timedelta64(1, "D"))) for a, b in found]


def test_only_what_is_missing_is_asked_for() -> None:
    assert spans(covered(), depth=300) == []
    assert spans(covered(), depth=100) == []
    assert spans(covered(last=5), depth=300) == [(5, 0)]
    assert spans(covered(100), depth=300) == [(299, 100)]
    assert spans(covered(100, last=5), depth=300) == [(5, 0), (299, 105)]
    assert spans(Coverage(), depth=300) == [(299, 0)]
    assert spans(covered(), depth=300, force_sync=True) == [(299, 0)]


@pytest.mark.requirement("R-DAT-13")
def test_nothing_before_a_known_genesis_is_asked_for() -> None:
    known = record(genesis=day(99))
    assert spans(covered(100), known, depth=300) == []
    assert spans(covered(100), known, depth=2000, force_sync=True) == [(99, 0)]


def test_an_asset_that_ended_is_not_asked_for_again() -> None:
    assert spans(covered(last=5), record(delisted=day(4), genesis=day(304)), depth=500) == []
    assert spans(covered(100, last=5), record(delisted=day(4)), depth=105) == []
    assert spans(covered(100, last=5), record(delisted=day(4)), depth=107) == [(106, 105)]
    assert spans(covered(100, last=5), record(delisted=day(4)), depth=107, force_sync=True) == [(111, 5)]


def test_an_end_that_is_told_to_the_day_is_reached_by_the_last_bar_of_that_day() -> None:
    grid = Grid.of(BTC, "4h", day(-1).replace(hour=9))
    last = instant(day(5)) + np.timedelta64(4, "h")  # traded until 08:00, and the day's end is what is told
    held = Coverage(bars=300, first=last - 299 * np.timedelta64(4, "h"), last=last)
    known = AssetRecord(physical_symbol=BTC, interval="4h", delisted=day(4))
    assert assess(held, known, grid, as_of=instant(day())).state is AssetState.STABLE
    cut = replace(held, last=last - np.timedelta64(12, "h"))
    assert assess(cut, known, grid, as_of=instant(day())).stale


def test_who_is_not_live_may_have_newer_bars_at_any_time() -> None:
    assert spans(covered(), depth=300, live=False) == [(0, 0)]
    assert spans(covered(last=5), record(delisted=day(4)), depth=100, live=False) == []
    assert spans(covered(last=9), record(delisted=day(4)), depth=100, live=False) == [(9, 5)]


@pytest.mark.parametrize(
    ("held", "known", "expected"),
    [
        (covered(), record(), False),
        (covered(last=5), record(), True),
        (covered(holes=((9, 8),)), record(), True),
        (covered(holes=((9, 8),)), record(irreparable=((day(10), day(8)),)), False),
        (covered(holes=((9, 8), (40, 40))), record(irreparable=((day(9), day(8)),)), True),
        (covered(50), record(), True),
        (covered(50), record(genesis=day(49)), False),
        (Coverage(), record(), True),
    ],
)
def test_what_asking_again_could_mend(held: Coverage, known: AssetRecord, expected: bool) -> None:
    found = assess(held, known, GRID, as_of=instant(NOW))
    assert repairable(held, known, found) is expected


def test_known_holes_are_closed_for_repair() -> None:
    held = covered(holes=((9, 8), (40, 38)))
    assert open_holes(held, record(irreparable=((day(40), day(39)),))) == held.holes
    assert open_holes(held, record(irreparable=((day(40), day(38)),))) == held.holes[:1]
