"""Corporate actions that a provider tells of, put into the lake as files deliver them.

What is stored is never changed: a dividend or split that is told with another value stands beside the first. Of one
source the newest counts (see `action_revisions`); where sources differ none is applied (see `bars`). The bars they were
told for extend the span in which dividends are known.
"""

from datetime import datetime

import polars as pl

from tvquant.core.errors import DataError
from tvquant.lake.reading.action_revisions import DAY, TOLD, current
from tvquant.lake.reading.lake import Lake
from tvquant.lake.storage import commits, tables
from tvquant.lake.storage.location import Root
from tvquant.lake.storage.provenance import operation_id, origin
from tvquant.lake.storage.tables import TIME
from tvquant.symbology.kinds import structure

IDENTITY = ["symbol", "timestamp", "kind", "value"]
EVENT = ["symbol", "day", "kind"]
KINDS = ("dividend", "split")
MOST_FOR_ONE = 10_000.0
"""A split of more new units for one, or fewer than one for as many, is no split."""


def store_actions(
    lake: Lake, symbol: str, rows: pl.DataFrame, *, first: datetime, last: datetime, source: str, recorded_at: datetime
) -> int:
    """Store the actions of one symbol that the lake does not have; how many those were.

    Parameters
    ----------
    rows : timestamp (ex-date, UTC), kind (`dividend`: cash per unit; `split`: new units for one), value. None at all
        says that there were none.
    first, last : bars that these are all the actions of; `recorded_at` : with a zone.

    Raises
    ------
    DataError : a row is no action, or the lake cannot be written.
    """
    found = structure(symbol)
    given = rows.select(
        pl.lit(symbol).alias("symbol"), pl.col("timestamp").cast(TIME), "kind", pl.col("value").cast(pl.Float64)
    )
    _check(symbol, given)
    none = pl.col("kind").eq("split") & pl.col("value").eq(1.0)
    inside = pl.col("timestamp").dt.date().is_between(first.date(), last.date()) & ~none
    given = given.filter(inside).unique(IDENTITY, maintain_order=True).sort(IDENTITY)
    plain = given.with_columns(pl.col("timestamp").cast(pl.String)).rows()
    operation = operation_id(plain, str(first), str(last), source, recorded_at.isoformat())
    columns = origin(source, operation, recorded_at)
    span = pl.DataFrame(
        {"symbol": [symbol], "kinds": [" ".join(sorted(found.kinds))], "currency": [found.currency],
         "calendar": [found.calendar], "actions_first": [first], "actions_last": [last]}
    )  # fmt: skip

    def decide() -> int:
        new = unstored_actions(lake.root, given.with_columns(source=columns["source"]))
        commits.append(lake.root, "actions", new.with_columns(**columns))  # first: a span says that all are there
        commits.append(lake.root, "instruments", span.with_columns(**columns))
        return len(new)

    return commits.transact(lake.root, decide)


def _check(symbol: str, rows: pl.DataFrame) -> None:
    value, split = pl.col("value"), pl.col("kind") == "split"
    wild = split & ((value > MOST_FOR_ONE) | (value < 1.0 / MOST_FOR_ONE))
    good = pl.col("kind").is_in(KINDS) & value.is_finite() & (value > 0) & ~wild & pl.col("timestamp").is_not_null()
    bad = rows.filter(~good.fill_null(False))
    if len(bad):
        _, when, kind, found = bad.row(0)
        raise DataError(
            f"{symbol}: {kind} of {found} at {when} is no corporate action; expected dividend or split, above zero"
        )


def unstored_actions(root: Root, given: pl.DataFrame) -> pl.DataFrame:
    """Return what of the given actions (symbol, timestamp, kind, value, source and others) is to be stored.

    A source that has told nothing of an action adds to it what no other says; one that has told other values tells all
    of its own anew.
    """
    if given.is_empty():
        return given
    where = pl.col("symbol").is_in(given["symbol"].unique().implode())
    said = tables.read(root, "actions", TOLD, where=where)
    if said.is_empty():
        return given
    said = current(said).with_columns(DAY)
    given = given.with_columns(DAY)
    mine = [*EVENT, "source"]
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
        held=_among(given, said, mine), heard=_among(given, said, [*EVENT, "value"]), anew=_among(given, differ, mine)
    )
    return marked.filter(anew | first).select(given.columns).drop("day")


def _among(rows: pl.DataFrame, others: pl.DataFrame, keys: list[str]) -> pl.Series:
    """Return which rows have their keys among the others'."""
    found = others.select(keys).unique().with_columns(found=pl.lit(True))
    return rows.join(found, on=keys, how="left", maintain_order="left")["found"].is_not_null()
