"""Bars of a panel on the rows of an account that has fewer: all bars since the last row are one.

The open is that of the first, high and low are of all, the close is that of the last; volumes and what is paid add up,
splits multiply, and so do total returns. Prices, units and cash per unit are those after the last split of the row.

Funding is told as a fraction of the value at the row's close, so that a holding pays what it would have paid bar by
bar, each on the close of its bar; hours without a payment count alike. All of it falls behind the open, where the
orders of the last row are filled.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvquant.core.calendars import calendar
from tvquant.core.instruments import swaps_among
from tvquant.core.panel import Bools, Floats, Panel, Times

HOUR = np.timedelta64(1, "h")
BLANK = {"dividend": 0.0, "split": 1.0}
"""What stands where nothing is, in fields in which that is not NaN."""
type Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowBars:
    """Bars on R rows: fields, when each was known, and whether there is one (R x N each)."""

    fields: dict[str, Floats]
    known_at: Times
    tradable: Bools


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Groups:
    """Bars by row: of R rows those `at` which there are bars of the panel, G of them, from `starts` to the next start.

    Parameters
    ----------
    cut : rows of the panel that are in a group; starts are counted in it.
    scale : price after a group's last split per price of the bar; None where nothing is split.
    """

    rows: int
    at: Rows
    cut: slice
    starts: Rows
    scale: Floats | None

    def summed(self, values: Floats) -> Floats:
        """Return the G sums of what is known, NaN where nothing is."""
        known = ~np.isnan(values)
        total = np.add.reduceat(np.where(known, values, 0.0), self.starts, axis=0)
        return np.where(np.logical_or.reduceat(known, self.starts, axis=0), total, np.nan)

    def put(self, values: Floats, blank: float = np.nan) -> Floats:
        """Return the G values on the R rows."""
        out = np.full((self.rows, values.shape[1]), blank)
        out[self.at] = values
        return out


def bars_on(panel: Panel, rows: Times, market: str) -> RowBars:
    """Return the bars of a panel on R rows of the grid `market`; what came before the first row is left out.

    Rows of its own calendar that have one bar each have them as they are.
    """
    ends = np.searchsorted(panel.times, rows, side="right")
    begins = np.concatenate([np.searchsorted(panel.times, rows[:1]), ends[:-1]])
    at = np.flatnonzero(ends > begins)
    cut = slice(int(begins[0]), int(ends[-1]))
    starts = begins[at] - begins[0]
    groups = _Groups(rows=len(rows), at=at, cut=cut, starts=starts, scale=_scale(panel, cut, starts))
    known = np.repeat(calendar(market).known_at(rows)[:, None], len(panel.instruments), axis=1)
    known[at] = panel.known_at[ends[at] - 1]
    tradable = np.zeros(known.shape, np.bool_)
    tradable[at] = np.logical_or.reduceat(panel.tradable[cut], starts, axis=0)
    if market == panel.calendar and len(starts) == cut.stop - cut.start:
        made = {name: groups.put(one[cut], BLANK.get(name, np.nan)) for name, one in panel.fields.items()}
        return RowBars(fields=made, known_at=known, tradable=tradable)
    made = {name: _field(panel, name, groups) for name in panel.fields if not name.startswith("funding")}
    made["total_return"][np.argmax(tradable, axis=0), np.arange(tradable.shape[1])] = np.nan  # no row before it
    swaps = swaps_among(panel.instruments)
    if swaps.any():
        made |= _funding(panel, rows, market, groups, swaps)
    return RowBars(fields=made, known_at=known, tradable=tradable)


def _scale(panel: Panel, cut: slice, starts: Rows) -> Floats | None:
    """Return what a price of each bar is in units after the last split of its row."""
    if "split" not in panel.fields:
        return None
    split = np.where(np.isnan(given := panel.fields["split"][cut]), 1.0, given)
    if (split == 1.0).all():
        return None
    scale, begins = np.ones_like(split), set(starts.tolist())
    for row in range(len(split) - 2, -1, -1):
        if row + 1 not in begins:
            scale[row] = scale[row + 1] / split[row + 1]
    return scale


def _field(panel: Panel, name: str, groups: _Groups) -> Floats:
    """Return a field on the rows."""
    values, tradable = panel.fields[name][groups.cut], panel.tradable[groups.cut]
    if name in PER_UNIT and groups.scale is not None:
        values = values * groups.scale
    if name == "volume" and groups.scale is not None:
        values = values / groups.scale
    return groups.put(RULES[name](groups, values, tradable), BLANK.get(name, np.nan))


def _first(groups: _Groups, values: Floats, tradable: Bools) -> Floats:
    """Return the values of the first bars that there are."""
    none = len(values)
    place = np.where(tradable, np.arange(none)[:, None], none)
    found = np.minimum.reduceat(place, groups.starts, axis=0)
    return np.where(found == none, np.nan, np.take_along_axis(values, np.minimum(found, none - 1), axis=0))


def _last(groups: _Groups, values: Floats, tradable: Bools) -> Floats:
    """Return the values of the last bars that there are."""
    place = np.where(tradable, np.arange(len(values))[:, None], -1)
    found = np.maximum.reduceat(place, groups.starts, axis=0)
    return np.where(found < 0, np.nan, np.take_along_axis(values, np.maximum(found, 0), axis=0))


def _sum(groups: _Groups, values: Floats, _: Bools) -> Floats:
    return groups.summed(values)


def _product(groups: _Groups, values: Floats, _: Bools) -> Floats:
    """Return the product of what is known, the value itself where it is the only one."""
    return np.multiply.reduceat(np.where(np.isnan(values), 1.0, values), groups.starts, axis=0)


def _compound(groups: _Groups, values: Floats, tradable: Bools) -> Floats:
    """Return the total return over all bars of a row; NaN where none has one."""
    known = ~np.isnan(values)
    growth = _product(groups, 1.0 + values, tradable) - 1.0
    several = np.add.reduceat(known, groups.starts, axis=0, dtype=np.int64)
    return np.where(several > 1, growth, groups.summed(values))


def _high(groups: _Groups, values: Floats, _: Bools) -> Floats:
    found: Floats = np.fmax.reduceat(values, groups.starts, axis=0)
    return found


def _low(groups: _Groups, values: Floats, _: Bools) -> Floats:
    found: Floats = np.fmin.reduceat(values, groups.starts, axis=0)
    return found


PER_UNIT = frozenset({"open", "high", "low", "close", "dividend"})
"""Fields that are money per unit."""
RULES: dict[str, Callable[[_Groups, Floats, Bools], Floats]] = {
    "open": _first, "high": _high, "low": _low, "close": _last, "volume": _sum, "quote_volume": _sum,
    "dividend": _sum, "split": _product, "total_return": _compound,
}  # fmt: skip
"""How the bars of a row make one."""


def _funding(panel: Panel, rows: Times, market: str, groups: _Groups, swaps: Bools) -> dict[str, Floats]:
    """Return the four fields of funding: nothing before the open, all hours since the last row behind it."""
    closes = calendar(panel.calendar).close_of(panel.times)
    hours = np.diff(closes, prepend=panel.times[:1]) / HOUR

    def known(name: str) -> Floats:
        given = panel.fields.get(name)
        return np.full(panel.tradable.shape, np.nan) if given is None else given

    bare = np.maximum(hours[:, None] - np.nan_to_num(known("funding_hours")), 0.0)
    price = _carried(panel)[groups.cut]
    if groups.scale is not None:
        price = price * groups.scale
    stops = np.append(groups.starts[1:], len(price)) - 1
    relative = price / np.repeat(price[stops], np.diff(np.append(groups.starts, len(price))), axis=0)
    relative = np.where(np.isnan(relative), 1.0, relative)
    paid = groups.put(groups.summed(known("funding")[groups.cut] * relative))
    uncovered = groups.put(groups.summed(bare[groups.cut] * relative), 0.0)
    over = calendar(market).close_of(rows)
    gap = np.zeros(len(rows))
    gap[1:] = np.maximum((rows[1:] - over[:-1]) / HOUR, 0.0)
    covered = ((over - rows) / HOUR + gap)[:, None] - uncovered
    early = np.broadcast_to(gap[:, None], covered.shape)
    found = {"funding": paid, "funding_hours": covered, "funding_early_hours": early}
    return {name: np.where(swaps, values, np.nan) for name, values in found.items()}


def _carried(panel: Panel) -> Floats:
    """Return the closes, carried over holes; a split in a hole divides the price."""
    close = panel.fields["close"]
    if panel.tradable.all():
        return close
    place = np.maximum.accumulate(np.where(panel.tradable, np.arange(len(close))[:, None], -1), axis=0)
    out = np.take_along_axis(close, np.maximum(place, 0), axis=0)
    if "split" in panel.fields:
        units = np.cumprod(np.where(np.isnan(split := panel.fields["split"]), 1.0, split), axis=0)
        out = out * np.take_along_axis(units, np.maximum(place, 0), axis=0) / units
    return np.where(place < 0, np.nan, out)
