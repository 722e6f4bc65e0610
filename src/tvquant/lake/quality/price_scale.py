"""One history delivered twice: whether the later prices are the earlier ones on another scale.

Adjusted prices change whenever something is paid or split: from then on the whole past is lower by a common factor.
Such a past is taken whole or not at all, because rows of both scales beside each other make a return that nobody had.
Prices that were revised one by one have no factor in common.
"""

import polars as pl

from tvquant.lake.storage.tables import PRICES

EQUAL = 1e-6
"""Log difference of two closes below which they are the same: providers round."""
ALIKE = 0.25
"""Prices of one bar, and neighbouring bars, that differ by one factor agree on it within this share of it."""
PAST = 0.9
"""Share of the bars up to the last one that differs which differ: a later split or dividend changes the whole past."""

_DAY = pl.col("timestamp").dt.truncate("1d").alias("day")


def rescaled(given: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Symbols whose given prices are the stored ones times a common factor, or times few of them, one after the other.

    Parameters
    ----------
    given, stored : symbol, timestamp and prices; bars that only one of them has are not compared.

    Returns
    -------
    Per symbol, by name: the first bar that differs (`day`), how many do (`bars`), its closes `was` and `now`, and the
    stored span, `first` to `last`, with the number of its bars, `held`.
    """
    old = stored.lazy().select(pl.col("symbol").cast(pl.String), _DAY, *PRICES)
    span = old.group_by("symbol").agg(first=pl.col("day").min(), last=pl.col("day").max(), held=pl.len())
    new = given.lazy().select(pl.col("symbol").cast(pl.String), _DAY, *PRICES)
    pairs = new.join(old, on=["symbol", "day"], suffix="_old")
    logs = {name: (pl.col(name) / pl.col(f"{name}_old")).log() for name in PRICES}
    pairs = pairs.select("symbol", "day", was="close_old", now="close", **logs).filter(pl.col("close").is_finite())
    differs, day = pl.col("close").abs() > EQUAL, pl.col("day")
    pairs = pairs.filter(differs.any().over("symbol"))
    pairs = pairs.unique(["symbol", "day"], keep="first", maintain_order=True).sort("symbol", "day")
    past = (day <= day.filter(differs).max()).sum().over("symbol")
    pairs = pairs.with_columns(past=past).filter(differs)
    others = [pl.col(name) for name in PRICES if name != "close"]
    pairs = pairs.with_columns(
        width=pl.max_horizontal(*others, "close") - pl.min_horizontal(*others, "close"),
        prices=pl.sum_horizontal(one.is_not_null() for one in others),
        turn=pl.col("close").diff().abs().over("symbol"),
    )
    found = pairs.group_by("symbol", maintain_order=True).agg(
        pl.col("day", "was", "now", "past").first(), bars=pl.len(), size=pl.col("close").abs().median(),
        width=pl.col("width").median(), prices=pl.col("prices").min(), turn=pl.col("turn").median(),
    )  # fmt: skip
    alike = (pl.col("width") <= ALIKE * pl.col("size")) & (pl.col("turn").fill_null(0.0) <= ALIKE * pl.col("size"))
    several = (pl.col("bars") > 1) | (pl.col("prices") > 0)
    whole = pl.col("bars") >= PAST * pl.col("past")
    found = found.filter(alike & several & whole)
    found = found.select("symbol", "day", "bars", "was", "now").join(span, on="symbol", maintain_order="left")
    return found.collect()
