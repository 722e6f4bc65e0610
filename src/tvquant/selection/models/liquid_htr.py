"""Model liquid_htr: vetoes, clusters and relaxation of v3.4, but the most liquid are the best (R-SEL-02)."""

from tvquant.selection.mapping import rank
from tvquant.selection.pipeline import SelectionPipeline, SelectionPipelineAdapter
from tvquant.selection.scorer import AlphaScorer, Component
from tvquant.selection.stages.feature_engineering import TERMS
from tvquant.selection.stages.inference import InferenceStage, always
from tvquant.selection.stages.policy import SelectionPolicyStage, in_force_with
from tvquant.selection.vetoes.friction import FrictionLimits, friction

SCORER = AlphaScorer(components=(Component(feature="liquidity", column="liquidity", mapping=rank, weight=1.0),))
LIQUID_HTR = SelectionPipelineAdapter(
    name="liquid_htr",
    version="1",
    features=TERMS,
    options=(FrictionLimits,),
    pipeline=SelectionPipeline(
        inference=InferenceStage(scoring=always(SCORER)),
        policy=SelectionPolicyStage(rules=in_force_with(friction(0.005))),
    ),
)
