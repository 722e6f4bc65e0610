"""Who told a dividend or split, and when: one source that says it anew corrects itself, two that disagree conflict.

All that was told stays stored. Of each source the newest telling counts; several values in one telling all do.
"""

import polars as pl

TOLD = ["symbol", "timestamp", "kind", "value", "source", "recorded_at"]
DAY = pl.col("timestamp").dt.date().alias("day")


def current(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the stored actions that no later telling of the same source supersedes (columns `TOLD`, and others)."""
    return rows.filter(~_superseded())


def superseded(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the others."""
    return rows.filter(_superseded())


def _superseded() -> pl.Expr:
    told = pl.col("recorded_at")
    return told < told.max().over("symbol", DAY, "kind", "source")
