"""Panels to order: what a test cares about by keyword, the rest as plain as it can be."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tvquant.core.calendars import calendar as calendar_named
from tvquant.core.instruments import Fact, Instrument, Kind
from tvquant.core.panel import Basis, Floats, Panel, Times

ALWAYS = "24x7"


def instrument(
    name: str, *, kind: Kind | None = Kind.SPOT, calendar: str = ALWAYS, facts: tuple[Fact, ...] = ()
) -> Instrument:
    """Return an instrument in USD; a name without an exchange is one of X."""
    symbol = name if ":" in name else f"X:{name}"
    kinds = frozenset({kind} if kind else ())
    return Instrument(symbol=symbol, kinds=kinds, currency="USD", calendar=calendar, facts=facts)


def instruments(count: int, *, kind: Kind = Kind.SPOT, calendar: str = ALWAYS) -> list[Instrument]:
    """Return the instruments X:N0, X:N1 ..."""
    return [instrument(f"N{j}", kind=kind, calendar=calendar) for j in range(count)]


def days(count: int, *, start: str = "2020-01-01", calendar: str = ALWAYS) -> Times:
    """Return the opens of the first bars of a calendar from a date on."""
    first = np.datetime64(start, "us")
    return calendar_named(calendar).bars(first, first + np.timedelta64(2 * count + 14, "D"))[:count]


def panel_of(
    fields: Mapping[str, Floats],
    *,
    names: Sequence[Instrument | str] | None = None,
    times: Times | None = None,
    delay: Any = None,
    basis: Basis = Basis.RAW,
    **cells: Any,
) -> Panel:
    """Return the panel of T x N fields, of X:N0, X:N1 ... on daily rows when nothing else is asked for.

    The calendar is that of the first instrument. There is a bar where there is a close, known when it closes plus
    the `delay` of its column (N timedeltas). By keyword: `tradable`, `known_at`, `stamps`.
    """
    rows, columns = shape = fields["close"].shape
    traded = instruments(columns) if names is None else [
        one if isinstance(one, Instrument) else instrument(one) for one in names
    ]  # fmt: skip
    grid = traded[0].calendar
    times = days(rows, calendar=grid) if times is None else times
    known = calendar_named(grid).close_of(times)[:, None]
    plain = {
        "known_at": np.broadcast_to(known, shape) if delay is None else known + np.asarray(delay),
        "tradable": ~np.isnan(fields["close"]),
        "stamps": (frozenset(),) * columns,
    }
    return Panel(
        times=times, instruments=tuple(traded), fields=fields, bases=(basis,) * columns, calendar=grid, **plain | cells
    )


def market_of(
    close: Mapping[Any, Any],
    *,
    kind: Kind = Kind.SPOT,
    calendar: str = ALWAYS,
    blanks: Mapping[str, float] | None = None,
    **more: Any,
) -> Panel:
    """Return the panel of closes by name (NaN: no bar).

    Other fields by keyword, by name too; who is left out has the field's blank, NaN when none is said. What
    `panel_of` takes by keyword is handed on.
    """
    columns = {name: more.pop(name) for name in list(more) if isinstance(more[name], Mapping)}
    rows = len(next(iter(close.values())))

    def block(field: str, given: Mapping[Any, Any]) -> Floats:
        blank = [(blanks or {}).get(field, np.nan)] * rows
        return np.column_stack([np.asarray(given.get(name, blank), np.float64) for name in close])

    names = [one if isinstance(one, Instrument) else instrument(one, kind=kind, calendar=calendar) for one in close]
    fields = {field: block(field, given) for field, given in {"close": close, **columns}.items()}
    return panel_of(fields, names=names, **more)
