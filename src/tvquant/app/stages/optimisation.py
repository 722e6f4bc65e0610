"""Stage 14: what the headline cell would hold from the last row on."""

from collections.abc import Sequence

from tvquant.app.run_context import RunContext
from tvquant.app.stages.contract import Outcome, RunStage
from tvquant.core.decisions import Correlation, CurrentDecision
from tvquant.core.digests import digest_json
from tvquant.core.panel import Panel
from tvquant.core.stages import Stage
from tvquant.tournament.cells import Cell, headline
from tvquant.tournament.decide import correlations, decide
from tvquant.tournament.specs import Previous, StrategySpec
from tvquant.tournament.views import look


def run(context: RunContext, outcome: Outcome) -> None:
    """Record the decision of the headline cell at the last row."""
    panel = context.panel
    current = as_of(panel, context.cells, headline(context.plan.resolved.profile), len(panel.times) - 1)
    outcome.data |= current.payload()
    outcome.outputs["decision"] = digest_json(current.decision.payload())


def as_of(panel: Panel, cells: Sequence[Cell], key: str, row: int) -> CurrentDecision:
    """Return what a strategy's cell would hold from a row on, from nothing held."""
    spec = next(cell.spec for cell in cells if cell.key == key)
    assert isinstance(spec, StrategySpec)
    view = look(panel, row)
    found, previous = correlations(view, spec.rules), Previous()
    return CurrentDecision(
        decision=decide(view, spec, previous),
        held=previous.atoms,
        correlation=None if found is None else Correlation(atoms=found[0], matrix=found[1]),
    )


OPTIMISATION = RunStage(
    number=Stage.OPTIMISATION,
    pillar=3,
    what="weights of the headline cell at the as-of date",
    inputs=("snapshot",),
    run=run,
)
