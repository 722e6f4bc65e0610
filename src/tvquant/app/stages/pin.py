"""The end of the data cycle: the ledger's record of what the run reads from here on, and the file that repeats it."""

from tvquant.app.pinned_snapshot import write_snapshot
from tvquant.app.run_context import RunContext
from tvquant.core.records import RUN, Entry
from tvquant.core.stages import Stage
from tvquant.ledger import outputs_of
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.ledger.run_folder import PINNED
from tvquant.simulation.fill_rates import check_fields


def pin(context: RunContext) -> None:
    """Record snapshot and plan digest, unless the ledger has them; first the data are asked whether they will do.

    Raises
    ------
    DataError : a bar closes after the run began, or there is no window to decide at.
    ProfileError : costs or bounds of orders are measured of what the bars have not.
    """
    if RecordedRun(context.folder).plan is not None:
        return
    plan, _ = context.plan, context.engine  # which asks for panel, windows and rates
    profile = plan.resolved.profile
    for costed in profile.costings.values():
        check_fields(context.panel, costed.costs.cost_model(), profile.execution.participation)
    snapshot = plan.snapshot.to_json()
    write_snapshot(context.folder, plan.digest, snapshot)
    outputs = dict(context.digests) | outputs_of(context.folder.path, [PINNED])
    context.recorder.record(
        Entry(chain=RUN, stage=Stage.SELF_HEALING, pillar=0, kind="plan", outputs=outputs, data={"snapshot": snapshot})
    )
