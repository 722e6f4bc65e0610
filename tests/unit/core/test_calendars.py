from datetime import date

import numpy as np
import pytest

from tvquant.core.calendars import DAY, TABLE_SPAN, calendar, common_calendar
from tvquant.core.errors import ProfileError
from tvquant.core.panel import Times


def stamps(*texts: str) -> Times:
    return np.array(texts, "datetime64[us]")


def test_the_packaged_table_is_that_of_exchange_calendars() -> None:
    """Every session and every close on the whole span of the table."""
    import exchange_calendars

    first, last = TABLE_SPAN
    referee = exchange_calendars.get_calendar("XNYS", start=first.isoformat(), end=last.isoformat())
    ours = calendar("XNYS")
    assert ours.opens is not None
    assert ours.closes is not None
    np.testing.assert_array_equal(ours.opens, referee.sessions.to_numpy().astype("M8[us]"))
    np.testing.assert_array_equal(ours.closes, referee.closes.dt.tz_convert(None).to_numpy().astype("M8[us]"))
    assert len(ours.opens) == 17_871
    assert ours.regular is not None
    closed = np.array([day.date() for day in referee.adhoc_holidays if day.date() >= first], "M8[us]")
    np.testing.assert_array_equal(np.setdiff1d(ours.regular, ours.opens), np.sort(closed))
    assert np.isin(ours.opens, ours.regular).all()


def test_what_no_rule_foretold_is_a_regular_session_of_other_markets_as_well() -> None:
    """London was closed for the funeral of its queen, a Monday."""
    london = calendar("XLON", date(2022, 1, 1), date(2022, 12, 31))
    assert london.opens is not None
    assert london.regular is not None
    assert np.datetime64("2022-09-19", "us") in np.setdiff1d(london.regular, london.opens)


def test_new_york_closes_at_four_in_either_half_of_the_year() -> None:
    """Daylight saving began on 2020-03-08 and ended on 2020-11-01."""
    closes = calendar("XNYS").close_of(stamps("2020-03-06", "2020-03-09", "2020-10-30", "2020-11-02"))
    assert closes.tolist() == stamps("2020-03-06T21", "2020-03-09T20", "2020-10-30T20", "2020-11-02T21").tolist()


def test_early_closes() -> None:
    """13:00 after Thanksgiving and on Christmas Eve."""
    closes = calendar("XNYS").close_of(stamps("2019-11-29", "2020-12-24"))
    assert closes.tolist() == stamps("2019-11-29T18", "2020-12-24T18").tolist()


def test_days_without_a_session() -> None:
    """A week-end, 11 to 14 September 2001, the storm of October 2012, and a day of mourning."""
    ours = calendar("XNYS")
    bars = ours.bars(np.datetime64("2001-09-08"), np.datetime64("2001-09-17"))
    assert bars.tolist() == stamps("2001-09-10", "2001-09-17").tolist()
    closed = stamps("2001-09-11", "2012-10-29", "2012-10-30", "2018-12-05", "2020-01-04", "2020-01-06T09:30")
    assert np.isnat(ours.close_of(closed)).all()
    assert np.isnat(ours.close_of(stamps("1970-01-02", "2051-01-03", "NaT"))).all()


def test_both_ends_of_a_range_count() -> None:
    for name, expected in (("XNYS", ["2020-01-02", "2020-01-03", "2020-01-06"]), ("24x7", None)):
        bars = calendar(name).bars(np.datetime64("2020-01-02"), np.datetime64("2020-01-06"))
        assert bars.dtype == "datetime64[us]"
        assert len(bars) == (5 if expected is None else 3)
        assert expected is None or bars.tolist() == stamps(*expected).tolist()
    assert len(calendar("XNYS").bars(np.datetime64("2020-01-04"), np.datetime64("2020-01-05"))) == 0


def test_round_the_clock() -> None:
    ours = calendar("24x7")
    assert ours.bars(np.datetime64("2020-02-28"), np.datetime64("2020-03-01T23")).tolist() == (
        stamps("2020-02-28", "2020-02-29", "2020-03-01").tolist()
    )
    assert ours.close_of(stamps("2020-02-29")).tolist() == stamps("2020-03-01").tolist()
    assert (ours.periods_per_year, ours.gap_tolerance) == (365, 0)
    assert (calendar("XNYS").periods_per_year, calendar("XNYS").gap_tolerance) == (252, 1)


def test_a_bar_is_known_when_it_closes_and_off_the_calendar_a_day_later() -> None:
    """A session, a Saturday, a day before the table, a bar of the crypto markets; never later than a day."""
    found = calendar("XNYS").known_at(stamps("2020-01-03", "2020-01-04", "1970-01-02"))
    assert found.tolist() == stamps("2020-01-03T21", "2020-01-05", "1970-01-03").tolist()
    assert calendar("24x7").known_at(stamps("2020-01-04")).tolist() == stamps("2020-01-05").tolist()
    short = calendar("24x7").known_at(stamps("2020-01-04T20"), np.timedelta64(4, "h"))
    assert short.tolist() == stamps("2020-01-05").tolist()
    sessions = calendar("XNYS").opens
    assert sessions is not None
    assert (calendar("XNYS").known_at(sessions) <= sessions + DAY).all()


def test_other_markets_and_years_are_asked_of_the_library() -> None:
    """London closes at 16:30, in summer 15:30 UTC; in New York trade was halted on 1963-11-25."""
    london = calendar("XLON", date(2020, 1, 1), date(2020, 12, 31))
    assert london.close_of(stamps("2020-01-03", "2020-07-01")).tolist() == (
        stamps("2020-01-03T16:30", "2020-07-01T15:30").tolist()
    )
    old = calendar("XNYS", date(1963, 11, 1), date(1963, 12, 31))
    assert np.isnat(old.close_of(stamps("1963-11-25"))).all()
    assert not np.isnat(old.close_of(stamps("1963-11-26"))).any()


@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param(date(2020, 6, 2), date(2020, 6, 1), id="ends before it begins"),
        pytest.param(date(1300, 1, 1), date(2020, 1, 1), id="before there are times"),
    ],
)
def test_spans_without_sessions(first: date, last: date) -> None:
    with pytest.raises(ProfileError, match=f"calendar XLON has no sessions for {first.year}.* to {last.year}.*: "):
        calendar("XLON", first, last)


@pytest.mark.parametrize("day", ["2051-01-03", "2100-12-31", "1900-01-02", "2051-01-01"])
def test_a_single_day_outside_of_the_table_has_a_calendar(day: str) -> None:
    """Whether it is a session or not: a stray bar must not stop whoever asks."""
    one = date.fromisoformat(day)
    closes = calendar("XNYS", one, one).close_of(stamps(day))
    assert np.isnat(closes).tolist() == [day.endswith("01-01")]


def test_shared_calendars_cannot_be_changed() -> None:
    for ours in (calendar("XNYS"), calendar("XLON", date(2020, 1, 1), date(2020, 12, 31))):
        for array in (ours.opens, ours.closes):
            assert array is not None
            with pytest.raises(ValueError, match="read-only"):
                array[0] = array[1]


@pytest.mark.parametrize("name", ["", "XXXX", "24/7 "])
def test_unknown_names(name: str) -> None:
    with pytest.raises(ProfileError, match="is unknown; use 24x7 or a market code such as XNYS"):
        calendar(name)


@pytest.mark.requirement("R-MET-04")
def test_several_markets_meet_on_the_sessions_of_all() -> None:
    """252 a year where one has sessions; a row closes a day after its stamp, on a day without a session as well."""
    assert common_calendar(["24x7", "24x7"]) == "24x7"
    name = common_calendar(["XNYS", "24x7", "24x7+XNYS"])
    assert name == "24x7+XNYS"
    ours, sessions = calendar(name), calendar("XNYS")
    assert (ours.name, ours.periods_per_year, calendar("24x7").periods_per_year) == (name, 252, 365)
    week = ours.bars(np.datetime64("2024-01-12"), np.datetime64("2024-01-16"))
    assert week.tolist() == stamps("2024-01-12", "2024-01-16").tolist()
    friday, saturday = stamps("2024-01-12", "2024-01-13")
    assert ours.close_of(stamps("2024-01-12", "2024-01-13")).tolist() == [friday + DAY, saturday + DAY]
    assert ours.expected_after(stamps("2024-01-12")).tolist() == sessions.expected_after(stamps("2024-01-12")).tolist()
    both = calendar("XLON+XNYS", date(2024, 1, 1), date(2024, 12, 31))
    assert both.opens is not None
    days = stamps("2024-05-06", "2024-07-04", "2024-07-05")  # a holiday in London, one in New York, none
    assert np.isin(days, both.opens).tolist() == [False, False, True]
    with pytest.raises(ProfileError, match="one of them has sessions"):
        calendar("24x7+24x7")
