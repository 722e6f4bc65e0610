"""The feature store of a workspace: brought up to date after the bars, and read by whoever needs a history.

1. One panel per calendar holds all names of the lake that can be in one; every term is stored for each of their bars.
2. Stored is the default technical rating, without a floor of bars: that is laid over it when it is read, so that one
   store serves every profile. Other rules of rating are computed.
3. The version is of the source of everything between bars and terms. Another version makes all anew.
"""

import time
from collections.abc import Collection
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from typing import Any

import numpy as np

from tvquant.app.identity import PACKAGE
from tvquant.app.progress import Watcher
from tvquant.app.workspace import Workspace
from tvquant.core.clock import Clock
from tvquant.core.digests import digest_bytes
from tvquant.core.errors import DataError
from tvquant.core.features import FeatureHistory
from tvquant.core.panel import Floats, Panel
from tvquant.features import TERMS
from tvquant.features.compute import asked
from tvquant.features.history import common_clock, from_values, history, values_of
from tvquant.features.rating_rules import LIBRARY_V3
from tvquant.features.terms.contract import Settings, floored
from tvquant.lake import Lake, feature_store
from tvquant.lake.feature_store import input_digests
from tvquant.lake.reading import panels
from tvquant.lake.storage import tables
from tvquant.symbology.kinds import structure

SOURCES = ("features", "statistics/directional.py", "statistics/kernels.py", "core/calendars.py", "core/sessions")
LIBRARIES = ("numba", "numpy")
STORED = Settings(rating_min_bars=1, rating_rules=LIBRARY_V3)
KEPT = tuple(term for term in TERMS.values() if term.of_bars)
"""Terms that the store has."""
MOST_SHOWN = 10
NEAR = 64
"""Names that lack only so many of the last rows are computed together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCycle:
    """What a refresh of the store did: rows, keys, seconds, and symbols it had to leave out, with the reason."""

    appended: int
    recomputed: int
    dropped: int
    keys: int
    seconds: float
    left_out: dict[str, str]
    damage: str = ""
    """Why what was stored could not be read; all of it was made anew then."""

    def document(self) -> dict[str, Any]:
        """Return the refresh as a JSON-able document."""
        return asdict(self)

    def text(self) -> list[str]:
        """Return the lines on the refresh for a person."""
        return [
            f"features: {self.appended:,} rows appended, {self.recomputed:,} recomputed, {self.dropped:,} dropped, "
            f"of {self.keys:,} instruments, in {self.seconds:.1f} s",
            *([f"the store was damaged and was made anew: {self.damage}"] if self.damage else []),
            *(f"{name} has no features: {why}" for name, why in sorted(self.left_out.items())[:MOST_SHOWN]),
        ]


@cache
def feature_version() -> str:
    """Return sixteen digits that name how terms are computed: their source, and the libraries that compile it."""
    parts = []
    for name in SOURCES:
        found = PACKAGE / name
        files = [found] if found.is_file() else sorted(p for p in found.rglob("*") if p.suffix in (".py", ".csv"))
        parts += [part for p in files for part in (p.relative_to(PACKAGE).as_posix().encode(), p.read_bytes())]
    libraries = [f"{name} {metadata.version(name)}".encode() for name in LIBRARIES]
    return digest_bytes(*parts, *libraries, repr(STORED).encode())[:16]


def refresh_features(workspace: Workspace, watcher: Watcher, *, clock: Clock) -> FeatureCycle:
    """Compute and store every term of every bar that is new in the lake or has changed.

    Raises
    ------
    DataError : the lake cannot be read or written, or another command is writing.
    """
    lake = workspace.lake()
    begun = time.perf_counter()
    with workspace.writing():
        groups, left_out = lake_panels(lake)
        watcher.steps(0, len(groups))
        done = feature_store.refresh(
            lake,
            groups,
            tuple(term.name for term in KEPT),
            stored_values,
            version=feature_version(),
            recorded_at=clock.now(),
        )
        watcher.steps(len(groups), len(groups))
    return FeatureCycle(
        appended=done.appended,
        recomputed=done.recomputed,
        dropped=done.dropped,
        keys=done.keys,
        seconds=time.perf_counter() - begun,
        left_out=left_out,
        damage=done.damage,
    )


def lake_panels(lake: Lake) -> tuple[list[Panel], dict[str, str]]:
    """Return panels of all that the lake holds, one per calendar; and which symbols are in none, with the reason."""
    if tables.version(lake.root, "bars") is None:
        return [], {}
    groups: dict[str, list[str]] = {}
    left_out: dict[str, str] = {}
    for name in lake.symbols():
        found = structure(name)
        if found.currency != "USD":
            left_out[name] = f"priced in {found.currency}"
        else:
            groups.setdefault(found.calendar, []).append(name)
    made = []
    for calendar, names in sorted(groups.items()):
        try:
            made.append(panels.build(lake.bars(names)))
        except DataError as error:
            left_out |= dict.fromkeys(names, f"{calendar}: {error}")
    return made, left_out


def stored_values(panel: Panel, rows: int) -> Floats:
    """Return all terms as they are stored, at the last rows: F x rows x N."""
    return values_of(panel, KEPT, STORED, rows)


def feature_history(lake: Lake, panel: Panel, names: Collection[str], settings: Settings) -> FeatureHistory:
    """Return what `features.history` gives for the panel, stored values where valid, the rest computed.

    The panel may be of any snapshot of the lake, or a view of one: stored rows are used where their digests are those
    of its cells.
    """
    if settings.rating_rules != STORED.rating_rules or not common_clock(panel):
        return history(panel, names, rating_min_bars=settings.rating_min_bars, rating_rules=settings.rating_rules)
    terms, count = asked(names), len(panel.times)
    kept = [k for k, term in enumerate(terms) if term.of_bars]
    mine = [terms[k] for k in kept]
    wanted = tuple(term.name for term in mine)
    found, have = feature_store.stored(lake, panel, input_digests(panel), wanted, version=feature_version())
    lacking = panel.tradable & ~have
    start = np.where(lacking.any(axis=0), lacking.argmax(axis=0), count)
    for group in (start < count - NEAR, (start >= count - NEAR) & (start < count)):
        columns = np.flatnonzero(group)
        if len(columns):
            first = int(start[columns].min())
            part = panel if len(columns) == len(panel.keys) else panel.only(columns)
            found[:, first:, columns] = values_of(part, mine, STORED, count - first)
    for each, term in zip(found, mine, strict=True):
        if term.floored:
            each[:] = floored(each, panel, settings)
    if len(mine) == len(terms):
        return from_values(panel, terms, found, settings)
    values = np.full((len(terms), *found.shape[1:]), np.nan)
    values[kept] = found
    others = [k for k, term in enumerate(terms) if not term.of_bars]
    values[others] = values_of(panel, [terms[k] for k in others], STORED, count)
    return from_values(panel, terms, values, settings)
