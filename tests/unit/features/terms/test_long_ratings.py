"""Ratings and ADX on closed weeks and months: which bars count, what they are, and by which rules."""

from datetime import date, timedelta

import numpy as np
import pytest

from tvquant.core.calendars import calendar
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Basis, Panel
from tvquant.features import compute, history
from tvquant.features.long_bars import MIN_LONG_BARS, Long, long_bars
from tvquant.features.oscillator_votes import oscillator_votes
from tvquant.features.rating_rules import CLASSIC, LIBRARY_V3
from tvquant.features.ratings import mean_of_groups, mean_vote, moving_average_votes
from tvquant.statistics.directional import directional_movement

pytestmark = [pytest.mark.requirement("R-FEA-12"), pytest.mark.requirement("R-UNI-17")]
FIELDS = ("high", "low", "close", "volume")


def market(rows, *, name="24x7", start="2020-01-01", names=3, gone=0.03):
    first = np.datetime64(start, "us")
    times = calendar(name).bars(first, first + np.timedelta64(2 * rows, "D"))[:rows]
    draw = np.random.default_rng(8)
    close = 50.0 * np.exp(draw.normal(0.0, 0.03, (rows, names)).cumsum(axis=0))
    blocks = {
        "close": close,
        "high": close * (1.0 + draw.random((rows, names)) / 20),
        "low": close * (1.0 - draw.random((rows, names)) / 20),
        "volume": draw.random((rows, names)) * 1e5,
    }
    away = draw.random((rows, names)) < gone
    away[0] = away[-1] = False
    blocks = {field: np.where(away, np.nan, block) for field, block in blocks.items()}
    return Panel(
        times=times,
        instruments=tuple(
            Instrument(symbol=f"X:N{j}", kinds=frozenset({Kind.SPOT}), currency="USD", calendar=name)
            for j in range(names)
        ),
        fields=blocks,
        known_at=np.broadcast_to(calendar(name).close_of(times)[:, None], close.shape),
        tradable=~away,
        bases=(Basis.RAW,) * names,
        stamps=(frozenset(),) * names,
        calendar=name,
    )


def period(day, span):
    """The last calendar day of the period that a day is in."""
    day = day.astype("datetime64[D]").item()
    if span == "1w":
        return day + timedelta(days=6 - day.weekday())
    return (date(day.year, day.month, 28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def by_hand(panel, span):
    """Fields of the closed periods, P x N each, in plain Python."""
    bars = calendar(panel.calendar).bars(panel.times[-1], panel.times[-1] + np.timedelta64(40, "D"))
    ends = [period(day, span) for day in panel.times]
    closed = sorted({end for end in ends if period(bars[1], span) > end})
    out = {field: np.full((len(closed), len(panel.keys)), np.nan) for field in FIELDS}
    for p, end in enumerate(closed):
        for j in range(len(panel.keys)):
            rows = [t for t, other in enumerate(ends) if other == end and panel.tradable[t, j]]
            if rows:
                values = {field: panel.fields[field][rows, j] for field in FIELDS}
                out["high"][p, j], out["low"][p, j] = values["high"].max(), values["low"].min()
                out["close"][p, j] = values["close"][-1]
                out["volume"][p, j] = np.add.accumulate(values["volume"])[-1]
    return out


@pytest.mark.parametrize("name", ["24x7", "XNYS"])
@pytest.mark.parametrize(("span", "rows"), [("1w", 331), ("1w", 340), ("1m", 1005)])
def test_they_are_the_rules_of_daily_bars_on_closed_long_ones(name, span, rows):
    panel = market(rows, name=name)
    bars = by_hand(panel, span)
    averages = moving_average_votes(*(bars[field] for field in FIELDS), rows=1)
    others = oscillator_votes(bars["high"], bars["low"], bars["close"], rows=1)
    expected = {
        f"recommend_ma_{span}": mean_vote(averages)[0],
        f"recommend_other_{span}": mean_vote(others)[0],
        f"recommend_all_{span}": mean_of_groups(averages, others)[0],
        f"adx_14_{span}": directional_movement(bars["high"], bars["low"], bars["close"], rows=1)[0][0],
    }
    found = compute(panel, expected, rating_min_bars=1)
    for term, values in expected.items():
        assert not np.isnan(values).any()
        assert found.of(term, panel.keys).tobytes() == values.tobytes(), term


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


def test_a_rating_needs_thirty_closed_bars_and_a_bar_that_day():
    panel = market(7 * MIN_LONG_BARS + 3, start="2024-01-01", gone=0.0)
    name = "recommend_all_1w"
    found = history(panel, [name], rating_min_bars=1).values[0]
    last = 7 * MIN_LONG_BARS - 1
    assert np.isnan(found[:last]).all()
    assert not np.isnan(found[last:]).any()
    assert (found[last + 1 :] == found[last]).all()  # until the next week is closed
    halted = market(7 * MIN_LONG_BARS + 40, start="2024-01-01", gone=0.3)
    values = history(halted, [name], rating_min_bars=1).values[0]
    assert np.isnan(values[~halted.tradable]).all()


def test_the_rules_of_the_profile_hold_for_long_bars_too():
    panel = market(1300, names=20)
    one, other = (
        compute(panel, ["recommend_other_1w"], rating_min_bars=1, rating_rules=rules) for rules in (LIBRARY_V3, CLASSIC)
    )
    assert (one.values != other.values).any()


def test_days_after_the_calendar_ends_are_followed_by_the_next_day():
    panel = market(9, name="XNYS", start="2027-12-20", gone=0.0)
    assert str(panel.times[-1])[:10] == "2027-12-31"
    assert long_bars(panel, 1, Long.WEEK).place.tolist() == [0]  # Saturday follows, of the same week
