"""Names that changed: which coin or share became which, and when. Plain data, to be read and extended by hand.

A name is at most once on either side, but for mergers, and following it never leads back. Nothing here is applied
by itself: who joins histories does so openly, and from the day on which it was known.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache


class TickerSpace(StrEnum):
    """Where a name is one: coins are named alike on all exchanges, shares on those of one country."""

    COINS = "coins"
    US = "us"


class Change(StrEnum):
    """What happened: another name for the same thing, or one thing that became part of another."""

    RENAMED = "renamed"
    MERGED = "merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """`old` became `new`.

    Parameters
    ----------
    on : first day of trading under the new name (of the exchange that the source names).
    ratio : units of `new` for one of `old`.
    source : who stated it.
    """

    market: TickerSpace
    change: Change
    old: str
    new: str
    on: date
    ratio: float
    source: str


_SWAPS = "announcement of Binance on the token swap"
_LISTS = "packaged lists of members, in which the span of one name ends where that of the other begins"

_COINS = (
    ("MATIC", "POL", date(2024, 9, 13), _SWAPS),
    ("KLAY", "KAIA", date(2024, 10, 31), _SWAPS),
    ("FTM", "S", date(2025, 1, 16), _SWAPS),
)

_SHARES = """
    PCLN BKNG 2018-02-27, QVCA QRTEA 2018-04-09, TMK GL 2019-08-08, BHGE BKR 2019-10-18, HCP PEAK 2019-11-05,
    SYMC NLOK 2019-11-05, CTRP TCOM 2019-11-05, CBS VIAC 2019-12-05, BBT TFC 2019-12-09, JEC J 2019-12-10,
    UTX RTX 2020-04-03, ARNC HWM 2020-04-06, CTL LUMN 2020-09-18, LB BBWI 2021-08-03, COG CTRA 2021-10-04,
    WLTW WTW 2022-01-20, VIAC PARA 2022-02-17, DISCA WBD 2022-04-11, BLL BALL 2022-05-10, ANTM ELV 2022-06-28,
    NLOK GEN 2022-11-08, PKI RVTY 2023-05-16, FISV FI 2023-06-07, RE EG 2023-06-10, ABC COR 2023-08-30,
    CDAY DAY 2024-02-01, PEAK DOC 2024-03-04, FLT CPAY 2024-03-25
    """


def _renamed(market: TickerSpace, old: str, new: str, on: date, source: str) -> Rename:
    return Rename(market=market, change=Change.RENAMED, old=old, new=new, on=on, ratio=1.0, source=source)


RENAMES: tuple[Rename, ...] = (
    *(_renamed(TickerSpace.COINS, *row) for row in _COINS),
    Rename(
        market=TickerSpace.COINS,
        change=Change.MERGED,
        old="AGIX",
        new="FET",
        on=date(2024, 7, 1),
        ratio=0.43335,
        source="merger guide of the Artificial Superintelligence Alliance",
    ),
    _renamed(TickerSpace.US, "FB", "META", date(2022, 6, 9), "press release of Meta Platforms, 2022-05-31"),
    *(
        _renamed(TickerSpace.US, old, new, date.fromisoformat(on), _LISTS)
        for old, new, on in (row.split() for row in _SHARES.split(","))
    ),
)


def spelled(ticker: str) -> str:
    """Return a US ticker as lists write it: the class of a share behind a dot (`BRK-B`, `BRK/B` are `BRK.B`)."""
    return ticker.replace("-", ".").replace("/", ".").replace("_", ".")


@cache
def share_names(ticker: str) -> tuple[tuple[str, date], ...]:
    """Return other names of a US share, each with the day before which it applies: `RTX`, `UTX` before 2020-04-03.

    Before that day a file of today's names and a list of then, or the other way about, speak of one thing; later the
    older name may be another's.
    """
    return (*_along(ticker, forward=False), *_along(ticker, forward=True))


def _along(ticker: str, *, forward: bool) -> Iterator[tuple[str, date]]:
    """Yield names that led to this one, or that it led to."""
    steps = {one.old if forward else one.new: one for one in RENAMES if one.market is TickerSpace.US}
    before = date.max
    while one := steps.get(ticker):
        ticker = one.new if forward else one.old
        before = min(before, one.on)
        yield ticker, before
