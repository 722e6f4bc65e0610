"""From judged bars to a Panel: one column per holder of a ticker, one row per bar of the calendar."""

import numpy as np

from tvquant.core.errors import DataError
from tvquant.core.instruments import Fact, Instrument, Kind
from tvquant.core.panel import Basis, Floats, Panel, Times
from tvquant.core.stamps import NONE, Stamp, Stamps
from tvquant.lake.bars import Bars, Ints, places
from tvquant.lake.tables import MEASURES

EQUITIES = frozenset({Kind.STOCK, Kind.ETF, Kind.INDEX})


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
    fields |= _action_fields(bars, at, column, times, shape)
    return Panel(
        times=times,
        instruments=tuple(_instrument(bars, start) for start in starts),
        fields=fields,
        known_at=np.broadcast_to(market.close_of(times)[:, None], shape),
        tradable=tradable,
        bases=tuple(bars.symbols[bars.symbol[start]].basis for start in starts),
        stamps=tuple(_stamps(bars, int(bars.symbol[start])) for start in starts),
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


def _instrument(bars: Bars, start: int) -> Instrument:
    symbol = bars.symbols[bars.symbol[start]]
    listed = Fact(field="listed_at", value=bars.stamp[start], known_at=bars.closes[start])
    return Instrument(
        symbol=symbol.name,
        generation=int(bars.generation[start]),
        kinds=symbol.structure.kinds,
        currency=symbol.structure.currency,
        calendar=symbol.structure.calendar,
        facts=(listed,),
    )


def _action_fields(bars: Bars, at: Ints, column: Ints, times: Times, shape: tuple[int, int]) -> dict[str, Floats]:
    """`dividend` and `split`, where any symbol's basis leaves them to be applied.

    An action belongs to the holder of the ticker at its date, and stands in its own row even if that has no bar.
    """
    actions = bars.actions
    row = np.minimum(np.searchsorted(times, actions.stamp), len(times) - 1)
    last = np.searchsorted(places(bars.symbol[at], bars.stamp[at]), places(actions.symbol, actions.stamp), "right") - 1
    on = (times[row] == actions.stamp) & ~actions.conflict & (last >= 0) & (bars.symbol[at][last] == actions.symbol)
    dividends = np.array([symbol.applies_dividends for symbol in bars.symbols], dtype=bool)
    splits = np.array([symbol.applies_splits for symbol in bars.symbols], dtype=bool)
    fields: dict[str, Floats] = {}
    for name, neutral, mine, applies in (
        ("dividend", 0.0, ~actions.split, dividends),
        ("split", 1.0, actions.split, splits),
    ):
        if applies.any():
            mine = mine & on & applies[actions.symbol]
            fields[name] = np.full(shape, neutral)
            fields[name][row[mine], column[last[mine]]] = actions.value[mine]
    return fields


def _stamps(bars: Bars, number: int) -> Stamps:
    """Caveats of one symbol: no volume, and returns that leave dividends out."""
    symbol, rows = bars.symbols[number], bars.rows_of(number)
    stamps: set[Stamp] = set()
    if not (bars.low["volume"][rows] > 0).any():
        stamps.add(Stamp.NO_VOLUME)
    if symbol.basis is not Basis.TOTAL and symbol.structure.kinds & EQUITIES and not _dividends_known(bars, number):
        stamps.add(Stamp.PRICE_RETURN)
    return frozenset(stamps) or NONE


def _dividends_known(bars: Bars, number: int) -> bool:
    """Dividends were delivered for every bar of the symbol, and none is withheld; an index has none to deliver."""
    symbol, rows = bars.symbols[number], bars.rows_of(number)
    if symbol.actions is None or Kind.INDEX in symbol.structure.kinds:
        return False
    first, last = symbol.actions
    stamp = bars.stamp[rows]
    withheld = bars.actions.conflict & ~bars.actions.split & (bars.actions.symbol == number)
    covered = (stamp[0] >= first.astype("datetime64[D]")) & (stamp[-1] <= last)
    return bool(covered) and not withheld.any()
