"""Stage 1: the versions that compute, and the manifest as the run holds it."""

from tvquant.app.identity import environment
from tvquant.app.meta.context import MetaContext
from tvquant.app.stages.contract import Outcome, RunStage
from tvquant.core.digests import digest_json
from tvquant.core.stages import Stage
from tvquant.ledger import outputs_of
from tvquant.ledger.run_folder import MANIFEST


def run(context: MetaContext, outcome: Outcome) -> None:
    """Record the environment, the manifest and notices."""
    folder = context.folder
    outcome.outputs["manifest"] = digest_json(folder.read_json(MANIFEST))
    outcome.outputs |= outputs_of(folder.path, [MANIFEST])
    outcome.data["environment"] = environment()
    outcome.data["notices"] = list(context.plan.resolved.notices)


ENVIRONMENT = RunStage(number=Stage.ENVIRONMENT, pillar=None, what="check versions and write the manifest", run=run)
