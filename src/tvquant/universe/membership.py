"""Membership: which instruments a list of members means on a day, and which of its names nobody here bears.

A file of prices says `RTX` and `BRK-B` where the list of 2019 says `UTX` and `BRK.B`: they are found under either name
(`core.renames`). What the list names and no instrument bears is missing, and is counted: without it a dated list is no
protection from survivorship.
"""

from collections.abc import Sequence
from datetime import date

from tvquant.core.instruments import Instrument
from tvquant.core.renames import share_names, spelled
from tvquant.profiles.members import Members


def ticker_of(instrument: Instrument) -> str:
    """The ticker as lists write it."""
    return spelled(instrument.symbol.partition(":")[2])


def listed_on(members: Members, day: date) -> frozenset[str]:
    """Names of the members of a day."""
    return frozenset(map(spelled, members.tickers(day)))


def known_as(ticker: str, listed: frozenset[str], day: date) -> str | None:
    """The name under which a list of that day has a ticker; None where it has not."""
    if ticker in listed:
        return ticker
    return next((name for name, before in share_names(ticker) if day < before and name in listed), None)


def missing(members: Members, instruments: Sequence[Instrument], day: date) -> tuple[str, ...]:
    """Members of a day that none of the instruments is, sorted."""
    listed = listed_on(members, day)
    return tuple(sorted(listed - {known_as(ticker_of(one), listed, day) for one in instruments}))
