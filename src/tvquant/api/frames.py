"""Frames as people have them, pandas or polars, read into arrays: a doubt is refused in one line, nothing is filled.

1. A pandas index of dates is a column of dates; an index that only numbers rows is none. Names of columns are texts.
2. Times with a zone that all are midnights there are the dates of sessions; others are taken to UTC.
3. A wide frame has one column (or index) of dates and a column of numbers for each name; its dates increase.
4. A long frame has a row for each bar, under the names of columns that `tvquant data import` knows, in any order.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tvquant.core.errors import ProfileError
from tvquant.core.panel import Floats, Times
from tvquant.core.quoting import shown
from tvquant.lake.writing import headers

if TYPE_CHECKING:
    import polars as pl

FIELDS = ("open", "high", "low", "close", "volume")
"""Columns of bars that are read here."""
STAMP = "timestamp"
UNLIKELY = 0.5
"""Simple return that nothing has on every row."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wide:
    """Numbers by date and name: T increasing `times`, N `names`, T x N `values` (NaN: none)."""

    times: Times
    names: tuple[str, ...]
    values: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """Rows of bars in the order of the frame.

    Parameters
    ----------
    symbols : R symbols, all empty where the frame has no such column.
    times : R bar opens.
    fields : name -> R numbers (NaN: none); `close` is always there.
    named : whether the frame names symbols.
    """

    symbols: np.ndarray[Any, np.dtype[np.str_]]
    times: Times
    fields: Mapping[str, Floats]
    named: bool

    def spread(self) -> tuple[dict[str, Wide], NDArray[np.int64], NDArray[np.int64]]:
        """Return each field as times x symbols, sorted, and the row and the column that each bar has there."""
        times, rows = np.unique(self.times, return_inverse=True)
        names, columns = np.unique(self.symbols, return_inverse=True)
        tables = {}
        for name, values in self.fields.items():
            table = np.full((len(times), len(names)), np.nan)
            table[rows, columns] = values
            tables[name] = Wide(times=times, names=tuple(map(str, names)), values=table)
        return tables, rows, columns


def wide(frame: Any, what: str) -> Wide:
    """Read a frame of dates x names.

    Raises
    ------
    ProfileError : it is no frame, is empty, has no or several columns of dates, dates twice or out of order, or a cell
        that is no number; `what` it was meant to be stands in front.
    """
    table = as_polars(frame, what)
    dates = [name for name, kind in table.schema.items() if kind.is_temporal()]
    if len(dates) != 1:
        found = f"found {headers.listed(dates)}" if dates else f"found none in {headers.listed(table.columns)}"
        raise ProfileError(f"{what}: expected one column or index of dates, {found}; set a DatetimeIndex")
    numbers = table.drop(dates)
    if numbers.is_empty():
        raise ProfileError(f"{what}: the frame is empty; expected a row per date and a column per name")
    times = stamps(table[dates[0]], what)
    _refuse_disorder(times, what)
    values = np.column_stack([_numbers(column, what) for column in numbers])
    infinite = np.argwhere(np.isinf(values))
    if len(infinite):
        t, j = infinite[0]
        raise ProfileError(f"{what}: {numbers.columns[j]} on {day(times[t])} is {values[t, j]}, expected a number")
    return Wide(times=times, names=tuple(numbers.columns), values=values)


def bars(frame: Any, what: str) -> Bars:
    """Read a frame of one row per bar, of one or several symbols.

    Raises
    ------
    ProfileError : as `wide`; a column is missing, or a symbol has two rows of one time.
    DataError : two columns are the same thing.
    """
    import polars as pl

    whole = as_polars(frame, what)
    given = headers.renamed(Path(what), whole.columns)
    dates = [name for name, kind in whole.schema.items() if kind.is_temporal()]
    if STAMP not in given.values() and len(dates) == 1:
        given[dates[0]] = STAMP
    table = whole.select(pl.col(mine).alias(name) for mine, name in given.items())
    for name in (STAMP, "close"):
        if name not in table.columns:
            raise ProfileError(
                f"{what}: no column {name}; found {headers.listed(whole.columns)}; expected timestamp (or an index of "
                "dates), close and, where there are any, symbol, open, high, low, volume"
            )
    if table.is_empty():
        raise ProfileError(f"{what}: the frame is empty; expected a row per bar")
    named = "symbol" in table.columns
    symbols = np.array(table["symbol"].cast(pl.String).to_list() if named else [""] * len(table), dtype=np.str_)
    if named and table["symbol"].null_count():
        raise ProfileError(f"{what}: row {table['symbol'].is_null().arg_true()[0]} has no symbol")
    times = stamps(table[STAMP], what)
    twice = table.select("symbol", STAMP).is_duplicated() if named else table[STAMP].is_duplicated()
    if twice.any():
        row = int(twice.arg_true()[0])
        raise ProfileError(f"{what}: two rows of {' '.join((symbols[row], day(times[row]))).strip()}; keep one")
    fields = {name: _numbers(table[name], what) for name in FIELDS if name in table.columns}
    return Bars(symbols=symbols, times=times, fields=fields, named=named)


def as_polars(frame: Any, what: str) -> "pl.DataFrame":
    """Return a pandas or polars frame as polars, an index of dates as a column.

    Raises
    ------
    ProfileError : it is neither, or pandas has a type that polars has not.
    """
    import polars as pl

    if isinstance(frame, pl.DataFrame):
        return frame
    kinds = {f"{one.__module__.split('.')[0]}.{one.__name__}" for one in type(frame).__mro__}
    if "pandas.DataFrame" not in kinds:
        raise ProfileError(f"{what}: expected a pandas or polars DataFrame, found {type(frame).__name__}")
    plain = _stacked(frame, what) if frame.columns.nlevels > 1 else frame
    try:
        columns = [
            *_levels(plain.index, what),
            *((str(name), pl.from_pandas(plain.iloc[:, j])) for j, name in enumerate(plain.columns)),
        ]
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise ProfileError(f"{what}: {str(error).splitlines()[0]}; expected dates, texts and numbers") from error
    names = [name for name, _ in columns]
    for name in names:
        if names.count(name) > 1:
            raise ProfileError(f"{what}: {shown(name)} stands there twice, as column or index; keep one")
    return pl.DataFrame(dict(columns))


def _levels(index: Any, what: str) -> "Iterator[tuple[str, pl.Series]]":
    """Yield levels of a pandas index that say something: not the mere numbers of rows."""
    import polars as pl

    for place in range(index.nlevels):
        level = index.get_level_values(place)
        if level.name is None and index.nlevels == 1 and level.dtype.kind in "iu":
            continue
        column = pl.Series(pl.from_pandas(level.to_timestamp() if hasattr(level, "to_timestamp") else level))
        if level.name is None and not column.dtype.is_temporal():
            raise ProfileError(
                f"{what}: level {place} of the index has no name and holds {column.dtype}, not dates; name it, or make "
                "dates of it by pandas.to_datetime"
            )
        yield (STAMP if level.name is None else str(level.name)), column


def _stacked(frame: Any, what: str) -> Any:
    """Return bars in rows, of a pandas frame with symbols and fields in two levels of columns (as downloads are)."""
    fields = [
        level
        for level in range(frame.columns.nlevels)
        if all(headers.meant(str(name)) for name in frame.columns.get_level_values(level))
    ]
    if frame.columns.nlevels != 2 or len(fields) != 1:
        raise ProfileError(
            f"{what}: columns have {frame.columns.nlevels} levels; expected one, or two: symbols, and open, close ..."
        )
    other = 1 - fields[0]
    long = frame.stack(level=other, future_stack=True)
    return long.rename_axis([frame.index.name or STAMP, "symbol"]).rename_axis(None, axis=1)


def stamps(column: "pl.Series", what: str) -> Times:
    """Return times of a column as `datetime64[us]` without a zone; see the module for those with one.

    Raises
    ------
    ProfileError : they are no dates, or one is missing.
    """
    import polars as pl

    kind = column.dtype
    if not isinstance(kind, pl.Date | pl.Datetime):
        raise ProfileError(
            f"{what}: {column.name} is of type {kind}, expected dates or times; parse texts with pandas.to_datetime"
        )
    if column.null_count():
        raise ProfileError(f"{what}: row {column.is_null().arg_true()[0]} has no date; drop it")
    if isinstance(kind, pl.Datetime) and kind.time_zone is not None:
        local = column.dt.replace_time_zone(None)
        midnight = bool((local == local.dt.truncate("1d")).all())
        column = local if midnight else column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(pl.Datetime("us")).to_numpy()


def day(moment: Any) -> str:
    """Return a time as people write it: the date alone at midnight."""
    text = str(np.datetime64(moment, "s"))
    return text[:10] if text.endswith("T00:00:00") else text.replace("T", " ")


def _refuse_disorder(times: Times, what: str) -> None:
    bad = np.flatnonzero(times[1:] <= times[:-1])
    if len(bad):
        before, here = times[bad[0]], times[bad[0] + 1]
        if before == here:
            raise ProfileError(f"{what}: two rows of {day(here)}; keep one")
        raise ProfileError(f"{what}: {day(here)} stands behind {day(before)}; sort the rows by date")


def _numbers(column: "pl.Series", what: str) -> Floats:
    """Return a column as float64, NaN where it is empty; ProfileError where it holds something else."""
    import polars as pl

    if not (column.dtype.is_numeric() or column.dtype == pl.Null):
        raise ProfileError(f"{what}: {column.name} is of type {column.dtype}, expected numbers; convert or drop it")
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def refuse_prices(returns: Wide) -> None:
    """Refuse a column that gains more than half on every row it has: ProfileError, for these are prices."""
    there = ~np.isnan(returns.values)
    odd = there.any(axis=0) & ((returns.values > UNLIKELY) | ~there).all(axis=0)
    if odd.any():
        name = returns.names[int(np.argmax(odd))]
        raise ProfileError(
            f"returns: {name} is above {UNLIKELY:g} on every row, as prices are; give prices.pct_change()"
        )
