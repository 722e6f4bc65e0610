"""Model v3.4: the score of v3.2, and the relaxation of thresholds in four stages (R-SEL-09)."""

from tvquant.selection.models.v3_2 import SCORER
from tvquant.selection.pipeline import SelectionPipeline, SelectionPipelineAdapter
from tvquant.selection.stages.feature_engineering import TERMS
from tvquant.selection.stages.inference import InferenceStage, unless_dominated
from tvquant.selection.stages.policy import SelectionPolicyStage, in_force_with
from tvquant.selection.vetoes.friction import FrictionLimits, friction
from tvquant.selection.weights import DominantSignal

V3_4 = SelectionPipelineAdapter(
    name="v3.4",
    version="3.4",
    features=TERMS,
    options=(FrictionLimits, DominantSignal),
    pipeline=SelectionPipeline(
        inference=InferenceStage(scoring=unless_dominated(SCORER.components)),
        policy=SelectionPolicyStage(rules=in_force_with(friction(0.005))),
    ),
)
