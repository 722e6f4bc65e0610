"""Features that were computed, kept beside the bars they were computed of: a cache that can always be made anew.

1. A row is of one instrument key and bar: a number per term, the rolling digest of every cell of that key up to that
   bar (`inputs`), and the version of what computed it. What the terms are is not known here.
2. A row is used only where its version is the one asked for and its digest that of the panel in hand. A cell that was
   changed, put in or taken out changes the digest from its bar on, so of each key the rows before it stand.
3. A refresh writes from the first row on that does not stand, all keys in one commit: new rows are appended, rows that
   no longer hold are replaced. Killed before it, the table is as it was, and nothing of it is wrong.
4. A table that is damaged stands for nothing: what is asked of it is computed, and a refresh makes it anew.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tvquant.core.errors import DataError
from tvquant.core.panel import Bools, Floats, Panel, Times, units_of
from tvquant.lake.reading.lake import Lake
from tvquant.lake.storage import commits, tables
from tvquant.lake.storage.location import Place
from tvquant.lake.storage.tables import MEASURES, SCHEMAS, TIME

type Digests = NDArray[np.uint64]
type Rows = NDArray[np.int64]

TABLE = "features"
MARKS = ("symbol", "timestamp", "inputs")
EARLIEST, NEVER = (np.datetime64(sign * np.iinfo(np.int64).max, "us") for sign in (-1, 1))
DAY = 86_400_000_000
"""Microseconds."""
CHUNK = 64
"""Rows digested at once, so that what is worked on stays in the processor's cache."""
CELLS = 300_000
"""Rows times keys that are computed at once."""
NEAR = 64
"""Keys whose first rows to compute are no further apart are computed together."""
FEW = 200
"""Keys that are looked for in the table by name; of more than that all rows are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a refresh did.

    Parameters
    ----------
    appended : rows written after all that was stored of their key; `recomputed` : the others that were written.
    dropped : stored rows that no longer held, most of which were written anew.
    keys : instrument keys of which rows were written.
    damage : why the table that was there could not be read, and was made anew; empty where it could.
    """

    appended: int
    recomputed: int
    dropped: int
    keys: int
    damage: str = ""


type Compute = Callable[[Panel, int], Floats]
"""Values of all terms (F x rows x N) at the last rows of a panel."""


def input_digests(panel: Panel) -> Digests:
    """Return rolling digest of each name's cells up to each row, T x N: equal values in equal bars give equal digests.

    The digest of a bar is of its stamp, its measures (one NaN, one zero; a field that is not there is NaN) and what one
    unit of the panel's first row became by splits (nothing where it is still one); those of a name's bars are added up
    modulo 2^64. Source of the mixing: splitmix64 (Steele, Lea and Flood 2014).
    """
    out = np.zeros(panel.tradable.shape, np.uint64)
    calendar = np.frombuffer(panel.calendar.encode().ljust(8)[:8], np.uint64)[0]
    stamps = _mixed(panel.times.astype(np.int64).view(np.uint64) ^ calendar)
    odd = _mixed(np.arange(1, len(MEASURES) + 2, dtype=np.uint64)) | np.uint64(1)
    grown = units_of(panel.fields["split"]) - 1.0 if "split" in panel.fields else None
    for begin in range(0, len(out), CHUNK):
        cut = slice(begin, begin + CHUNK)
        total = np.broadcast_to(stamps[cut, None], out[cut].shape).copy()
        for name, factor in zip(MEASURES, odd[:-1], strict=True):
            values = panel.fields[name][cut] if name in panel.fields else np.full((1, 1), np.nan)
            total += _folded(values, factor)
        if grown is not None:
            total += _folded(grown[cut], odd[-1])
        np.copyto(out[cut], _mixed(total), where=panel.tradable[cut])
    return np.cumsum(out, axis=0, out=out)


def _folded(values: Floats, factor: np.uint64) -> Digests:
    """Return bits of the values, spread: high and low ones both reach all that the sum of several is made of."""
    bits = np.where(np.isnan(values), np.nan, values + 0.0).view(np.uint64)
    bits ^= bits >> np.uint64(32)
    bits *= factor
    bits ^= bits >> np.uint64(29)
    return bits


def _mixed(bits: Digests) -> Digests:
    """Return the bits mixed by the finaliser of splitmix64 (Steele, Lea, Flood 2014)."""
    bits = bits + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def stored(lake: Lake, panel: Panel, digests: Digests, names: Sequence[str], *, version: str) -> tuple[Floats, Bools]:
    """Return values of the named terms valid for this very panel, F x T x N, and which cells have them, T x N."""
    values = np.full((len(names), *digests.shape), np.nan)
    have = np.zeros(digests.shape, bool)
    columns = [*MARKS, *names]
    schema = SCHEMAS[TABLE] | dict.fromkeys(names, pl.Float64())
    mine = pl.col("symbol").is_in(list(panel.keys)) if len(panel.keys) < FEW else None
    try:
        if not _is_of(lake, version):
            return values, have
        frame = tables.read(lake.root, TABLE, columns, where=mine, schema=schema)
    except DataError:  # damaged: all is computed, which costs time and changes nothing; `data status` names it
        return values, have
    stand = _standing(frame, panel, digests)
    cells = stand.rows * have.shape[1] + stand.columns
    have.reshape(-1)[cells] = True
    all_stand = len(cells) == len(frame)
    for k, name in enumerate(names):
        column = frame[name].to_numpy()
        values[k].reshape(-1)[cells] = column if all_stand else column[stand.place]
    return values, have


def _is_of(lake: Lake, version: str) -> bool:
    """Return whether the whole store was made by that version, by the bounds of files alone."""
    return tables.version(lake.root, TABLE) is not None and tables.all_are(lake.root, TABLE, "version", version)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Standing:
    """Of stored rows: their stamp, column in the panel (-1: not of it), and row; `place` are those that stand."""

    stamps: Times
    all_columns: Rows
    rows: Rows
    columns: Rows
    place: Rows


def _standing(frame: pl.DataFrame, panel: Panel, digests: Digests) -> _Standing:
    """Return which stored rows are valid for cells of the panel: there is a bar, and its digest is the same."""
    column = frame["symbol"].cast(pl.Enum(panel.keys), strict=False).to_physical().cast(pl.Int64)
    columns = column.fill_null(-1).to_numpy()
    stamps = frame["timestamp"].dt.replace_time_zone(None).to_numpy().astype("datetime64[us]")
    rows = _rows(panel.times, stamps)
    cells = rows * len(panel.keys) + columns
    holds = (columns >= 0) & (panel.times[rows] == stamps) & panel.tradable.reshape(-1)[cells]
    place = np.flatnonzero(holds & (digests.reshape(-1)[cells] == frame["inputs"].to_numpy().view(np.uint64)))
    return _Standing(stamps=stamps, all_columns=columns, rows=rows[place], columns=columns[place], place=place)


def _rows(times: Times, stamps: Times) -> Rows:
    """The row that is of each stamp's day, some other one where there is none: faster than to search for each."""
    days = times.astype(np.int64) // DAY
    row_of = np.zeros(days[-1] - days[0] + 1, np.int64)
    row_of[days - days[0]] = np.arange(len(times))
    return np.asarray(row_of[np.clip(stamps.astype(np.int64) // DAY - days[0], 0, len(row_of) - 1)])


def refresh(
    lake: Lake, panels: Sequence[Panel], names: Sequence[str], compute: Compute, *, version: str, recorded_at: datetime
) -> Refreshed:
    """Bring the store up to date with these panels, which together are all that it is to hold; one commit.

    Parameters
    ----------
    names : of the F terms, in the order of what `compute` gives.
    recorded_at : with a zone.

    Raises
    ------
    DataError : the lake cannot be read or written.
    """
    schema = SCHEMAS[TABLE] | dict.fromkeys(names, pl.Float64())
    columns = {"version": pl.lit(version), "recorded_at": pl.lit(recorded_at.astimezone(UTC), TIME)}

    def decide() -> Refreshed:
        held, marks, damage = _held(lake)
        trusted = marks if _is_of(lake, version) else marks.clear()
        works = [_work(panel, digests, trusted) for panel, digests in zip(panels, inputs.result(), strict=True)]
        done = _counted(works, len(marks))
        if done.keys or done.dropped:
            frames = (frame.with_columns(**columns) for work in works for frame in _frames(work, names, compute))
            commits.renew(lake.root, TABLE, frames, schema, _predicate(works, marks, done), held)
        return replace(done, damage=damage)

    with ThreadPoolExecutor(1) as beside:  # the table is read meanwhile
        inputs = beside.submit(lambda: [input_digests(panel) for panel in panels])
        return commits.transact(lake.root, decide)


def _held(lake: Lake) -> tuple[int | None, pl.DataFrame, str]:
    """Return version and marks of the table; a damaged one is removed, and the reason reported."""
    try:
        return tables.version(lake.root, TABLE), tables.read(lake.root, TABLE, MARKS), ""
    except DataError as error:
        if isinstance(lake.root, Place):
            raise
        commits.remove(lake.root, TABLE)
        return None, pl.DataFrame(schema=SCHEMAS[TABLE]).select(MARKS), str(error)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Work:
    """What is to be written of a panel.

    Parameters
    ----------
    since : N, from when on each key's rows are written anew (NEVER: none is).
    start : N, the panel's row that this is (T: none).
    fresh : T x N, the rows to write; `appended` : how many of them come after all that is stored of their key.
    kept : stored rows that stay.
    """

    panel: Panel
    digests: Digests
    since: Times
    start: Rows
    fresh: Bools
    appended: int
    kept: int


def _work(panel: Panel, digests: Digests, marks: pl.DataFrame) -> _Work:
    rows, names = panel.tradable.shape
    stand = _standing(marks, panel, digests)
    have = np.zeros((rows, names), bool)
    have[stand.rows, stand.columns] = True
    bad = stand.all_columns >= 0
    if len(stand.place) == int(have.sum()):  # else a row is there twice, and nothing is trusted
        bad[stand.place] = False
    else:
        have[:] = False
    lacking = panel.tradable & ~have
    since = np.where(lacking.any(axis=0), panel.times[lacking.argmax(axis=0)], NEVER)
    # A stored row of a bar that is no more has nothing in its place: it goes, with all after it.
    np.minimum.at(since, stand.all_columns[bad], stand.stamps[bad])
    newest = np.where(have.any(axis=0), panel.times[rows - 1 - have[::-1].argmax(axis=0)], EARLIEST)
    np.maximum.at(newest, stand.all_columns[bad], stand.stamps[bad])
    start = np.searchsorted(panel.times, since)
    fresh = panel.tradable & (np.arange(rows)[:, None] >= start)
    return _Work(
        panel=panel,
        digests=digests,
        since=since,
        start=start,
        fresh=fresh,
        appended=int((fresh & (panel.times[:, None] > newest)).sum()),
        kept=int((have & (np.arange(rows)[:, None] < start)).sum()),
    )


def _counted(works: Sequence[_Work], held: int) -> Refreshed:
    fresh, appended = sum(int(work.fresh.sum()) for work in works), sum(work.appended for work in works)
    return Refreshed(
        appended=appended,
        recomputed=fresh - appended,
        dropped=held - sum(work.kept for work in works),
        keys=sum(int(work.fresh.any(axis=0).sum()) for work in works),
    )


def _predicate(works: Sequence[_Work], marks: pl.DataFrame, done: Refreshed) -> str | None:
    """Return SQL: the stored rows that go; it is true of all new ones. None: all do; empty: none does."""
    if not done.dropped:
        return ""
    if done.dropped == len(marks):
        return None
    gone = set(marks["symbol"].unique()) - {key for work in works for key in work.panel.keys}
    by_start: dict[Any, list[str]] = {}
    for work in works:
        for key, since in zip(work.panel.keys, work.since, strict=True):
            if since < NEVER:
                by_start.setdefault(since.item(), []).append(key)
    parts = [f"({_among(keys)} AND timestamp >= '{since.isoformat()}')" for since, keys in sorted(by_start.items())]
    return " OR ".join([*parts, _among(sorted(gone))] if gone else parts)


def _among(keys: Sequence[str]) -> str:
    return f"symbol IN ({', '.join(f"'{key}'" for key in keys)})"


def _frames(work: _Work, names: Sequence[str], compute: Compute) -> Iterator[pl.DataFrame]:
    """Yield the rows to write, some keys at a time, by time and key."""
    panel, count, keys = work.panel, len(work.panel.times), np.array(work.panel.keys, dtype=object)
    order = np.argsort(work.start, kind="stable")
    order = order[work.fresh.any(axis=0)[order]]
    while len(order):
        first = int(work.start[order[0]])
        size = max(1, CELLS // (count - first))
        block = order[:size][work.start[order[:size]] <= first + NEAR]
        order = order[len(block) :]
        columns = np.sort(block)
        whole = len(columns) == len(panel.keys)
        values = compute(panel if whole else panel.only(columns), count - first)
        row, key = np.nonzero(work.fresh[first:, columns])
        yield pl.DataFrame(
            {
                "symbol": keys[columns[key]],
                "timestamp": panel.times[first + row],
                "inputs": work.digests[first + row, columns[key]].view(np.int64),
                **{name: values[k, row, key] for k, name in enumerate(names)},
            },
            schema_overrides={"symbol": pl.String},
        ).with_columns(pl.col("timestamp").dt.replace_time_zone("UTC"))
