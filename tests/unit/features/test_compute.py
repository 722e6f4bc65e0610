"""Which terms are computed, for whom, and as of when."""

import numpy as np
import pytest

from tvquant.core.errors import DataError, ProfileError
from tvquant.features import TERMS, compute

NAN = np.nan
DAY = np.timedelta64(1, "D")


def test_terms_stand_in_the_catalogues_order_once_each(market):
    panel = market({"A": [1.0, 2.0]}, volume={"A": [3.0, 4.0]})
    found = compute(panel, ["recommend_ma", "value_traded_last", "recommend_ma"], rating_min_bars=1)
    assert found.names == ("value_traded_last", "recommend_ma")
    assert found.keys == ("X:A",)
    assert found.values.shape == (2, 1)
    assert compute(panel, frozenset(TERMS), rating_min_bars=1).names == tuple(TERMS)
    assert compute(panel, (), rating_min_bars=1).values.shape == (0, 1)
    with pytest.raises(ValueError, match="read-only"):
        found.values[0, 0] = 1.0


def test_an_unknown_name_is_refused_with_the_nearest(market):
    with pytest.raises(ProfileError, match=r"unknown feature 'recommend_mb' - did you mean recommend_ma\?"):
        compute(market({"A": [1.0]}), ["value_traded_last", "recommend_mb"], rating_min_bars=1)


@pytest.mark.requirement("R-UNI-05")
def test_what_the_data_lack_is_said(market):
    """No field, and a field that holds nothing yet, are the same: a later volume must not change an earlier answer."""
    absent = dict.fromkeys(("value_traded_last", "adv_median_30"), "the data have no volume or quote_volume")
    names = (*absent, "recommend_ma")
    blank = market({"A": [1.0, 2.0]}, volume={"A": [NAN, NAN]})
    for panel in (market({"A": [1.0, 2.0]}), blank):
        found = compute(panel, names, rating_min_bars=1)
        assert dict(found.absent) == absent
        assert np.isnan(found.values).all()
    later = market({"A": [1.0, 2.0]}, volume={"A": [NAN, 5.0]})
    assert dict(compute(later.until(later.known_at[0, 0]), names, rating_min_bars=1).absent) == absent
    assert compute(later, names, rating_min_bars=1).absent == {}


def test_a_name_without_volume_among_others_is_missing_but_nothing_is_absent(market):
    panel = market({"A": [1.0, 2.0], "B": [1.0, 2.0]}, volume={"A": [NAN, 5.0], "B": [NAN, NAN]})
    found = compute(panel, ["value_traded_last"], rating_min_bars=1)
    assert found.absent == {}
    np.testing.assert_array_equal(found.values, [[10.0, NAN]])
    earlier = market({"A": [1.0, 2.0]}, volume={"A": [5.0, NAN]})
    assert compute(earlier, ["value_traded_last"], rating_min_bars=1).absent == {}


def test_it_is_known_with_the_latest_bar_that_went_in(market):
    close, late = {"A": [1.0, 2.0, 3.0], "B": [1.0, 2.0, 3.0]}, {"B": 1}
    panel = market(close, late=late)
    assert compute(panel, (), rating_min_bars=1).known_at == panel.known_at[2, 1]
    view = panel.until(panel.known_at[2, 0])  # the last row of B is not there yet
    assert compute(view, (), rating_min_bars=1).known_at == panel.known_at[2, 0]
    closed = market({"A": [1.0, 2.0, NAN]})
    assert compute(closed, (), rating_min_bars=1).known_at == closed.known_at[1, 0]


def test_before_the_first_bar_there_is_nothing_to_compute(market):
    panel = market({"A": [1.0]})
    with pytest.raises(DataError, match="nothing was known yet"):
        compute(panel.until(panel.known_at[0, 0] - DAY), TERMS, rating_min_bars=1)
