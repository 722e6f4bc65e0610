"""Tables that a reader takes away: CSV with every digit, packed into the page and unpacked by the browser."""

import base64
import csv
import io
import zlib

import polars as pl

from tvquant.report.blocks import Table
from tvquant.report.formatting import NOTHING, Shown


def csv_of(table: Table) -> str:
    """Return a table as CSV: numbers as they were before rounding (fractions, not per cent), words as shown."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.head)
    writer.writerows([_plain(cell) for cell in row] for row in table.rows)
    return out.getvalue()


def csv_of_frame(frame: pl.DataFrame) -> str:
    """Return a frame as CSV: every digit of its numbers, bars by their date (to the second where intraday)."""
    moments = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    midnight = all((frame[name].dt.truncate("1d") == frame[name]).all() for name in moments)
    shown = "%Y-%m-%d" if midnight else "%Y-%m-%dT%H:%M:%S"
    return frame.with_columns(pl.col(moments).dt.strftime(shown)).write_csv()


def packed(text: str) -> str:
    """Return text deflated, in base64: a third of its size, and nothing in it that a page could take for markup."""
    return base64.b64encode(zlib.compress(text.encode(), 6)).decode()


def unpacked(text: str) -> str:
    """Return what was packed."""
    return zlib.decompress(base64.b64decode(text)).decode()


def _plain(cell: str) -> object:
    """Return the number behind a cell, or its words; one that begins as a formula would is kept from being one."""
    if isinstance(cell, Shown):
        return cell.value
    if cell == NOTHING:
        return None
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell
