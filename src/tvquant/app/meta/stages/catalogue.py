"""The stages of a meta-portfolio's run, in order; what its sleeves' runs did is not done again."""

from tvquant.app.meta.context import MetaContext
from tvquant.app.meta.stages.accounts import ACCOUNTS
from tvquant.app.meta.stages.environment import ENVIRONMENT
from tvquant.app.meta.stages.gating import SLEEVES
from tvquant.app.meta.stages.reporting import REPORTING
from tvquant.app.meta.stages.weighing import ALLOCATION
from tvquant.app.stages.contract import RunStage

STAGES: tuple[RunStage[MetaContext], ...] = (ENVIRONMENT, SLEEVES, ALLOCATION, ACCOUNTS, REPORTING)
