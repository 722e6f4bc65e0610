"""Membership: instruments that a dated list of members includes on a day, and members without an instrument.

A file of prices says `RTX` and `BRK-B` where the list of 2019 says `UTX` and `BRK.B`: they are found under either name
(`core.renames`). What the list names and no instrument bears is missing, and is counted: without it a dated list is no
protection from survivorship.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from tvquant.core.instruments import Instrument
from tvquant.profiles.members import Members
from tvquant.symbology.renames import share_names, spelled


def ticker_of(instrument: Instrument) -> str:
    """Return the instrument's ticker as lists spell it."""
    return spelled(instrument.symbol.partition(":")[2])


def listed_on(members: Members, day: date) -> frozenset[str]:
    """Return the tickers of the members on a day."""
    return frozenset(map(spelled, members.tickers(day)))


def known_as(ticker: str, listed: frozenset[str], day: date) -> str | None:
    """Return the name under which a list of that day has a ticker; None where it has not."""
    if ticker in listed:
        return ticker
    return next((name for name, before in share_names(ticker) if day < before and name in listed), None)


def absent(members: Members, symbols: Iterable[str], first: date, last: date) -> tuple[int, tuple[str, ...]]:
    """Return the number of names listed from `first` to `last`, and those that none of the symbols ever bore."""
    ends = ((span.ticker, span.first or date.min, span.last or date.max) for span in members.spans)
    named = {spelled(ticker) for ticker, begin, end in ends if not members.dated or (begin <= last and end >= first)}
    tickers = {spelled(symbol.partition(":")[2]) for symbol in symbols}
    borne = tickers | {name for ticker in tickers for name, _ in share_names(ticker)}
    return len(named), tuple(sorted(named - borne))


def missing(members: Members, instruments: Sequence[Instrument], day: date) -> tuple[str, ...]:
    """Return the members of a day that none of the instruments is, sorted."""
    listed = listed_on(members, day)
    return tuple(sorted(listed - {known_as(ticker_of(one), listed, day) for one in instruments}))
