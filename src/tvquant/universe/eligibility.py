"""Eligibility: who may be chosen at a decision, judged on what was known then and on nothing else.

1. *Universe*: instruments listed by then whose kinds and names the profile asks for.
2. *Discovery*: those with a bar at the decision row.
3. *Refined*: those that pass, in this order, the history floor (all bars known by then), the largest absolute return,
   a price that moves, the share of missing rows (these three over the training rows) and the absence of gaps over
   the lookback (R-DAT-02, 03, 04, 07).

A name that will crash or be delisted tomorrow is eligible today.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvquant.core.calendars import calendar
from tvquant.core.decisions import SelectionFunnel
from tvquant.core.instruments import Instrument
from tvquant.core.panel import Bools, Panel
from tvquant.profiles.schema import DataSection, UniverseSection

REASONS = ("no_bar", "history", "extreme_return", "zero_variance", "missing_rows", "gap")
"""Why a name of the universe is out, in the order in which it is asked."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Eligibility:
    """Names that may be chosen (in panel order), the reason for each that may not, and how many fell where.

    `has_history` says whether any name of the universe reaches the history floor; `tolerated` counts single missing
    sessions that the calendar forgives among the eligible.
    """

    keys: tuple[str, ...]
    excluded: Mapping[str, str]
    funnel: SelectionFunnel
    has_history: bool
    tolerated: int


def eligible(view: Panel, universe: UniverseSection, data: DataSection, *, train: int) -> Eligibility:
    """Who may be chosen with what `view` (a panel until the decision) knows; `train` is in rows."""
    members = [j for j, instrument in enumerate(view.instruments) if belongs(instrument, universe)]
    columns = np.array(members, dtype=np.intp)
    have = view.tradable[:, columns]
    returns = view.fields["total_return"][-train:, columns]
    tolerance = calendar(view.calendar).gap_tolerance
    bars = have.sum(axis=0)
    longest, holes = _missing(*_tail(have, data.lookback))
    recent, before = _tail(have, train)
    listed = np.where(before, 0, recent.argmax(axis=0))
    absent = 1.0 - recent.sum(axis=0) / (len(recent) - listed)
    highest = np.fmax.reduce(returns, axis=0, initial=-np.inf)
    lowest = np.fmin.reduce(returns, axis=0, initial=np.inf)
    failures: dict[str, Bools] = {
        "no_bar": ~have[-1],
        "history": bars < data.min_history,
        "extreme_return": np.maximum(np.abs(highest), np.abs(lowest)) > data.max_abs_return,
        "zero_variance": ~(highest > lowest),
        "missing_rows": absent > data.max_missing,
        "gap": longest > tolerance,
    }
    names = [view.instruments[j].key for j in members]
    failed = np.array([failures[reason] for reason in REASONS])
    out = failed.any(axis=0)
    first = failed.argmax(axis=0)
    excluded = {name: REASONS[first[k]] for k, name in enumerate(names) if out[k]}
    vetoed = {reason: sum(why == reason for why in excluded.values()) for reason in REASONS[1:]}
    keys = tuple(name for k, name in enumerate(names) if not out[k])
    discovery = len(names) - sum(why == "no_bar" for why in excluded.values())
    return Eligibility(
        keys=keys,
        excluded=excluded,
        funnel=SelectionFunnel(
            universe=len(names),
            discovery=discovery,
            refined=len(keys),
            selected=len(keys),
            vetoed={reason: n for reason, n in vetoed.items() if n},
        ),
        has_history=bool((bars >= data.min_history).any()),
        tolerated=int(holes[~out].sum()),
    )


def belongs(instrument: Instrument, universe: UniverseSection) -> bool:
    """Whether the profile's universe names this instrument; a symbol stands for all its generations."""
    if universe.symbols and instrument.symbol not in universe.symbols:
        return False
    if instrument.symbol in universe.exclude_symbols or instrument.kinds & frozenset(universe.exclude_kinds):
        return False
    return bool(instrument.kinds & frozenset(universe.kinds))


def _tail(have: Bools, rows: int) -> tuple[Bools, Bools]:
    """The last `rows` rows, and which columns had a bar before them."""
    return have[-rows:], have[:-rows].any(axis=0)


def _missing(have: Bools, before: Bools) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Longest run of missing rows since listing, and number of missing rows since listing, per column."""
    rows = np.arange(len(have))[:, None]
    last = np.maximum.accumulate(np.where(have, rows, -1), axis=0)
    listed = before | (last >= 0)
    return np.where(listed, rows - last, 0).max(axis=0), (listed & ~have).sum(axis=0)
