"""Model v3.1: the score of v3, with a lower hurdle and all places whatever the correlations (R-SEL-06)."""

from tvquant.selection.models.v3 import SCORER
from tvquant.selection.pipeline import SelectionPipeline, SelectionPipelineAdapter
from tvquant.selection.relaxation import Relaxation
from tvquant.selection.stages.feature_engineering import TERMS
from tvquant.selection.stages.inference import InferenceStage, always
from tvquant.selection.stages.policy import SelectionPolicyStage, in_force_with
from tvquant.selection.vetoes.friction import FrictionLimits, friction

V3_1 = SelectionPipelineAdapter(
    name="v3.1",
    version="3.1",
    features=TERMS,
    options=(FrictionLimits,),
    contradicts=frozenset({"first_stage"}),
    pipeline=SelectionPipeline(
        inference=InferenceStage(scoring=always(SCORER)),
        policy=SelectionPolicyStage(rules=in_force_with(friction(0.005)), last=Relaxation.STRICT),
    ),
)
