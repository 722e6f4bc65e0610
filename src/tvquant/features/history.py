"""Features of many rows at once, each as it was known then.

1. Terms run once over the whole panel and give all rows: row k is what the panel cut after it gives. Only the rows that
   were asked for are kept.
2. A row is known when the first of the names that have a bar there is: that is the moment at which it is decided on.
   Names whose cell arrives later have no bar at that moment, and so no value; no other name's value changes by it.
3. Each row has its own listed names, absent terms and moment of the latest bar.
4. Where a later row was known in part by that moment, the view's last row is another one: it is computed from the view.
"""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from tvquant.core.errors import DataError
from tvquant.core.features import FeatureHistory
from tvquant.core.panel import Bools, Floats, Panel, Times, frozen
from tvquant.features.compute import asked, compute, lacks
from tvquant.features.rating_rules import LIBRARY_V3, RatingRules
from tvquant.features.terms.contract import Settings, Term, evaluate

type Rows = NDArray[np.int64]


def history(
    panel: Panel,
    names: Collection[str],
    *,
    rows: Rows | None = None,
    rating_min_bars: int,
    rating_rules: RatingRules = LIBRARY_V3,
) -> FeatureHistory:
    """Return the named terms at `rows` of the panel (ascending, all when None), in the order of the catalogue.

    `at(k)` equals `compute` on the panel until row `rows[k]` was known.

    Raises
    ------
    ProfileError : a name that is no term.
    DataError : no row was asked for, or one that the panel has not.
    """
    terms, count = asked(names), len(panel.times)
    rows = np.arange(count) if rows is None else rows
    if not len(rows) or not 0 <= rows[0] <= rows[-1] < count:
        which = f"rows {rows[0]} to {rows[-1]}" if len(rows) else "no row"
        raise DataError(f"a history of {which} was asked for, but the data have {count}")
    settings = Settings(rating_min_bars=rating_min_bars, rating_rules=rating_rules)
    return _from_values(panel, terms, _values(panel, terms, settings, rows), settings, rows)


def _values(panel: Panel, terms: Sequence[Term], settings: Settings, rows: Rows) -> Floats:
    """Return the F x R x N values at these rows; NaN for a term whose fields hold nothing."""
    values = np.full((len(terms), len(rows), len(panel.instruments)), np.nan)
    able, first = [k for k, term in enumerate(terms) if not lacks(panel, term)], int(rows[0])
    every = evaluate([terms[k] for k in able], panel, settings, len(panel.times) - first)
    for k, found in zip(able, every, strict=True):
        values[k] = found[rows - first]
    return values


def _from_values(panel: Panel, terms: Sequence[Term], values: Floats, settings: Settings, rows: Rows) -> FeatureHistory:
    """Return the history of these rows of a panel that has these values (F x R x N, which become its own)."""
    as_of = moments(panel)[rows]
    if common_clock(panel):
        listed, known_at, absent = _heads(panel, terms, rows)
        values[absent] = np.nan
    else:
        listed, known_at, absent = _heads_one_by_one(panel, terms, values, rows, settings)
    return FeatureHistory(
        names=tuple(term.name for term in terms),
        keys=panel.keys,
        times=panel.times[rows],
        as_of=frozen(as_of),
        known_at=frozen(known_at),
        values=frozen(values),
        listed=frozen(listed),
        absent=frozen(absent),
        lacks={term.name: term.lack for term in terms},
    )


def moments(panel: Panel) -> Times:
    """Return when each row is known: with its first name that has a bar, else with the last of all."""
    if panel.known_at.strides[1] == 0:
        return panel.known_at[:, 0].copy()
    last = panel.known_at.max(axis=1)
    never = np.iinfo(np.int64).max
    there = np.where(panel.tradable, panel.known_at.astype("datetime64[us]").astype(np.int64), never).min(axis=1)
    return np.asarray(np.minimum(there.astype("datetime64[us]"), last))


def common_clock(panel: Panel) -> bool:
    """Return whether all cells of each row are known at one moment."""
    return panel.known_at.strides[1] == 0 or bool((panel.known_at == panel.known_at[:, :1]).all())


def _heads(panel: Panel, terms: Sequence[Term], rows: Rows) -> tuple[Rows, Times, Bools]:
    """Return columns listed and the latest bar known (R each), and absent terms (F x R), of rows on a common clock."""
    begun = np.where(panel.tradable.any(axis=0), panel.tradable.argmax(axis=0), len(panel.times))
    listed = np.searchsorted(begun, rows, side="right")
    some = panel.tradable.any(axis=1)
    last = np.maximum.accumulate(np.where(some, np.arange(len(some)), 0))[rows]
    absent = np.zeros((len(terms), len(rows)), bool)
    since: dict[str, int] = {}
    for k, term in enumerate(terms):
        for name in term.needs:
            if name not in since:
                since[name] = _first_value(panel, name, begun)
        if term.needs:
            absent[k] = rows < min(since[name] for name in term.needs)
    return listed, panel.known_at[last, 0], absent


def _first_value(panel: Panel, name: str, begun: Rows) -> int:
    """Return the first row at which a field has a value of a listed name; the number of rows if it never has."""
    never = len(panel.times)
    if name not in panel.fields:
        return never
    known = ~np.isnan(panel.fields[name])
    first = np.where(known.any(axis=0), np.maximum(known.argmax(axis=0), begun), never)
    return int(first.min())


def _heads_one_by_one(
    panel: Panel, terms: Sequence[Term], values: Floats, rows: Rows, settings: Settings
) -> tuple[Rows, Times, Bools]:
    """Return the same where cells come late: these lose their values, rows with another end are computed anew."""
    names, rules, known_at = [term.name for term in terms], settings.rating_rules, moments(panel)[rows]
    listed, absent = np.zeros(len(rows), np.int64), np.zeros((len(terms), len(rows)), bool)
    for r, (row, moment) in enumerate(zip(rows.tolist(), known_at.copy(), strict=True)):
        view = panel.until(moment)
        listed[r] = len(view.instruments)
        if not len(view.times):
            absent[:, r] = [bool(term.needs) for term in terms]
            values[:, r] = np.nan
            continue
        other = len(view.times) != row + 1
        found = compute(view, names if other else (), rating_min_bars=settings.rating_min_bars, rating_rules=rules)
        known_at[r] = found.known_at
        if other:
            values[:, r] = np.nan
            values[:, r, : listed[r]] = found.values
        else:
            values[:, r, panel.known_at[row] > moment] = np.nan
        absent[:, r] = [bool(lacks(view, term)) for term in terms]
        values[absent[:, r], r] = np.nan
    return listed, known_at, absent
