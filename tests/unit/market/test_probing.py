"""What follows from one look at a server."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tvquant.market.probing import Found, Probe, Rate, Standing, judged, skew, time_told

ASKED = datetime(2026, 6, 1, 12, tzinfo=UTC)
ANSWERED = ASKED + timedelta(seconds=0.5)


def probe(**told: object) -> Probe:
    return Probe(server="there:80", asked=ASKED, answered=ANSWERED, **told)  # type: ignore[arg-type]


def line(found: tuple[Found, ...], what: str) -> Found:
    (one,) = (one for one in found if one.what == what)
    return one


@pytest.mark.parametrize(
    ("seconds", "exact", "behind"),
    [
        (0.0, 1.0, 0.0),
        (-1.0, 1.0, 0.0),  # it showed until the moment of asking
        (-1.25, 1.0, -0.25),
        (0.5, 1.0, 0.0),
        (0.75, 1.0, 0.25),
        (90.0, 1.0, 89.5),
        (-90.0, 1.0, -89.0),
        (-90.0, 0.0, -90.0),
    ],
)
def test_the_skew_is_what_is_sure_of_it(seconds: float, exact: float, behind: float) -> None:
    told = probe(time=ASKED + timedelta(seconds=seconds), exact=timedelta(seconds=exact))
    assert skew(told) == timedelta(seconds=behind)


@pytest.mark.parametrize(
    ("behind", "standing", "said"),
    [
        (1.0, Standing.FINE, "within 1 s of the server's"),
        (1.1, Standing.DOUBTFUL, "this machine's clock is 1.1 s behind that of there:80"),
        (60.0, Standing.DOUBTFUL, "this machine's clock is 60.0 s behind that of there:80"),
        (60.1, Standing.WRONG, "this machine's clock is 60.1 s behind that of there:80: which bars have closed"),
        (-1.1, Standing.DOUBTFUL, "this machine's clock is 1.1 s ahead of that of there:80"),
        (-3600.0, Standing.WRONG, "this machine's clock is 3600.0 s ahead of that of there:80: which bars"),
    ],
)
def test_a_clock_is_fine_doubtful_or_wrong(behind: float, standing: Standing, said: str) -> None:
    at = ANSWERED if behind > 0 else ASKED
    told = probe(time=at + timedelta(seconds=behind), exact=timedelta())
    clock = line(judged(told), "clock")
    assert clock.standing is standing
    assert clock.said.startswith(said)
    assert bool(clock.cure) is (standing is not Standing.FINE)
    assert clock.cure.startswith("do not sync") is (standing is Standing.WRONG)


def test_who_tells_no_time_is_not_doubted() -> None:
    found = judged(probe())
    assert line(found, "clock").said == "there:80 does not tell its time"
    assert line(found, "reached").said == "there:80 answered in 500 ms"
    assert {one.standing for one in found} == {Standing.FINE}


@pytest.mark.parametrize(("told", "standing"), [(20.0, Standing.FINE), (19.9, Standing.WRONG)])
def test_limits_are_held_against_what_is_kept_to(told: float, standing: Standing) -> None:
    found = line(judged(probe(rates=(Rate(what="weight", told=told, kept=20.0),))), "limit")
    assert found.standing is standing
    assert found.said == f"weight: it allows {told:g} a second, 20 are kept to"


def test_each_field_that_is_not_there_is_a_line() -> None:
    lost = judged(probe(absent={"Rec.HullMA9": "vote by vote"}, fields=30))
    assert [(one.what, one.standing, one.said, one.cure) for one in lost[2:]] == [
        ("field", Standing.WRONG, "there:80 has no Rec.HullMA9", "vote by vote")
    ]
    assert line(judged(probe(fields=30)), "fields").said == "all 30 that are used are there"


def test_a_date_is_read_from_a_head() -> None:
    assert time_told({"date": "Mon, 01 Jun 2026 12:00:00 GMT"}) == ASKED
    east = datetime(2026, 6, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert time_told({"date": "Mon, 01 Jun 2026 14:00:00 +0200"}) == east == ASKED
    assert time_told({"date": "Mon, 01 Jun 2026 12:00:00 -0000"}) == ASKED
    assert time_told({"date": "today"}) is None
    assert time_told({"date": "Fri, 31 Dec 9999 23:59:59 GMT"}) is None
    assert time_told({"date": f"Mon, 01 Jun 2026 12:00:00 +{'9' * 20}"}) is None
    assert time_told({}) is None
