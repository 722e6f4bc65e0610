"""Where decisions stand."""

from dataclasses import replace

import pytest

from tvquant.core.stamps import NONE, Stamp
from tvquant.tournament.windows import Schedule, Window

DAILY = Schedule(train=60, test=20, step=20, span=None)


@pytest.mark.requirement("R-SIM-01")
def test_default_windows_on_500_rows() -> None:
    found = DAILY.windows(500)
    expected = [60, 80, 100, 120, 140, 160, 180, 200, 220, 240, 260, 280, 300, 320, 340, 360, 380, 400, 420, 440, 460]
    expected.append(480)  # the last whole one
    assert [w.id for w in found] == expected
    assert [w.start for w in found] == expected
    assert found[-1] == Window(id=480, start=480, stop=500, partial=False)
    assert not any(w.partial for w in found)


@pytest.mark.requirement("R-SIM-01")
def test_ids_count_from_the_start_of_the_span_and_rows_from_the_start_of_the_panel() -> None:
    found = replace(DAILY, span=300).windows(500)
    assert (found[0].id, found[0].start, found[0].stop) == (60, 260, 280)
    assert (found[-1].id, found[-1].start, found[-1].stop) == (280, 480, 500)
    assert replace(DAILY, span=900).windows(500) == DAILY.windows(500)


@pytest.mark.requirement("R-SIM-01")
def test_a_last_test_that_the_panel_cuts_is_played_and_marked() -> None:
    found = DAILY.windows(501)
    assert found[-1] == Window(id=500, start=500, stop=501, partial=True)
    assert not any(w.partial for w in found[:-1])


def test_tests_of_one_step_tile_the_rows_after_the_first_training() -> None:
    found = DAILY.windows(517)
    assert [row for w in found for row in range(w.start, w.stop)] == list(range(60, 517))


def test_tests_longer_than_a_step_overlap() -> None:
    found = replace(DAILY, test=30).windows(100)
    assert [(w.start, w.stop, w.partial) for w in found] == [(60, 90, False), (80, 100, True)]


@pytest.mark.parametrize(("rows", "count"), [(59, 0), (60, 0), (61, 1)])
def test_a_window_needs_a_row_behind_its_training(rows: int, count: int) -> None:
    assert len(DAILY.windows(rows)) == count


def test_windows_that_a_sweep_picked_are_stamped() -> None:
    assert DAILY.stamps == {Stamp.SWEPT_WINDOWS}
    assert replace(DAILY, span=300).stamps == {Stamp.SWEPT_WINDOWS}
    for other in ({"train": 61}, {"test": 21}, {"step": 10}):
        assert replace(DAILY, **other).stamps == NONE
