"""Two runs compared: what went in, what came out, and why they differ.

1. A result follows from four things: data (the snapshot), code (the source files), packages, and parameters (the
   resolved profile). Each is compared by what the runs recorded. Where all four are equal, so must the results be.
2. What came out is compared cell by cell, on the bars that both headlines have, and at the first decision that differs.
3. What a run lacks, or another version recorded otherwise, is left out with a line; nothing is made up for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from typing import Any

import numpy as np

from tvquant.core.errors import DataError, ProfileError
from tvquant.core.measures import Measures
from tvquant.core.panel import Panel
from tvquant.core.stages import Stage
from tvquant.lake import Snapshot
from tvquant.ledger.run_folder import MANIFEST
from tvquant.report.compared_decisions import DecisionsCompared, compare_decisions
from tvquant.report.compared_pools import PoolFigures, SharpeCompared, panels_of, pool_figures, sharpe_compared
from tvquant.report.performance_figures import Track, shared_rows
from tvquant.report.run import RunData
from tvquant.report.tracks import tracks_of
from tvquant.statistics import wealth

DERIVED = "total_return"
"""The field that is reckoned from the others: it differs on the row behind one that does."""
type Both[T] = tuple[T | None, T | None]
"""What the first run has, and the second; None where one has nothing."""


class Cause(StrEnum):
    """What a result follows from."""

    DATA = "data"
    CODE = "code"
    PACKAGES = "packages"
    PARAMETERS = "parameters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that differs; `layers` say where the values of a parameter came from."""

    name: str
    values: Both[Any]
    layers: Both[str] = (None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolChange:
    """A symbol whose content differs, or that one run lacks.

    Parameters
    ----------
    bars : how many valid ones each run found, with the first and the last date.
    rows : how many dates differ, the first and the last of them; None where the lake no longer says.
    """

    symbol: str
    bars: Both[str]
    rows: tuple[int, str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EquityCompared:
    """The headlines on the bars that both have, each from 1.

    Parameters
    ----------
    tracks : of both, whole.
    rows, first, last : how many bars both have, and which.
    ends : growth over them.
    parted : the first bar whose returns differ; None where none does.
    """

    tracks: tuple[Track, Track]
    rows: int
    first: str
    last: str
    ends: tuple[float, float]
    parted: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Everything that two runs have in common or not.

    Parameters
    ----------
    ids : of the runs, as they were named.
    results, snapshots, codes : digests.
    headlines : keys of the cells that stand for the runs.
    moved : parameters of equal value that came from another layer.
    unread : lines on what could not be compared.
    """

    ids: tuple[str, str]
    results: Both[str]
    snapshots: Both[str]
    codes: Both[str]
    symbols: tuple[SymbolChange, ...]
    packages: tuple[Change, ...]
    parameters: tuple[Change, ...]
    moved: int
    headlines: Both[str]
    cells: Mapping[str, Both[Measures]]
    equity: EquityCompared | None
    decisions: DecisionsCompared | None
    pools: Both[PoolFigures]
    sharpe: SharpeCompared
    unread: tuple[str, ...]

    @property
    def causes(self) -> dict[Cause, str]:
        """What differs of that which results follow from, with a few words on it."""
        found: dict[Cause, str] = {}
        if self.snapshots[0] != self.snapshots[1]:
            found[Cause.DATA] = _counted(len(self.symbols)) if self.symbols else "another interval"
        if self.codes[0] != self.codes[1]:
            found[Cause.CODE] = "source files"
        for cause, changes in ((Cause.PACKAGES, self.packages), (Cause.PARAMETERS, self.parameters)):
            if changes:
                more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
                found[cause] = f"{changes[0].name}{more}"
        return found

    @property
    def equal(self) -> bool | None:
        """Whether both came to the same result; None where one of them is not finished."""
        return None if None in self.results else self.results[0] == self.results[1]

    @property
    def why(self) -> str:
        """Why the runs differ, in a sentence."""
        named = [f"{cause} ({what})" for cause, what in self.causes.items()]
        listed = " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
        if self.equal is None:
            open_ = " and ".join(one for one, result in zip(self.ids, self.results, strict=True) if result is None)
            begun = f"they differ in {listed}" if named else "data, code, packages and parameters are equal"
            return f"No result to compare yet, of {open_}; {begun}."
        if self.equal:
            return "The results are equal, decision by decision" + (f", although {listed} differ." if named else ".")
        if len(named) == 1:
            return f"The results differ because of {listed}; everything else that they follow from is equal."
        if named:
            return f"The results differ; so do {listed}, and any of these may be why."
        return (
            "The results differ, though data, code, packages and parameters are equal: another machine rounds "
            "otherwise, or something is wrong; `tvquant ledger verify` says whether the runs are whole."
        )


def compare(runs: tuple[RunData, RunData], panel_of: Callable[[Snapshot], Panel] | None = None) -> Comparison:
    """Return what two runs have in common or not.

    Parameters
    ----------
    panel_of : reads what a snapshot pinned, for the dates that differ; left out where nothing can.

    Raises
    ------
    DataError, LedgerError : a run has no ledger, or one that cannot be believed.
    """
    unread: list[str] = []

    def both[T](what: str, read: Callable[[RunData], T | None]) -> Both[T]:
        found: list[T | None] = []
        for run in runs:
            try:
                found.append(read(run))
            except (DataError, ProfileError) as error:
                unread.append(f"{what} of {run.run_id}: {error}")
                found.append(None)
        return found[0], found[1]

    snapshots = both("data", lambda run: None if run.plan is None else Snapshot.from_json(run.plan.snapshot))
    parameters, moved = _parameters(both("parameters", _values))
    headlines = _standing_for(runs, both("headline", lambda run: run.headline.key), unread)
    tracks = both("returns", lambda run: _track(run, headlines[runs.index(run)]))
    cells = both("headline", lambda run: next((c for c in run.cells if c.key == headlines[runs.index(run)]), None))
    return Comparison(
        ids=(runs[0].run_id, runs[1].run_id),
        results=both("result", lambda run: run.result),
        snapshots=both("data", lambda run: None if run.plan is None else run.plan.snapshot_digest),
        codes=both("code", lambda run: run.code),
        symbols=_symbols(snapshots, both("health", _bars), panel_of, unread),
        packages=_changes(both("packages", _packages)),
        parameters=parameters,
        moved=moved,
        headlines=headlines,
        cells=_cells(both("cells", lambda run: {one.key: one.measures for one in (*run.cells, *run.beside)})),
        equity=_equity(tracks),
        decisions=compare_decisions(both("decisions", lambda run: run), headlines, unread),
        pools=pool_figures(both("pool", lambda run: run), cells, panels_of(snapshots, panel_of, unread), unread),
        sharpe=sharpe_compared(tracks, both("headline", lambda run: run.periods_per_year)),
        unread=tuple(dict.fromkeys(unread)),
    )


def _counted(symbols: int) -> str:
    return f"{symbols:,} symbol{'s' if symbols > 1 else ''}"


def _values(run: RunData) -> Mapping[str, tuple[Any, str]]:
    """Return key -> value and layer, of the manifest of any version."""
    manifest = run.document(MANIFEST)
    try:
        return {key: (_at(manifest["profile"], key), str(layer)) for key, layer in manifest["layers"].items()}
    except (LookupError, TypeError, AttributeError) as error:
        raise DataError(f"{MANIFEST} was written by another version: {error}") from error


def _at(values: Mapping[str, Any], key: str) -> Any:
    """Return the value at a dotted key."""
    found: Any = values
    for name in key.split("."):
        found = found[name]
    return found


def _parameters(found: Both[Mapping[str, tuple[Any, str]]]) -> tuple[tuple[Change, ...], int]:
    """Return the keys whose values differ, and how many others came from another layer."""
    first, second = found
    if first is None or second is None:
        return (), 0
    nothing = (None, None)
    keys = list(dict.fromkeys(chain(first, second)))
    pairs = {key: (first.get(key, nothing), second.get(key, nothing)) for key in keys}
    changes = tuple(
        Change(name=key, values=(a[0], b[0]), layers=(a[1], b[1]))
        for key, (a, b) in pairs.items()
        if a[0] != b[0] or (key in first) != (key in second)
    )
    named = {one.name for one in changes}
    return changes, sum(a[1] != b[1] for key, (a, b) in pairs.items() if key not in named)


def _packages(run: RunData) -> Mapping[str, Any]:
    """Return name -> version, as stage 1 recorded them."""
    stage = run.stages.get(Stage.ENVIRONMENT)
    if stage is None or "environment" not in stage.data:
        raise DataError("the ledger does not say which versions computed")
    found: Mapping[str, Any] = stage.data["environment"]
    return found


def _changes(found: Both[Mapping[str, Any]]) -> tuple[Change, ...]:
    """Return what differs between two mappings; nothing where one of them is not known."""
    first, second = found
    if first is None or second is None:
        return ()
    pairs = ((name, (first.get(name), second.get(name))) for name in sorted({*first, *second}))
    return tuple(Change(name=name, values=values) for name, values in pairs if values[0] != values[1])


def _bars(run: RunData) -> Mapping[str, str]:
    """Return symbol -> how many bars the run found valid, and from when to when."""
    return {
        one.symbol: f"{one.bars:,}, {str(one.first)[:10]} to {str(one.last)[:10]}" if one.bars else "none"
        for one in run.health
    }


def _symbols(
    snapshots: Both[Snapshot],
    bars: Both[Mapping[str, str]],
    panel_of: Callable[[Snapshot], Panel] | None,
    unread: list[str],
) -> tuple[SymbolChange, ...]:
    """Return the symbols that differ, with the dates that do as far as the lake still has both contents."""
    first, second = snapshots
    if first is None or second is None or first.digest == second.digest:
        return ()
    changed = [
        name
        for name in sorted({*first.symbols, *second.symbols})
        if first.symbols.get(name) != second.symbols.get(name)
    ]
    rows: Mapping[str, tuple[int, str, str]] = {}
    shared = [name for name in changed if name in first.symbols and name in second.symbols]
    if panel_of is not None and shared:
        try:
            rows = dates_that_differ(panel_of(first), panel_of(second), shared)
        except DataError as error:
            unread.append(f"dates that differ: {error}")
    had = [found or {} for found in bars]
    return tuple(
        SymbolChange(
            symbol=name,
            bars=(
                had[0].get(name) if name in first.symbols else None,
                had[1].get(name) if name in second.symbols else None,
            ),
            rows=rows.get(name),
        )
        for name in changed
    )


def dates_that_differ(first: Panel, second: Panel, names: list[str]) -> dict[str, tuple[int, str, str]]:
    """Return instrument key -> how many dates differ in any stored field, the first and the last of them.

    A date that only one of the panels has differs. What differs in no field (an action, a fact) has no date here.
    """
    found = {}
    for name in names:
        one, other = _rows(first, name), _rows(second, name)
        dates = sorted(day for day in {*one, *other} if one.get(day) != other.get(day))
        if dates:
            found[name] = (len(dates), str(dates[0])[:10], str(dates[-1])[:10])
    return found


def _rows(panel: Panel, name: str) -> dict[np.datetime64, bytes]:
    """Return date -> the bytes of all fields of an instrument, for the rows where it has a value."""
    at = next((k for k, one in enumerate(panel.instruments) if one.key == name), None)
    if at is None:
        return {}
    stored = sorted(panel.fields.keys() - {DERIVED})
    fields = np.column_stack([panel.fields[field][:, at] for field in stored])
    there = ~np.isnan(fields).all(axis=1)
    return {day: row.tobytes() for day, row in zip(panel.times[there], fields[there], strict=True)}


def _cells(found: Both[Mapping[str, Measures]]) -> dict[str, Both[Measures]]:
    """Return cell -> its measures in both runs; those that both have first."""
    first, second = found[0] or {}, found[1] or {}
    keys = sorted(dict.fromkeys(chain(first, second)), key=lambda key: not (key in first and key in second))
    return {key: (first.get(key), second.get(key)) for key in keys}


def _standing_for(runs: tuple[RunData, RunData], found: Both[str], unread: list[str]) -> Both[str]:
    """Return the cells that are compared: the headlines; where a profile cannot be read, a strategy of that run.

    That is the other run's headline, or else the first strategy that both have, or else its best one.
    """
    if None not in found:
        return found
    keys: list[list[str]] = []
    for run in runs:
        try:
            keys.append([one.key for one in run.cells if not one.baseline])
        except DataError:
            return found
    shared = [key for key in keys[0] if key in keys[1]]
    named = [one for one in found if one is not None]
    chosen = [
        one if one is not None else next(iter([key for key in (*named, *shared) if key in mine] or mine), None)
        for one, mine in zip(found, keys, strict=True)
    ]
    unread += [
        f"headline of {run.run_id}: {stands} stands for it"
        for run, one, stands in zip(runs, found, chosen, strict=True)
        if one is None and stands is not None
    ]
    return chosen[0], chosen[1]


def _track(run: RunData, key: str | None) -> Track | None:
    return next(iter(tracks_of(run, [one for one in run.cells if one.key == key])), None)


def _since(track: Track, day: np.datetime64) -> Track:
    """Return a track from a bar on: what it earned before the first shared one is no part of that one's return."""
    rows = track.times >= day
    return replace(track, times=track.times[rows], returns=track.returns[rows])


def _equity(found: Both[Track]) -> EquityCompared | None:
    """Return the headlines on the bars that both have; None where there are none."""
    first, second = found
    if first is None or second is None:
        return None
    both = np.intersect1d(first.times, second.times)
    if not len(both):
        return None
    times, one, other = shared_rows(_since(first, both[0]), _since(second, both[0]))
    differ = np.flatnonzero(one != other)
    return EquityCompared(
        tracks=(first, second),
        rows=len(times),
        first=str(times[0])[:10],
        last=str(times[-1])[:10],
        ends=(float(wealth(one)[-1]), float(wealth(other)[-1])),
        parted=str(times[differ[0]])[:10] if len(differ) else None,
    )
