"""The same symbol from two sides: shorter bars that a provider serves beside its daily ones must add up to them.

Only whole days are compared: a day of which a shorter bar is missing, or has versions that differ, says nothing. Two
deliveries of one daily bar need no check of their own: versions that differ are conflicting duplicates.
"""

import polars as pl

from tvquant.lake.reading.bars import SAME
from tvquant.lake.storage.intervals import LENGTHS, aggregate, off_grid
from tvquant.lake.storage.tables import DAILY, MEASURES, PRICES, TIME

VOLUME_ROUNDING = 1e-6
"""Relative difference below which a sum of volumes is the daily volume: providers round them."""
DISAGREEMENT: dict[str, pl.DataType] = {
    "symbol": pl.String(),
    "timestamp": TIME,
    "field": pl.String(),
    "one": pl.Float64(),
    "other": pl.Float64(),
}


def whole_days(rows: pl.DataFrame, interval: str) -> pl.DataFrame:
    """Daily bars (symbol, timestamp, measures) from bars of an interval, of days with every bar on its place once."""
    clear = rows.unique(["symbol", "timestamp", *MEASURES]).unique(["symbol", "timestamp"], keep="none")
    parts = LENGTHS[DAILY] // LENGTHS[interval]
    made = aggregate(clear.filter(~off_grid(interval)))
    return made.filter(pl.col("parts") == parts).select("symbol", "timestamp", *MEASURES)


def disagreements(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Return where two sets of bars differ, for bars and values that both have.

    Returns
    -------
    Rows of symbol, timestamp, `field`, `one` and `other` (the two values), sorted.
    """
    pairs = one.join(other, on=["symbol", "timestamp"], suffix="_other")
    parts = [pl.DataFrame(schema=DISAGREEMENT)]
    for name in MEASURES:
        mine, theirs = pl.col(name), pl.col(f"{name}_other")
        limit = SAME if name in PRICES else VOLUME_ROUNDING
        differ = (mine - theirs).abs() > limit * pl.max_horizontal(mine.abs(), theirs.abs())
        field = pl.lit(name).alias("field")
        parts.append(pairs.filter(differ).select("symbol", "timestamp", field, one=mine, other=theirs))
    return pl.concat(parts).sort("symbol", "timestamp", "field")
