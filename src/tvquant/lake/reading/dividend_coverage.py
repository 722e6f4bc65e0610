"""Spans of bars that dividends were delivered with, zeros included; outside of them nothing is known of dividends."""

from datetime import timedelta

import polars as pl

SPAN = ("actions_first", "actions_last")
COLUMNS = ["symbol", *SPAN]


def delivered(rows: pl.DataFrame) -> pl.DataFrame:
    """Return symbol and span of every run of delivered bars (symbol, timestamp, dividends) that have a value.

    Rows of one day are one bar, which has a value when any of them does.
    """
    if rows["dividends"].null_count() == len(rows):
        return pl.DataFrame(schema={"symbol": pl.String, **dict.fromkeys(SPAN, rows.schema["timestamp"])})
    time, said = pl.col("timestamp"), pl.col("dividends").is_not_null()
    first, last = time.filter(said).min(), time.filter(said).max()
    broken = (~said & time.is_between(first, last)).any()
    found = rows.group_by("symbol").agg(first.alias(SPAN[0]), last.alias(SPAN[1]), broken=broken)
    found = found.drop_nulls(SPAN[0]).with_columns(pl.col("symbol").cast(pl.String))
    whole = found.filter(~pl.col("broken")).select(COLUMNS)
    if len(whole) == len(found):
        return whole
    apart = found.filter("broken").select("symbol")
    bars = rows.with_columns(pl.col("symbol").cast(pl.String), day=time.dt.truncate("1d"))
    bars = bars.join(apart, on="symbol", how="semi")
    bars = bars.group_by("symbol", "day").agg(first.alias(SPAN[0]), last.alias(SPAN[1])).sort("symbol", "day")
    told = pl.col(SPAN[0]).is_not_null()
    bars = bars.with_columns(run=told.ne_missing(told.shift()).cum_sum().over("symbol")).filter(told)
    runs = bars.group_by("symbol", "run").agg(pl.col(SPAN[0]).min(), pl.col(SPAN[1]).max())
    return pl.concat([whole, runs.select(COLUMNS)])


def union(spans: pl.DataFrame) -> pl.DataFrame:
    """Return the spans (symbol and edges, null where there is none) by symbol and time; those that overlap are one.

    So are spans of neighbouring days: no daily bar lies between them.
    """
    first, last = (pl.col(name) for name in SPAN)
    frame = spans.select(COLUMNS).drop_nulls().sort(COLUMNS)
    reach = last.cum_max().shift().over("symbol")
    apart = (first.dt.truncate("1d") > reach.dt.truncate("1d") + timedelta(days=1)).fill_null(True)
    frame = frame.with_columns(span=apart.cum_sum().over("symbol"))
    merged = frame.group_by("symbol", "span", maintain_order=True).agg(first.min(), last.max())
    return merged.select(COLUMNS)


def inside(rows: pl.DataFrame, spans: pl.DataFrame, first: str = "timestamp", last: str = "timestamp") -> pl.Series:
    """Return which rows (symbol, and times from `first` to `last`) lie in one of the spans."""
    if spans.is_empty() or rows[first].null_count() == len(rows):
        return pl.repeat(False, len(rows), eager=True)
    ask = rows.select(pl.col("symbol").cast(pl.String), since=first, till=last, at=pl.int_range(pl.len()))
    ask = ask.filter(pl.col("since").is_not_null()).sort("since")
    known = union(spans).sort(SPAN[0])
    found = ask.join_asof(known, left_on="since", right_on=SPAN[0], by="symbol", check_sortedness=False)
    within = found.filter(pl.col("till") <= pl.col(SPAN[1]))["at"]
    return pl.int_range(len(rows), eager=True).is_in(within.implode())
