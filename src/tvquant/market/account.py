"""What a sync came to, asset by asset: what was asked for is stable, degraded, failed or missing, and nothing else.

Beside that, what its provider has and was not asked for: older bars than the depth, and rows that could not be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from tvquant.core.errors import TvquantError
from tvquant.core.instants import instant
from tvquant.core.panel import Times
from tvquant.market.coverage import Grid
from tvquant.market.orchestrator import Assessed, DataPipelineOrchestrator
from tvquant.market.providers.contract import Offer
from tvquant.market.registry import AssetState
from tvquant.market.tasks import DataTask


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a provider has and no one took.

    Parameters
    ----------
    rows, total : bars older than the depth, and all that it has; both 0 where it does not tell.
    deeper : assets of which older bars exist, or may, where it does not tell.
    depth : bars to ask for to have them all; None where it does not tell.
    unread, example : rows that could not be read, and one of them in words.
    """

    rows: int = 0
    total: int = 0
    deeper: tuple[str, ...] = ()
    depth: int | None = None
    unread: int = 0
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Every asset that was asked for, in exactly one of four states; all but the stable ones with the reason.

    Parameters
    ----------
    degraded : fetched, but stale, with gaps or short.
    failed : the lake has bars of it, but the provider's last answer was none: they may be out of date.
    missing : the lake has no bar of it.
    """

    asked: int
    stable: tuple[str, ...]
    degraded: dict[str, str]
    failed: dict[str, str]
    missing: dict[str, str]
    left: Left

    @property
    def whole(self) -> bool:
        """All that was asked for has come."""
        return not (self.failed or self.missing or self.left.unread)


def accounted(pipeline: DataPipelineOrchestrator, tasks: Sequence[DataTask], offer: Offer | None) -> Account:
    """The account of these tasks, one per asset, as lake and registry stand behind them."""
    states: dict[str, dict[str, str]] = {name: {} for name in ("degraded", "failed", "missing")}
    grids: dict[DataTask, Grid] = {}
    for task in sorted(tasks, key=lambda one: one.key):
        try:
            grids[task] = Grid.of(*task.key, pipeline.clock.now())
        except TvquantError as error:
            states["missing"][task.physical_symbol] = str(error)
    found = pipeline.assessed(grids)
    assets = {task.physical_symbol: found[task.key] for task in grids}
    older = {task.physical_symbol: _older(task, grid, found[task.key], offer) for task, grid in grids.items()}
    stable = []
    for name, one in assets.items():
        if not one.coverage.bars:
            beyond = older[name].rows
            away = f"none of its {beyond:,} bars is so new; --depth {older[name].depth} asks for them"
            states["missing"][name] = away if beyond else one.assessment.reason
        elif one.record.error is not None:
            states["failed"][name] = "; ".join(filter(None, (one.record.error, one.assessment.reason)))
        elif one.assessment.state is not AssetState.STABLE:
            states["degraded"][name] = one.assessment.reason
        else:
            stable.append(name)
    return Account(asked=len(tasks), stable=tuple(stable), **states, left=_together(older, offer))


def _older(task: DataTask, grid: Grid, asset: Assessed, offer: Offer | None) -> Left:
    """Of one asset, the bars before those that were asked for and those that are stored."""
    name, covered, genesis = task.physical_symbol, asset.coverage, asset.record.genesis
    if offer is None:
        more = covered.first is not None and (genesis is None or instant(genesis) < covered.first)
        return Left(deeper=(name,) if more else ())
    if name not in offer.times:
        return Left()
    times = _stamps(offer.times[name], grid)
    last = grid.closed()
    first = grid.back(last, task.depth)
    before = first if covered.first is None else min(first, covered.first)
    rows = int((times < before).sum())
    depth = len(grid.bars(times[0], last)) if rows else None
    return Left(rows=rows, total=len(times), deeper=(name,) if rows else (), depth=depth)


def _stamps(times: pl.Series, grid: Grid) -> Times:
    """Times as the grid has them."""
    plain = times.dt.replace_time_zone(None)
    whole = plain if grid.calendar.opens is None else plain.dt.truncate("1d").unique(maintain_order=True)
    stamps: Times = whole.to_numpy().astype("datetime64[us]")
    return stamps


def _together(older: dict[str, Left], offer: Offer | None) -> Left:
    unread = [] if offer is None else list(offer.unread.values())
    depths = [one.depth for one in older.values() if one.depth is not None]
    return Left(
        rows=sum(one.rows for one in older.values()),
        total=sum(one.total for one in older.values()),
        deeper=tuple(name for name in sorted(older) if older[name].deeper),
        depth=max(depths, default=None),
        unread=sum(count for count, _ in unread),
        example=unread[0][1] if unread else "",
    )
