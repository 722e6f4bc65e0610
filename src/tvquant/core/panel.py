"""Panel: prices of many instruments on one time grid, which can only be looked at as of a moment.

1. Rows are the bars of one calendar in order of their open; columns are instruments in order of their first bar,
   so that what is listed later is to the right and a view of an earlier moment is a plain slice.
2. A cell that has no valid bar is NaN in every field; nothing is filled.
3. `known_at` says when a cell became known; `until(t)` is the only way to look, and it drops the rest: later rows,
   later listings, later facts, and single cells of a row that arrive late.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from dataclasses import fields as dataclass_fields
from enum import StrEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tvquant.core.digests import canonical_array, digest_bytes
from tvquant.core.instruments import Instant, Instrument, swaps_among
from tvquant.core.stamps import Stamp, Stamps

type Floats = NDArray[np.float64]
type Bools = NDArray[np.bool_]
type Times = NDArray[np.datetime64]

BLOCK = 128
"""Names whose returns are worked out at a time: what that takes beside the result does not grow with the panel."""


class Basis(StrEnum):
    """What prices are adjusted for: nothing, splits, or splits and dividends."""

    RAW = "raw"
    SPLIT = "split"
    TOTAL = "total"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caveat:
    """A stamp of data with its time: it holds from `since` on, and from `until` on no more (None: it still holds)."""

    stamp: Stamp
    since: Instant
    until: Instant | None = None


type Caveats = frozenset[Caveat]


def _known_caveats(caveats: Caveats, t: Instant) -> Caveats:
    """Return the caveats as known at `t`: none that begins later, and no end that lies later."""
    return frozenset(
        replace(one, until=None) if one.until is not None and one.until > t else one
        for one in caveats
        if one.since <= t
    )


def frozen[A: NDArray[Any]](array: A) -> A:
    """Return a read-only view of the array, which is itself where it is read-only."""
    if not array.flags.writeable:
        return array
    view = array.view()
    view.setflags(write=False)
    return view


def is_whole(close: Floats, tradable: Bools) -> bool:
    """Return whether every cell has a bar, and its close is a number above zero and finite."""
    return bool(tradable.all() and close.min(initial=1.0) > 0.0 and close.max(initial=1.0) < np.inf)


def units_of(split: Floats) -> Floats:
    """Return the T x N units that one unit of the first row has become; `split` is new for one old (NaN: none)."""
    return np.cumprod(np.where(np.isnan(split), 1.0, split), axis=0)


def total_returns(close: Floats, dividend: Floats | None = None, split: Floats | None = None) -> Floats:
    """Return the T x N simple total returns since each name's previous bar; NaN where there is no bar or none before.

    A dividend is the cash per unit on its ex-date (0 or NaN elsewhere) in units after that day's split; a split is the
    number of new units for one old (1 or NaN elsewhere). Across a hole the return covers the whole hole: it is never
    padded with zeros. Row t depends on rows up to t only.
    """
    out = np.full(close.shape, np.nan)
    for first in range(0, close.shape[1], BLOCK):
        block = slice(first, first + BLOCK)
        paid, into = (None if one is None else one[:, block] for one in (dividend, split))
        _put_total_returns(out[:, block], close[:, block], paid, into)
    return out


def _put_total_returns(out: Floats, close: Floats, dividend: Floats | None, split: Floats | None) -> None:
    """Put the returns of some names where there are any."""
    rows = len(close)
    if rows < 2:
        return
    units = np.ones_like(close) if split is None else units_of(split)
    cash = (
        np.zeros_like(close)
        if dividend is None
        else np.cumsum(np.where(np.isnan(dividend), 0.0, dividend) * units, axis=0)
    )
    have = ~np.isnan(close)
    at = np.where(have, np.arange(rows)[:, None], -1)
    last = np.maximum.accumulate(at, axis=0)[:-1]
    now = have[1:] & (last >= 0)
    t, j = np.nonzero(now)
    p = last[t, j]
    t = t + 1
    base = close[p, j] * units[p, j]
    out[t, j] = (close[t, j] * units[t, j] + cash[t, j] - cash[p, j]) / base - 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """Bars of N instruments on T rows.

    Parameters
    ----------
    times : T bar opens, `datetime64[us]`, UTC, increasing.
    instruments : N instruments in order of their first bar.
    fields : name -> T x N float64. `close` is always there; `open`, `high`, `low`, `volume`, `quote_volume` when the
        data have them; `dividend` (cash per unit, 0 elsewhere) and `split` (new units per old, 1 elsewhere) when there
        are corporate actions to apply to this basis; `funding` (the sum of what longs paid from the previous row's
        close, without it, to this close, as a fraction; NaN where not known) and `funding_hours` (how many hours those
        payments cover) when there are swaps with some, `funding_early` and `funding_early_hours` (their parts until the
        open) when rows do not open at the close before them; `total_return` is added from prices when absent.
    known_at : T x N, when each cell was known: its bar's close, increasing down each column (may be a broadcast view).
    tradable : T x N, there is a valid bar.
    bases : N, what prices are adjusted for.
    stamps : N, the caveats of each instrument that are known by the last row, ended ones with their end.
    calendar : name of the calendar of the grid.
    """

    times: Times
    instruments: tuple[Instrument, ...]
    fields: Mapping[str, Floats]
    known_at: Times
    tradable: Bools
    bases: tuple[Basis, ...]
    stamps: tuple[Caveats, ...]
    calendar: str
    _first_known: Times | None = field(default=None, repr=False)
    _keys: tuple[str, ...] = field(default=(), init=False, repr=False)
    _place: Mapping[str, int] = field(default_factory=dict, init=False, repr=False)
    _whole: bool | None = field(default=None, init=False, repr=False)
    _swaps: Bools | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if self._first_known is not None:  # a view of a panel that was checked when it was made
            return
        shape = (len(self.times), len(self.instruments))
        if 0 in shape:
            raise ValueError(f"a panel needs rows and instruments, got {shape}")
        fields = dict(self.fields)
        if "total_return" not in fields:
            fields["total_return"] = total_returns(fields["close"], fields.get("dividend"), fields.get("split"))
        for name, array in (*fields.items(), ("known_at", self.known_at), ("tradable", self.tradable)):
            if array.shape != shape:
                raise ValueError(f"panel field {name!r} has shape {array.shape}, expected {shape}")
        if shape[0] > 1 and not (self.times[1:] > self.times[:-1]).all():
            raise ValueError("panel times must increase")
        # Columns with one common delay are a view of a single one, so checking that one is enough.
        known = self.known_at[:, :1] if self.known_at.strides[1] == 0 else self.known_at
        if not (known[1:] > known[:-1]).all():
            raise ValueError("panel known_at must increase down each column")
        first = self.known_at[np.argmax(self.tradable, axis=0), np.arange(shape[1])]
        if (first[1:] < first[:-1]).any():
            raise ValueError("panel instruments must stand in order of their first known bar")
        put = object.__setattr__
        put(self, "fields", {name: frozen(array) for name, array in fields.items()})
        for name in ("times", "known_at", "tradable"):
            put(self, name, frozen(getattr(self, name)))
        put(self, "_first_known", first)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to rebuild the panel in another process: read-only, a common column of `known_at` sent once."""
        values = {one.name: getattr(self, one.name) for one in dataclass_fields(self) if one.init}
        if self.known_at.strides[1] == 0:
            values["known_at"] = self.known_at[:, :1]
        return _received, (type(self), values)

    @property
    def keys(self) -> tuple[str, ...]:
        """Instrument keys in column order."""
        if not self._keys:  # every part of every result asks: they are found once
            object.__setattr__(self, "_keys", tuple(i.key for i in self.instruments))
        return self._keys

    @property
    def whole(self) -> bool:
        """Whether every cell has a bar, and its close is a number above zero and finite."""
        if self._whole is None:  # every book of the panel asks: it is looked through once
            object.__setattr__(self, "_whole", is_whole(self.fields["close"], self.tradable))
        return bool(self._whole)

    @property
    def swaps(self) -> Bools:
        """Which of the N instruments are swaps."""
        if self._swaps is None:
            object.__setattr__(self, "_swaps", frozen(swaps_among(self.instruments)))
        assert self._swaps is not None
        return self._swaps

    def until(self, t: Instant) -> Self:
        """Return the panel as known at `t`: a view without a copy, unless a row is known in part."""
        assert self._first_known is not None
        columns = int(np.searchsorted(self._first_known, t, side="right"))
        # Only what is listed counts: a later listing with a smaller delay knows no row of an earlier look.
        known = self.known_at[:, : 1 if self.known_at.strides[1] == 0 and columns else columns]
        rows = bisect_right(range(len(known)), t, key=lambda row: known[row].min()) if columns else 0
        cut = (slice(0, rows), slice(0, columns))
        fields = {name: array[cut] for name, array in self.fields.items()}
        tradable = self.tradable[cut]
        if rows and (known[rows - 1] > t).any():  # increasing down: earlier rows may be late only where the last is
            late = self.known_at[cut] > t
            fields = {name: frozen(np.where(late, np.nan, array)) for name, array in fields.items()}
            tradable = frozen(tradable & ~late)
        return type(self)(
            times=self.times[:rows],
            instruments=tuple(i.until(t) for i in self.instruments[:columns]),
            fields=fields,
            known_at=self.known_at[cut],
            tradable=tradable,
            bases=self.bases[:columns],
            stamps=tuple(_known_caveats(caveats, t) for caveats in self.stamps[:columns]),
            calendar=self.calendar,
            _first_known=self._first_known[:columns],
        )

    def only(self, columns: NDArray[np.intp]) -> Self:
        """Return the same rows of the instruments in the given columns, which increase."""
        assert self._first_known is not None
        shape, shared = (len(self.times), len(columns)), self.known_at.strides[1] == 0
        known = np.broadcast_to(self.known_at[:, :1], shape) if shared else self.known_at[:, columns]
        return type(self)(
            times=self.times,
            instruments=tuple(self.instruments[j] for j in columns),
            fields={name: frozen(array[:, columns]) for name, array in self.fields.items()},
            known_at=frozen(known),
            tradable=frozen(self.tradable[:, columns]),
            bases=tuple(self.bases[j] for j in columns),
            stamps=tuple(self.stamps[j] for j in columns),
            calendar=self.calendar,
            _first_known=self._first_known[columns],
        )

    def columns(self, keys: tuple[str, ...]) -> NDArray[np.intp]:
        """Return the column numbers of the given instrument keys; KeyError names the first that is absent."""
        if not self._place:
            object.__setattr__(self, "_place", {key: j for j, key in enumerate(self.keys)})
        return np.array([self._place[key] for key in keys], dtype=np.intp)

    def stamps_of(self, keys: tuple[str, ...]) -> Stamps:
        """Return the stamps of the given instruments that hold at the panel's end."""
        return frozenset(one.stamp for j in self.columns(keys) for one in self.stamps[j] if one.until is None)

    def digest(self, *, start: int = 0) -> str:
        """Return the content digest of the rows from `start` on: keys, times and every field."""
        names = sorted(self.fields)
        return digest_bytes(
            *(key.encode() for key in self.keys),
            canonical_array(self.times[start:]),
            *(part for name in names for part in (name.encode(), canonical_array(self.fields[name][start:]))),
        )


def value_traded(panel: Panel, rows: int) -> Floats:
    """Return the value traded in the last rows, rows x N, in quote currency: quote volume, else volume times close.

    NaN where neither is known.
    """
    fields = panel.fields
    value = np.full((rows, len(panel.instruments)), np.nan)
    if "volume" in fields:
        value = fields["volume"][-rows:] * fields["close"][-rows:]
    if "quote_volume" in fields:
        quote = fields["quote_volume"][-rows:]
        value = np.where(np.isnan(quote), value, quote)
    return value


def _received(kind: type[Panel], values: dict[str, Any]) -> Panel:
    """Return the panel that another process sent, on plain arrays."""
    tradable = frozen(np.asarray(values["tradable"]))
    return kind(
        **values
        | {name: frozen(np.asarray(values[name])) for name in ("times", "_first_known")}
        | {
            "fields": {name: frozen(np.asarray(array)) for name, array in values["fields"].items()},
            "known_at": np.broadcast_to(np.asarray(values["known_at"]), tradable.shape),
            "tradable": tradable,
        }
    )
