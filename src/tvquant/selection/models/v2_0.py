"""Model v2.0, the variant of v2 that compares within clusters: a sum of min-max values of each (R-SEL-04).

It partitions before it scores.
"""

from dataclasses import dataclass

from tvquant.selection.contract import SelectionContext, Stage
from tvquant.selection.mapping import min_max, within
from tvquant.selection.models.v2 import cars
from tvquant.selection.pipeline import SelectionPipeline
from tvquant.selection.scorer import AdditiveScorer, Component

WEIGHTS = (("momentum", 0.3), ("stability", 0.2), ("antifragility", 0.2), ("liquidity", 0.3))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionedFirst(SelectionPipeline):
    """The pipeline with partitioning before inference."""

    def before_policy(self) -> tuple[Stage, ...]:
        """Return the stages that run once, in their order."""
        return (self.ingestion, self.feature_engineering, self.partitioning, self.inference)


def within_clusters(context: SelectionContext) -> AdditiveScorer:
    """Return the scorer that maps each cluster by itself."""
    mapping = within(context.partitioned(), min_max)
    return AdditiveScorer(
        components=tuple(Component(feature=name, column=name, mapping=mapping, weight=w) for name, w in WEIGHTS)
    )


V2_0 = cars("2.0", within_clusters, PartitionedFirst)
