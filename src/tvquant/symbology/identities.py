"""One thing under several names: renamed and merged coins and shares, scaled contracts, quotes of one coin.

Nothing here is applied by itself: a panel never splices two symbols. `chain` says what followed what and when, and
`identity` what a symbol is a price of; whoever joins histories does so openly, and from the date on which it was known.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from tvquant.symbology.kinds import ROUND_THE_CLOCK, split_pair, structure
from tvquant.symbology.renames import RENAMES, Change, TickerSpace, spelled

SCALED = re.compile(r"(?:(?P<before>1000+)|(?P<million>1M)(?=[A-Z]{4}))?(?P<base>[A-Z].*?)(?P<after>1000+)?")
"""`1000PEPE`, `1MBABYDOGE` and `SHIB1000` are multiples; `1INCH` is a coin."""


class Identity(NamedTuple):
    """What a symbol is a price of: `factor` units of `base`; shares and funds are set apart from coins by `US:`."""

    base: str
    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One symbol of a chain: from when its name was in use (None: from the first), and units of it per unit of the
    first one."""

    symbol: str
    since: date | None
    units: float


def identity(symbol: str) -> Identity:
    """Return what the symbol is a price of, under the name it bears: alike for all quotes, venues and scaled contracts.

    Raises
    ------
    DataError : the symbol is none.
    """
    if not structure(symbol).kinds & ROUND_THE_CLOCK:
        return Identity(f"US:{spelled(symbol.partition(':')[2])}", 1.0)
    return _scaled(split_pair(symbol).base)


def chain(symbol: str) -> tuple[Link, ...]:
    """Return the symbols that one thing has had on this venue in this quote, the oldest first; mostly the symbol alone.

    Raises
    ------
    DataError : the symbol is none.
    """
    exchange, ticker = symbol.split(":", 1)
    coins = bool(structure(symbol).kinds & ROUND_THE_CLOCK)
    market = TickerSpace.COINS if coins else TickerSpace.US
    written = split_pair(symbol).base if coins else ticker
    name = _scaled(written).base if coins else ticker
    head, tail = ticker[: written.find(name)], ticker[written.find(name) + len(name) :]
    mine = [one for one in RENAMES if one.market is market]
    first = name
    while before := next((one for one in mine if one.new == first and one.change is Change.RENAMED), None):
        first = before.old
    links = [Link(symbol=f"{exchange}:{head}{first}{tail}", since=None, units=1.0)]
    while after := next((one for one in mine if one.old == first), None):
        first, units = after.new, links[-1].units * after.ratio
        links.append(Link(symbol=f"{exchange}:{head}{first}{tail}", since=after.on, units=units))
    return tuple(links)


def _scaled(base: str) -> Identity:
    """Return the coin and how many of it one contract is."""
    found = SCALED.fullmatch(base)
    if found is None:
        return Identity(base, 1.0)
    factor = 1e6 if found["million"] else float(found["before"] or found["after"] or 1)
    return Identity(found["base"], factor)
