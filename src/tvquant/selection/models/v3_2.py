"""Model v3.2: Log-MPS, a weighted product of nine features and the fragility penalty, one strict stage (R-SEL-08).

Its weights were tuned on 2025: evidence from that year is in-sample.
"""

from tvquant.selection.mapping import cdf, half_of_worst, rank, rank_desc
from tvquant.selection.pipeline import SelectionPipeline, SelectionPipelineAdapter
from tvquant.selection.relaxation import Relaxation
from tvquant.selection.scorer import AlphaScorer, Component
from tvquant.selection.stages.feature_engineering import TERMS
from tvquant.selection.stages.inference import InferenceStage, unless_dominated
from tvquant.selection.stages.policy import SelectionPolicyStage, in_force_with
from tvquant.selection.vetoes.friction import FrictionLimits, friction
from tvquant.selection.weights import DominantSignal

SCORER = AlphaScorer(
    components=(
        Component(feature="momentum", column="momentum", mapping=rank, weight=1.7469),
        Component(feature="stability", column="stability", mapping=rank, weight=0.0458),
        Component(feature="liquidity", column="liquidity", mapping=cdf, weight=0.2946),
        Component(feature="antifragility", column="antifragility", mapping=rank, weight=0.6263),
        Component(feature="survival", column="survival", mapping=cdf, weight=1.4),
        Component(feature="efficiency", column="efficiency", mapping=cdf, weight=1.5348),
        Component(feature="entropy", column="entropy", mapping=rank_desc, weight=0.0322),
        Component(feature="hurst", column="randomness", mapping=rank_desc, weight=0.3485),
        Component(feature="adx", column="adx", mapping=cdf, weight=1.0),
        Component(feature="fragility", column="fragility", mapping=half_of_worst, weight=1.0),
    )
)
V3_2 = SelectionPipelineAdapter(
    name="v3.2",
    version="3.2",
    features=TERMS,
    options=(FrictionLimits, DominantSignal),
    contradicts=frozenset({"first_stage"}),
    pipeline=SelectionPipeline(
        inference=InferenceStage(scoring=unless_dominated(SCORER.components)),
        policy=SelectionPolicyStage(rules=in_force_with(friction(0.005)), last=Relaxation.STRICT),
    ),
)
