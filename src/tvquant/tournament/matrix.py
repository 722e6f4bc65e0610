"""The whole matrix: every path decided once, every cell settled, on one or more processes, recorded as it goes.

1. Every decision that is due at a row is drafted, rows in parallel, the last ones in parts (stage A).
2. The coordinator takes the decisions, row by row in order, as soon as a row is drafted, and records each once, and a
   snapshot of it in the chain of every cell of its path: a killed run goes on from there (stage B). What a path held
   before changes few of them; those are decided here (`walk_forward`).
   What deciding took, where the engine has a timer, is one record of the run's own chain, and no part of its result.
3. Cells are settled, in parallel, some books of a path together (stage C); only tables and measures of them come back.
4. Challengers are decided on the same rows by what was prepared for all, and nothing of theirs is recorded or settled
   before every cell of the grid has ended: the result, and the bytes of the grid's chains, are those of a run without
   challengers (R-TRN-02).

Only the coordinator records. The number of processes changes nothing in the results.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched, chain, groupby
from math import isfinite
from statistics import median

from tvquant.core.digests import merkle_root
from tvquant.core.errors import DataError, LedgerError, ModelError
from tvquant.core.records import RUN, TIMES, Entry, Recorder, ResultSink, in_shadow
from tvquant.core.stages import Stage
from tvquant.tournament.backends.contract import HERE, Cluster
from tvquant.tournament.cell_results import CellResult, result_of
from tvquant.tournament.cells import Cell, Path
from tvquant.tournament.decision_entries import snapshot_entry
from tvquant.tournament.draft_parts import joined, parted
from tvquant.tournament.path_holdings import PathHoldings
from tvquant.tournament.path_tables import Columns, PathTables, path_tables
from tvquant.tournament.rebalances import Rebalance
from tvquant.tournament.walk_forward import BacktestEngine, Due
from tvquant.tournament.workers import Pool

ROWS = 200_000
"""Rows of tables that wait to be put together: some 20 MB."""
BOOKS = 2
"""Books of a path that are settled by one process: more would leave others idle where paths are few."""

type Progress = Callable[[int], None]
type Settled = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What an interrupted run had recorded.

    Parameters
    ----------
    rebalances : by cell.
    leaves : of each finished cell: its digest, or that and why it failed.
    shared : chain, window and digest of each selection, context and decision.
    """

    rebalances: Mapping[str, Sequence[Rebalance]]
    leaves: Mapping[str, str]
    shared: frozenset[tuple[str, int, str]]


NOTHING = Resumed(rebalances={}, leaves={}, shared=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matrix:
    """The leaf of every cell in the order of the grid (its digest, or that and why it failed), and the failures.

    Challengers are not in it.
    """

    failed: Mapping[str, str]
    leaves: Mapping[str, str]

    @property
    def digest(self) -> str:
        """The result digest: Merkle root over the cells, sorted by key."""
        return merkle_root(self.leaves)


def play_matrix(
    engine: BacktestEngine,
    cells: Sequence[Cell],
    *,
    resumed: Resumed,
    recorder: Recorder,
    sink: ResultSink,
    jobs: int,
    progress: Progress,
    settled: Settled,
    cluster: Cluster = HERE,
) -> Matrix:
    """Play and settle every cell.

    `progress` is given numbers of snapshots as they are made, then `settled` how many of how many books are kept.

    Raises
    ------
    DataError : no strategy had a candidate at any window.
    LedgerError : a finished cell does not settle as it was recorded.
    ModelError : every allocation failed, or not one strategy is left.
    """
    grid, shadows = ([cell for cell in cells if cell.shadow is shadow] for shadow in (False, True))
    progress(sum(len(resumed.rebalances.get(cell.key, ())) for cell in cells))
    with Pool(jobs, engine, cluster) as pool:
        withheld = Withheld()
        play = _Play(engine=engine, resumed=resumed, pool=pool, sink=sink, progress=progress, settled=settled)
        play.begin(grid, recorder)
        rebalances = play.decide((*grid, *shadows), recorder, withheld)
        strategies = dict.fromkeys(cell.path.key for cell in grid if not cell.baseline)
        made = [one for key in strategies for one in rebalances[key]]
        if not any(one.weights for one in made):
            raise _nothing_to_hold(made)
        matrix = play.settle(grid, rebalances, recorder)
        if all(cell.baseline or cell.key in matrix.failed for cell in grid):
            failed = matrix.failed
            raise ModelError(f"no cell is left: {next(iter(failed.values()))} ({len(failed)} cells failed)")
        play.begin(shadows, recorder)
        withheld.release(recorder)
        if shadows:
            play.settle(shadows, rebalances, recorder)
    return matrix


class Withheld:
    """A recorder that keeps its entries until they are released."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def record(self, entry: Entry) -> str:
        """Keep the entry; it has no digest yet."""
        self._entries.append(entry)
        return ""

    def release(self, recorder: Recorder) -> None:
        """Record what was kept, in order."""
        for entry in self._entries:
            recorder.record(entry)
        self._entries.clear()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Play:
    """What the parts of a matrix share while it is played."""

    engine: BacktestEngine
    resumed: Resumed
    pool: Pool[BacktestEngine]
    sink: ResultSink
    progress: Progress
    settled: Settled

    def begin(self, cells: Sequence[Cell], recorder: Recorder) -> None:
        """Record the intent of every cell that has not ended."""
        for cell in cells:
            if cell.key not in self.resumed.leaves:
                recorder.record(
                    Entry(chain=cell.key, stage=Stage.VALIDATION, pillar=3, kind="intent", data={"cell": cell.key})
                )

    def decide(self, cells: Sequence[Cell], recorder: Recorder, withheld: Recorder) -> dict[str, list[Rebalance]]:
        """Return all rebalances by key of the path; what is missing is decided and recorded in each cell lacking it.

        A run may have been killed between the cells of a path: it goes on where its last cell stood, and the others are
        not told again what they know. What is of a challenger goes to `withheld`.
        """
        resumed = self.resumed
        paths = {cell.path.key: cell.path for cell in cells}
        chains = {key: [cell for cell in cells if cell.path.key == key] for key in paths}
        known = {cell.key: list(resumed.rebalances.get(cell.key, ())) for cell in cells}
        done = {key: min((known[cell.key].copy() for cell in chains[key]), key=len) for key in paths}
        due = self.engine.due(tuple(paths.values()), done)
        parts: list[tuple[Due, ...]] = [(one,) for one in due]
        if not self.pool.alone:
            self.engine.take_features(due)
            parts = parted(due)
        drafts = joined(due, parts, self.pool.run(BacktestEngine.draft, ((one,) for some in parts for one in some)))
        last = {key: found[-1] for key, found in done.items() if found}
        seconds: dict[str, list[float]] = {}
        for made in self.engine.walk(due, drafts, last):
            rebalance, counted = made.rebalance, 0
            taker = withheld if in_shadow(made.path.key) else recorder
            for entry in made.records:
                if (entry.chain, rebalance.window, entry.outputs[entry.kind]) not in resumed.shared:
                    taker.record(entry)
            cells_of = chains[made.path.key]
            figures = snapshot_entry(cells_of[0], rebalance, made.decision)  # those of a path differ in their chain
            for cell in cells_of:
                if len(known[cell.key]) <= len(done[made.path.key]):
                    taker.record(replace(figures, chain=cell.key))
                    counted += 1
            done[made.path.key].append(rebalance)
            if isfinite(made.seconds) and taker is recorder:
                seconds.setdefault(made.path.key, []).append(made.seconds)
            self.progress(counted)
        if seconds:
            recorder.record(_times(seconds))
        return done

    def settle(self, cells: Sequence[Cell], rebalances: Mapping[str, list[Rebalance]], recorder: Recorder) -> Matrix:
        """Settle every cell, record how it ended, put its tables, many at a time.

        Raises
        ------
        LedgerError : a finished cell does not settle as it was recorded.
        """
        failed, leaves, ended, tables = {}, {}, self.resumed.leaves, _Tables(self.sink)
        by_path = groupby(cells, key=lambda cell: cell.path.key)
        shared = [some for _, found in by_path for some in batched(found, BOOKS)]
        tasks = ((some[0].path, some, tuple(rebalances[some[0].path.key])) for some in shared)
        outcomes = chain.from_iterable(self.pool.run(_settle, tasks))
        self.settled(0, len(cells))
        for done, (cell, outcome) in enumerate(zip(cells, outcomes, strict=True), 1):
            if isinstance(outcome, ModelError):
                failed[cell.key], leaves[cell.key] = str(outcome), f"failed: {outcome}"
            else:
                leaves[cell.key] = outcome.digest
                tables.add(cell.key, outcome.tables)
            if cell.key not in ended:
                recorder.record(_outcome(cell, outcome))
            elif ended[cell.key] != leaves[cell.key]:
                raise LedgerError(
                    f"cell {cell.key} was recorded as {ended[cell.key]} and settles as {leaves[cell.key]} "
                    "now: what it was decided on has changed; start the run anew"
                )
            self.settled(done, len(cells))
        tables.flush()
        return Matrix(failed=failed, leaves=leaves)


class _Tables:
    """Tables of cells on their way to a sink, which takes many at a time."""

    def __init__(self, sink: ResultSink) -> None:
        self._sink = sink
        self._cells: dict[str, Mapping[str, Columns]] = {}
        self._rows = 0

    def add(self, cell: str, tables: Mapping[str, Columns]) -> None:
        """Take the tables of a cell; what a kill loses of them is settled again, as every cell of a resumed run is."""
        self._cells[cell] = tables
        self._rows += sum(len(next(iter(columns.values()), ())) for columns in tables.values())
        if self._rows >= ROWS:
            self.flush()

    def flush(self) -> None:
        """Put what is here."""
        if self._cells:
            self._sink.put_cells(self._cells)
        self._cells, self._rows = {}, 0


def _times(seconds: Mapping[str, Sequence[float]]) -> Entry:
    """Return the record of what the decisions of each path took."""
    data = {
        key: {"decisions": len(one), "median_seconds": median(one), "most_seconds": max(one)}
        for key, one in seconds.items()
    }
    return Entry(chain=RUN, stage=Stage.VALIDATION, pillar=3, kind=TIMES, data=data)


def _settle(
    engine: BacktestEngine, path: Path, cells: tuple[Cell, ...], rebalances: tuple[Rebalance, ...]
) -> tuple[CellResult | ModelError, ...]:
    """Return how each of these cells of a path ended."""
    held = PathHoldings(engine.panel, rebalances)
    try:
        decided = path_tables(engine, path, held)
    except ModelError as error:
        return (error,) * len(cells)
    return tuple(_settled(engine, cell, held, decided) for cell in cells)


def _settled(engine: BacktestEngine, cell: Cell, held: PathHoldings, decided: PathTables) -> CellResult | ModelError:
    try:
        return result_of(engine, engine.settle(cell, held), decided)
    except ModelError as error:
        return error


def _outcome(cell: Cell, outcome: CellResult | ModelError) -> Entry:
    if isinstance(outcome, ModelError):
        return Entry(
            chain=cell.key,
            stage=Stage.VALIDATION,
            pillar=3,
            kind="outcome",
            metrics={"status": "failed", **cell.place},
            data={"why": str(outcome)},
        )
    return Entry(
        chain=cell.key,
        stage=Stage.VALIDATION,
        pillar=3,
        kind="outcome",
        outputs={"cell": outcome.digest},
        metrics=outcome.measures,
        data={"stamps": sorted(stamp.value for stamp in outcome.stamps), "forensic": outcome.forensic},
    )


def _nothing_to_hold(rebalances: Sequence[Rebalance]) -> DataError | ModelError:
    """Return why no window has weights, in one line: allocations that failed, or the last window's reasons."""
    failed = sum(one.status == "failed" for one in rebalances)
    if failed:
        return ModelError(
            f"no allocation was found at any of {len(rebalances)} decisions, {failed} of which had eligible names; "
            "the snapshots in the ledger name what was tried"
        )
    won = sum(one.funnel.selected > 0 for one in rebalances)
    if won:
        return ModelError(
            f"nothing is held at any of {len(rebalances)} decisions, though {won} of them had winners: their weights "
            "cancel or are all cash; see `tvquant select` with this profile"
        )
    last = rebalances[-1]
    considered, recruited = last.funnel.universe, last.funnel.discovery
    vetoed = ", ".join(f"{reason} {n}" for reason, n in sorted(last.funnel.vetoed.items()))
    why = f"fell out by: {vetoed}" if vetoed else "had no bar, are of an excluded kind or passed no scanner"
    return DataError(
        f"no name was eligible at any of {len(rebalances)} decisions; at the last one {considered} names were "
        f"considered, {recruited} recruited; they {why}; see `tvquant data audit`, and `tvquant select` with this "
        "profile"
    )
