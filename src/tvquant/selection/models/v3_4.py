"""Model v3.4: the score of v3.2, and the relaxation of thresholds in four stages (R-SEL-09)."""

from tvquant.selection.models.v3_2 import SCORER
from tvquant.selection.pipeline import SelectionPipeline, SelectionPipelineAdapter
from tvquant.selection.stages.feature_engineering import TERMS
from tvquant.selection.stages.inference import InferenceStage, always
from tvquant.selection.stages.policy import SelectionPolicyStage, in_force_with
from tvquant.selection.vetoes.friction import FrictionLimits, friction

V3_4 = SelectionPipelineAdapter(
    name="v3.4",
    version="3.4",
    features=TERMS,
    options=(FrictionLimits,),
    pipeline=SelectionPipeline(
        inference=InferenceStage(scoring=always(SCORER)),
        policy=SelectionPolicyStage(rules=in_force_with(friction(0.005))),
    ),
)
