"""From judged bars to a Panel: one column per holder of a ticker, one row per bar of the calendar."""

from dataclasses import dataclass

import numpy as np

from tvquant.core.errors import DataError
from tvquant.core.instruments import Fact, Instant, Instrument, Kind
from tvquant.core.panel import Basis, Bools, Caveat, Caveats, Floats, Panel, Times
from tvquant.core.stamps import NONE, Stamp
from tvquant.lake.reading.bars import Bars, Ints, Symbol, places
from tvquant.lake.reading.funding import Payments
from tvquant.lake.reading.stablecoin_pegs import lost_pegs
from tvquant.lake.storage.tables import ACCEPTED, MEASURES, SIMULATED
from tvquant.symbology.identities import identity
from tvquant.symbology.kinds import SHARES_AND_INDICES

MARKS = {ACCEPTED: Stamp.ACCEPTED_BASIS, SIMULATED: Stamp.SIMULATED}
"""Facts that no provider tells, and the caveats that they are."""

HOUR = np.timedelta64(1, "h")
MOST_COVERED = 8.0
"""Hours that one payment covers at most: no exchange settles more seldom."""


def build(bars: Bars) -> Panel:
    """The panel of all valid bars; a symbol without any is not in it.

    Raises
    ------
    DataError : several calendars, a currency that is not USD, no valid bar at all.
    """
    _one_grid(bars)
    (market,) = bars.calendars.values()
    at = np.flatnonzero(bars.valid)
    if not len(at):
        raise DataError("no symbol has a valid bar: there is no panel to build; see `tvquant data audit`")
    starts, column = _columns(bars, at)
    row = bars.slot[at] - bars.slot[at].min()
    shape = (int(row.max()) + 1, len(starts))
    fields: dict[str, Floats] = {}
    for name in MEASURES:
        values = bars.low[name][at]
        if name == "close" or not np.isnan(values).all():
            fields[name] = np.full(shape, np.nan)
            fields[name][row, column] = values
    tradable = np.zeros(shape, bool)
    tradable[row, column] = True
    times = market.bars(bars.stamp[at].min(), bars.stamp[at].max())
    known_at = market.known_at(times)
    applied = _applied(bars, at, column, times)
    fields |= _action_fields(bars, applied, shape)
    fields |= _funding_fields(bars, at, column, times, known_at, shape)
    instruments = _instruments(bars, starts)
    caveats = _caveats(bars, at, column, starts, _withheld(bars, applied, known_at, len(starts)))
    bases = tuple(bars.symbols[bars.symbol[start]].basis for start in starts)
    del bars, at, row, column, applied, values  # returns are worked out without them in memory
    return Panel(
        times=times,
        instruments=instruments,
        fields=fields,
        known_at=np.broadcast_to(known_at[:, None], shape),
        tradable=tradable,
        bases=bases,
        stamps=tuple(own | assumed_steps_caveats(one) for own, one in zip(caveats, instruments, strict=True)),
        calendar=market.name,
    )


def _one_grid(bars: Bars) -> None:
    if len(bars.calendars) > 1:
        found = ", ".join(
            f"{name} ({next(s.name for s in bars.symbols if s.structure.calendar == name)})" for name in bars.calendars
        )
        raise DataError(f"symbols of several calendars: {found}; one calendar per panel for now, choose one kind")
    foreign = next((s for s in bars.symbols if s.structure.currency != "USD"), None)
    if foreign is not None:
        raise DataError(f"{foreign.name} is priced in {foreign.structure.currency}; only USD can be read, leave it out")


def _columns(bars: Bars, at: Ints) -> tuple[Ints, Ints]:
    """First bar of every instrument in the order of columns, and the column of each valid bar."""
    who, generation = bars.symbol[at], bars.generation[at]
    new = np.r_[True, (who[1:] != who[:-1]) | (generation[1:] != generation[:-1])]
    starts = at[new]
    # By first bar, then by key: a symbol's next generation always begins later, so its name decides between symbols.
    order = np.lexsort((bars.symbol[starts], bars.slot[starts]))
    place = np.empty(len(starts), np.int64)
    place[order] = np.arange(len(starts))
    return starts[order], place[np.cumsum(new) - 1]


def _instruments(bars: Bars, starts: Ints) -> tuple[Instrument, ...]:
    """One per column; what was told of a ticker when another held it already is the other's."""
    begins = {(bars.symbol[start], bars.generation[start]): bars.closes[start] for start in starts}
    unpegged = lost_pegs(bars)
    made = []
    for start in starts:
        number, generation = int(bars.symbol[start]), int(bars.generation[start])
        lost = unpegged.get((number, generation))
        found = () if lost is None else (Fact(field="unpegged_at", value=lost.since, known_at=lost.known_at),)
        made.append(_instrument(bars, start, begins.get((number, generation + 1)), found))
    return tuple(made)


def _instrument(bars: Bars, start: int, ends: Instant | None, found: tuple[Fact, ...]) -> Instrument:
    """The holder of a ticker since a bar: what was told of it until another came, and what its bars say."""
    symbol = bars.symbols[bars.symbol[start]]
    listed = Fact(field="listed_at", value=bars.stamp[start], known_at=bars.closes[start])
    told = (fact for fact in symbol.facts if fact.field not in MARKS and (ends is None or fact.known_at < ends))
    return Instrument(
        symbol=symbol.name,
        generation=int(bars.generation[start]),
        kinds=symbol.structure.kinds,
        currency=symbol.structure.currency,
        calendar=symbol.structure.calendar,
        base=identity(symbol.name).base,
        facts=tuple(sorted((listed, *told, *found), key=lambda fact: fact.known_at)),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Applied:
    """Where the A actions stand in the panel; `on` says which have a place there at all.

    An action belongs to the holder of the ticker at its date, and stands in its own row even if that has no bar.
    """

    row: Ints
    column: Ints
    on: Bools


def _applied(bars: Bars, at: Ints, column: Ints, times: Times) -> _Applied:
    actions = bars.actions
    row = np.minimum(np.searchsorted(times, actions.stamp), len(times) - 1)
    last = np.searchsorted(places(bars.symbol[at], bars.stamp[at]), places(actions.symbol, actions.stamp), "right") - 1
    on = (times[row] == actions.stamp) & (last >= 0) & (bars.symbol[at][last] == actions.symbol)
    return _Applied(row=row, column=column[last], on=on)


def _action_fields(bars: Bars, applied: _Applied, shape: tuple[int, int]) -> dict[str, Floats]:
    """`dividend` and `split`, where any symbol's basis leaves them to be applied; conflicting ones are withheld."""
    actions = bars.actions
    on = applied.on & ~actions.conflict
    dividends = np.array([symbol.applies_dividends for symbol in bars.symbols], dtype=bool)
    splits = np.array([symbol.applies_splits for symbol in bars.symbols], dtype=bool)
    fields: dict[str, Floats] = {}
    for name, neutral, mine, applies in (
        ("dividend", 0.0, ~actions.split, dividends),
        ("split", 1.0, actions.split, splits),
    ):
        mine = mine & on & applies[actions.symbol]
        if mine.any():
            fields[name] = np.full(shape, neutral)
            fields[name][applied.row[mine], applied.column[mine]] = actions.value[mine]
    return fields


def _funding_fields(
    bars: Bars, at: Ints, column: Ints, times: Times, closes: Times, shape: tuple[int, int]
) -> dict[str, Floats]:
    """`funding` and `funding_hours` of each row, NaN where not known; their parts until the open, if any.

    A row has the payments after the close of the row before until its own close. As actions do, a payment belongs to
    the holder of the ticker, and stands in its row even if that has no bar.
    """
    symbol, hour, rate, cover = _hourly(bars.funding)
    row = np.minimum(np.searchsorted(closes, hour), len(times) - 1)
    last = np.searchsorted(places(bars.symbol[at], bars.stamp[at]), places(symbol, times[row]), "right") - 1
    on = (hour > np.r_[times[:1], closes[:-1]][row]) & (hour <= closes[row]) & (last >= 0)
    on &= bars.symbol[at][last] == symbol
    fields: dict[str, Floats] = {}
    for suffix, mine in (("", on), ("_early", on & (hour <= times[row]))):
        if mine.any():
            where = row[mine], column[last[mine]]
            for name, values in ((f"funding{suffix}", rate), (f"funding{suffix}_hours", cover)):
                some, found = np.zeros(shape, bool), np.zeros(shape)
                some[where] = True
                np.add.at(found, where, values[mine])
                fields[name] = np.where(some, found, np.nan)
    return fields


def _hourly(paid: Payments) -> tuple[Ints, Times, Floats, Floats]:
    """Symbol, hour, rate and hours covered of each settlement: those since the last one, at most eight.

    Where two rates were told for one hour, neither rate nor cover is known (NaN).
    """
    stamp = paid.stamp.astype("datetime64[h]")
    new = np.flatnonzero(np.r_[True, (paid.symbol[1:] != paid.symbol[:-1]) | (stamp[1:] != stamp[:-1])][: len(stamp)])
    if not len(new):
        return paid.symbol, paid.stamp, paid.rate, paid.rate
    symbol, hour = paid.symbol[new], stamp[new]
    low, high = np.minimum.reduceat(paid.rate, new), np.maximum.reduceat(paid.rate, new)
    since = np.r_[MOST_COVERED, (hour[1:] - hour[:-1]) / HOUR]
    since[np.r_[True, symbol[1:] != symbol[:-1]]] = MOST_COVERED
    agreed = np.where(low == high, 1.0, np.nan)
    return symbol, hour.astype("datetime64[us]"), agreed * low, agreed * np.minimum(since, MOST_COVERED)


def _withheld(bars: Bars, applied: _Applied, closes: Times, columns: int) -> Times:
    """When the first dividend that is withheld from each column was known (NaT: never); `closes` are of the rows."""
    mine = applied.on & bars.actions.conflict & ~bars.actions.split
    return _first(closes[applied.row], applied.column, mine, columns)


def _first(moments: Times, column: Ints, mine: Bools, columns: int) -> Times:
    """The first of the moments of each column among `mine`; NaT where there is none."""
    found = np.full(columns, np.datetime64("NaT", "us"))
    np.fmin.at(found, column[mine], moments[mine])
    return found


def _caveats(bars: Bars, at: Ints, column: Ints, starts: Ints, withheld: Times) -> tuple[Caveats, ...]:
    """Caveats of each column: no volume yet, and returns that leave dividends out.

    Each is dated by what was known, so that a decision's stamps do not tell what came after it. Dividends are left out
    from the first bar that came without them, or from the first that is withheld.
    """
    closes, listed = bars.closes[at], bars.closes[starts]
    volume = _first(closes, column, bars.low["volume"][at] > 0, len(starts))
    dividends = np.array([_dividends_matter(symbol) for symbol in bars.symbols], dtype=bool)
    without = _first(closes, column, dividends[bars.symbol[at]] & _undelivered(bars, at), len(starts))
    without = np.fmin(without, np.where(dividends[bars.symbol[starts]], withheld, np.datetime64("NaT", "us")))
    stamps = []
    for start, since, traded, price in zip(starts, listed, volume, without, strict=True):
        marks = (fact for fact in bars.symbols[bars.symbol[start]].facts if fact.field in MARKS)
        found = {Caveat(stamp=MARKS[one.field], since=max(one.known_at, since)) for one in marks}
        if not traded <= since:
            until = None if np.isnat(traded) else traded
            found.add(Caveat(stamp=Stamp.NO_VOLUME, since=since, until=until))
        if not np.isnat(price):
            found.add(Caveat(stamp=Stamp.PRICE_RETURN, since=price))
        stamps.append(frozenset(found))
    return tuple(stamps)


def assumed_steps_caveats(instrument: Instrument) -> Caveats:
    """Steps are assumed from the listing on until tick and lot were told; an index has none, for no one trades it."""
    first: dict[str, Instant] = {}
    for fact in instrument.facts:
        first.setdefault(fact.field, fact.known_at)
    since = first["listed_at"]
    until = max(first["tick"], first["lot"]) if {"tick", "lot"} <= first.keys() else None
    if Kind.INDEX in instrument.kinds or (until is not None and until <= since):
        return NONE
    return frozenset({Caveat(stamp=Stamp.ASSUMED_METADATA, since=since, until=until)})


def _dividends_matter(symbol: Symbol) -> bool:
    """Prices are of something that may pay dividends, and they are not in them."""
    return symbol.basis is not Basis.TOTAL and bool(symbol.structure.kinds & SHARES_AND_INDICES)


def _undelivered(bars: Bars, at: Ints) -> Bools:
    """Bars of `at` outside of all spans that dividends were delivered with; an index has none to deliver."""
    spans = [
        (number, first, last)
        for number, symbol in enumerate(bars.symbols)
        for first, last in (() if Kind.INDEX in symbol.structure.kinds else symbol.actions)
    ]
    if not spans:
        return np.ones(len(at), bool)
    whose, first, last = (np.array(column) for column in zip(*spans, strict=True))
    who, stamp = bars.symbol[at], bars.stamp[at]
    span = np.searchsorted(places(whose, first), places(who, stamp), "right") - 1
    delivered: Bools = (span >= 0) & (whose[span] == who) & (stamp <= last[span])
    return ~delivered
