"""Funding of perpetual swaps: the fraction of a position that longs paid to shorts, settlement by settlement.

Exchanges settle every eight, four or one hours, and stamp it some milliseconds late: times are cut to the second. A
payment is stored once and never changed; where two rates were told for one settlement, both are stored and none counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tvquant.core.digests import digest_json
from tvquant.core.errors import DataError
from tvquant.core.instruments import Kind
from tvquant.core.panel import Floats, Times
from tvquant.lake import commits, tables
from tvquant.lake.location import Root
from tvquant.lake.tables import TIME
from tvquant.symbology.kinds import structure

if TYPE_CHECKING:
    from tvquant.lake.lake import Lake

MOST = 1.0
"""No swap pays all of a position at once, either way: such a rate is no fraction."""
KEY = ["symbol", "timestamp"]
COLUMNS = [*KEY, "rate"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Payments:
    """P payments by symbol and time: the symbol's number, the second of the settlement, the rate (NaN: they differ)."""

    symbol: NDArray[np.int64]
    stamp: Times
    rate: Floats

    @classmethod
    def of(cls, names: Sequence[str], rows: pl.DataFrame) -> "Payments":
        """The stored rows of these symbols, numbered as they stand."""
        known = agreed(rows).with_columns(pl.col("symbol").cast(pl.Enum(names))).sort(KEY)
        return cls(
            symbol=known["symbol"].to_physical().cast(pl.Int64).to_numpy(),
            stamp=known["timestamp"].dt.replace_time_zone(None).to_numpy(),
            rate=known["rate"].to_numpy(),
        )


NONE = Payments(symbol=np.empty(0, np.int64), stamp=np.empty(0, "datetime64[us]"), rate=np.empty(0))


def store_funding(lake: "Lake", rows: pl.DataFrame, *, source: str, recorded_at: datetime) -> int:
    """Store the payments that the lake does not have, in one commit; how many those were.

    Parameters
    ----------
    rows : symbol, timestamp (UTC), funding_rate.
    recorded_at : with a zone.

    Raises
    ------
    DataError : a symbol is no swap, a rate is no fraction, or the lake cannot be written; nothing was stored.
    """
    for name in rows["symbol"].unique().sort():
        if not pays(name):
            raise DataError(f"{name} is no perpetual swap: it has no funding; nothing was stored")
    bad = rows.filter(~sound())
    if len(bad):
        symbol, at, rate = bad.select(*KEY, "funding_rate").row(0)
        raise DataError(f"{symbol}: funding of {rate} at {at} is no fraction from -1 to 1; nothing was stored")
    given = settled(rows)
    plain = given.with_columns(pl.col("timestamp").cast(pl.String)).rows()
    import_id = digest_json([plain, source, recorded_at.isoformat()])[:16]
    origin = {
        "source": pl.lit(source),
        "import_id": pl.lit(import_id),
        "recorded_at": pl.lit(recorded_at.astimezone(UTC), TIME),
    }

    def decide() -> int:
        with commits.writing(lake.root):
            new = unstored(lake.root, given)
            commits.append(lake.root, "funding", new.with_columns(**origin))
        return len(new)

    return commits.retried(lake.root, decide)


def known_funding(lake: "Lake", symbols: Iterable[str] | None = None) -> pl.DataFrame:
    """The payments of the symbols (of all when None): symbol, timestamp and rate, NaN where two were told; sorted."""
    where = None if symbols is None else pl.col("symbol").is_in(list(symbols))
    return agreed(tables.read(lake.root, "funding", COLUMNS, where=where)).sort(KEY)


def last_settlement(lake: "Lake", symbol: str) -> datetime | None:
    """The last one that is stored."""
    found = tables.read(lake.root, "funding", ["timestamp"], where=pl.col("symbol") == symbol)["timestamp"].max()
    return found if isinstance(found, datetime) else None


def pays(symbol: str) -> bool:
    """It is a perpetual swap.

    Raises
    ------
    DataError : it is no symbol.
    """
    return Kind.SWAP in structure(symbol).kinds


def sound() -> pl.Expr:
    """A payment with a time, and a rate that is a fraction."""
    rate = pl.col("funding_rate")
    return (pl.col("timestamp").is_not_null() & rate.is_finite() & (rate.abs() <= MOST)).fill_null(False)


def settled(rows: pl.DataFrame) -> pl.DataFrame:
    """Distinct payments at the second of their settlement, as the table has them, sorted."""
    second = pl.col("timestamp").cast(TIME).dt.truncate("1s")
    found = rows.with_columns(second, pl.col("symbol").cast(pl.String), pl.col("funding_rate").alias("rate"))
    return found.drop("funding_rate").unique(COLUMNS, keep="first", maintain_order=True).sort(COLUMNS)


def unstored(root: Root, given: pl.DataFrame) -> pl.DataFrame:
    """Those of the settled payments that the lake does not have."""
    where = pl.col("symbol").is_in(given["symbol"].unique().implode())
    return given.join(tables.read(root, "funding", COLUMNS, where=where), on=COLUMNS, how="anti", maintain_order="left")


def agreed(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per settlement; NaN where two rates were told."""
    rate = pl.col("rate")
    return rows.group_by(KEY).agg(pl.when(rate.n_unique() == 1).then(rate.first()).otherwise(float("nan")))
