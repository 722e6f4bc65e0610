"""Model v2 (CARS): a sum of ranks, of which fragility takes away; no vetoes, places by correlation (R-SEL-04)."""

from tvquant.selection.mapping import rank, rank_of_penalty
from tvquant.selection.pipeline import SelectionPipeline, SelectionPipelineAdapter
from tvquant.selection.places import by_correlation
from tvquant.selection.relaxation import Relaxation
from tvquant.selection.scorer import AdditiveScorer, Component
from tvquant.selection.stages.feature_engineering import TRADED_VALUES
from tvquant.selection.stages.inference import InferenceStage, Scoring, always
from tvquant.selection.stages.policy import SelectionPolicyStage, no_vetoes

SCORER = AdditiveScorer(
    components=(
        Component(feature="momentum", column="momentum", mapping=rank, weight=0.4),
        Component(feature="stability", column="stability", mapping=rank, weight=0.2),
        Component(feature="antifragility", column="antifragility", mapping=rank, weight=0.2),
        Component(feature="liquidity", column="liquidity", mapping=rank, weight=0.2),
        Component(feature="fragility", column="fragility", mapping=rank_of_penalty, weight=-0.1),
    )
)


def cars(
    version: str, scoring: Scoring, pipeline: type[SelectionPipeline] = SelectionPipeline
) -> SelectionPipelineAdapter:
    """Return the model of this version of the family: one strict stage without vetoes, places by correlation."""
    return SelectionPipelineAdapter(
        name=f"v{version}",
        version=version,
        features=TRADED_VALUES,
        options=(),
        contradicts=frozenset({"vetoes", "first_stage"}),
        pipeline=pipeline(
            inference=InferenceStage(scoring=scoring),
            policy=SelectionPolicyStage(rules=no_vetoes, placing=by_correlation, last=Relaxation.STRICT),
        ),
    )


V2 = cars("2", always(SCORER))
