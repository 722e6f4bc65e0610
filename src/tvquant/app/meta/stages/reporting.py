"""Stage 16: the report of the run, from its ledger and result tables alone."""

from tvquant.app.meta.context import MetaContext
from tvquant.app.stages.contract import Outcome, RunStage
from tvquant.core.stages import Stage
from tvquant.ledger import outputs_of


def run(context: MetaContext, outcome: Outcome) -> None:
    """Write the report; the outcome names its files."""
    from tvquant.report import write_report

    outcome.outputs |= outputs_of(context.folder.path, write_report(context.folder.path).files)


REPORTING = RunStage(number=Stage.REPORTING, pillar=None, what="write the report and INDEX.md", run=run)
