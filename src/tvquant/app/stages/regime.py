"""Stage 13: what the market is at the last row, and what its score is held against."""

from tvquant.app.run_context import RunContext
from tvquant.app.stages.contract import Outcome, RunStage
from tvquant.core.stages import Stage
from tvquant.regime import MarketRegimeDetector
from tvquant.tournament.cells import headline
from tvquant.tournament.market_regime import market_regime_at, refuse_later_bands
from tvquant.tournament.specs import StrategySpec


def run(context: RunContext, outcome: Outcome) -> None:
    """Record the regime at the last row, and the bands with their digest.

    Raises
    ------
    ProfileError : the bands were made on returns that the first decision does not know.
    """
    profile = context.plan.resolved.profile
    spec = next(cell.spec for cell in context.cells if cell.key == headline(profile))
    assert isinstance(spec, StrategySpec)
    first = min(windows[0].start for windows in context.grids.values()) - 1
    refuse_later_bands(profile.regime, context.panel.times[first].astype("datetime64[D]").item())
    bands = MarketRegimeDetector.of(profile.regime).bands
    outcome.outputs["bands"] = bands.digest
    outcome.data["preset"] = profile.regime.preset
    outcome.data["bands"] = bands.model_dump(mode="json", include={"made", "seed", "draws", "sample", "quantiles"})
    outcome.data["regime"] = market_regime_at(context.panel, len(context.panel.times) - 1, spec.rules).payload()


REGIME = RunStage(
    number=Stage.REGIME,
    pillar=3,
    what="the market's regime at the as-of date, and the bands that it is told by",
    inputs=("snapshot",),
    run=run,
)
