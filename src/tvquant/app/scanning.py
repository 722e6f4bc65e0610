"""Scanners on the lake, at one past date or at many: the same files that the live screener is asked with.

Everything is as known at the close of the bar: later rows, listings and facts do not exist there (R-UNI-22). One pass
over the bars gives the features of all dates; each date is then a few comparisons over all names at once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tvquant.app.workspace import Workspace
from tvquant.core.digests import digest_json
from tvquant.core.errors import DataError, ProfileError
from tvquant.core.features import FeatureSet
from tvquant.core.instruments import Instant, Instrument
from tvquant.core.panel import Panel
from tvquant.core.quoting import several
from tvquant.features import TERMS, compute, history
from tvquant.features.rating_rules import RatingRules
from tvquant.lake import Lake
from tvquant.lake.reading import panels
from tvquant.lake.storage.tables import SCANNED
from tvquant.lake.writing.scans import store_scan
from tvquant.profiles.messages import unknown
from tvquant.profiles.scanners import Scanner, load_scanner
from tvquant.symbology.kinds import structure
from tvquant.tournament.quorum import SESSIONS
from tvquant.universe import (
    Auditor,
    Consolidated,
    ScannerAudit,
    Screen,
    ScreeningOutcome,
    consolidate,
    recruits,
    traded_values,
)
from tvquant.universe.discovery import TRADED, require
from tvquant.universe.membership import missing

MAX_ATOMS = 200
"""Ceiling of atoms that one scan makes, as that of a profile by default (R-UNI-21)."""
QUORUM = 0.8
"""Share of the names alive that must have the bar, or a scan says that it lacks them, as a profile's by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratings:
    """Which technical rating is meant, and how many bars a name needs before it has one."""

    rules: RatingRules
    min_bars: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scanned:
    """Scanners at one bar.

    Parameters
    ----------
    bar : stamp of the bar; `known_at` : when the last of it became known.
    keys : instruments with a bar there; `answers` : one per scanner, over them.
    alive : how many had one in the five sessions up to it.
    found : the atoms; `audits` : one per scanner.
    features : of the last row, at least those that scans record.
    missing : list of members -> how many it has that day, and those of them that no instrument of the lake is.
    notes : what else must be known of it; a live scan has much.
    """

    scanners: tuple[Scanner, ...]
    bar: Instant
    known_at: Instant
    keys: tuple[str, ...]
    alive: int
    answers: tuple[ScreeningOutcome, ...]
    found: Consolidated
    audits: tuple[ScannerAudit, ...]
    features: FeatureSet
    missing: Mapping[str, tuple[int, tuple[str, ...]]]
    notes: tuple[str, ...] = ()

    def caveats(self) -> list[str]:
        """Return lines on the bar and on the lists of members, to be read before the scan is believed."""
        day: date = self.bar.astype("datetime64[D]").item()
        lists = [scanner.members for scanner in self.scanners if scanner.members is not None]
        caveats = [
            f"current_only: the list {one.list} is that of {one.as_of}; who failed or left earlier is missing"
            for one in lists
            if not one.dated
        ]
        caveats += [
            f"the list {one.list} ends on {one.as_of}: its last members stand for later days"
            for one in lists
            if one.dated and day > one.as_of
        ]
        caveats += [
            f"the list {name} has {count} members that day, and {len(gone)} are not in the lake: {several(gone)}"
            for name, (count, gone) in self.missing.items()
            if gone
        ]
        if len(self.keys) < QUORUM * self.alive:
            caveats.append(
                f"only {len(self.keys)} of the {self.alive} names with a bar in five sessions have that of {day}"
            )
        return list(dict.fromkeys((*caveats, *self.notes)))

    def outcomes(self) -> dict[str, str]:
        """Return key -> `recruited`, `alternative of KEY`, `max_atoms`, or what stopped it at the last scanner."""
        last = dict(zip(self.keys, self.answers[-1].reasons(), strict=True))
        owners = {atom.symbol: atom.physical_symbol for atom in (*self.found.atoms, *self.found.cut)}
        last |= {
            key: f"alternative of {owners[atom]}" for atom, keys in self.found.alternatives.items() for key in keys
        }
        last |= {atom.physical_symbol: "max_atoms" for atom in self.found.cut}
        return last | {atom.physical_symbol: "recruited" for atom in self.found.atoms}

    def values(self, key: str) -> dict[str, float | None]:
        """Return every feature of one instrument; None where it has none.

        Raises
        ------
        ProfileError : it had no bar there.
        """
        if key not in self.keys:
            raise ProfileError(f"{key} had no bar on {str(self.bar)[:10]}, or is of no kind that the scanner takes")
        row = self.features.values[:, self.features.columns([key])[0]].tolist()
        return {name: None if value != value else value for name, value in zip(self.features.names, row, strict=True)}


def scanner_here(workspace: Workspace, name: str) -> Scanner:
    """Return a scanner of a workspace or of the package, by name.

    Raises
    ------
    ProfileError : there is none, it is a mere layer, or it asks for a feature that does not exist.
    """
    scanner = load_scanner(name, search=[workspace.profiles])
    if not scanner.kinds:
        raise ProfileError(f"{name} names no kinds: it is a layer; scan one that builds on it (`tvquant scan list`)")
    for field in scanner.fields:
        if field not in TERMS:
            raise ProfileError(f"scanner {name}: {unknown('feature', field, TERMS)}")
    return scanner


def scan_panel(lake: Lake, scanners: Sequence[Scanner]) -> tuple[Panel, list[str]]:
    """Return the bars of every instrument that the scanners may ask for; and those left out, as not priced in dollars.

    Raises
    ------
    DataError : the lake has none of them.
    """
    kinds = frozenset(kind for scanner in scanners for kind in scanner.kinds)
    exchanges = {scanner.exchange for scanner in scanners}
    named = {exchange for exchange in exchanges if exchange is not None}
    contents = lake.contents()
    held = contents.names(kinds=kinds or None, exchanges=None if None in exchanges else named)
    calendars = {scanner.calendar for scanner in scanners} - {None}
    foreign = [name for name in held if structure(name).currency != "USD"]
    names = [
        name
        for name in held
        if structure(name).currency == "USD" and (not calendars or structure(name).calendar in calendars)
    ]
    if not names:
        wanted = ", ".join(sorted(kind.value for kind in kinds)) or "any kind"
        raise DataError(
            f"the lake has no bars in dollars for scanner {scanners[0].name} ({wanted}); "
            "import some with `tvquant data import FILE`"
        )
    return panels.build(contents.bars(names)), foreign


def scan_at(panel: Panel, scanners: Sequence[Scanner], as_of: date | None, ratings: Ratings) -> Scanned:
    """Return the scan at the close of the last bar dated `as_of` or before; of the last bar there is when None.

    Raises
    ------
    DataError : there is no bar by then, or a scanner asks for what the data cannot have.
    """
    row, view = view_at(panel, as_of)
    features = compute(view, _names(scanners), rating_min_bars=ratings.min_bars, rating_rules=ratings.rules)
    return next(_scans(panel, scanners, [row], lambda _: features))


def view_at(panel: Panel, as_of: date | None) -> tuple[int, Panel]:
    """Return the row of the last bar dated `as_of` or before (the last one when None), and what was known there.

    Raises
    ------
    DataError : there is no bar by then.
    """
    row = len(panel.times) - 1 if as_of is None else int(_row_after(panel, as_of)) - 1
    if row < 0:
        raise DataError(f"the lake has no bar on or before {as_of}; its first is of {str(panel.times[0])[:10]}")
    return row, panel.until(panel.known_at[row][panel.tradable[row]].min(initial=panel.known_at[row].max()))


def replay(
    panel: Panel, scanners: Sequence[Scanner], rows: Sequence[int] | NDArray[np.intp], ratings: Ratings
) -> Iterator[Scanned]:
    """Return the scans at these rows of the panel, from one pass over its bars."""
    table = history(panel, _names(scanners), rating_min_bars=ratings.min_bars, rating_rules=ratings.rules)
    return _scans(panel, scanners, rows, table.at)


def rows_between(panel: Panel, first: date, last: date | None, every: int) -> NDArray[np.intp]:
    """Return rows of the bars from `first` to `last` (the end when None), every so many.

    Raises
    ------
    DataError : there is no bar in between.
    """
    start = int(np.searchsorted(panel.times, np.datetime64(first, "us"), side="left"))
    end = len(panel.times) if last is None else int(_row_after(panel, last))
    if start >= end:
        span = f"{str(panel.times[0])[:10]} to {str(panel.times[-1])[:10]}"
        raise DataError(f"no bar from {first} to {last or 'the end'}; the lake's are of {span}")
    return np.arange(start, end, every)


def archive(lake: Lake, scans: Iterable[Scanned], *, at: datetime, clock: str = "replay") -> int:
    """Store a row for each scan, scanner and instrument, all in one commit (R-DAT-23); how many there were."""
    return store_scan(lake, [row | {"clock": clock, "scanned_at": at} for scanned in scans for row in _rows(scanned)])


def _rows(scanned: Scanned) -> Iterator[dict[str, Any]]:
    """Yield what is archived of a scan; an instrument that one scanner passed has the outcome of them all."""
    outcomes, places = scanned.outcomes(), scanned.features.columns(scanned.keys)
    figures = [scanned.features.row(name)[places].tolist() for name in SCANNED]
    for scanner, answer in zip(scanned.scanners, scanned.answers, strict=True):
        mine = {atom.physical_symbol: atom.symbol for atom in scanned.found.atoms if atom.scan == scanner.name}
        shared = {
            "scanner": scanner.name,
            "definition": digest_json(scanner.model_dump(mode="json")),
            "timestamp": scanned.bar.item(),
            "logic": scanner.logic or "",
            "direction": str(scanner.direction or ""),
        }
        for key, reason, *values in zip(scanned.keys, answer.reasons(), *figures, strict=True):
            known = (None if value != value else value for value in values)
            yield shared | {
                "symbol": key,
                "atom": mine.get(key, ""),
                "outcome": reason or outcomes[key],
                **dict(zip(SCANNED, known, strict=True)),
            }


def _scans(
    panel: Panel,
    scanners: Sequence[Scanner],
    rows: Sequence[int] | NDArray[np.intp],
    features_at: Callable[[int], FeatureSet],
) -> Iterator[Scanned]:
    screens = [Screen(scanner, panel.instruments) for scanner in scanners]
    auditor = Auditor(scanners, panel.instruments)
    for row in map(int, rows):
        features, day = features_at(row), panel.times[row]
        require(scanners, features)
        columns = np.flatnonzero(panel.tradable[row, : len(features.keys)])
        candidates = [panel.instruments[j] for j in columns]
        answers = tuple(screen.ask(columns, day, features) for screen in screens)
        made = recruits(scanners, candidates, answers)
        quotes = next((scanner.quotes for scanner in scanners if scanner.quotes), ())
        found = consolidate(made, traded_values(candidates, features), quotes=quotes, most=MAX_ATOMS)
        yield Scanned(
            scanners=tuple(scanners),
            bar=day,
            known_at=features.known_at,
            keys=tuple(one.key for one in candidates),
            alive=int(panel.tradable[max(row + 1 - SESSIONS, 0) : row + 1, : len(features.keys)].any(axis=0).sum()),
            answers=answers,
            found=found,
            audits=auditor.audit(columns, answers, found, features, day),
            features=features,
            missing=_missing(scanners, panel.instruments[: len(features.keys)], day.astype("datetime64[D]").item()),
        )


def _missing(
    scanners: Sequence[Scanner], instruments: Sequence[Instrument], day: date
) -> dict[str, tuple[int, tuple[str, ...]]]:
    lists = {scanner.members.list: scanner.members for scanner in scanners if scanner.members is not None}
    return {name: (len(one.tickers(day)), missing(one, instruments, day)) for name, one in lists.items()}


def _names(scanners: Sequence[Scanner]) -> frozenset[str]:
    return frozenset({TRADED, *SCANNED, *(name for scanner in scanners for name in scanner.fields)})


def _row_after(panel: Panel, day: date) -> np.intp:
    """Return the first row after that day."""
    return np.searchsorted(panel.times, np.datetime64(day, "us") + np.timedelta64(1, "D"), side="left")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What changed between two scans: atom ids, and for those that left, why."""

    entered: tuple[str, ...]
    left: Mapping[str, str]
    stayed: tuple[str, ...]


def difference(first: Scanned, second: Scanned) -> Difference:
    """Return the atoms that entered, those that left with the reason, and those that stayed."""
    before = {atom.symbol: atom.physical_symbol for atom in first.found.atoms}
    after = {atom.symbol: atom.physical_symbol for atom in second.found.atoms}
    outcomes = second.outcomes()
    return Difference(
        entered=tuple(sorted(after.keys() - before.keys())),
        left={atom: outcomes.get(before[atom], "no_bar") for atom in sorted(before.keys() - after.keys())},
        stayed=tuple(sorted(before.keys() & after.keys())),
    )
