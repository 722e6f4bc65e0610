"""What a matrix will take, told before it is played: its cells and windows, and time, memory and disk.

1. Cells, books and windows are counted; nothing of them is guessed.
2. Two rows are prepared and decided for every path: the last one, whose figures stand for all rows, and one in the
   middle, which pays for imports and kernels. Each book settles the headline's last decision at every window, twice.
   What they recorded is written to a ledger, and their tables to files, of a folder that is thrown away.
3. Figures of the last row are multiplied by the windows. Names come and go, solvers take longer on some days, and other
   programs use the machine: expect the truth between half and twice the estimate of time.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as Folder
from typing import Any

from tvquant.app.clock import SystemClock
from tvquant.app.memory import largest_resident
from tvquant.app.run_context import RunContext
from tvquant.core.errors import ModelError
from tvquant.core.records import Entry
from tvquant.ledger import Ledger, genesis_entry
from tvquant.ledger.lines import AUDIT
from tvquant.ledger.result_store import ResultStore
from tvquant.tournament.cell_results import result_of
from tvquant.tournament.cells import Cell, shadows
from tvquant.tournament.decision_entries import snapshot_entry
from tvquant.tournament.matrix import NOTHING
from tvquant.tournament.walk_forward import BacktestEngine, Decided, Due, Grids

SHARE = 0.7
"""What each worker process adds to one, at least: `make bench` holds two workers to 1.7 times the speed of one."""
MANY = 2_000
"""Decisions and books below which nothing is measured beforehand."""
LONG = 120.0
"""Seconds from which on a person is told."""
ESTIMATE = "estimate"
WIDTH = 2.0
"""The factor within which the truth is expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """How much there is to do, counted.

    Parameters
    ----------
    strategies, baselines, variants, challengers : cells of each sort.
    paths, books : sequences of decisions, and cells that settle them.
    windows : schedule in words -> its windows.
    decisions, snapshots : of all paths at all windows, and of all cells.
    """

    strategies: int
    baselines: int
    variants: int
    challengers: int
    paths: int
    books: int
    windows: Mapping[str, int]
    decisions: int
    snapshots: int

    @classmethod
    def of(cls, cells: Sequence[Cell], grids: Grids) -> "Workload":
        """Count the work of cells, challengers among them."""
        paths = {cell.path.key: cell.path for cell in cells}
        schedules = dict.fromkeys(cell.path.schedule for cell in cells)
        grid = [cell for cell in cells if not cell.shadow]
        baselines, variants = (sum(map(of, grid)) for of in (lambda c: c.baseline, lambda c: c.path.variant))
        return cls(
            strategies=len(grid) - baselines - variants,
            baselines=baselines,
            variants=variants,
            challengers=len(cells) - len(grid),
            paths=len(paths),
            books=len(cells),
            windows={one.name: len(grids[one]) for one in schedules},
            decisions=sum(len(grids[path.schedule]) for path in paths.values()),
            snapshots=sum(len(grids[cell.path.schedule]) for cell in cells),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a workload will take on this machine, measured on a small part of it.

    Parameters
    ----------
    begin : seconds until the first row is decided: features of the panel, imports, kernels.
    prepare, decide, settle : seconds of one process for all rows, decisions and books.
    memory : bytes of all processes at their largest.
    disk : bytes of ledger and result tables.
    unknown : what could not be measured, with the reason; it is in no figure.
    """

    begin: float
    prepare: float
    decide: float
    settle: float
    jobs: int
    memory: int
    disk: int
    unknown: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Seconds by the clock of a machine that does nothing else, with that many processes."""
        return self.begin + (self.prepare + self.decide + self.settle) / (1.0 + SHARE * (self.jobs - 1))

    @property
    def line(self) -> str:
        """What a person should know before it begins."""
        return (
            f"this will take about {self.seconds / 60:,.0f} minutes with --jobs {self.jobs} (within a factor of "
            f"{WIDTH:g}), {self.memory / 2**20:,.0f} MiB of memory and {self.disk / 2**20:,.0f} MiB of disk"
        )

    def document(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        parts = {name: round(getattr(self, name), 3) for name in ("seconds", "begin", "prepare", "decide", "settle")}
        return parts | {
            "jobs": self.jobs,
            "memory_bytes": self.memory,
            "disk_bytes": self.disk,
            "within_factor": WIDTH,
            "unknown": list(self.unknown),
        }


def foretell(context: RunContext) -> None:
    """Note what a large matrix will take before it is played; nothing where it is a matter of a minute or two."""
    cells = (*context.cells, *shadows(context.plan.resolved.profile))
    load = Workload.of(cells, context.grids)
    if load.decisions + load.books < MANY or context.resumed is not NOTHING:
        return
    context.progress.note(
        f"{load.decisions:,} decisions and {load.books:,} books: a few are played to see how long it takes"
    )
    found = estimated(context.engine, cells, jobs=context.jobs)
    if found.seconds >= LONG:
        context.progress.note(found.line)


def estimated(engine: BacktestEngine, cells: Sequence[Cell], *, jobs: int) -> Estimate:
    """Return what playing these cells will take, by playing a few rows and one book of each sort.

    The engine times its decisions; books are settled with the path of the first cell.
    """
    paths = tuple({cell.path.key: cell.path for cell in cells}.values())
    due = engine.due(paths, {})
    rows = _played(engine, due)
    with tempfile.TemporaryDirectory(prefix="tvquant-estimate-") as made:
        seconds, tables, unknown = _settled(engine, cells, rows.decided, ResultStore(Folder(made)))
        records = _recorded(cells, rows.decided, Folder(made))
    windows = {path.key: len(engine.grids[path.schedule]) for path in paths}
    ledger = sum(records[key][0] * n for key, n in windows.items())
    books = Counter(cell.book.key for cell in cells)
    return Estimate(
        begin=rows.begin,
        prepare=rows.prepare * sum(len(one.rules) for one in due),
        decide=sum(one.seconds * windows[key] for key, one in rows.decided.items()),
        settle=sum(seconds.get(key, 0.0) * n for key, n in books.items()),
        jobs=jobs,
        memory=largest_resident() * jobs,
        disk=ledger + sum(records[cell.path.key][1] * windows[cell.path.key] + tables for cell in cells),
        unknown=unknown,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """What a few rows took: seconds to begin, to prepare one row for one set of rules, and the decisions of paths."""

    begin: float
    prepare: float
    decided: Mapping[str, Decided]


def _played(engine: BacktestEngine, due: Sequence[Due]) -> _Rows:
    """Decide a row in the middle, then the last row of every path; the former pays for imports and kernels."""
    decided: dict[str, Decided] = {}
    last = {path.key: one for one in due for path, _ in one.windows}
    began = time.process_time()
    _decide(engine, due[len(due) // 2], decided)
    begin, prepare = time.process_time() - began, 0.0
    for one in dict.fromkeys(last.values()):
        prepare = _decide(engine, one, decided)
    return _Rows(begin=begin, prepare=prepare, decided=decided)


def _decide(engine: BacktestEngine, one: Due, decided: dict[str, Decided]) -> float:
    """Decide a row for its paths; return the seconds that preparing it for one set of rules took."""
    began = time.process_time()
    draft = engine.draft(one)
    seconds = time.process_time() - began
    deciding = sum(found.seconds for found in draft.decided if found is not None)
    decided |= {found.path.key: found for found in engine.walk([one], [draft], {})}
    return max(seconds - deciding, 0.0) / max(len(one.rules), 1)


def _settled(
    engine: BacktestEngine, cells: Sequence[Cell], decided: Mapping[str, Decided], store: ResultStore
) -> tuple[dict[str, float], int, tuple[str, ...]]:
    """Return seconds of each book, bytes of the outcome and tables of one, and which books could not be kept."""
    path, seconds, unknown, size = cells[0].path, dict[str, float](), list[str](), 0
    one = decided[path.key].rebalance
    rebalances = [replace(one, window=w.id, row=w.start - 1) for w in engine.grids[path.schedule]]
    for book in {cell.book.key: cell.book for cell in cells}.values():
        cell = Cell(path=path, book=book)
        try:
            for _ in range(2):  # the first pays for imports and kernels
                began = time.process_time()
                result = result_of(engine, engine.settle(cell, rebalances))
                seconds[book.key] = time.process_time() - began
        except ModelError as error:
            unknown.append(f"books of {book.key}: {error}")
            continue
        if not size:
            size = len(repr(dict(result.measures)))  # of the outcome's record, about
            for table, columns in result.tables.items():
                store.put(table, cell.key, columns)
    store.compact()
    size += sum(file.stat().st_size for file in store.root.rglob("*.parquet"))
    return seconds, size, tuple(unknown)


def _recorded(cells: Sequence[Cell], decided: Mapping[str, Decided], folder: Folder) -> dict[str, tuple[int, int]]:
    """Return path -> bytes of a ledger that a decision takes: once, and again in each cell.

    What paths share counts with the first.
    """
    file, sizes = folder / AUDIT, dict[str, tuple[int, int]]()
    with Ledger.create(folder, run_id=ESTIMATE, clock=SystemClock()) as ledger:
        ledger.record(_genesis())
        for cell in cells:
            if cell.path.key in sizes:
                continue
            made, before = decided[cell.path.key], file.stat().st_size
            for entry in made.records:
                ledger.record(entry)
            once = file.stat().st_size - before
            ledger.record(snapshot_entry(cell, made.rebalance, made.decision))
            sizes[cell.path.key] = once, file.stat().st_size - before - once
    return sizes


def _genesis() -> Entry:
    name = dict.fromkeys(("run_id", "profile", "code", "manifest", "environment", "selection", "rebalance"), ESTIMATE)
    return genesis_entry(**name, train=2, test=1, step=1, lookback=2)
