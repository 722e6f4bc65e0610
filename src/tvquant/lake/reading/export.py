"""Bars and funding out of the lake, in files that `data import` takes back.

One file per market (spot pairs, perpetual swaps, listed), interval and basis, so that no file holds two venues of one
coin; a symbol whose rows came with different price columns stands in several. Importing all of them into an empty lake
gives the same content; rows that were recorded before their bar closed are no content. Values are those that the lake
holds now: repairs are in them, originals are not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import polars as pl

from tvquant.core import durable
from tvquant.core.calendars import CRYPTO
from tvquant.core.errors import DataError
from tvquant.core.instruments import Kind
from tvquant.core.panel import Basis
from tvquant.lake.reading.action_revisions import TOLD, current
from tvquant.lake.reading.dividend_coverage import SPAN, inside
from tvquant.lake.reading.funding import COLUMNS, RATE
from tvquant.lake.reading.lake import Lake
from tvquant.lake.reading.stored_rows import session
from tvquant.lake.reading.unclosed_bars import settled
from tvquant.lake.storage import tables
from tvquant.lake.storage.intervals import table_of
from tvquant.lake.storage.tables import DAILY, PRICES, VALUES
from tvquant.symbology.kinds import Structure, structure


class Format(StrEnum):
    """How files are written."""

    PARQUET = "parquet"
    CSV = "csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """One file: its rows, its symbols, and the basis to declare when it is imported (None: of funding, none)."""

    path: Path
    rows: int
    symbols: int
    basis: Basis | None


def export(
    lake: Lake, symbols: Iterable[str] | None, into: Path, *, interval: str = DAILY, form: Format = Format.PARQUET
) -> tuple[Exported, ...]:
    """Write the bars of the symbols (all when None) to files in a folder; files of the same names are replaced.

    With daily bars goes the funding of swaps, in a file of its own.

    Raises
    ------
    DataError : the lake has no bars of that interval, or of a symbol; the folder cannot be written.
    """
    wanted = None if symbols is None else sorted(set(symbols))
    rows = _rows(lake, wanted, interval)
    structures = {name: structure(name) for name in rows["symbol"].unique().sort()}
    rows = settled(rows, structures, interval).drop("recorded_at")
    absent = sorted(set(wanted or ()) - set(structures))
    if absent or rows.is_empty():
        what = repr(absent[0]) if absent else "anything"
        raise DataError(
            f"the lake {lake.root} has no {interval} bars of {what}; `tvquant data status` says what it has"
        )
    if interval == DAILY:
        rows = _with_actions(lake, rows, structures)
    market = pl.col("symbol").replace_strict({name: _market(one) for name, one in structures.items()})
    # Import wants a price column full or empty per symbol and file.
    absent_prices = pl.concat_str(pl.col(name).is_null().cast(pl.Int8) for name in PRICES)
    rows = rows.with_columns(market.alias("market"), absent_prices.alias("absent"))
    out: list[Exported] = []
    parts = rows.partition_by(["market", "basis", "absent"], as_dict=True, include_key=False)
    seen: dict[str, int] = {}
    for (group, basis, _), part in sorted(parts.items(), key=lambda one: [str(key) for key in one[0]]):
        name = f"{group}_{interval}_{basis}"
        seen[name] = seen.get(name, 0) + 1
        path = into / f"{name}{f'_{seen[name]}' if seen[name] > 1 else ''}.{form}"
        _write(part, path, form)
        out.append(Exported(path=path, rows=len(part), symbols=part["symbol"].n_unique(), basis=Basis(str(basis))))
    if interval == DAILY:
        out += _funding(lake, wanted, into, form)
    return tuple(out)


def _funding(lake: Lake, symbols: list[str] | None, into: Path, form: Format) -> list[Exported]:
    """Return a file of the payments as delivered, contradictions included; none where there are none."""
    mine = None if symbols is None else pl.col("symbol").is_in(symbols)
    rows = tables.read(lake.root, "funding", COLUMNS, where=mine).sort(COLUMNS).rename({"rate": RATE})
    if rows.is_empty():
        return []
    path = into / f"swap_funding.{form}"
    _write(rows, path, form)
    return [Exported(path=path, rows=len(rows), symbols=rows["symbol"].n_unique(), basis=None)]


def _rows(lake: Lake, symbols: list[str] | None, interval: str) -> pl.DataFrame:
    mine = None if symbols is None else pl.col("symbol").is_in(symbols)
    columns = ["symbol", "timestamp", *VALUES, "basis", "recorded_at"]
    return tables.read(lake.root, table_of(interval), columns, where=mine).sort("symbol", "timestamp", *VALUES)


def _market(found: Structure) -> str:
    if found.calendar != CRYPTO:
        return "listed"
    return "swap" if Kind.SWAP in found.kinds else "spot"


def _with_actions(lake: Lake, rows: pl.DataFrame, structures: dict[str, Structure]) -> pl.DataFrame:
    """The rows with dividends and splits as they are delivered: numbers, zeros included, where they were known."""
    mine = pl.col("symbol").is_in(list(structures))
    rows = rows.with_columns(session(structures).alias("session"))
    actions = current(tables.read(lake.root, "actions", TOLD, where=mine))
    actions = actions.with_columns(session(structures).alias("session"))
    spans = tables.read(lake.root, "instruments", ["symbol", *SPAN], where=mine)
    for column, kind in (("dividends", "dividend"), ("stock_splits", "split")):
        found = actions.filter(pl.col("kind") == kind)
        found = found.select("symbol", "session", pl.col("value").alias(column)).unique()
        rows = rows.join(found, on=["symbol", "session"], how="left", maintain_order="left")
    known = pl.lit(inside(rows, spans))
    dividends = pl.when(known | pl.col("dividends").is_not_null()).then(pl.col("dividends").fill_null(0.0))
    return rows.with_columns(dividends).drop("session")


def _write(part: pl.DataFrame, path: Path, form: Format) -> None:
    """Write whole or not at all, without columns that hold nothing."""
    kept = [name for name in part.columns if name in ("symbol", "timestamp") or part[name].null_count() < len(part)]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with durable.replacing(path) as aside:
            if form is Format.PARQUET:
                part.select(kept).write_parquet(aside, compression="zstd")
            else:
                part.select(kept).write_csv(aside, datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}; choose another folder") from error
