"""Adjusted histories that a delivery has on another scale: replaced whole, as one named revision, or left as they are.

Whoever pays or splits rescales the whole past of an adjusted series. A delivery that holds all of that past takes its
place; one that holds only its end is refused for that symbol, for rows of two scales are never joined. Versions of the
tables that runs have pinned stay readable.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from tvquant.core.panel import Basis
from tvquant.lake.quality.price_scale import rescaled
from tvquant.lake.storage import commits, tables
from tvquant.lake.storage.location import Root
from tvquant.lake.storage.tables import PRICES

DAY = timedelta(days=1)
_DAY = pl.col("timestamp").dt.truncate("1d").alias("day")


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One symbol whose stored history gave way to another scale.

    Parameters
    ----------
    bars : stored bars that went out of use.
    since, was, now : the first bar that differs, its close as it was stored, and as it is now.
    """

    symbol: str
    bars: int
    since: datetime
    was: float
    now: float

    def __str__(self) -> str:
        return (
            f"{self.symbol}: {self.bars:,} stored bars went out of use, replaced whole: the close of "
            f"{self.since:%Y-%m-%d} was {self.was:.6g} and is {self.now:.6g}"
        )


def revisions(
    root: Root, table: str, given: pl.DataFrame, declared: Basis
) -> tuple[tuple[Revision, ...], dict[str, str]]:
    """Symbols whose given bars (symbol, time, prices, dividends) replace their stored ones, and why others must not.

    Raw prices never change: there is nothing to replace.
    """
    if declared is Basis.RAW or given.is_empty() or tables.version(root, table) is None:
        return (), {}
    names = given["symbol"].cast(pl.String).unique()
    stored = tables.read(root, table, ["symbol", "timestamp", *PRICES], where=pl.col("symbol").is_in(names.implode()))
    found: list[Revision] = []
    refused: dict[str, str] = {}
    for row in () if stored.is_empty() else rescaled(given, stored).iter_rows(named=True):
        one = Revision(symbol=row["symbol"], bars=row["held"], since=row["day"], was=row["was"], now=row["now"])
        mine = given.filter(pl.col("symbol").cast(pl.String) == one.symbol)
        why = _short(mine, row["first"], row["last"]) or _unscaled(root, mine, one.symbol, declared)
        if why:
            refused[one.symbol] = f"{declared} prices changed their scale, the close of {one.since:%Y-%m-%d} from "
            refused[one.symbol] += f"{one.was:.6g} (stored) to {one.now:.6g}, {why}"
        else:
            found.append(one)
    return tuple(found), refused


def partial(given: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """Symbols (rows of `rescaled`) whose given bars are on another scale and leave stored ones on the old one."""
    found = rescaled(given, stored)
    left = stored.select(pl.col("symbol").cast(pl.String), _DAY).join(
        given.select(pl.col("symbol").cast(pl.String), _DAY), on=["symbol", "day"], how="anti"
    )
    return found.join(left, on="symbol", how="semi")


def _short(mine: pl.DataFrame, first: datetime, last: datetime) -> str:
    """Return why a delivery is not the whole of a stored history; empty where it is."""
    days = mine.select(since=_DAY.min(), till=_DAY.max()).row(0)
    if days[0] <= first and days[1] >= last:
        return ""
    given, held = (f"{one:%Y-%m-%d} to {other:%Y-%m-%d}" for one, other in (days, (first, last)))
    return f"and {given} was delivered of {held}: deliver the whole history at once"


def _unscaled(root: Root, mine: pl.DataFrame, symbol: str, declared: Basis) -> str:
    """Return why stored dividends would be left on the old scale; empty where none is, or none is applied."""
    if declared is Basis.TOTAL or mine["dividends"].is_not_null().any():
        return ""
    where = (pl.col("symbol") == symbol) & (pl.col("kind") == "dividend")
    paid = tables.read(root, "actions", ["symbol"], where=where)
    return "" if paid.is_empty() else "but its stored dividends came without: deliver them as a column"


def write(root: Root, table: str, frames: Iterable[pl.DataFrame], anew: Collection[str]) -> None:
    """Append the rows of all frames in one commit; those of the symbols `anew` take the place of all their rows first.

    In a commit of its own, that is: their new rows are held together in memory, the others are not.
    """
    version = tables.version(root, table) if anew else None
    if version is None:
        commits.extend(root, table, frames)
        return
    mine = pl.col("symbol").cast(pl.String).is_in(sorted(anew))
    frames = list(frames)
    renewed = pl.concat(frame.filter(mine) for frame in frames)
    held = tables.read(root, table, ["symbol", "timestamp"], where=mine)
    stamps = pl.concat([renewed["timestamp"], held["timestamp"]])
    if len(stamps):
        span = (stamps.min() - DAY, stamps.max() + DAY)  # type: ignore[operator]
        commits.replace(root, table, renewed, version, span=span, symbols=sorted(anew))  # type: ignore[arg-type]
    commits.extend(root, table, (frame.filter(~mine) for frame in frames))


def revision_lines(revised: Sequence[Revision], revision: str) -> Iterable[str]:
    """Yield lines for a person: what went out of use, under which name, and what to do."""
    yield from (str(one) for one in revised)
    if revised:
        yield f"revision {revision}: runs that pinned the old bars keep them; run again what should use the new ones"
