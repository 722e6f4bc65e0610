"""What providers say of an instrument: tick, lot, smallest order, and what it follows, each from when we knew it."""

from collections.abc import Iterable
from datetime import UTC, datetime

import polars as pl

from tvquant.lake.storage import tables
from tvquant.lake.storage.location import Root
from tvquant.lake.storage.tables import TIME

KEY = ["symbol", "field"]


def known_facts(root: Root, symbols: Iterable[str] | None = None, *, at: datetime) -> pl.DataFrame:
    """Return the newest value of each fact that was known at a moment: symbol, field, value, known_at.

    By symbol and field.
    """
    where = pl.col("known_at") <= pl.lit(at.astimezone(UTC), TIME)
    if symbols is not None:
        where &= pl.col("symbol").is_in(list(symbols))
    rows = tables.read(root, "facts", [*KEY, "value", "known_at"], where=where)
    return rows.sort("known_at", maintain_order=True).unique(KEY, keep="last", maintain_order=True).sort(KEY)
