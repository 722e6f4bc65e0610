"""Stage 15: every cell walked forward over the windows, its result tables, the result digest, the evidence on it."""

from collections.abc import Callable
from dataclasses import replace

from tvquant.app.integrity import evidence
from tvquant.app.progress import Watcher
from tvquant.app.run_context import RunContext
from tvquant.app.stages.contract import Outcome, RunStage
from tvquant.core.digests import merkle_root
from tvquant.core.stages import Stage
from tvquant.ledger import outputs_of
from tvquant.ledger.result_store import RunTables
from tvquant.tournament.cells import shadows
from tvquant.tournament.matrix import play_matrix


def run(context: RunContext, outcome: Outcome) -> None:
    """Play what is missing of the matrix, write its tables, and record the digest of every cell."""
    folder, grids = context.folder, context.grids
    cells = (*context.cells, *shadows(context.plan.resolved.profile))
    store = RunTables(folder)
    matrix = play_matrix(
        context.engine,
        cells,
        resumed=context.resumed,
        recorder=context.recorder,
        sink=store,
        jobs=context.jobs,
        cluster=replace(context.cluster, note=context.progress.note),
        progress=counting(context.progress, sum(len(grids[cell.path.schedule]) for cell in cells)),
        settled=context.progress.books,
    )
    tables = [path.relative_to(folder.path).as_posix() for path in store.compact()]
    leaves = dict(matrix.leaves)
    outcome.outputs["result"] = merkle_root(leaves)
    outcome.outputs |= outputs_of(folder.path, tables)
    outcome.data["leaves"] = leaves
    context.recorder.record(evidence(context, outcome.outputs["result"], matrix.failed))


def counting(progress: Watcher, total: int) -> Callable[[int], None]:
    """Return a function that is given numbers of recorded snapshots and shows how many of all there are so far."""
    done = 0

    def count(steps: int) -> None:
        nonlocal done
        done += steps
        progress.steps(done, total)

    return count


VALIDATION = RunStage(
    number=Stage.VALIDATION,
    pillar=3,
    what="walk every cell forward over the windows",
    inputs=("snapshot",),
    run=run,
)
