"""Stage 9: one state per asset, and the gate that a run passes on the report of them (R-DAT-15)."""

from tvquant.app.profile_health import health_of_run
from tvquant.app.run_context import RunContext
from tvquant.app.stages.contract import Outcome, RunStage
from tvquant.core.errors import DataError, LedgerError
from tvquant.core.stages import Stage
from tvquant.lake import HealthState
from tvquant.lake.quality.health import from_report, health_of, naming, to_report
from tvquant.ledger import outputs_of
from tvquant.ledger.run_folder import HEALTH as REPORT
from tvquant.market.listings import delistings


def run(context: RunContext, outcome: Outcome) -> None:
    """Judge every asset of the snapshot and write the run's health report; those that are not fine are named."""
    data, lake = context.plan.resolved.profile.data, context.lake
    found = health_of(
        lake,
        context.plan.pinned.bars,
        as_of=context.plan.until,
        minimum=data.min_history,
        lookback=data.lookback,
        delisted=delistings(lake),
    )
    states = [asset.state.value for asset in found]
    outcome.metrics |= {"assets": len(found), "healthy": sum(asset.state.fine for asset in found)}
    outcome.metrics |= {f"state_{state}": states.count(state) for state in sorted(set(states))}
    outcome.data["not_healthy"] = {asset.key: asset.state.value for asset in found if not asset.state.fine}
    told = health_of_run(lake, context.plan.resolved.profile, found, until=context.plan.until)
    outcome.data["profile_health"] = told.document()
    context.progress.note(told.line())
    context.folder.write_json(REPORT, to_report(found))
    outcome.outputs |= outputs_of(context.folder.path, [REPORT])


def gate(context: RunContext) -> None:
    """Pass when an asset is left, by the report on disk.

    Whether its history is long enough is asked later, with the number that lacks.

    Raises
    ------
    LedgerError : nothing is left, or the report cannot be read.
    """
    try:
        found = from_report(context.folder.read_json(REPORT))
    except DataError as error:
        raise LedgerError(f"health gate: {error}") from error
    if not any(asset.state.usable or asset.state is HealthState.DROPPED for asset in found):
        raise LedgerError(f"health gate: no asset of the universe is left{naming(found)}; repair or import their bars")


HEALTH = RunStage(
    number=Stage.HEALTH, pillar=0, what="audit every asset of the universe, pin the snapshot", run=run, gate=gate
)
