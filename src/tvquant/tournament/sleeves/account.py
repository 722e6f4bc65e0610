"""The panel of the account that holds the instruments of several sleeves.

1. Panels of one calendar are united: all their instruments, all their rows. An instrument in two of them must have the
   same bars in both, otherwise the sleeves were decided on different data.
2. Of several calendars the account has the rows that all panels have; from the first common date of the sleeves on,
   those dates. Beside them it has days without a session on which a sleeve decides (ADR 19).
3. Such a day has no row where an order would be filled on it: a name that has no session then could not be traded. What
   is decided there waits for the next row.
4. Bars between two rows are one bar of the later row (`aggregation`).
5. The account ends at the last common date, and knows nothing that became known later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvquant.core.books import Execution, Rebalancing, WeightPath
from tvquant.core.calendars import calendar, common_calendar
from tvquant.core.errors import DataError, ModelError
from tvquant.core.instruments import Instrument
from tvquant.core.panel import Basis, Caveats, Panel, Times
from tvquant.simulation.preflight import delay
from tvquant.tournament.sleeves.aggregation import BLANK, RowBars, bars_on


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AccountPanel:
    """Where the netted book of several sleeves is kept.

    Parameters
    ----------
    panel : of all their instruments.
    measured : rows of the common dates of the sleeves: what lies between two of them is one period.
    waiting : dates of decisions that have no row and stand at the next one.
    """

    panel: Panel
    measured: NDArray[np.int64]
    waiting: Times

    def rows_of(self, decided: Times) -> NDArray[np.int64]:
        """Return the row at which a decision of each date stands; the number of rows where the account has ended."""
        return np.searchsorted(self.panel.times, decided).astype(np.int64)


def on_common_dates(account: AccountPanel, path: WeightPath) -> tuple[Panel, WeightPath]:
    """Return the account on the dates of all sleeves alone, and a path on it.

    For rules by which something is traded at every row. What was decided between two dates stands at the later one; of
    several decisions the last does.
    """
    panel = account.panel
    kept = np.union1d(np.arange(account.measured[0]), account.measured)
    if len(kept) == len(panel.times):
        return panel, path
    times = panel.times[kept]
    fewer = _put_together([panel], [bars_on(panel, times, panel.calendar)], times, panel.calendar)
    rows = np.searchsorted(times, panel.times[path.decided])
    last = np.append(rows[1:] != rows[:-1], True)
    return fewer, WeightPath(keys=path.keys, decided=rows[last].astype(np.int64), net=path.net[last])


def account_panel(panels: Mapping[str, Panel], common: Times, decided: Times, execution: Execution) -> AccountPanel:
    """Return the panel of an account on those of its sleeves, by name.

    Parameters
    ----------
    common : dates that all sleeves have, increasing.
    decided : dates at which the account is decided, from the first meta decision on.
    execution : how its orders are filled.

    Raises
    ------
    DataError : an instrument has other bars in the panel of another sleeve.
    ModelError : no common date, or one that a panel does not have.
    """
    if not len(common):
        raise ModelError("an account needs a common date of its sleeves, found none")
    markets: dict[str, dict[str, Panel]] = {}
    for name, panel in panels.items():
        lacking = common[~np.isin(common, panel.times)]
        if len(lacking):
            raise ModelError(f"sleeve {name}: its panel has no row of the common date {str(lacking[0])[:10]}")
        markets.setdefault(panel.calendar, {})[name] = panel
    united, market = [_united(own) for own in markets.values()], common_calendar(markets)
    decided = np.unique(decided[decided <= common[-1]])
    if len(united) == 1:
        panel, waiting = _cut(united[0], common[-1]), decided[:0]
    else:
        own = _on_own_calendars(united)
        _refuse_shared(own)
        rows, waiting = _rows(united, common, decided, execution)
        panel = _put_together(own, [bars_on(one, rows, market) for one in own], rows, market)
    return AccountPanel(panel=panel, measured=np.searchsorted(panel.times, common).astype(np.int64), waiting=waiting)


def _rows(panels: Sequence[Panel], common: Times, decided: Times, execution: Execution) -> tuple[Times, Times]:
    """Return the rows of an account of several calendars, and the dates of decisions that wait for the next row."""
    shared = panels[0].times
    for panel in panels[1:]:
        shared = np.intersect1d(shared, panel.times, assume_unique=True)
    rows: list[np.datetime64] = list(shared[shared < common[0]])
    decides, waiting, pending = [False] * len(rows), list[np.datetime64](), False
    dates, choices = set(common.tolist()), set(decided.tolist())
    for date in np.union1d(common, decided[decided > common[0]]):
        if date.item() not in dates and _filled(decides, execution):
            waiting.append(date)
            pending = True
            continue
        rows.append(date)
        decides.append(pending or date.item() in choices)
        pending = False
    return np.array(rows, "datetime64[us]"), np.array(waiting, "datetime64[us]")


def _filled(decides: Sequence[bool], execution: Execution) -> bool:
    """Return whether an order is filled at the next row, by the rows so far that decide, or at once if it decides."""
    behind = delay(execution)
    ordered = len(decides) - behind
    if behind == 0 or ordered < 0:
        return behind == 0
    return any(decides[: ordered + 1]) if execution.rebalancing is Rebalancing.DAILY else decides[ordered]


def _on_own_calendars(panels: Sequence[Panel]) -> list[Panel]:
    """Return the panels, each instrument in that of its own calendar alone where there is one.

    The account of a nested meta-portfolio has bars of several calendars, with those between its rows in one: a name
    that is there alone has no bar of a day without a row of that account.
    """
    native = {one.key: panel for panel in panels for one in panel.instruments if one.calendar == panel.calendar}
    found: list[Panel] = []
    for panel in panels:
        again = [one.key for one in panel.instruments if one.calendar != panel.calendar and one.key in native]
        for key in again:
            _check_closes(key, panel, native[key])
        kept = [j for j, key in enumerate(panel.keys) if key not in again]
        if kept:
            found.append(panel if len(kept) == len(panel.keys) else panel.only(np.array(kept, np.intp)))
    return found


def _check_closes(key: str, nested: Panel, native: Panel) -> None:
    """Refuse an instrument that closes otherwise in a nested account than in the panel of its own calendar."""
    rows, at_a, at_b = np.intersect1d(nested.times, native.times, assume_unique=True, return_indices=True)
    mine, its = (panel.fields["close"][at, panel.columns((key,))[0]] for panel, at in ((nested, at_a), (native, at_b)))
    unlike = np.flatnonzero(np.abs(mine - its) > 0.0)
    if len(unlike):
        row = int(unlike[0])
        raise DataError(
            f"{key} closes at {its[row]:.12g} and at {mine[row]:.12g} in the data of a nested meta-portfolio on "
            f"{str(rows[row])[:10]}; play the sleeves again on the same data"
        )


def _refuse_shared(panels: Sequence[Panel]) -> None:
    """Refuse an instrument that has bars of two calendars."""
    seen: dict[str, str] = {}
    for panel in panels:
        for key in panel.keys:
            if key in seen:
                raise DataError(
                    f"{key} has bars of the calendars {seen[key]} and {panel.calendar} in the data of two sleeves; "
                    "play them on one calendar"
                )
            seen[key] = panel.calendar


def _united(panels: Mapping[str, Panel]) -> Panel:
    """Return one panel of the instruments and rows of panels of one calendar."""
    named: list[tuple[str, Panel]] = []
    for name, panel in panels.items():
        if all(panel is not other for _, other in named):
            _check_alike(named, name, panel)
            named.append((name, panel))
    if len(named) == 1:
        return named[0][1]
    every = [panel for _, panel in named]
    times = np.unique(np.concatenate([panel.times for panel in every]))
    return _put_together(every, [bars_on(panel, times, panel.calendar) for panel in every], times, every[0].calendar)


def _check_alike(named: Sequence[tuple[str, Panel]], name: str, panel: Panel) -> None:
    """Refuse an instrument that an earlier panel has with other bars, another basis or, at one end, other facts.

    What has been compared with one of them on some rows is not compared with another on these.
    """
    compared: dict[str, tuple[np.datetime64, np.datetime64]] = {}
    for first, other in named:
        span = max(other.times[0], panel.times[0]), min(other.times[-1], panel.times[-1])
        mine = set(panel.keys)
        keys = tuple(key for key in other.keys if key in mine)
        for key, i, j in zip(keys, other.columns(keys), panel.columns(keys), strict=True):
            at_one_end = other.times[-1] == panel.times[-1]
            if other.bases[i] != panel.bases[j] or (at_one_end and other.instruments[i] != panel.instruments[j]):
                raise _unlike(first, name, key, "is described in two ways")
        new = tuple(key for key in keys if not _within(span, compared.get(key)))
        if new:
            _check_bars((first, other), (name, panel), new)
            compared |= dict.fromkeys(new, span)


def _within(span: tuple[np.datetime64, np.datetime64], other: tuple[np.datetime64, np.datetime64] | None) -> bool:
    return other is not None and bool(other[0] <= span[0] and span[1] <= other[1])


def _check_bars(one: tuple[str, Panel], other: tuple[str, Panel], keys: tuple[str, ...]) -> None:
    """Refuse other bars of these instruments on the rows that both panels have."""
    (first, a), (second, b) = one, other
    rows, at_a, at_b = np.intersect1d(a.times, b.times, assume_unique=True, return_indices=True)
    in_a, in_b = a.columns(keys), b.columns(keys)
    for field in sorted({*a.fields, *b.fields} - {"total_return"}):
        blank = np.full((len(rows), len(keys)), BLANK.get(field, np.nan))
        mine, its = (
            panel.fields[field][np.ix_(at, columns)] if field in panel.fields else blank
            for panel, at, columns in ((a, at_a, in_a), (b, at_b, in_b))
        )
        unlike = ~((mine == its) | (np.isnan(mine) & np.isnan(its)))
        if unlike.any():
            row, column = (int(k) for k in np.argwhere(unlike)[0])
            told = f"has {field} {mine[row, column]:.12g} and {its[row, column]:.12g} on {str(rows[row])[:10]}"
            raise _unlike(first, second, keys[column], told)


def _unlike(first: str, second: str, key: str, what: str) -> DataError:
    return DataError(
        f"sleeves {first} and {second}: {key} {what}; they were played on different data: play one of them again on "
        "the data of the other"
    )


def _put_together(panels: Sequence[Panel], bars: Sequence[RowBars], times: Times, market: str) -> Panel:
    """Return the panel of all instruments on these rows; of one that is in several panels each row is put once."""
    told: dict[str, tuple[Instrument, Basis]] = {}
    stamps: dict[str, Caveats] = {}
    for panel in sorted(panels, key=lambda one: one.times[-1]):  # who looks later knows more facts
        told |= {one.key: (one, basis) for one, basis in zip(panel.instruments, panel.bases, strict=True)}
        stamps |= {key: stamps.get(key, frozenset()) | own for key, own in zip(panel.keys, panel.stamps, strict=True)}
    place, shape = {key: j for j, key in enumerate(told)}, (len(times), len(told))
    names = dict.fromkeys(name for one in bars for name in one.fields)
    fields = {name: np.full(shape, BLANK.get(name, np.nan)) for name in names}
    known = np.repeat(calendar(market).known_at(times)[:, None], shape[1], axis=1)
    tradable = np.zeros(shape, np.bool_)
    put: dict[str, tuple[np.datetime64, np.datetime64]] = {}
    for panel, one in zip(panels, bars, strict=True):
        span = panel.times[0], panel.times[-1]
        new = np.array([j for j, key in enumerate(panel.keys) if not _within(span, put.get(key))], np.intp)
        put |= {panel.keys[j]: span for j in new}
        within = np.flatnonzero((times >= span[0]) & (times <= span[1]))
        here, there = np.ix_(within, new), np.ix_(within, [place[panel.keys[j]] for j in new])
        for name, values in one.fields.items():
            before = fields[name][there] if name == "total_return" else np.nan
            fields[name][there] = np.where(np.isnan(values[here]), before, values[here])
        tradable[there], known[there] = one.tradable[here], one.known_at[here]
    listed = [(key, j) for key, j in place.items() if tradable[:, j].any()]
    listed.sort(key=lambda one: (known[np.argmax(tradable[:, one[1]]), one[1]], one[0]))
    order = [j for _, j in listed]
    return Panel(
        times=times,
        instruments=tuple(told[key][0] for key, _ in listed),
        fields={name: values[:, order] for name, values in fields.items()},
        known_at=known[:, order],
        tradable=tradable[:, order],
        bases=tuple(told[key][1] for key, _ in listed),
        stamps=tuple(stamps[key] for key, _ in listed),
        calendar=market,
    )


def _cut(panel: Panel, last: np.datetime64) -> Panel:
    """Return the panel until the row `last`, as it was known then."""
    end = int(np.searchsorted(panel.times, last))
    return panel if end + 1 == len(panel.times) else panel.until(panel.known_at[end].max())
