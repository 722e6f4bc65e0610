"""A list of listings: who was listed when, and who ended. Files of bars alone do not tell an end from a gap."""

from pathlib import Path

import polars as pl

from tvquant.core.errors import DataError
from tvquant.market.providers.contract import INSTRUMENTS
from tvquant.symbology.kinds import PATTERN

KNOWN = ("symbol", "delisted_at", "listed_at")


def read_listings(path: Path) -> pl.DataFrame:
    """Return the listings of a csv or parquet file in the columns of `INSTRUMENTS`; moments are UTC, a date its begin.

    Raises
    ------
    DataError : there is no such file, it is none of these, a column is not known or lacks, a moment is none, a symbol
        is none, is there twice, or ended before it was listed.
    """
    rows = _read(path)
    odd = sorted(set(rows.columns) - set(KNOWN))
    if odd or not {"symbol", "delisted_at"} <= set(rows.columns):
        raise DataError(
            f"{path}: expected the columns symbol, delisted_at [, listed_at], found {', '.join(rows.columns)}"
        )
    try:
        found = rows.with_columns(_moments(rows, name) for name in rows.columns if name != "symbol")
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: a moment is neither YYYY-MM-DD nor YYYY-MM-DDTHH:MM:SSZ ({error})") from error
    names = found["symbol"].cast(pl.String).to_list()
    for name in names:
        if name is None or not PATTERN.fullmatch(name):
            raise DataError(f"{path}: symbol {name!r} is not EXCHANGE:TICKER in capitals, such as BINANCE:BTCUSDT")
        if names.count(name) > 1:
            raise DataError(f"{path}: {name} is there more than once; give its last listing alone")
    lacking = (pl.lit(None, kind).alias(name) for name, kind in INSTRUMENTS.items() if name not in found.columns)
    found = found.with_columns(lacking).select(INSTRUMENTS.keys())
    wrong = found.filter(pl.col("delisted_at") <= pl.col("listed_at"))
    if len(wrong):
        raise DataError(f"{path}: {wrong['symbol'][0]} ended before it was listed")
    return found


def _read(path: Path) -> pl.DataFrame:
    try:
        if path.suffix.lower() == ".parquet":
            return pl.read_parquet(path, glob=False)
        return pl.read_csv(path, infer_schema=False, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path}: no list of listings can be read ({error})") from error


def _moments(rows: pl.DataFrame, name: str) -> pl.Expr:
    """Return a column as UTC moments; text is ISO, and one that is empty is not known."""
    kind, column = rows.schema[name], pl.col(name)
    if kind == pl.String:
        column = pl.when(column.str.strip_chars() != "").then(column.str.strip_chars())
        column = pl.when(column.str.len_chars() == 10).then(column + "T00:00:00Z").otherwise(column)
        column = column.str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us")
    elif kind == pl.Datetime and getattr(kind, "time_zone", None) is not None:
        return column.dt.convert_time_zone("UTC").cast(INSTRUMENTS[name]).alias(name)
    return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(INSTRUMENTS[name]).alias(name)
