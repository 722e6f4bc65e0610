"""Which weeks and months are closed at a day, and what their bars are."""

import numpy as np
import pytest
from long_markets import market

from tvquant.core.panel import Panel
from tvquant.features.long_bars import Long, long_bars

pytestmark = [pytest.mark.requirement("R-FEA-12"), pytest.mark.requirement("R-UNI-17")]


def test_a_week_counts_from_its_last_session_on_and_a_partial_one_never():
    """Good Friday of 2024 was the 29th of March: that week was over, and its month too, on Thursday."""
    panel = market(70, name="XNYS", start="2024-01-02", gone=0.0)
    days = panel.times.astype("datetime64[D]")
    weeks, months = (long_bars(panel, len(days), long).place for long in Long)
    by_day = {str(day): (int(week), int(month)) for day, week, month in zip(days, weeks, months, strict=True)}
    assert by_day["2024-03-27"] == (11, 1)
    assert by_day["2024-03-28"] == (12, 2)
    assert by_day["2024-01-04"] == (-1, -1)
    assert by_day["2024-01-05"] == (0, -1)
    assert by_day["2024-01-31"] == (3, 0)
    assert long_bars(panel, 1, Long.MONTH).close[-1] == pytest.approx(panel.fields["close"][days == days[60]][0])


@pytest.mark.requirement("R-UNI-22")
@pytest.mark.parametrize(
    ("last", "closed", "after"),
    [("2001-09-10", "four days from the 11th", "2001-09-17"), ("2012-10-26", "a Monday and a Tuesday", "2012-10-31"),
     ("2004-06-10", "a Friday", "2004-06-14"), ("1985-09-26", "a Friday", "1985-09-30")],
)  # fmt: skip
def test_no_closure_is_known_before_it_comes(last, closed, after):
    """The day before it the week (and a month that would have ended) is as under way as if there were a session."""
    panel = market(12, name="XNYS", start=str(np.datetime64(last) - 11), gone=0.0)
    days = [str(day) for day in panel.times.astype("datetime64[D]")]
    assert days[days.index(last) + 1] == after, closed
    place = dict(zip(days, long_bars(panel, len(days), Long.WEEK).place.tolist(), strict=True))
    friday = np.is_busday(last, weekmask="Fri")
    before = days[days.index(last) - 1]
    assert place[last] == place[before] + friday
    assert place[after] == place[last] + (not friday)


def test_round_the_clock_a_week_ends_on_sunday():
    panel = market(30, start="2024-01-01", gone=0.0)
    assert long_bars(panel, 30, Long.WEEK).place.tolist() == [-1] * 6 + [0] * 7 + [1] * 7 + [2] * 7 + [3] * 3
    assert long_bars(market(31, start="2024-01-01"), 31, Long.MONTH).place.tolist() == [-1] * 30 + [0]


def test_a_bar_whose_high_is_not_known_makes_that_of_its_week_unknown_and_volumes_add_up():
    panel = market(14, start="2024-01-01", gone=0.0)
    fields = {name: block.copy() for name, block in panel.fields.items()}
    fields["high"][[2, 7], 0] = np.nan
    other = Panel(**{name: getattr(panel, name) for name in ("times", "instruments", "known_at", "tradable", "bases")},
                  fields=fields, stamps=panel.stamps, calendar=panel.calendar)  # fmt: skip
    bars = long_bars(other, 1, Long.WEEK)
    assert np.isnan(bars.high[:, 0]).all()
    assert not np.isnan(bars.high[:, 1:]).any()
    np.testing.assert_allclose(bars.volume, [fields["volume"][:7].sum(axis=0), fields["volume"][7:].sum(axis=0)])


def test_days_after_the_calendar_ends_are_followed_by_the_next_day():
    panel = market(9, name="XNYS", start="2050-12-19", gone=0.0)
    assert str(panel.times[-1])[:10] == "2050-12-30"
    assert long_bars(panel, 1, Long.WEEK).place.tolist() == [0]  # Saturday follows, of the same week
