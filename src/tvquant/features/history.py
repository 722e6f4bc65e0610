"""Features of every row at once, each as it was known then.

1. Terms run once over the whole panel and give all rows: row k is what the panel cut after it gives.
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
    rows: int | None = None,
    rating_min_bars: int,
    rating_rules: RatingRules = LIBRARY_V3,
) -> FeatureHistory:
    """Return the named terms at the last `rows` rows (all when None) of the panel, in the order of the catalogue.

    `at(row)` equals `compute` on the panel until that row was known.

    Raises
    ------
    ProfileError : a name that is no term.
    DataError : the panel has no row, or not that many.
    """
    terms, count = asked(names), len(panel.times)
    rows = count if rows is None else rows
    if not 0 < rows <= count:
        raise DataError(f"a history of {rows} rows was asked for, but the data have {count}")
    settings = Settings(rating_min_bars=rating_min_bars, rating_rules=rating_rules)
    return _from_values(panel, terms, _values(panel, terms, settings, rows), settings)


def _values(panel: Panel, terms: Sequence[Term], settings: Settings, rows: int) -> Floats:
    """Return the F x rows x N values of the last rows; NaN for a term whose fields hold nothing."""
    values = np.full((len(terms), rows, len(panel.instruments)), np.nan)
    able = [k for k, term in enumerate(terms) if not lacks(panel, term)]
    for k, found in zip(able, evaluate([terms[k] for k in able], panel, settings, rows), strict=True):
        values[k] = found
    return values


def _from_values(panel: Panel, terms: Sequence[Term], values: Floats, settings: Settings) -> FeatureHistory:
    """Return the history of the panel's last rows that has these values (F x R x N, which become its own)."""
    as_of = moments(panel)[-values.shape[1] :]
    if common_clock(panel):
        listed, known_at, absent = _heads(panel, terms, as_of)
        values[absent] = np.nan
    else:
        listed, known_at, absent = _heads_one_by_one(panel, terms, values, as_of, settings)
    return FeatureHistory(
        names=tuple(term.name for term in terms),
        keys=panel.keys,
        times=panel.times[-len(as_of) :],
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


def _heads(panel: Panel, terms: Sequence[Term], as_of: Times) -> tuple[Rows, Times, Bools]:
    """Return columns listed and the latest bar known (R each), and absent terms (F x R), of rows on a common clock."""
    rows, first = len(as_of), panel.tradable.argmax(axis=0)
    begun = np.where(panel.tradable.any(axis=0), first, len(panel.times))
    here = np.arange(len(panel.times))[-rows:]
    listed = np.searchsorted(begun, here, side="right")
    some = panel.tradable.any(axis=1)
    last = np.maximum.accumulate(np.where(some, np.arange(len(some)), 0))[-rows:]
    absent = np.zeros((len(terms), rows), bool)
    since: dict[str, int] = {}
    for k, term in enumerate(terms):
        for name in term.needs:
            if name not in since:
                since[name] = _first_value(panel, name, begun)
        if term.needs:
            absent[k] = here < min(since[name] for name in term.needs)
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
    panel: Panel, terms: Sequence[Term], values: Floats, as_of: Times, settings: Settings
) -> tuple[Rows, Times, Bools]:
    """Return the same where cells come late: these lose their values, rows with another end are computed anew."""
    rows, names, rules = len(as_of), [term.name for term in terms], settings.rating_rules
    listed, known_at = np.zeros(rows, np.int64), as_of.copy()
    absent = np.zeros((len(terms), rows), bool)
    skipped = len(panel.times) - rows
    for r, moment in enumerate(as_of):
        view = panel.until(moment)
        listed[r] = len(view.instruments)
        if not len(view.times):
            absent[:, r] = [bool(term.needs) for term in terms]
            values[:, r] = np.nan
            continue
        other = len(view.times) != skipped + r + 1
        found = compute(view, names if other else (), rating_min_bars=settings.rating_min_bars, rating_rules=rules)
        known_at[r] = found.known_at
        if other:
            values[:, r] = np.nan
            values[:, r, : listed[r]] = found.values
        else:
            values[:, r, panel.known_at[skipped + r] > moment] = np.nan
        absent[:, r] = [bool(lacks(view, term)) for term in terms]
        values[absent[:, r], r] = np.nan
    return listed, known_at, absent
