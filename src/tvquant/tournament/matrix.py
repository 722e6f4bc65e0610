"""The whole matrix: every cell over every window, on one or more processes, recorded as it goes.

Only the caller's process records. Workers get whole groups of cells for a chunk of windows, so what cells share is
computed once per group; grouping and order change nothing in the results.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tvquant.core.digests import merkle_root
from tvquant.core.errors import DataError, ModelError
from tvquant.core.records import Entry, Recorder, ResultSink
from tvquant.core.stages import Stage
from tvquant.tournament.cell_results import measures, tables
from tvquant.tournament.cells import Cell
from tvquant.tournament.rebalances import Rebalance
from tvquant.tournament.walk_forward import BacktestEngine, Played, Settled
from tvquant.tournament.windows import Window
from tvquant.tournament.workers import Pool

CHUNK = 16
"""Windows that a worker plays before its steps are recorded; one process alone records each window at once."""

type Task = tuple[tuple[Cell, ...], tuple[Window, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """What an interrupted run had recorded: steps per cell, the cells that were finished, the selections."""

    steps: Mapping[str, Sequence[Rebalance]]
    finished: frozenset[str]
    selections: frozenset[tuple[str, int]]
    """Chain and window of each selection."""


NOTHING = Resumed(steps={}, finished=frozenset(), selections=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matrix:
    """All finished cells in the order of the grid, those that failed with the reason, and the digest of each."""

    settled: tuple[Settled, ...]
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
    progress: Callable[[int], None],
) -> Matrix:
    """Play and settle every cell; `progress` is told of each number of steps as they are recorded.

    Raises
    ------
    DataError : no strategy had a candidate at any window.
    ModelError : every allocation failed, or not one strategy is left.
    """
    steps = {cell.key: list(resumed.steps.get(cell.key, ())) for cell in cells}
    for cell in cells:
        if cell.key not in resumed.finished:
            recorder.record(
                Entry(chain=cell.key, stage=Stage.VALIDATION, pillar=3, kind="intent", data={"cell": cell.key})
            )
    progress(sum(len(done) for done in steps.values()))
    with Pool(jobs) as pool:
        _walk(engine, cells, steps, set(resumed.selections), pool, recorder, progress)
        made = [step for cell in cells if not cell.baseline for step in steps[cell.key]]
        if not any(step.weights for step in made):
            raise _nothing_to_hold(made)
        outcomes = pool.run(_settle, ((engine, cell, tuple(steps[cell.key])) for cell in cells))
        settled, failed = [], {}
        for cell, outcome in zip(cells, outcomes, strict=True):
            if isinstance(outcome, ModelError):
                failed[cell.key] = str(outcome)
            else:
                settled.append(outcome)
                for table, columns in tables(engine, outcome, steps[cell.key]).items():
                    sink.put(table, cell.key, columns)
            if cell.key not in resumed.finished:
                recorder.record(_outcome(cell, outcome, steps[cell.key]))
    if all(s.baseline for s in settled):
        raise ModelError(f"no cell is left: {next(iter(failed.values()))} ({len(failed)} cells failed)")
    leaves = {s.cell: s.digest for s in settled} | {key: f"failed: {why}" for key, why in failed.items()}
    return Matrix(settled=tuple(settled), failed=failed, leaves=leaves)


def _walk(
    engine: BacktestEngine,
    cells: Sequence[Cell],
    steps: dict[str, list[Rebalance]],
    selections: set[tuple[str, int]],
    pool: Pool,
    recorder: Recorder,
    progress: Callable[[int], None],
) -> None:
    """Play what is missing in `steps`, chunk by chunk; each step is recorded and appended as it comes."""
    size = 1 if pool.jobs == 1 else CHUNK
    for k in range(0, len(engine.grid), size):
        tasks = list(_tasks(cells, engine.grid[k : k + size], k, steps, pool.jobs))
        last = {key: done[-1] for key, done in steps.items() if done}
        for played in pool.run(_play, ((engine, *task, last) for task in tasks)):
            for one in played:
                if one.selection and (shared := (one.selection.chain, one.step.window)) not in selections:
                    selections.add(shared)  # each worker has its own copy of what its cells share
                    recorder.record(one.selection)
                recorder.record(one.entry)
                steps[one.cell].append(one.step)
            progress(len(played))


def _tasks(
    cells: Sequence[Cell], chunk: Sequence[Window], start: int, steps: Mapping[str, Sequence[Rebalance]], jobs: int
) -> Iterator[Task]:
    """Cells that still lack windows of this chunk, grouped by what they lack and spread over the workers."""
    groups: dict[int, list[Cell]] = {}
    for cell in cells:
        have = min(max(len(steps[cell.key]) - start, 0), len(chunk))
        if have < len(chunk):
            groups.setdefault(have, []).append(cell)
    for have, group in groups.items():
        for share in (group[k::jobs] for k in range(min(jobs, len(group)))):
            yield tuple(share), tuple(chunk[have:])


def _play(
    engine: BacktestEngine, cells: tuple[Cell, ...], windows: tuple[Window, ...], last: Mapping[str, Rebalance]
) -> list[Played]:
    return list(engine.play(cells, windows, last))


def _settle(engine: BacktestEngine, cell: Cell, steps: tuple[Rebalance, ...]) -> Settled | ModelError:
    try:
        return engine.settle(cell, steps)
    except ModelError as error:
        return error


def _outcome(cell: Cell, outcome: Settled | ModelError, steps: Sequence[Rebalance]) -> Entry:
    if isinstance(outcome, ModelError):
        metrics, data = {"status": "failed"}, {"why": str(outcome)}
        return Entry(chain=cell.key, stage=Stage.VALIDATION, pillar=3, kind="outcome", metrics=metrics, data=data)
    return Entry(
        chain=cell.key,
        stage=Stage.VALIDATION,
        pillar=3,
        kind="outcome",
        outputs={"cell": outcome.digest},
        metrics=measures(outcome, steps),
        data={"stamps": sorted(outcome.stamps)},
    )


def _nothing_to_hold(steps: Sequence[Rebalance]) -> DataError | ModelError:
    """Why no window has weights, in one line: allocations that failed, or the reasons of the last window."""
    failed = sum(step.status == "failed" for step in steps)
    if failed:
        return ModelError(
            f"no allocation was found at any of {len(steps)} decisions, {failed} of which had eligible names; "
            "the snapshots in the ledger name what was tried"
        )
    last = steps[-1]
    considered, recruited = last.funnel.universe, last.funnel.discovery
    vetoed = ", ".join(f"{reason} {n}" for reason, n in sorted(last.funnel.vetoed.items()))
    why = f"fell out by: {vetoed}" if vetoed else "had no bar, are of an excluded kind or passed no scanner"
    return DataError(
        f"no name was eligible at any of {len(steps)} decisions; at the last one {considered} names were considered, "
        f"{recruited} recruited; they {why}; see `tvquant data audit`, and `tvquant select` with this profile"
    )
