"""Judging an asset's data: their state, which bars to ask for, and whether asking could mend it (R-DAT-20)."""

from dataclasses import dataclass

import numpy as np

from tvquant.core.instants import instant, moment
from tvquant.core.instruments import Instant
from tvquant.lake.quality.audit import freshness
from tvquant.market.coverage import Coverage, Grid, Hole
from tvquant.market.registry import AssetRecord, AssetState
from tvquant.market.tasks import DataTask

MINIMUM = 90
"""Valid bars below which an asset is of no use (R-DAT-02)."""

TO_THE_DAY = np.timedelta64(1, "D")
"""Providers tell the end of a listing to the day: the bars of a shorter interval end before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """State of an asset and the reasons against STABLE; `behind`: newer bars have closed, fresh as it may be."""

    state: AssetState
    behind: bool = False
    stale: bool = False
    gaps: bool = False
    short: bool = False
    reason: str = ""


def assess(covered: Coverage, record: AssetRecord, grid: Grid, *, as_of: Instant, minimum: int = MINIMUM) -> Assessment:
    """The state of an asset of this coverage, fresh or stale as of a moment."""
    if not covered.bars:
        asked = record.last_attempt is not None
        reason = f"no bars: {record.error or 'the provider has none'}" if asked else "never fetched"
        state = AssetState.DEGRADED if asked else AssetState.ABSENT
        return Assessment(state=state, behind=True, stale=True, reason=reason)
    assert covered.last is not None
    behind = not ended(covered, record, grid) and bool(grid.closed_at(as_of) > covered.last)
    stale = behind and bool(as_of - grid.known_at(covered.last) > freshness(grid.market))
    short = covered.bars < minimum
    said = []
    if stale:
        said.append(f"stale: last bar {shown(covered.last, grid)}")
    if covered.missing:
        said.append(f"gaps: {covered.missing} bars missing, the newest {shown(covered.holes[0][1], grid)}")
    if short:
        said.append(f"short: {covered.bars} bars, {minimum} needed")
    if record.refused is not None:
        said.append(record.refused)
    state = AssetState.DEGRADED if said else AssetState.STABLE
    return Assessment(
        state=state, behind=behind, stale=stale, gaps=bool(covered.missing), short=short, reason="; ".join(said)
    )


def wanted(task: DataTask, covered: Coverage, record: AssetRecord, grid: Grid, *, live: bool) -> tuple[Hole, ...]:
    """Spans to ask for: all when forced, else what is behind the last stored bar and before the first one.

    The last stored bar is asked for again, for it may have been revised. Nothing before a known genesis is asked for. A
    provider that is not live may have got newer bars at any time. The history of an asset that ended ends there;
    its depth counts from its end where all of it is asked for, else from now, as that of the others.
    """
    now = last = grid.closed()
    if record.delisted is not None:
        last = min(last, grid.closed_at(instant(record.delisted)))

    def deepest(end: Instant) -> Instant:
        first = grid.back(end, task.depth)
        return first if record.genesis is None else max(first, instant(record.genesis))

    if task.force_sync or covered.first is None or covered.last is None:
        first = deepest(last)
        return ((first, last),) if first <= last else ()
    first = deepest(now)
    spans = []
    behind = covered.last < last
    again = max(first, covered.last)
    if again <= last and (behind or (not live and record.delisted is None)):
        spans.append((again, last))
    if first < covered.first:
        spans.append((first, grid.back(covered.first, 2)))
    return tuple(spans)


def repairable(covered: Coverage, record: AssetRecord, assessment: Assessment) -> bool:
    """Asking again could help: newer bars have closed, a hole is not known to be the provider's too, or it is short and
    older bars may exist.
    """
    return assessment.behind or bool(open_holes(covered, record)) or (assessment.short and record.genesis is None)


def open_holes(covered: Coverage, record: AssetRecord) -> tuple[Hole, ...]:
    """Holes, newest first, tolerated ones too, that are not wholly within one known to be the provider's own."""
    known = [(instant(first), instant(last)) for first, last in record.irreparable]
    holes = sorted((*covered.holes, *covered.tolerated), reverse=True)
    return tuple(hole for hole in holes if not any(a <= hole[0] and hole[1] <= b for a, b in known))


def ended(covered: Coverage, record: AssetRecord, grid: Grid) -> bool:
    """The provider ended the asset, and its bars reach to that end."""
    if record.delisted is None or covered.last is None:
        return False
    return bool(grid.known_at(covered.last) + max(grid.step, TO_THE_DAY) >= instant(record.delisted))


def shown(stamp: Instant, grid: Grid) -> str:
    """A bar as a message names it: its date, and the time where there are several a day."""
    day = grid.step == np.timedelta64(1, "D")
    return f"{moment(stamp):%Y-%m-%d}" if day else f"{moment(stamp):%Y-%m-%d %H:%M}"
