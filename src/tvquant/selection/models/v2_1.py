"""Model v2.1 (CARS): a sum of eight features, three mappings; no vetoes, places by correlation (R-SEL-05).

Its weights were tuned on 2025: evidence from that year is in-sample. The Hurst exponent counts by its distance from a
random walk, so what is lower in `entropy` and `randomness` is better.
"""

from tvquant.selection.mapping import logistic, rank, z_score, z_score_desc
from tvquant.selection.pipeline import SelectionPipeline, SelectionPipelineAdapter
from tvquant.selection.places import by_correlation
from tvquant.selection.relaxation import Relaxation
from tvquant.selection.scorer import AdditiveScorer, Component
from tvquant.selection.stages.feature_engineering import TRADED_VALUES
from tvquant.selection.stages.inference import InferenceStage, always
from tvquant.selection.stages.policy import SelectionPolicyStage, no_vetoes

SCORER = AdditiveScorer(
    components=(
        Component(feature="momentum", column="momentum", mapping=logistic, weight=0.2055),
        Component(feature="stability", column="stability", mapping=logistic, weight=0.0882),
        Component(feature="liquidity", column="liquidity", mapping=z_score, weight=0.1697),
        Component(feature="antifragility", column="antifragility", mapping=rank, weight=0.0988),
        Component(feature="survival", column="survival", mapping=rank, weight=0.2273),
        Component(feature="efficiency", column="efficiency", mapping=rank, weight=0.1027),
        Component(feature="entropy", column="entropy", mapping=z_score_desc, weight=0.0060),
        Component(feature="hurst", column="randomness", mapping=z_score_desc, weight=0.1018),
    )
)
V2_1 = SelectionPipelineAdapter(
    name="v2.1",
    version="2.1",
    features=TRADED_VALUES,
    options=(),
    contradicts=frozenset({"vetoes"}),
    pipeline=SelectionPipeline(
        inference=InferenceStage(scoring=always(SCORER)),
        policy=SelectionPolicyStage(rules=no_vetoes, placing=by_correlation, last=Relaxation.STRICT),
    ),
)
