"""What judged bars testify beyond single prices: against their basis and actions, their volume, and their dates.

All of it follows from the bars that are given: of bars until a moment, what was known then.
"""

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import polars as pl

from tvquant.core.calendars import CRYPTO, DAY, calendar
from tvquant.core.instants import instant
from tvquant.core.instruments import Instant
from tvquant.core.panel import Bools, Floats
from tvquant.lake.quality.basis import Evidence, unshown
from tvquant.lake.quality.checks import Finding, FindingKind, per_symbol
from tvquant.lake.reading.bars import Bars, Symbol
from tvquant.lake.storage.tables import ACCEPTED

STRAY_SHARE, STRAY_BARS = 0.1, 2
"""Bars off the calendar of sessions, as a share and as a number, from which on all dates may be those of other days."""
FITS = 0.95
"""Share of all bars that are sessions when the dates are moved by a day: then they are a day off."""


def on_word(symbol: Symbol) -> bool:
    """Its basis was taken on the user's word."""
    return any(fact.field == ACCEPTED for fact in symbol.facts)


def denials(bars: Bars) -> Iterator[Finding]:
    """Prices that contradict their basis, and actions that they deny."""
    prices, actions = _priced(bars), _told(bars)
    if prices.is_empty():
        return
    word = frozenset(one.name for one in bars.symbols if on_word(one))
    for one in Evidence.of(prices, actions).contradictions():
        said = f"{one.said}: they look {one.looks}"
        yield _finding(one.symbol, one.at, FindingKind.BASIS, said, word)
    for row in unshown(prices, actions).iter_rows(named=True):
        yield _finding(row["symbol"], row["bar"], FindingKind.UNSHOWN_ACTION, row["said"], word)


def _finding(symbol: str, at: datetime, kind: FindingKind, said: str, word: frozenset[str]) -> Finding:
    stamp = instant(at)
    taken = "; taken on your word" if symbol in word else ""
    return Finding(symbol=symbol, kind=kind, first=stamp, last=stamp, count=1, detail=f"{said}{taken}")


def _priced(bars: Bars) -> pl.DataFrame:
    """Valid bars of the symbols that have actions or an `adj_close`."""
    telling = np.zeros(len(bars.symbols), bool)
    telling[bars.actions.symbol] = True
    telling[bars.symbol[~np.isnan(bars.low["adj_close"])]] = True
    at = np.flatnonzero(bars.valid & telling[bars.symbol])
    names = pl.Series([one.name for one in bars.symbols], dtype=pl.String)
    bases = pl.Series([str(one.basis) for one in bars.symbols], dtype=pl.String)
    return pl.DataFrame(
        {
            "symbol": names.gather(bars.symbol[at]),
            "timestamp": pl.Series(bars.stamp[at]).dt.replace_time_zone("UTC"),
            "close": bars.low["close"][at],
            "adj_close": pl.Series(bars.low["adj_close"][at], nan_to_null=True),
            "basis": bases.gather(bars.symbol[at]),
        }
    )


def _told(bars: Bars) -> pl.DataFrame:
    """Actions that are applied, or would be: of those that conflict none is."""
    mine = ~bars.actions.conflict
    names = pl.Series([one.name for one in bars.symbols], dtype=pl.String)
    kinds = np.where(bars.actions.split[mine], "split", "dividend")
    return pl.DataFrame(
        {
            "symbol": names.gather(bars.actions.symbol[mine]),
            "timestamp": pl.Series(bars.actions.stamp[mine]).dt.replace_time_zone("UTC"),
            "kind": pl.Series(kinds, dtype=pl.String),
            "value": bars.actions.value[mine],
        }
    )


def volume_holes(bars: Bars) -> Iterator[Finding]:
    """Bars without volume between bars that have some: null, or zero while the price moved."""
    at = np.flatnonzero(bars.valid)
    who, volume = bars.symbol[at], bars.low["volume"][at]
    traded = volume > 0
    before = np.maximum.accumulate(np.where(traded, np.arange(len(at)), -1)) if len(at) else at
    after = np.minimum.accumulate(np.where(traded, np.arange(len(at)), len(at))[::-1])[::-1] if len(at) else at
    inside = (before >= 0) & (after < len(at))
    inside[inside] &= (who[before[inside]] == who[inside]) & (who[after[inside]] == who[inside])
    holes = np.zeros(len(bars.symbol), bool)
    holes[at] = inside & (np.isnan(volume) | ((volume == 0) & _moved(bars)[at]))
    yield from per_symbol(bars, holes, FindingKind.VOLUME_HOLE, "no volume between bars that have some: deliver it")


def _moved(bars: Bars) -> Bools:
    """Bars whose prices are not all one."""
    low, high = bars.low["low"], bars.low["high"]
    moved: Bools = _known(high, bars.low["close"]) > _known(low, bars.low["close"])
    return moved


def _known(values: Floats, other: Floats) -> Floats:
    return np.where(np.isnan(values), other, values)


def other_days(bars: Bars) -> Iterator[Finding]:
    """Symbols with sessions whose dates are a day off: many fall on closed days, and a day later (or earlier) few do.

    So are stamps of a midnight elsewhere: 00:00 at +05:30 is 18:30 UTC of the day before.
    """
    for number, symbol in enumerate(bars.symbols):
        rows = np.arange(len(bars.symbol))[bars.rows_of(number)]
        stray = int((bars.slot[rows] < 0).sum())
        market = symbol.structure.calendar
        if market == CRYPTO or stray < STRAY_BARS or stray < STRAY_SHARE * len(rows):
            continue
        stamps = bars.stamp[rows]
        edges: list[Instant] = [stamps[0] - DAY, stamps[-1] + DAY]
        known = calendar(market, *(edge.astype("datetime64[D]").item() for edge in edges))
        for days, way in ((DAY, "early"), (-DAY, "late")):
            fits = float((~np.isnat(known.close_of(stamps + days))).mean())
            if fits >= FITS:
                detail = (
                    f"{stray} of {len(rows)} dates are no sessions of {market}, and {fits:.0%} are if moved by a day: "
                )
                detail += f"they are a day {way}, as midnights of another zone are"
                yield Finding(
                    symbol=symbol.name, kind=FindingKind.CALENDAR_DRIFT, first=stamps[0], last=stamps[-1],
                    count=len(rows), detail=detail,
                )  # fmt: skip
                break
