"""Prices, fills, actions, funding and delistings of a panel as the kernel reads them, all checked."""

from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from tvquant.core.calendars import calendar
from tvquant.core.errors import DataError, ProfileError
from tvquant.core.instruments import Instrument
from tvquant.core.panel import Bools, Floats, Panel, Times, frozen, is_whole
from tvquant.simulation.account import DIVIDEND, EARLY_RATES, SPLIT, Integers, PriceRows
from tvquant.simulation.compiling import compiled
from tvquant.simulation.preflight import Columns, first_opens, instruments_of, swaps_of

HOUR = np.timedelta64(1, "h")
NO_ROWS = frozen(np.empty(0, np.int64))


def market_of(panel: Panel, columns: Columns, *, halt_limit: int, open_fills: Integers | None) -> PriceRows:
    """Return the market of the chosen instruments: T rows, N names.

    Where every cell has a price the marks are the panel's closes themselves; elsewhere they are carried.

    Parameters
    ----------
    halt_limit : rows without a bar after which a holding is closed out.
    open_fills : rows that are filled at the open; None when fills are at the close.

    Raises
    ------
    ProfileError : opens are needed and the panel has none.
    DataError : a bar with an impossible price, or an impossible action.
    """
    instruments = instruments_of(panel, columns)
    times = panel.times.astype("datetime64[us]", copy=False)
    rows, names = len(times), len(instruments)
    tradable, close = _matrix(panel.tradable, columns), _matrix(panel.fields["close"], columns)
    actions = _actions(panel, columns, instruments)
    eventful = np.zeros(rows, np.bool_)
    if actions.shape[1]:
        eventful |= (actions[DIVIDEND] != 0.0).any(axis=1) | (actions[SPLIT] != 1.0).any(axis=1)
    delisted = {j: _delisted_row(one, times) for j, one in enumerate(instruments) if one.facts}
    marks, priced, ends = close, tradable, np.empty((0, names), np.bool_)
    whole = panel.whole or (columns is not None and is_whole(close, tradable))
    if not whole or any(row < rows for row in delisted.values()):
        _refuse(tradable & ~((close > 0.0) & (close < np.inf)), "close", close, instruments, times)
        marks, priced, ends = np.empty_like(close), tradable.copy(), np.zeros_like(tradable)
        for j, row in delisted.items():
            priced[row:, j] = False
            ends[row : row + 1, j] = True
        carry_marks(close, actions[SPLIT], frozen(priced), halt_limit, marks, ends)
        eventful |= ends.any(axis=1)
    opens = _opens(panel, columns, instruments, priced, open_fills)
    funding = funding_of(panel, columns, instruments)
    if len(funding) > EARLY_RATES:
        eventful |= (funding[EARLY_RATES:] != 0.0).any(axis=(0, 2))
    return PriceRows(
        stamps=frozen(times.view(np.int64)),
        marks=frozen(marks),
        opens=opens,
        opened=_opened(opens, open_fills),
        priced=frozen(priced),
        ends=frozen(ends),
        actions=actions,
        funding=funding,
        eventful=frozen(eventful),
    )


def _matrix[D: np.generic](field: NDArray[D], columns: Columns) -> NDArray[D]:
    """Return the chosen columns as one read-only T x N block, without a copy where the field is one already."""
    return frozen(np.ascontiguousarray(field if columns is None else np.take(field, columns, axis=1)))


def _actions(panel: Panel, columns: Columns, instruments: tuple[Instrument, ...]) -> Floats:
    """Return dividends (0 is none) and splits (1 is none) as 2 x T x N; without rows when there is not a single one."""
    given = {}
    for name, none in (("dividend", 0.0), ("split", 1.0)):
        if name in panel.fields:
            values = _matrix(panel.fields[name], columns)
            _refuse(np.isinf(values) | ((values <= 0.0) & (name == "split")), name, values, instruments, panel.times)
            if ((values != none) & ~np.isnan(values)).any():
                given[name] = np.where(np.isnan(values), none, values)
    if not given:
        return frozen(np.empty((2, 0, len(instruments))))
    actions = np.empty((2, len(panel.times), len(instruments)))
    actions[DIVIDEND], actions[SPLIT] = given.get("dividend", 0.0), given.get("split", 1.0)
    return frozen(actions)


def funding_of(panel: Panel, columns: Columns, instruments: tuple[Instrument, ...]) -> Floats:
    """Return rates and bare hours from each row's open to its close, then from the previous close to its open.

    They are 4 x T x N; two of them where no row opens later than the one before it closed, none without a swap. What
    is not known of a swap is no rate and no cover: its hours are bare.
    """
    rows, swaps = len(panel.times), swaps_of(panel, columns)
    if not swaps.any():
        return frozen(np.empty((0, rows, len(instruments))))
    closes = calendar(panel.calendar).close_of(panel.times)
    whole, early = (closes - panel.times) / HOUR, np.zeros(rows)
    early[1:] = np.maximum((panel.times[1:] - closes[:-1]) / HOUR, 0.0)

    def known(name: str) -> Floats:
        if name not in panel.fields:
            return np.zeros((rows, len(instruments)))
        return np.where(swaps, np.nan_to_num(_matrix(panel.fields[name], columns)), 0.0)

    def bare(hours: Floats, covered: Floats) -> Floats:
        return np.where(swaps, np.maximum(hours[:, None] - covered, 0.0), 0.0)

    early_rates, early_hours = known("funding_early"), known("funding_early_hours")
    found = [known("funding") - early_rates, bare(whole, known("funding_hours") - early_hours)]
    if (early > 0.0).any():
        found += [early_rates, bare(early, early_hours)]
    return frozen(np.stack(found))


def _opens(
    panel: Panel, columns: Columns, instruments: tuple[Instrument, ...], priced: Bools, fills: Integers | None
) -> Floats:
    """Return the T x N opening prices; a missing one is NaN and cannot be filled, an impossible one is refused."""
    if fills is None:
        return frozen(np.empty((0, len(instruments))))
    if "open" not in panel.fields:
        raise ProfileError("convention next_open needs the field 'open' and this panel has none: use next_close")
    opens = _matrix(panel.fields["open"], columns)
    at = opens[fills]
    _refuse(priced[fills] & ((at <= 0.0) | np.isinf(at)), "open", at, instruments, panel.times[fills])
    return opens


def _opened(opens: Floats, fills: Integers | None) -> Integers:
    """Return each name's first row with an open (N); none where every name has had one by the first fill."""
    if fills is None or (opens[fills[0]] > 0.0).all():
        return NO_ROWS
    return frozen(first_opens(opens))


def _delisted_row(instrument: Instrument, times: Times) -> int:
    """Return the first row at whose stamp the instrument is known to be delisted; the number of rows if none."""
    facts = [fact for fact in instrument.facts if fact.field == "delisted_at"]
    for fact, after in zip_longest(facts, facts[1:]):
        assert isinstance(fact.value, np.datetime64)
        row = int(np.searchsorted(times, max(fact.value, fact.known_at)))
        if row < len(times) and (after is None or times[row] < after.known_at):
            return row
    return len(times)


def _refuse(bad: Bools, name: str, values: Floats, instruments: tuple[Instrument, ...], times: Times) -> None:
    """Raise for the first bad cell."""
    if bad.any():
        t, j = (int(i) for i in np.argwhere(bad)[0])
        raise DataError(
            f"{instruments[j].key}: {name} of the bar {times[t]} is {values[t, j]}, expected a finite number"
            f"{'' if name == 'dividend' else ' above zero'}; repair the bar or mask it"
        )


@compiled
def carry_marks(close: Floats, split: Floats, priced: Bools, halt_limit: int, marks: Floats, ends: Bools) -> None:
    """Carry the last price over rows without a bar and set where a halt has become too long.

    Writes `marks` (T x N; 0 before the first bar) and adds to `ends`. A split in a row without a bar divides the
    carried price, so that value does not change.
    """
    rows, names = close.shape
    halted = np.zeros(names, np.int64)
    for t in range(rows):
        for j in range(names):
            if priced[t, j]:
                marks[t, j] = close[t, j]
                halted[j] = 0
                continue
            marks[t, j] = marks[t - 1, j] if t > 0 else 0.0
            if split.shape[0] > 0:
                marks[t, j] /= split[t, j]
            halted[j] += 1
            ends[t, j] |= halted[j] == halt_limit + 1
