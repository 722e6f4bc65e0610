"""Csv files in whatever form they come, as far as it cannot be mistaken; the rest is refused with the line's number.

1. UTF-8, or UTF-16 that says so; line ends of any system. Other bytes are refused: what they mean is a guess.
2. The header is the line, among the first ones, of which most names are known, with the separator under which they are:
   comma, semicolon, tab or bar. Lines before it, and lines that begin with #, are left out.
3. Fields are counted per line, quotes respected. A line with more or fewer fields than the header is a bad row.
4. Cells are texts without blanks around them. A comma within a number is never read: it may be a decimal point or a
   separator of thousands, and the whole file is refused.

What was not plain (commas, UTF-8, a header in the first line with the lake's names) is said.
"""

import codecs
import csv
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tvquant.core.errors import DataError
from tvquant.core.quoting import shown
from tvquant.lake.reading.funding import RATE
from tvquant.lake.storage.tables import UNREADABLE, VALUES, first_line
from tvquant.lake.writing import headers, styles
from tvquant.lake.writing.headers import ACTIONS
from tvquant.lake.writing.memory import check_fits
from tvquant.lake.writing.sheets import Sheet

type Numbers = NDArray[np.int64]

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
FOREWORD = 50
"""Lines among which the header is looked for."""
LONGEST_HEADER = 100_000
LINE, QUOTE, COMMENT = b'\n"#'
RECORDS = 100_000
"""Records whose separators are counted at a time."""
BATCH_BYTES = 2**23
"""Bytes of a file whose cells are in memory as texts at a time."""
NUMBERS = frozenset({*VALUES, *ACTIONS, RATE})
"""The lake's names of what is a number."""
REPEATED = frozenset({"symbol", "timestamp"})
"""Those of what few texts say, in many rows."""
TEXT_BYTES = 2
"""Bytes in memory per byte of a file, as it stands and as cells; 630 MB of texts took 1.8 GB in all."""
COMMA = r"^[+-]?[\d.\s]*\d,[\d,.\s]*$"


def read_csv(path: Path) -> Sheet:
    """Read a csv file of any dialect that is told apart for sure, its numbers as such where every one of them is one.

    Raises
    ------
    DataError : it is none, or not for sure; with the dialect or the line.
    """
    return _read(path, NUMBERS)


def read_texts(path: Path) -> Sheet:
    """Read the same file, every cell as the text that stands there."""
    return _read(path, frozenset())


def _read(path: Path, numeric: frozenset[str]) -> Sheet:
    """Read a csv file; columns of which the lake's name is in `numeric` as numbers, where they hold nothing else."""
    size = path.stat().st_size
    check_fits(path, f"{size:,} bytes", size * TEXT_BYTES)
    data, said = _plain(path)
    klines = styles.headless_klines(_fields(data[:LONGEST_HEADER].decode("utf-8", "replace").partition("\n")[0], ","))
    if klines:
        data = ",".join(styles.KLINES).encode() + b"\n" + data
        said.append("klines of Binance without a header")
    lines = _Lines.of(path, data)
    place, separator = _header(path, data, lines)
    head = data[lines.starts[place] : lines.ends[place]]
    found = _fields(head.decode(), separator)
    rows, counts, before = lines.after(place), lines.counts(data, separator)[place + 1 :], int(lines.numbers[place]) - 1
    comments = np.frombuffer(data, np.uint8)[rows.starts] == COMMENT
    if comments.any():
        kept = zip(*rows.bounds(~comments), strict=True)
        data = b"\n".join([head, *(data[start:end] for start, end in kept)])
        counts, numbers = counts[~comments], rows.numbers[~comments]
    else:
        data, numbers = data[lines.starts[place] :] if place else data, rows.numbers
    odd = np.flatnonzero(counts != len(found))
    form = _Form(path=path, names=_unique(found), separator=separator, ragged=bool(len(odd)))
    del lines, rows
    numeric_names = [name for name in form.names if headers.meant(name) in numeric]
    typed = form.typed(data, len(counts), numeric_names) if numeric_names else None
    cells = form.cells(data, len(counts)) if typed is None else typed
    del data, typed
    blank = cells[odd].select(pl.all_horizontal(pl.all().is_null())).to_series().to_numpy()
    ragged = {int(row): f"has {counts[row]} fields; the header has {len(found)}" for row in odd[~blank]}
    said += [] if separator == "," else [f"separated by {SEPARATORS[separator]}"]
    said += [f"{before} lines before the header left out"] if before else []
    said += [f"{comments.sum()} lines beginning with # left out"] if comments.any() else []
    names = headers.renamed(path, styles.without_midnights(path, found, cells))
    said += [*headers.read_as(names), *styles.told(found, cells)]
    spare = [name for name in cells.columns if name not in names]
    ignored = tuple(name for name in spare if name in found or cells[name].null_count() < len(cells))
    return Sheet(
        cells=cells,
        names=names,
        numbers=pl.Series(numbers) - int(klines),
        ignored=ignored,
        said=tuple(said),
        ragged=ragged,
    )


def refuse_commas(path: Path, texts: pl.Series, sheet: Sheet) -> None:
    """Refuse the file where a number of a column of texts has a comma in it."""
    found = texts.str.contains(COMMA).fill_null(False).arg_true()
    if len(found):
        first = int(found[0])
        at = f"row {sheet.numbers[first]}, column {texts.name!r}: {shown(texts[first])}"
        how = f" (the file is {', '.join(sheet.said)})" if sheet.said else ""
        raise DataError(
            f"{path}: {at} has a comma in a number{how}; whether it is decimal is not guessed, write 1234.5"
        )


def _plain(path: Path) -> tuple[bytes, list[str]]:
    """Return the file in UTF-8 with single line feeds, and what it was instead."""
    data, said = path.read_bytes(), []
    coding = next((coding for mark, coding in MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = "" if coding == "utf-8" and data.isascii() else data.decode(coding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path} is not a readable csv file: line {line} has bytes that are not {coding.upper()} "
            f"({shown(data[error.start : error.start + 4])}); save it as UTF-8"
        ) from error
    if coding != "utf-8":
        data = text.encode()
    del text
    if coding != "utf-8":
        said = ["UTF-8 with a byte order mark" if coding == "utf-8-sig" else "UTF-16"]
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if (at := data.find(b"\0")) >= 0:
        line = data.count(b"\n", 0, at) + 1
        raise DataError(f"{path} is not a readable csv file: line {line} has a NUL byte; it is no text, or was torn")
    if not data or data.isspace():
        raise no_rows(path)
    return data, said


def no_rows(path: Path) -> DataError:
    """Return the refusal of an empty file."""
    return DataError(f"{path} has no rows; expected bars with the columns {', '.join(headers.REQUIRED)} and more")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Lines:
    """Records of a text (a quoted one may span lines): where they start and end, and the number of their line."""

    starts: Numbers
    ends: Numbers
    numbers: Numbers
    outside: Any

    @classmethod
    def of(cls, path: Path, data: bytes) -> "_Lines":
        raw = np.frombuffer(data, np.uint8)
        parts = range(0, len(raw), BATCH_BYTES)
        feeds = np.concatenate([first + np.flatnonzero(raw[first : first + BATCH_BYTES] == LINE) for first in parts])
        outside: Any = True
        ends = feeds
        if b'"' in data:
            outside = ~(np.cumsum(raw == QUOTE, dtype=np.uint8) & 1).astype(bool)
            ends = feeds[outside[feeds]]
        if len(data) and not (len(ends) and ends[-1] == len(data) - 1):
            ends = np.r_[ends, len(data)]
        starts = np.r_[0, ends[:-1] + 1]
        numbers = np.searchsorted(feeds, starts) + 1
        if b'"' in data and data.count(b'"') % 2:
            opened = data.rfind(b'"')
            line = int(np.searchsorted(feeds, opened)) + 1
            raise DataError(f"{path} is not a readable csv file: a quote (the last is in line {line}) is never closed")
        return cls(starts=starts, ends=ends, numbers=np.asarray(numbers, np.int64), outside=outside)

    def after(self, place: int) -> "_Lines":
        """Return the records behind one."""
        return replace(self, **{name: getattr(self, name)[place + 1 :] for name in ("starts", "ends", "numbers")})

    def bounds(self, which: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
        """Return where some of the records start and end."""
        return self.starts[which], self.ends[which]

    def counts(self, data: bytes, separator: str) -> Numbers:
        """Return fields of each record."""
        raw, counts = np.frombuffer(data, np.uint8), np.empty(len(self.starts), np.int64)
        for first in range(0, len(counts), RECORDS):
            bounds = np.r_[self.starts[first : first + RECORDS + 1], len(data)][: RECORDS + 1]
            begin, end = int(bounds[0]), int(bounds[-1])
            outside = self.outside if self.outside is True else self.outside[begin:end]
            between = np.flatnonzero((raw[begin:end] == ord(separator)) & outside)
            counts[first : first + RECORDS] = np.diff(np.searchsorted(between, bounds - begin)) + 1
        return counts


def _header(path: Path, data: bytes, lines: _Lines) -> tuple[int, str]:
    """Return which record is the header, and what separates its names."""
    best = (1, 0, "")
    for place in range(min(FOREWORD, len(lines.starts))):
        text = data[lines.starts[place] : min(lines.ends[place], lines.starts[place] + LONGEST_HEADER)].decode()
        for separator in SEPARATORS:
            known = len({headers.meant(name) for name in _fields(text, separator)} - {None})
            if known > best[0]:
                best = (known, place, separator)
    if not best[2]:
        raise _headless(path, data[: lines.ends[0]][:LONGEST_HEADER].decode("utf-8", "replace"))
    return best[1], best[2]


def _headless(path: Path, first: str) -> DataError:
    """Return the refusal of a file of which no line has names that are known."""
    found = f"found {shown(first)}"
    wanted = f"expected a line of names such as {','.join(headers.REQUIRED)}"
    return DataError(f"{path}: no header in its first lines: {wanted}; {found}; add a header, and a column symbol")


def _fields(text: str, separator: str) -> list[str]:
    """Return the fields of one record, without blanks around them."""
    try:
        return [one.strip() for one in next(csv.reader(io.StringIO(text), delimiter=separator), [])]
    except csv.Error:  # a field of over 131,072 characters
        return []


def _unique(found: list[str]) -> list[str]:
    """Return names for the cells: columns without a name, or with that of another, are called by their number."""
    return [
        name if name and found.index(name) == place else f"{name or 'column'} ({place + 1})"
        for place, name in enumerate(found)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """How the records of a text are read: names of the cells; of ragged ones what is too much is cut, or filled."""

    path: Path
    names: list[str]
    separator: str
    ragged: bool

    def cells(self, body: bytes, count: int) -> pl.DataFrame:
        """Return the records behind the header as texts, one row each."""
        try:
            cells = self._texts(body)
        except UNREADABLE as error:
            raise DataError(f"{self.path} is not a readable csv file: {first_line(error)}") from error
        if len(cells) != count:
            raise DataError(f"{self.path} is not a readable csv file: {count:,} lines were read as {len(cells):,} rows")
        return cells

    def typed(self, body: bytes, count: int, numeric: list[str]) -> pl.DataFrame | None:
        """Return the same with columns of numbers, batch by batch; None where they are not read for sure.

        That is so where one of their cells is no number, and where a record may span lines. Of symbols and times each
        text is kept once.
        """
        begin = body.find(b"\n") + 1
        head = body[:begin]
        repeated = [name for name in self.names if headers.meant(name) in REPEATED]
        parts: list[pl.DataFrame] = []
        while begin < len(body) or not parts:
            end = body.rfind(b"\n", begin, begin + BATCH_BYTES) + 1 if begin + BATCH_BYTES < len(body) else len(body)
            batch = head + body[begin:end]
            if not head or end <= begin or b'"' in batch:
                return None
            try:
                texts = self._texts(batch)
            except UNREADABLE:
                return None
            numbers = pl.col(numeric).cast(pl.Float64, strict=False)
            part = texts.with_columns(numbers, pl.col(repeated).cast(pl.Categorical))
            if any(part[name].null_count() > texts[name].null_count() for name in numeric):
                return None
            parts.append(part)
            begin = end
        cells = pl.concat(parts)
        return cells if len(cells) == count else None

    def _texts(self, body: bytes) -> pl.DataFrame:
        cells = pl.read_csv(
            body,
            new_columns=self.names,
            separator=self.separator,
            infer_schema=False,
            truncate_ragged_lines=self.ragged,
        )
        if b" " not in body and b'"' not in body:
            return cells
        return cells.select(pl.all().str.strip_chars().replace("", None))
