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
    panel = market(9, name="XNYS", start="2027-12-20", gone=0.0)
    assert str(panel.times[-1])[:10] == "2027-12-31"
    assert long_bars(panel, 1, Long.WEEK).place.tolist() == [0]  # Saturday follows, of the same week
