"""Sleeves as their runs recorded them: stream, decisions, how the optimisations went, and what it was played by.

Nothing is computed anew, and nothing of a run is believed that its ledger does not answer for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import polars as pl

from tvquant.core.atoms import Direction
from tvquant.core.books import Execution
from tvquant.core.errors import DataError, ModelError
from tvquant.core.panel import Times
from tvquant.core.sleeves import Closed, HeldAtom, Sleeve, SleeveDecision, Solves
from tvquant.ledger.recorded_parts import RecordedCell
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.profiles.messages import unknown
from tvquant.tournament.trades import FILL

ROUNDING = 1e-9
"""Part of a name's largest trade of a bar that is no holding."""
RULES = tuple(one.name for one in fields(Execution))
"""Keys of `execution` that say how weights become holdings."""


def sleeve_of(
    name: str,
    run: RecordedRun,
    key: str,
    *,
    times: Times,
    calendar: str,
    conventions: Mapping[str, Any],
    solves: Solves | None = None,
) -> Sleeve:
    """Return a sleeve as one cell of its run, whose panel has these rows and this calendar; `solves` by its outcome.

    Raises
    ------
    ModelError : the run has no such cell, or no book of it (R-META-03: nothing stands in for it).
    """
    cell = _cell(name, run, key)
    decided = run.table("windows", key)["decided_at"].to_numpy()
    book = run.table("returns", key)
    stamps, levels = stream_of(times, decided[0], book["time"].to_numpy(), book["equity"].to_numpy())
    return Sleeve(
        name=name,
        profile=run.profile_name,
        run=run.run_id,
        result=run.sealed or "",
        cell=key,
        calendar=calendar,
        times=stamps,
        levels=levels,
        decisions=decisions_of(decided, _held(run, key)),
        solves=solves or solves_of(cell),
        conventions=conventions,
        stamps=frozenset(cell.stamps),
        closed=closed_of(run.table("trades").filter(pl.col("cell") == key)),
    )


def _cell(name: str, run: RecordedRun, key: str) -> RecordedCell:
    found = {one.key: one for one in run.outcomes}
    if key not in found:
        raise ModelError(
            f"sleeve {name}, run {run.run_id}: {unknown('cell', key, found)}; a meta-portfolio weighs each sleeve's "
            "own book of its risk profile, and takes no other in its place"
        )
    if found[key].why is not None:
        raise ModelError(f"sleeve {name}: cell {key} of run {run.run_id} has no book: {found[key].why}")
    return found[key]


def stream_of(times: Times, decided: np.datetime64, rows: Times, equity: Any) -> tuple[Times, Any]:
    """Return stamps and levels of a book from the mark of its first decision on, where it is 1 (R-SYN-07).

    `times` are the rows of its panel. Rows between the mark and the first fill hold cash. Where the first fill is at
    the mark itself, the row before it is the one at which nothing was paid yet.
    """
    fill = int(np.searchsorted(times, rows[0]))
    mark = min(int(np.searchsorted(times, decided)), fill - 1)
    if mark < 0:
        raise DataError(f"the first fill, on {str(rows[0])[:10]}, has no row before it; import older bars")
    return np.concatenate([times[mark:fill], rows]), np.concatenate([np.ones(fill - mark), equity])


def decisions_of(decided: Times, held: pl.DataFrame) -> tuple[SleeveDecision, ...]:
    """Return what is held from each of the decisions on; where nobody is, nothing."""
    atoms: dict[Any, list[HeldAtom]] = {moment: [] for moment in decided}
    columns = (held[name] for name in ("atom", "symbol", "direction", "weight", "gate"))
    for moment, atom, symbol, direction, weight, gate in zip(held["decided_at"].to_numpy(), *columns, strict=True):
        if weight * gate:
            atoms[moment].append(HeldAtom(atom, symbol, Direction(direction), weight * gate))
    return tuple(SleeveDecision(at=moment, atoms=tuple(some)) for moment, some in atoms.items())


def closed_of(trades: pl.DataFrame) -> tuple[Closed, ...]:
    """Return what was closed that nobody ordered, and was not held again at the end of that bar.

    Where a name was both closed and filled in one bar, the sum of all its trades says which came last.
    """
    ordered = pl.col("kind") == FILL
    bars = trades.group_by("symbol", "time", maintain_order=True).agg(
        pl.col("quantity").sum().alias("moved"),
        pl.col("quantity").abs().max().alias("most"),
        (~ordered).any().alias("closed"),
        ordered.any().alias("filled"),
    )
    bars = bars.sort("time", maintain_order=True).with_columns(pl.col("moved").cum_sum().over("symbol").alias("held"))
    gone = bars.filter(pl.col("closed") & (~pl.col("filled") | (pl.col("held").abs() <= ROUNDING * pl.col("most"))))
    return tuple(Closed(at, symbol) for at, symbol in zip(gone["time"].to_numpy(), gone["symbol"], strict=True))


def _held(run: RecordedRun, key: str) -> pl.DataFrame:
    return run.table("atoms").filter(pl.col("cell") == key)


def solves_of(cell: RecordedCell) -> Solves:
    """Return how the optimisations of a cell went: windows without a candidate asked for none (R-META-04)."""
    of = cell.measures
    asked = (of.windows or 0) - (of.windows_without_candidate or 0)
    return Solves(solved=asked - (of.windows_fell_back or 0) - (of.windows_failed or 0), asked=asked)


def conventions_of(values: Mapping[str, Any], simulator: str) -> dict[str, Any]:
    """Return what sleeves must have alike (R-META-15), by dotted key of a profile's plain values.

    Windows, the version of the selection, the rules of execution with the options of the simulator, and costs.
    """
    found = {f"windows.{name}": value for name, value in values["windows"].items()}
    if "selection" in values:
        found["selection.model"] = values["selection"]["model"]
    found |= {f"execution.{name}": values["execution"][name] for name in RULES if name in values["execution"]}
    own = values["execution"].get(simulator, {})
    found |= {f"execution.{simulator}.{name}": value for name, value in own.items()}
    return found | {f"costs.{name}": value for name, value in values["costs"].items()}


def in_common(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what all of several conventions say alike; a nested meta-portfolio has those of its sleeves."""
    first, *others = found
    return {key: value for key, value in first.items() if all(key in one and one[key] == value for one in others)}
