"""Corporate actions that a provider tells of, put into the lake as files deliver them.

What a provider tells with another value than before takes the place of what is stored, and the journal of repairs keeps
what it replaced. Two values in one answer are both stored, and neither is applied (see `bars`). The bars they were told
for extend the span in which dividends are known.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import polars as pl

from tvquant.core.digests import digest_json
from tvquant.core.errors import DataError
from tvquant.lake import commits, tables
from tvquant.lake.kinds import structure
from tvquant.lake.lake import Lake
from tvquant.lake.place import Root
from tvquant.lake.tables import TIME

IDENTITY = ["symbol", "timestamp", "kind", "value"]
KINDS = ("dividend", "split")
JOURNALLED = "actions"
"""What stands for the interval of an action in the journal of repairs."""
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
    plain = pl.col("kind").eq("split") & pl.col("value").eq(1.0)
    inside = pl.col("timestamp").is_between(first, last) & ~plain
    given = given.filter(inside).unique(IDENTITY, maintain_order=True).sort(IDENTITY)
    import_id = digest_json(
        [
            given.with_columns(pl.col("timestamp").cast(pl.String)).rows(),
            str(first),
            str(last),
            source,
            recorded_at.isoformat(),
        ]
    )[:16]
    origin = {
        "source": pl.lit(source),
        "import_id": pl.lit(import_id),
        "recorded_at": pl.lit(recorded_at.astimezone(UTC), TIME),
    }
    span = pl.DataFrame(
        {"symbol": [symbol], "kinds": [" ".join(sorted(found.kinds))], "currency": [found.currency],
         "calendar": [found.calendar], "actions_first": [first], "actions_last": [last]}
    )  # fmt: skip

    def decide() -> int:
        with commits.writing(lake.root):
            commits.append(lake.root, "instruments", span.with_columns(**origin))
            held = tables.read(lake.root, "actions", where=pl.col("symbol") == symbol)
            day = pl.col("timestamp").dt.truncate("1d").alias("day")
            again = held.with_columns(day).join(given.with_columns(day), on=["day", "kind"], how="semi")
            new = given.with_columns(day).join(again, on=["day", "kind", "value"], how="anti", maintain_order="left")
            gone = again.join(given.with_columns(day), on=["day", "kind", "value"], how="anti", maintain_order="left")
            if gone.is_empty():
                commits.append(lake.root, "actions", new.with_columns(**origin))
            else:
                _supersede(lake.root, held, gone, new, origin)
        return len(new)

    return commits.retried(lake.root, decide)


def _supersede(
    root: Root, held: pl.DataFrame, gone: pl.DataFrame, new: pl.DataFrame, origin: Mapping[str, pl.Expr]
) -> None:
    """Put new actions in the place of those that are told otherwise now, which the journal keeps."""
    version, journal = tables.version(root, "actions"), tables.version(root, "repairs")
    assert version is not None
    # A value that replaces several, or is one of several, replaces none in particular.
    only = (
        new.group_by("day", "kind").agg(pl.col("value").first().alias("repaired"), pl.len()).filter(pl.col("len") == 1)
    )
    was = gone.sort("timestamp", "kind", "value").select(
        "symbol", "timestamp", "kind", "day", pl.col("kind").alias("field"), pl.col("value").alias("original")
    )
    was = was.join(only, on=["day", "kind"], how="left", maintain_order="left").with_columns(
        interval=pl.lit(JOURNALLED),
        version=pl.int_range(pl.len()).over("day", "kind"),
        sequence=pl.lit(0 if journal is None else journal + 1),
        upsert_id=origin["import_id"],
        reason=pl.lit("restated"),
        source=origin["source"],
        recorded_at=origin["recorded_at"],
        reverted_at=pl.lit(None, TIME),
    )
    commits.append(root, "repairs", was)
    stays = held.join(gone, on=[*IDENTITY, "import_id"], how="anti", maintain_order="left")
    rows = pl.concat([stays, new.with_columns(**origin).select(held.columns)])
    stamps = pl.concat([held["timestamp"], rows["timestamp"]])
    span: Any = (stamps.min(), stamps.max())
    commits.replace(root, "actions", rows, version, span=span, symbols=[held["symbol"][0]])


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
