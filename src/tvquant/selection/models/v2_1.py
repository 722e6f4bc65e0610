"""Model v2.1 (CARS): a sum of eight features, three mappings; no vetoes, places by correlation (R-SEL-05).

Its weights were tuned on 2025: evidence from that year is in-sample. The Hurst exponent counts by its distance from a
random walk, so what is lower in `entropy` and `randomness` is better.
"""

from tvquant.selection.mapping import logistic, rank, z_score, z_score_desc
from tvquant.selection.models.v2 import cars
from tvquant.selection.scorer import AdditiveScorer, Component
from tvquant.selection.stages.inference import always

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
V2_1 = cars("2.1", always(SCORER))
