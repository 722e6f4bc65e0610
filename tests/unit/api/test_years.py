import numpy as np
import pytest

from tvquant.api.years import periods_per_year
from tvquant.core.calendars import calendar
from tvquant.core.errors import ProfileError

DAYS = np.arange(np.datetime64("2024-01-01", "us"), np.datetime64("2024-03-01", "us"), np.timedelta64(1, "D"))
SESSIONS = calendar("XNYS").bars(np.datetime64("2024-01-02"), np.datetime64("2024-12-31"))


@pytest.mark.parametrize(
    ("times", "periods"), [(DAYS, 365), (SESSIONS, 252), (DAYS[:20], 365), (np.delete(DAYS, 7), 365)]
)
def test_dates_that_leave_no_doubt_say_it_themselves(times: np.ndarray, periods: int) -> None:
    assert periods_per_year(None, times)[0] == periods


@pytest.mark.parametrize(
    "times",
    [DAYS[:19], DAYS[::7], SESSIONS[::2], SESSIONS[:5], np.repeat(DAYS, 2) + np.tile([0, 12 * 3600 * 10**6], 60)],
)
def test_others_must_be_told(times: np.ndarray) -> None:
    with pytest.raises(ProfileError, match="do not say how many make a year; name a calendar"):
        periods_per_year(None, times)


def test_a_name_or_a_number_decides() -> None:
    assert periods_per_year("24x7", SESSIONS) == (365, "365 periods per year, of the calendar 24x7")
    assert periods_per_year("XNYS", DAYS)[0] == 252
    assert periods_per_year(12, DAYS[:2])[0] == 12
    for bad in ("XXXX", 0, 1.5, True, float("nan"), float("inf")):
        with pytest.raises(ProfileError, match="calendar"):
            periods_per_year(bad, DAYS)
