"""A frame as a file that `data import` takes: the same reader judges both."""

from typing import TYPE_CHECKING, Any

from tvquant.api import frames
from tvquant.core.errors import ProfileError
from tvquant.lake.reading.funding import RATE
from tvquant.lake.writing import headers

if TYPE_CHECKING:
    import polars as pl


def delivered(frame: Any, symbol: str | None) -> "pl.DataFrame":
    """Return rows of bars out of a frame of rows, of one symbol's bars, or of closes with a column per symbol.

    Dates at midnight without a zone are dates of sessions; other times must have a zone, which the reader sees to. What
    is NaN is empty; of closes in columns an empty cell is no bar.

    Raises
    ------
    ProfileError : it is none of these, or its symbol is not known.
    """
    import polars as pl
    import polars.selectors as cs

    table = frames.as_polars(frame, "frame").with_columns(cs.float().fill_nan(None))
    table = table.with_columns(_sessions(table[name]) for name in table.select(cs.datetime(time_zone=None)).columns)
    meant = {headers.meant(name) for name in table.columns}
    if "symbol" in meant:
        if symbol is not None:
            raise ProfileError("frame: it has a column symbol already; leave symbol= out")
        return table
    if "close" in meant or RATE in meant:
        if symbol is None:
            raise ProfileError("frame: no column symbol; add one, or say symbol='NASDAQ:AAPL' for all of its rows")
        return table.with_columns(symbol=pl.lit(symbol))
    if symbol is not None:
        raise ProfileError(f"frame: no column close; found {headers.listed(table.columns)}")
    wide = frames.wide(frame, "frame")
    strange = [name for name in wide.names if ":" not in name]
    if strange:
        raise ProfileError(
            f"frame: neither bars (a column close) nor closes by symbol: {headers.listed(strange)} is no "
            "EXCHANGE:TICKER such as NASDAQ:AAPL or BINANCE:BTCUSDT; rename the columns"
        )
    dates = next(name for name, kind in table.schema.items() if kind.is_temporal())
    long = table.unpivot(index=dates, variable_name="symbol", value_name="close").drop_nulls("close")
    return long.rename({dates: "timestamp"})


def _sessions(column: "pl.Series") -> "pl.Series":
    """Return times without a zone as dates, where all of them are midnights."""
    import polars as pl

    midnight = (column == column.dt.truncate("1d")).all()
    return column.cast(pl.Date) if midnight else column
