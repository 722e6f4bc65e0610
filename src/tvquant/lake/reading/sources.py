"""Where bars came from: a simulated exchange, or the world. No one may take the one for the other.

That a symbol's bars are simulated is told by their own `source`, so it goes wherever they go; it is a fact of the
symbol, known from the beginning. A symbol's bars are all of one sort.
"""

from collections.abc import Collection
from datetime import UTC, datetime

import polars as pl

from tvquant.core.errors import ProfileError
from tvquant.lake.storage import tables
from tvquant.lake.storage.intervals import LENGTHS, table_of
from tvquant.lake.storage.location import Root
from tvquant.lake.storage.tables import SCHEMAS, SIMULATED

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
FACT = ("symbol", "field", "value", "known_at")
OPTIONS = {True: "--into-real", False: "--into-simulated"}
"""What mixes simulated bars into real ones, and the reverse."""


def simulated(root: Root, where: pl.Expr | None = None, at: int | None = None) -> pl.DataFrame:
    """Return the fact that their daily bars are simulated, of each symbol of which it is true: as rows of `facts`.

    Parameters
    ----------
    where : which rows of the table of bars to look at, all when None.
    at : its version, the latest when None.
    """
    empty = pl.DataFrame(schema=SCHEMAS["facts"]).select(FACT)
    if not tables.may_hold(root, "bars", "source", SIMULATED, at):
        return empty
    mine = pl.col("source") == SIMULATED
    found = tables.read(root, "bars", ["symbol"], where=mine if where is None else mine & where, at=at)
    said = [
        pl.lit(SIMULATED).alias("field"),
        pl.lit(1.0).alias("value"),
        pl.lit(BEGINNING, tables.TIME).alias("known_at"),
    ]
    return pl.concat([empty, found.unique().sort("symbol").with_columns(said)])


def check(root: Root, symbols: Collection[str], *, source: str, mixing: bool = False) -> None:
    """Refuse simulated bars of an exchange of which the lake holds real ones, and the reverse.

    Parameters
    ----------
    mixing : the user wants both under one exchange; of one symbol they are refused even so.

    Raises
    ------
    ProfileError : there are others of the same exchange, or of a symbol.
    """
    mine, venues = source == SIMULATED, {name.partition(":")[0] for name in symbols}
    other = pl.col("source") != SIMULATED if mine else pl.col("source") == SIMULATED
    names: set[str] = set()
    for table in (table_of(interval) for interval in LENGTHS):
        if mine or tables.may_hold(root, table, "source", SIMULATED, None):
            names |= set(tables.read(root, table, ["symbol"], where=other)["symbol"].unique())
    alike = sorted(name for name in names if name.partition(":")[0] in venues)
    same = sorted(set(alike) & set(symbols))
    new, old = ("simulated", "real") if mine else ("real", "simulated")
    if same:
        raise ProfileError(f"{new} bars of {same[0]} were given, but the lake holds {old} ones; use another workspace")
    if alike and not mixing:
        venue = alike[0].partition(":")[0]
        raise ProfileError(
            f"{new} bars of {venue} were given, but the lake holds {old} ones of it ({alike[0]}"
            f"{f' and {len(alike) - 1} others' if len(alike) > 1 else ''}); use another workspace, or mix them by "
            f"{OPTIONS[mine]}"
        )
