"""Histories whose scale changed since they were stored: fetched again whole, or not touched (see `lake.scales`).

Adjusted prices change backwards whenever something is paid or split, so every request overlaps a stored bar. Where the
overlap differs by a common factor, all that is stored is asked for again. An answer that has all of it replaces the
stored values in one commit, with their originals in `repairs`; any other leaves the asset as it was, degraded.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from tvquant.core.errors import DataError
from tvquant.core.panel import Basis
from tvquant.lake.quality.price_scale import rescaled
from tvquant.lake.writing.declared_basis import SEVERAL
from tvquant.lake.writing.revisions import partial
from tvquant.market.coverage import Coverage, Grid, Hole
from tvquant.market.fetching import NO_ROWS, Fetched, Fetcher
from tvquant.market.providers.contract import basis_of
from tvquant.market.tasks import DataTask


class OutOfStep(DataError):
    """Newer prices are on another scale than the stored ones, and do not replace all of these."""


def touching(spans: Sequence[Hole], grid: Grid) -> tuple[Hole, ...]:
    """Return the spans with one more bar at either end, for comparison with what is stored beside them."""
    last, out = grid.closed(), []
    for first, until in spans:
        after = grid.bars(until, min(until + 10 * np.timedelta64(1, "D"), last))[1:2]
        out.append((grid.back(first, 2), after[0] if len(after) else until))
    return tuple(out)


async def in_step(
    fetcher: Fetcher, task: DataTask, grid: Grid, covered: Coverage, stored: pl.DataFrame, fetched: Fetched
) -> Fetched:
    """Return what was fetched; all that is stored fetched again too, where the two differ by a common factor.

    Raises
    ------
    OutOfStep : they do, and the provider does not deliver all of it anew; or the prices are raw, which never change.
    """
    name = task.physical_symbol
    basis = basis_of(fetcher.provider, name)
    if covered.first is None or rescaled(_of(name, fetched.rows), _of(name, stored)).is_empty():
        return fetched
    whole = await fetcher.fetch(name, grid, ((covered.first, grid.closed()),), NO_ROWS)
    rows = pl.concat([fetched.rows, whole.rows]).unique("timestamp", keep="last", maintain_order=True).sort("timestamp")
    odd = rescaled(_of(name, rows), _of(name, stored))
    if basis is Basis.RAW:
        odd = odd.filter(pl.col("bars") >= SEVERAL)
        why = "raw prices never do"
    else:
        odd = partial(_of(name, rows), _of(name, stored))
        why = f"not all of the stored bars from {_day(stored)} on are delivered anew"
    for row in odd.iter_rows(named=True):
        changed = f"the close of {row['day']:%Y-%m-%d} is stored as {row['was']:.6g} and delivered as {row['now']:.6g}"
        advice = f"deliver the whole history under its basis, or take the stored one out by `tvquant data rm {name}`"
        raise OutOfStep(f"{name}: {basis} prices changed their scale, {changed}, and {why}; {advice}")
    note = f"its scale changed: {len(stored)} stored bars fetched again whole"
    return Fetched(
        rows=rows, genesis=fetched.genesis or whole.genesis, rejected=fetched.rejected, notes=(*fetched.notes, note)
    )


def _of(name: str, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(symbol=pl.lit(name))


def _day(rows: pl.DataFrame) -> str:
    return str(rows["timestamp"].min())[:10]
