"""Frames of yfinance as the contract's tables: a shape that is not the known one is refused, never guessed at."""

from collections.abc import Collection
from datetime import date
from typing import Any

import polars as pl

from tvquant.core.quoting import several, visible
from tvquant.market.providers.contract import ACTIONS, BARS, Malformed, Unsupported
from tvquant.market.providers.yahoo.answers import ZONE

COLUMNS = {"Open": "open", "High": "high", "Low": "low", "Close": "close", "Volume": "volume"}
TIME = BARS["timestamp"]


def bars_of(symbol: str, frame: Any, without_volume: Collection[date] = ()) -> pl.DataFrame:
    """Return the bars (`BARS`) of a frame that yfinance made of one symbol, each stamped with its session.

    Parameters
    ----------
    without_volume : sessions whose volume is not known, which yfinance makes zero; it is NaN here.

    Raises
    ------
    Malformed : it has other columns or another index.
    """
    found = [str(name) for name in frame.columns]
    if frame.columns.nlevels != 1:
        raise _unknown(symbol, f"{frame.columns.nlevels} levels of columns ({several(found)})")
    if missing := [name for name in COLUMNS if found.count(name) != 1]:
        raise _unknown(symbol, f"not one column {missing[0]!r} (it has {several(found, 9)})")
    try:
        numbers = {name: frame[column].to_numpy(dtype=float) for column, name in COLUMNS.items()}
    except (TypeError, ValueError) as error:
        raise _unknown(symbol, f"columns that are no numbers ({visible(str(error))})") from error
    rows = pl.DataFrame({"timestamp": _sessions(symbol, frame.index), **numbers})
    silent = pl.col("timestamp").dt.date().is_in(sorted(without_volume))
    return rows.select(
        pl.lit(symbol).alias("symbol"),
        "timestamp",
        *(name for name in BARS if name in numbers and name != "volume"),
        pl.when(silent).then(float("nan")).otherwise(pl.col("volume")).alias("volume"),
        pl.lit(None, pl.Float64).alias("quote_volume"),
    )


def actions_of(symbol: str, *, dividends: Any, splits: Any, capital_gains: Any) -> pl.DataFrame:
    """Return the actions (`ACTIONS`) of three series of yfinance, each with the time of its event.

    Raises
    ------
    Malformed : another shape.
    Unsupported : dividends in another currency, or distributed capital gains, which Yahoo counts among the dividends
        of some funds and not of others.
    """
    if len(capital_gains):
        first = f"{_sessions(symbol, capital_gains.index)[0]:%Y-%m-%d}"
        raise Unsupported(
            f"{symbol}: Yahoo has capital gains that were distributed, the first on {first}, and does not say whether "
            "its dividends contain them; dividends are not taken"
        )
    if len(dividends) and getattr(dividends, "ndim", 0) == 2:  # with a currency, where one was told
        names = [str(name) for name in dividends.columns]
        if sorted(names) != ["Dividends", "currency"]:
            raise _unknown(symbol, f"dividends of columns {several(names)}")
        if others := sorted({str(one) for one in dividends["currency"]} - {"USD"}):
            raise Unsupported(f"{symbol}: Yahoo has dividends in {several([*map(visible, others)])}; USD was expected")
        dividends = dividends["Dividends"]
    parts = [pl.DataFrame(schema=dict(ACTIONS))]
    for kind, series in (("dividend", dividends), ("split", splits)):
        if not len(series):
            continue
        try:
            values = series.to_numpy(dtype=float)
        except (TypeError, ValueError) as error:
            raise _unknown(symbol, f"{kind}s that are no numbers ({visible(str(error))})") from error
        told = pl.DataFrame({"timestamp": _sessions(symbol, series.index), "value": values})
        parts.append(told.select("timestamp", pl.lit(kind).alias("kind"), "value"))
    return pl.concat(parts).sort("timestamp", "kind")


def _sessions(symbol: str, index: Any) -> pl.Series:
    """Return the New York days of an index of times, as midnights in UTC."""
    if getattr(index, "tz", None) is None:
        raise _unknown(symbol, "an index of times without a zone")
    days = index.tz_convert(ZONE).tz_localize(None).normalize().to_numpy().astype("datetime64[us]")
    return pl.Series(days).dt.replace_time_zone("UTC").cast(TIME)


def _unknown(symbol: str, found: str) -> Malformed:
    expected = f"one level of columns, {', '.join(COLUMNS)}, and times with a zone, were expected"
    return Malformed(f"{symbol}: the frame of yfinance has {found}; {expected}; install yfinance 1.7", retryable=False)
