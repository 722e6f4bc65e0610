"""A file as it stands, before its rows are judged."""

from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sheet:
    """A file of n rows as it stands.

    Parameters
    ----------
    cells : what it says, under the names of its columns (of a csv texts, or numbers where all are; null is nothing).
    names : the columns that are read, and the lake's name of each.
    ignored : the other columns.
    numbers : what people call each row: its line in a csv, its index elsewhere.
    said : how it was read, where that is not plain.
    ragged : rows (places in `cells`) with too many or too few fields, and why.
    """

    cells: pl.DataFrame
    names: dict[str, str]
    numbers: pl.Series
    ignored: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    ragged: dict[int, str] = field(default_factory=dict)
