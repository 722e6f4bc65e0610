"""Ratings and ADX on closed weeks and months: which bars count, what they are, and by which rules."""

from datetime import date, timedelta

import numpy as np
import pytest
from long_markets import market

from tvquant.core.calendars import calendar
from tvquant.features import compute, history
from tvquant.features.long_bars import MIN_LONG_BARS
from tvquant.features.oscillator_votes import oscillator_votes
from tvquant.features.rating_rules import CLASSIC, LIBRARY_V3
from tvquant.features.ratings import mean_of_groups, mean_vote, moving_average_votes
from tvquant.statistics.directional import directional_movement

pytestmark = [pytest.mark.requirement("R-FEA-12"), pytest.mark.requirement("R-UNI-17")]
FIELDS = ("high", "low", "close", "volume")


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
