"""Stored rows, put in order and judged: one bar per symbol and session, its defects, and who the ticker then was.

1. Rows are sorted by symbol and session, and the versions of one bar are joined: per value the least and the greatest.
   Versions that differ by more than rounding conflict. The join does not depend on the order rows arrived in.
2. Rows that were recorded before the bar closed are left out where there are others, else the bar is unfinished.
3. A bar is valid unless it is unfinished, conflicts, contradicts itself, has a price that is not above zero, or is off
   its calendar.
4. A jump between valid bars that no one can have traded through ends an instrument: a new generation starts.

Everything about a bar follows from bars up to it, so the same function serves the panel, the audit and the digest.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tvquant.core.calendars import Calendar, calendar
from tvquant.core.instruments import Fact, Instant
from tvquant.core.panel import Basis, Bools, Floats, Times
from tvquant.lake.reading.funding import NONE as NO_PAYMENTS
from tvquant.lake.reading.funding import Payments
from tvquant.lake.reading.stored_rows import StoredRows, bar_starts, session
from tvquant.lake.storage.tables import MEASURES, PRICES
from tvquant.symbology.kinds import SHARES, Structure

type Ints = NDArray[np.int64]

SAME = 1e-12
"""Relative difference below which two versions of a value are one (decimals read by different parsers)."""
ROUNDING = 1e-6
"""Relative tolerance of high and low against the other prices."""
BREAK = 10.0
"""An open this many times the last close, or one part in as many, is no trade in the same thing."""
CLOSE_BREAK = 20.0
"""The same for closes alone: upward, or either way across missing bars."""
SPLIT_MATCH = 1.2
"""A delivered split explains a jump within this factor."""
MOST_FOR_ONE, SPLIT_ROUNDING = 10, 0.03
"""An open within 3 % of n times the last close, or one n-th, n from 2 to 10, looks like a split not delivered."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Symbol:
    """One symbol as declared at import.

    `actions` are spans, by time: the first and the last of the bars that dividends were delivered with, zeros included.
    Bars outside of them have no known dividends, however many of the others do. `facts` are what providers told of its
    steps, by time.
    """

    name: str
    structure: Structure
    basis: Basis
    actions: tuple[tuple[Instant, Instant], ...]
    facts: tuple[Fact, ...] = ()

    @property
    def applies_splits(self) -> bool:
        """Prices are raw: a split is not in them yet."""
        return self.basis is Basis.RAW

    @property
    def applies_dividends(self) -> bool:
        """Prices are without dividends, which are known."""
        return self.basis is not Basis.TOTAL and bool(self.actions)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Actions:
    """A corporate actions: the symbol's number, the session, what was delivered; `conflict` where versions differ."""

    symbol: Ints
    stamp: Times
    split: Bools
    value: Floats
    conflict: Bools


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """n bars of S symbols, sorted by symbol and time.

    Parameters
    ----------
    symbols : S symbols, sorted by name; `calendars` : name -> the calendars they use.
    symbol, stamp : n, the symbol's number and the bar's session (its open, round the clock).
    slot : n, number of the bar on its calendar, -1 off it.
    closes : n, when the bar closed.
    low, high : value name -> n, least and greatest of the stored versions (NaN where none).
    unfinished, conflict, disorder, non_positive : n, defects, the first without any of the others.
    valid : n, none of them, and on the calendar.
    generation : n, which holder of the ticker the bar belongs to (an invalid bar: the last one before it).
    factor : n, open (else close) over the previous valid close, splits not taken out; NaN where there is none.
    breaks, suspected_split : n, the bar starts a generation; it opens like a split that was not delivered.
    actions : the corporate actions of the symbols; `funding` : payments of swaps.
    """

    symbols: tuple[Symbol, ...]
    calendars: Mapping[str, Calendar]
    symbol: Ints
    stamp: Times
    slot: Ints
    closes: Times
    low: Mapping[str, Floats]
    high: Mapping[str, Floats]
    unfinished: Bools
    conflict: Bools
    disorder: Bools
    non_positive: Bools
    valid: Bools
    generation: Ints
    factor: Floats
    breaks: Bools
    suspected_split: Bools
    actions: Actions
    funding: Payments = NO_PAYMENTS

    def rows_of(self, number: int) -> slice:
        """Where the bars of one symbol stand."""
        first, last = np.searchsorted(self.symbol, [number, number + 1])
        return slice(int(first), int(last))

    def until(self, t: Instant) -> "Bars":
        """The bars that had closed at `t`."""
        return replace(self, **self._only(self.closes <= t))

    def parts(self, most: int) -> Iterator["Bars"]:
        """Yield the bars of at most so many symbols at a time; nearly all arrays are views."""
        for first in range(0, len(self.symbols), most):
            symbols = self.symbols[first : first + most]
            rows, acts, paid = (
                slice(*np.searchsorted(column, [first, first + len(symbols)]).tolist())
                for column in (self.symbol, self.actions.symbol, self.funding.symbol)
            )
            yield replace(
                self,
                **self._only(rows) | {"symbol": self.symbol[rows] - first},
                symbols=symbols,
                actions=_part(self.actions, acts, first),
                funding=_part(self.funding, paid, first),
            )

    def _only(self, rows: slice | Bools) -> dict[str, Any]:
        """All columns at these rows."""
        cut: dict[str, Any] = {}
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if isinstance(value, np.ndarray):
                cut[name] = value[rows]
        for name in ("low", "high"):
            cut[name] = {field: column[rows] for field, column in getattr(self, name).items()}
        return cut


def _part[Columns: (Actions, Payments)](columns: Columns, rows: slice, first: int) -> Columns:
    """Some rows of equally long columns; symbols are numbered from `first` on."""
    cut = {field.name: getattr(columns, field.name)[rows] for field in fields(columns)}
    return replace(columns, **cut | {"symbol": cut["symbol"] - first})


def assemble(
    symbols: tuple[Symbol, ...], rows: StoredRows, actions: pl.DataFrame, funding: Payments = NO_PAYMENTS
) -> Bars:
    """Judge the stored rows of the given symbols (which must be sorted by name, and have rows)."""
    number, stamp, unfinished, low, high = rows.symbol, rows.stamp, rows.early, rows.values, rows.values
    starts = bar_starts(number, stamp)
    if len(starts) < len(number):
        low = {name: np.fmin.reduceat(column, starts) for name, column in rows.values.items()}
        high = {name: np.fmax.reduceat(column, starts) for name, column in rows.values.items()}
        number, stamp, unfinished = number[starts], stamp[starts], unfinished[starts]
    conflict = np.zeros(len(number), bool)
    for name in MEASURES:
        conflict |= high[name] - low[name] > SAME * np.abs(high[name])
    conflict &= ~unfinished
    calendars = _calendars(symbols, stamp)
    slot, closes = _slots(symbols, calendars, number, stamp)
    disorder, non_positive = (found & ~(conflict | unfinished) for found in _contradictions(low))
    valid = ~(unfinished | conflict | disorder | non_positive) & (slot >= 0)
    symbols = _without_seams(symbols, number[~unfinished], stamp[~unfinished])
    found = _actions(symbols, actions)
    breaks, factor, suspected = _breaks(symbols, found, number, stamp, slot, valid, low)
    count = np.cumsum(breaks)
    first = np.searchsorted(number, number)
    return Bars(
        symbols=symbols,
        calendars=calendars,
        symbol=number,
        stamp=stamp,
        slot=slot,
        closes=closes,
        low=low,
        high=high,
        unfinished=unfinished,
        conflict=conflict,
        disorder=disorder,
        non_positive=non_positive,
        valid=valid,
        generation=1 + count - (count - breaks)[first],
        factor=factor,
        breaks=breaks,
        suspected_split=suspected,
        actions=found,
        funding=funding,
    )


def _without_seams(symbols: tuple[Symbol, ...], number: Ints, stamp: Times) -> tuple[Symbol, ...]:
    """The symbols with one span of dividends where no bar lies between two."""
    out = []
    for j, symbol in enumerate(symbols):
        if len(symbol.actions) > 1:
            days = stamp[slice(*np.searchsorted(number, [j, j + 1]))].astype("datetime64[D]")
            spans = list(symbol.actions[:1])
            for first, last in symbol.actions[1:]:
                before, after = (edge.astype("datetime64[D]") for edge in (spans[-1][1], first))
                if np.searchsorted(days, before, "right") == np.searchsorted(days, after, "left"):
                    first = spans.pop()[0]
                spans.append((first, last))
            symbol = replace(symbol, actions=tuple(spans))
        out.append(symbol)
    return tuple(out)


def _calendars(symbols: tuple[Symbol, ...], stamp: Times) -> dict[str, Calendar]:
    first: date = stamp.min().astype("datetime64[D]").item()
    last: date = stamp.max().astype("datetime64[D]").item()
    names = sorted({symbol.structure.calendar for symbol in symbols})
    return {name: calendar(name, first, last) for name in names}


def _slots(
    symbols: tuple[Symbol, ...], calendars: Mapping[str, Calendar], number: Ints, stamp: Times
) -> tuple[Ints, Times]:
    """Return the number of each bar on its symbol's calendar (-1 off it), and when it is known."""
    slot = np.full(len(stamp), -1, dtype=np.int64)
    closes = np.empty_like(stamp)
    for name, found in calendars.items():
        mine = np.array([symbol.structure.calendar == name for symbol in symbols])[number]
        at = stamp[mine]
        closes[mine] = found.known_at(at)
        days = at.astype("datetime64[D]")
        if found.opens is None:
            slot[mine] = np.where(days == at, days.astype(np.int64), -1)
            continue
        place = np.minimum(np.searchsorted(found.opens, at), len(found.opens) - 1)
        slot[mine] = np.where(found.opens[place] == at, place, -1)
    return slot, closes


def _contradictions(values: Mapping[str, Floats]) -> tuple[Bools, Bools]:
    """Bars whose prices contradict each other beyond rounding, and bars with a price that is not above zero."""
    opens, high, low, close = (values[name] for name in PRICES)
    ceiling, floor = high + ROUNDING * np.abs(high), low - ROUNDING * np.abs(low)
    disorder = (high < floor) | (np.fmax(opens, close) > ceiling) | (np.fmin(opens, close) < floor)
    non_positive = np.zeros(len(close), bool)
    for name in PRICES:
        non_positive |= values[name] <= 0
    return disorder, non_positive


def _actions(symbols: tuple[Symbol, ...], actions: pl.DataFrame) -> Actions:
    """Distinct actions by symbol, session and kind; of conflicting versions the least stands for all."""
    names = pl.Enum([symbol.name for symbol in symbols])
    keys = session({symbol.name: symbol.structure for symbol in symbols})
    value = pl.col("value")
    rows = (
        actions.select(pl.col("symbol").cast(names).to_physical().cast(pl.Int64), keys.alias("stamp"), "kind", "value")
        .group_by("symbol", "stamp", "kind")
        .agg(value.min(), conflict=value.max() - value.min() > SAME * value.max())
        .sort("symbol", "stamp", "kind")
    )
    return Actions(
        symbol=rows["symbol"].to_numpy(),
        stamp=rows["stamp"].dt.replace_time_zone(None).to_numpy(),
        split=(rows["kind"] == "split").to_numpy(),
        value=rows["value"].to_numpy(),
        conflict=rows["conflict"].to_numpy(),
    )


def places(number: Ints, stamp: Times) -> Ints:
    """One increasing number for symbol and day, to search sorted bars with."""
    return (number << 22) + stamp.astype("datetime64[D]").astype(np.int64)


def _breaks(
    symbols: tuple[Symbol, ...],
    actions: Actions,
    number: Ints,
    stamp: Times,
    slot: Ints,
    valid: Bools,
    values: Mapping[str, Floats],
) -> tuple[Bools, Floats, Bools]:
    """Where generations start, the jump into each bar, and jumps that look like splits; n each."""
    at = np.flatnonzero(valid)
    who, close, opens = number[at], values["close"][at], values["open"][at]
    follows = np.diff(who, prepend=-1) == 0
    missing = follows & (np.diff(slot[at], prepend=0) > 1)
    closes_only = np.isnan(opens)
    jump = np.full(len(at), np.nan)
    jump[1:] = np.where(closes_only, close, opens)[1:] / close[:-1]
    jump[~follows] = np.nan
    split = _splits_into(symbols, actions, who, stamp[at])
    traded = (jump > BREAK) | (jump < 1 / BREAK)
    shut = (jump > CLOSE_BREAK) | (missing & (jump < 1 / CLOSE_BREAK))
    explained = (split != 1) & (np.abs(np.log(jump * split)) <= np.log(SPLIT_MATCH))
    breaks = np.where(closes_only, shut, traded) & ~explained
    ratio = np.fmax(jump, 1 / jump)
    times = np.round(ratio)
    whole = (times >= 2) & (times <= MOST_FOR_ONE) & (np.abs(ratio / times - 1) <= SPLIT_ROUNDING)
    suspects = np.array([s.basis is Basis.RAW and bool(s.structure.kinds & SHARES) for s in symbols], dtype=bool)
    suspected = suspects[who] & whole & (split == 1) & ~breaks
    out = np.zeros(len(number), bool), np.full(len(number), np.nan), np.zeros(len(number), bool)
    for full, part in zip(out, (breaks, jump, suspected), strict=True):
        full[at] = part
    return out


def _splits_into(symbols: tuple[Symbol, ...], actions: Actions, who: Ints, stamp: Times) -> Floats:
    """Product of the splits to apply between the previous valid bar and each one."""
    product = np.ones(len(who))
    applies = np.array([symbol.applies_splits for symbol in symbols], dtype=bool)
    mine = actions.split & applies[actions.symbol] & ~actions.conflict
    if not mine.any():
        return product
    into = np.searchsorted(places(who, stamp), places(actions.symbol[mine], actions.stamp[mine]))
    inside = into < len(who)
    into, numbers, ratios = into[inside], actions.symbol[mine][inside], actions.value[mine][inside]
    same = who[into] == numbers
    np.multiply.at(product, into[same], ratios[same])
    return product
