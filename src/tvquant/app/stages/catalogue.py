"""The stages that exist, in the order of the production flow."""

from tvquant.app.run_context import RunContext
from tvquant.app.stages.contract import RunStage
from tvquant.app.stages.environment import ENVIRONMENT
from tvquant.app.stages.health import HEALTH
from tvquant.app.stages.optimisation import OPTIMISATION
from tvquant.app.stages.regime import REGIME
from tvquant.app.stages.reporting import REPORTING
from tvquant.app.stages.validation import VALIDATION

DATA_STAGES: tuple[RunStage[RunContext], ...] = (ENVIRONMENT, HEALTH)
"""The data cycle; the snapshot is pinned at its end."""
SNAPSHOT_STAGES: tuple[RunStage[RunContext], ...] = (REGIME, OPTIMISATION, VALIDATION, REPORTING)
"""They read the snapshot, and never write to the lake."""
STAGES = (*DATA_STAGES, *SNAPSHOT_STAGES)
