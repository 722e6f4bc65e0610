"""Model v3: a product of six features and the fragility penalty, one strict stage (R-SEL-06, R-SEL-07).

Scores are logarithms of the product. Where the pool's correlations are nearly singular, a cluster has one place.
"""

from tvquant.selection.mapping import cdf, half_of_worst, rank
from tvquant.selection.pipeline import SelectionPipeline, SelectionPipelineAdapter
from tvquant.selection.places import one_where_copied
from tvquant.selection.relaxation import Relaxation
from tvquant.selection.scorer import AlphaScorer, Component
from tvquant.selection.stages.feature_engineering import TERMS
from tvquant.selection.stages.inference import InferenceStage, always
from tvquant.selection.stages.policy import SelectionPolicyStage, in_force_with
from tvquant.selection.vetoes.friction import FrictionLimits, friction

SCORER = AlphaScorer(
    components=(
        Component(feature="momentum", column="momentum", mapping=rank, weight=1.0),
        Component(feature="stability", column="stability", mapping=rank, weight=1.0),
        Component(feature="liquidity", column="liquidity", mapping=cdf, weight=1.0),
        Component(feature="antifragility", column="antifragility", mapping=rank, weight=1.0),
        Component(feature="survival", column="survival", mapping=cdf, weight=1.0),
        Component(feature="adx", column="adx", mapping=cdf, weight=1.0),
        Component(feature="fragility", column="fragility", mapping=half_of_worst, weight=1.0),
    )
)
V3 = SelectionPipelineAdapter(
    name="v3",
    version="3",
    features=TERMS,
    options=(FrictionLimits,),
    contradicts=frozenset({"first_stage"}),
    pipeline=SelectionPipeline(
        inference=InferenceStage(scoring=always(SCORER)),
        policy=SelectionPolicyStage(
            rules=in_force_with(friction(0.02)), placing=one_where_copied, last=Relaxation.STRICT
        ),
    ),
)
