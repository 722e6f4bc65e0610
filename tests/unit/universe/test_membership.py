"""Who a list of members means, under whatever name it bears."""

from datetime import date

import pytest

from tvquant.core.instruments import Instrument, Kind
from tvquant.profiles.members import Members, load_members
from tvquant.universe.membership import absent, known_as, listed_on, missing, ticker_of


def share(symbol: str) -> Instrument:
    return Instrument(symbol=symbol, kinds=frozenset({Kind.STOCK}), currency="USD", calendar="XNYS")


def members(*names: str) -> Members:
    return Members(list="some", as_of=date(2025, 1, 1), source="s", licence="l", dated=True, names=names)


UTX = members("UTX 1996-01-02/2020-04-02", "RTX 2020-04-03/", "BRK.B 2010-02-16/")


@pytest.mark.requirement("R-UNI-03")
@pytest.mark.parametrize(
    ("symbol", "day", "name"),
    [
        ("NYSE:RTX", "2019-06-28", "UTX"),
        ("NYSE:RTX", "2020-04-02", "UTX"),
        ("NYSE:RTX", "2020-04-03", "RTX"),
        ("NYSE:UTX", "2019-06-28", "UTX"),
        ("NYSE:UTX", "2020-04-03", None),
        ("NYSE:RTX", "1995-12-29", None),
        ("NYSE:BRK-B", "2019-06-28", "BRK.B"),
        ("NYSE:BRK/B", "2019-06-28", "BRK.B"),
        ("NYSE:BRK.B", "2019-06-28", "BRK.B"),
        ("NYSE:BRK.A", "2019-06-28", None),
    ],
)
def test_a_member_is_found_under_the_name_it_bears(symbol: str, day: str, name: str | None) -> None:
    at = date.fromisoformat(day)
    assert known_as(ticker_of(share(symbol)), listed_on(UTX, at), at) == name


def test_a_list_of_todays_names_knows_those_of_then() -> None:
    """The list says BKNG since 2009; a file of 2015 says PCLN. What bears the old name afterwards is another thing."""
    ours = members("BKNG 2009-11-06/")
    for day, expected in ((date(2015, 1, 2), "BKNG"), (date(2018, 2, 27), None)):
        assert known_as("PCLN", listed_on(ours, day), day) == expected


def test_what_no_instrument_bears_is_missing() -> None:
    here = [share("NYSE:RTX"), share("NYSE:JPM")]
    assert missing(UTX, here, date(2019, 6, 28)) == ("BRK.B",)
    assert missing(UTX, here, date(2005, 1, 3)) == ()
    assert missing(UTX, [], date(2019, 6, 28)) == ("BRK.B", "UTX")


@pytest.mark.parametrize("name", ["sp500", "nasdaq100", "dow30"])
def test_every_name_of_a_packaged_list_means_itself(name: str) -> None:
    """On the first and last day of its span; so no rename in the table takes a name from another member."""
    ours = load_members(name)
    for span in ours.spans:
        for day in (span.first, span.last or ours.as_of):
            if day is not None:
                assert known_as(span.ticker, listed_on(ours, day), day) == span.ticker


def test_names_of_a_span_that_no_symbol_ever_bore() -> None:
    symbols = ("NYSE:RTX", "NYSE:JPM")
    assert absent(UTX, symbols, date(2019, 1, 2), date(2021, 1, 4)) == (3, ("BRK.B",))
    assert absent(UTX, symbols, date(2005, 1, 3), date(2010, 2, 15)) == (1, ())
    assert absent(UTX, ["NYSE:BRK-B"], date(2020, 4, 3), date(2021, 1, 4)) == (2, ("RTX",))
