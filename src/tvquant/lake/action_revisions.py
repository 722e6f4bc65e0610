"""Who told a dividend or split, and when: one source that says it anew corrects itself, two that disagree conflict.

All that was told stays stored. Of each source the newest telling counts; several values in one telling all do.
"""

import polars as pl

from tvquant.lake import tables
from tvquant.lake.location import Root

ACTION = ["symbol", "day", "kind"]
TOLD = ["symbol", "timestamp", "kind", "value", "source", "recorded_at"]
_DAY = pl.col("timestamp").dt.date().alias("day")


def current(rows: pl.DataFrame) -> pl.DataFrame:
    """The stored actions that no later telling of the same source supersedes (columns `TOLD`, and others)."""
    return rows.filter(~_superseded())


def superseded(rows: pl.DataFrame) -> pl.DataFrame:
    """The others."""
    return rows.filter(_superseded())


def _superseded() -> pl.Expr:
    told = pl.col("recorded_at")
    return told < told.max().over("symbol", _DAY, "kind", "source")


def news(root: Root, given: pl.DataFrame) -> pl.DataFrame:
    """What of the given actions (symbol, timestamp, kind, value, source and others) is to be stored.

    A source that has told nothing of an action adds to it what no other says; one that has told other values tells all
    of its own anew.
    """
    where = pl.col("symbol").is_in(given["symbol"].unique().implode())
    said = current(tables.read(root, "actions", TOLD, where=where)).with_columns(_DAY)
    given = given.with_columns(_DAY)
    mine = [*ACTION, "source"]
    again = given.join(said, on=mine, how="semi")
    differ = pl.concat(
        [
            again.join(said, on=[*mine, "value"], how="anti").select(mine),
            said.join(again, on=mine, how="semi").join(again, on=[*mine, "value"], how="anti").select(mine),
        ]
    )
    anew = pl.col("anew") & pl.col("held")
    first = ~pl.col("held") & ~pl.col("heard")
    marked = given.with_columns(
        held=_among(given, said, mine), heard=_among(given, said, [*ACTION, "value"]), anew=_among(given, differ, mine)
    )
    return marked.filter(anew | first).select(given.columns).drop("day")


def _among(rows: pl.DataFrame, others: pl.DataFrame, keys: list[str]) -> pl.Series:
    """Which rows have their keys among the others'."""
    found = others.select(keys).unique().with_columns(found=pl.lit(True))
    return rows.join(found, on=keys, how="left", maintain_order="left")["found"].is_not_null()
