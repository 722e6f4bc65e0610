"""Funding of perpetual swaps: the fraction of a position that longs paid to shorts, settlement by settlement.

Exchanges settle every eight, four or one hours, and stamp it some milliseconds late: times are cut to the second. A
payment is stored once and never changed; where one settlement has two rates, both are stored and none counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tvquant.core.instruments import Kind
from tvquant.core.panel import Floats, Times
from tvquant.lake.storage import tables
from tvquant.lake.storage.location import Root
from tvquant.symbology.kinds import structure

KEY = ["symbol", "timestamp"]
COLUMNS = [*KEY, "rate"]
RATE = "funding_rate"
"""The rate's name in files and in what providers deliver."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Payments:
    """P payments by symbol and time: the symbol's number, the second of the settlement, the rate (NaN: they differ)."""

    symbol: NDArray[np.int64]
    stamp: Times
    rate: Floats

    @classmethod
    def of(cls, names: Sequence[str], rows: pl.DataFrame) -> "Payments":
        """Return the stored rows of these symbols, numbered in their order."""
        known = agreed(rows).with_columns(pl.col("symbol").cast(pl.Enum(names))).sort(KEY)
        return cls(
            symbol=known["symbol"].to_physical().cast(pl.Int64).to_numpy(),
            stamp=known["timestamp"].dt.replace_time_zone(None).to_numpy(),
            rate=known["rate"].to_numpy(),
        )


NONE = Payments(symbol=np.empty(0, np.int64), stamp=np.empty(0, "datetime64[us]"), rate=np.empty(0))


def known_funding(root: Root, symbols: Iterable[str] | None = None) -> pl.DataFrame:
    """Return the payments of the symbols (of all when None): symbol, timestamp and rate, NaN where two were given.

    Sorted.
    """
    where = None if symbols is None else pl.col("symbol").is_in(list(symbols))
    return agreed(tables.read(root, "funding", COLUMNS, where=where)).sort(KEY)


def last_settlement(root: Root, symbol: str) -> datetime | None:
    """Return the last one that is stored."""
    found = tables.read(root, "funding", ["timestamp"], where=pl.col("symbol") == symbol)["timestamp"].max()
    return found if isinstance(found, datetime) else None


def pays(symbol: str) -> bool:
    """Return whether it is a perpetual swap.

    Raises
    ------
    DataError : it is no symbol.
    """
    return Kind.SWAP in structure(symbol).kinds


def agreed(rows: pl.DataFrame) -> pl.DataFrame:
    """Return one row per settlement; NaN where two rates were given."""
    rate = pl.col("rate")
    return rows.group_by(KEY).agg(pl.when(rate.n_unique() == 1).then(rate.first()).otherwise(float("nan")))
