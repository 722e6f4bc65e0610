"""Which books of a run may stand beside each other: what their returns leave out, and the tracks of them."""

from collections.abc import Iterable

import polars as pl

from tvquant.core.stamps import Stamp
from tvquant.ledger.recorded_run import RecordedCell
from tvquant.report.performance_figures import Track
from tvquant.report.run import RunData

PRICES_ONLY = "prices only"


def basis_of(cell: RecordedCell) -> str:
    """Return what is to be said of the returns of a cell: `prices only` where dividends are not in them, or nothing."""
    return PRICES_ONLY if Stamp.PRICE_RETURN in cell.stamps else ""


def alike(one: RecordedCell, other: RecordedCell) -> bool:
    """Return whether both have their dividends, or both lack them: only then are they compared."""
    return basis_of(one) == basis_of(other)


def tracks_of(run: RunData, cells: Iterable[RecordedCell]) -> list[Track]:
    """Return the tracks of those of the cells that have returns, in their order."""
    table = run.table("returns")
    books = {cell: table.filter(pl.col("cell") == cell) for cell in table["cell"].unique().to_list()}
    return [Track.of(one.key, books[one.key], basis=basis_of(one)) for one in cells if one.key in books]
