"""Columns and tables as the page of result tables has them."""

from typing import NamedTuple


class Column(NamedTuple):
    """A column, its unit (empty for names and counts without one), and its meaning."""

    name: str
    unit: str
    meaning: str


class Table(NamedTuple):
    """A frame: how it is asked for, what a row is, and its columns in order."""

    call: str
    row: str
    columns: tuple[Column, ...]


FRACTION = "fraction"
OF_EQUITY = "fraction of equity"
OF_START = "fraction of starting capital"
AT_FILL = "fraction of equity at the fill"
STAMP = "UTC"

CELL = Column("cell", "", "key of the cell: how it decides, and which book it is in")
WINDOW = Column("window", "row", "number of the decision: the row of the span that it stands at")
DECIDED = Column("decided_at", STAMP, "stamp of the bar at whose close weights became quantities")
TIME = Column("time", STAMP, "stamp of the bar: its open, or the date of the session at 00:00")
