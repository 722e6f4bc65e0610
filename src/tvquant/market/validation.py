"""Validation of a provider's answer: which rows are believed, and why the others are not.

A row is believed when it is on the grid, has closed, and its numbers are finite, positive, of this world and in order.
Whatever is dropped is counted by reason. Equal rows are one; two versions of one bar say that the answer itself is bad.

Rows that are believed can still be unlikely. `suspects` marks prints far from the bars around them; whoever holds them
asks a second time before they reach the lake.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from tvquant.core.instruments import Instant
from tvquant.core.panel import Bools, Floats
from tvquant.lake.reading.bars import ROUNDING, SAME
from tvquant.lake.storage.tables import MEASURES, PRICES
from tvquant.market.coverage import Grid
from tvquant.market.providers.contract import BARS, Malformed

UNLIKELY = 1.55
"""A price this many times the median of the bars around it, or one part in as many, is asked for again."""
REVISED = 1.2
"""So is a price that is this far from the stored one of the same bar."""
AROUND = (-2, -1, 1, 2)
"""Bars around one, whose median close it is compared with: a level that lasts passes, a single print does not."""

PRICES_OF_MONEY = (1e-15, 1e12)
"""Every price is between these, in any currency: a coin's of many zeros, a share's in dong."""
MOST_TRADED = 1e24
"""Units or money of one bar; the busiest coins of many zeros trade a billionth of it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Page:
    """One answer after judgement.

    Parameters
    ----------
    first, last : the bars that were asked for.
    rows : timestamp and values, by time, one per bar.
    oldest : the oldest bar of the span that the answer spoke of, believed or not; None where it had none.
    rejected : reason -> rows dropped.
    """

    first: Instant
    last: Instant
    rows: pl.DataFrame
    oldest: Instant | None
    rejected: Mapping[str, int] = field(default_factory=dict)


def judged(answer: pl.DataFrame, *, symbol: str, grid: Grid, first: Instant, last: Instant) -> Page:
    """Return the page that an answer to a request for the bars from `first` to `last` makes.

    Raises
    ------
    Malformed : it lacks columns, or has two versions of one bar.
    """
    rows = _typed(answer, symbol)
    if grid.calendar.opens is not None:  # a session's bar may be stamped with its opening time
        rows = rows.with_columns(pl.col("timestamp").dt.truncate("1d"))
    stamps = rows["timestamp"].dt.replace_time_zone(None).to_numpy().astype("datetime64[us]")
    values = {name: rows[name].to_numpy() for name in MEASURES}
    checks = {
        "symbol": (rows["symbol"] != symbol).fill_null(True).to_numpy(),
        "no time": np.isnat(stamps),
        "off the grid": ~grid.on(stamps),
        "unfinished": stamps > grid.closed(),
        "not asked for": (stamps < first) | (stamps > last),
    }
    good = np.ones(len(rows), bool)
    rejected = _counted(good, checks)
    oldest = stamps[good].min() if good.any() else None
    rejected |= _counted(good, _defects(values))
    kept = rows.filter(pl.Series(good)).select("timestamp", *MEASURES).unique(maintain_order=True)
    rejected |= {"repeated": again} if (again := int(good.sum()) - len(kept)) else {}
    if kept["timestamp"].n_unique() < len(kept):
        twice = kept.filter(pl.col("timestamp").is_duplicated())["timestamp"][0]
        raise Malformed(f"{symbol}: the answer has two versions of the bar {twice:%Y-%m-%d %H:%M}")
    return Page(first=first, last=last, rows=kept.sort("timestamp"), oldest=oldest, rejected=rejected)


def suspects(rows: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Return the timestamps of rows that are unlikely beside the rows around them, stored ones included.

    Rows that the lake has just so are not asked about again.
    """
    both = pl.concat([stored.with_columns(new=False), rows.with_columns(new=True)])
    line = both.unique("timestamp", keep="last", maintain_order=True).sort("timestamp")
    reference = _around(line["close"].to_numpy())
    odd = np.zeros(len(line), bool)
    for name in PRICES:
        odd |= _apart(line[name].to_numpy(), reference, UNLIKELY)
    found = line.filter(pl.Series(odd) & pl.col("new")).select("timestamp")
    versions = rows.join(stored, on="timestamp", suffix="_stored")
    revised, same = np.zeros(len(versions), bool), np.ones(len(versions), bool)
    for name in PRICES:
        given, held = versions[name].to_numpy(), versions[f"{name}_stored"].to_numpy()
        revised |= _apart(given, held, REVISED)
        same &= np.abs(given - held) <= SAME * np.abs(held)
    found = pl.concat([found, versions.filter(pl.Series(revised)).select("timestamp")]).unique()
    return found.join(versions.filter(pl.Series(same)), on="timestamp", how="anti").sort("timestamp")


def agreed(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """Return the timestamps of the bars whose prices are the same in both answers."""
    both = first.join(second, on="timestamp", suffix="_again")
    equal = pl.all_horizontal(
        (pl.col(name) - pl.col(f"{name}_again")).abs() <= SAME * pl.col(name).abs() for name in PRICES
    )
    return both.filter(equal).select("timestamp")


def _typed(answer: pl.DataFrame, symbol: str) -> pl.DataFrame:
    """Return the columns of the contract, numbers as numbers."""
    absent = [name for name in BARS if name not in answer.columns and name != "quote_volume"]
    if absent:
        raise Malformed(
            f"{symbol}: the answer lacks column {absent[0]!r}; it has {', '.join(answer.columns) or 'none'}"
        )
    if "quote_volume" not in answer.columns:
        answer = answer.with_columns(quote_volume=pl.lit(None, pl.Float64))
    try:
        rows = answer.select(pl.col(name).cast(kind) for name, kind in BARS.items())
        return rows.with_columns(pl.col("quote_volume").fill_nan(None))
    except pl.exceptions.PolarsError as error:
        why = str(error).splitlines()[0]
        raise Malformed(f"{symbol}: the answer's columns are not of the right kind: {why}") from error


def _defects(values: Mapping[str, Floats]) -> dict[str, Bools]:
    """Return, by defect, which rows' numbers have it."""
    opens, high, low, close = (values[name] for name in PRICES)
    prices = np.stack([opens, high, low, close])
    volume, quoted = values["volume"], values["quote_volume"]
    ceiling, floor = high * (1 + ROUNDING), low * (1 - ROUNDING)
    least, most = PRICES_OF_MONEY
    return {
        "not finite": ~np.isfinite(prices).all(axis=0) | ~np.isfinite(volume) | np.isinf(quoted),
        "not positive": (prices <= 0).any(axis=0) | (volume < 0) | (quoted < 0),
        "absurd": ((prices < least) | (prices > most)).any(axis=0) | (np.fmax(volume, quoted) > MOST_TRADED),
        "high or low": (high < floor) | (np.fmax(opens, close) > ceiling) | (np.fmin(opens, close) < floor),
    }


def _counted(good: Bools, checks: Mapping[str, Bools]) -> dict[str, int]:
    """Take what fails out of `good`; each row is counted for the first check it fails."""
    found = {}
    for reason, bad in checks.items():
        failed = good & bad
        good &= ~bad
        if failed.any():
            found[reason] = int(failed.sum())
    return found


def _around(close: Floats) -> Floats:
    """Return the median close of the bars around each one; NaN where there are none."""
    near = np.full((len(AROUND), len(close)), np.nan)
    for row, shift in enumerate(AROUND):
        if shift < 0:
            near[row, -shift:] = close[:shift]
        else:
            near[row, :-shift] = close[shift:]
    near.sort(axis=0)  # NaN to the end
    have = (~np.isnan(near)).sum(axis=0)
    column = np.arange(len(close))
    low, high = near[np.maximum(have - 1, 0) // 2, column], near[have // 2, column]
    median: Floats = np.where(have % 2 == 1, low, 0.5 * (low + high))
    return median


def _apart(value: Floats, reference: Floats, times: float) -> Bools:
    """Return where one is more than so many times the other; never where either is missing."""
    return (value > times * reference) | (reference > times * value)
