"""Model baseline: every atom of the pool wins, so that any other model can be compared with not choosing at all."""

from dataclasses import dataclass, field

from tvquant.core.selection import SelectionResponse
from tvquant.profiles.options import Options
from tvquant.selection.contract import SelectionContext, Stage
from tvquant.selection.stages.ingestion import IngestionStage
from tvquant.selection.stages.partitioning import PartitioningStage, bets

PASSED_THROUGH = "passed_through"
"""How each winner came in: nobody ranked it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """All atoms in the order of the pool: no score (0.0 for each), no veto, no floor and no ceiling of winners.

    Clusters are those of the partitioning stage, because allocation caps them for every model alike.
    """

    name: str = "baseline"
    version: str = "1"
    features: frozenset[str] = frozenset()
    options: tuple[type[Options], ...] = ()
    contradicts: frozenset[str] = frozenset({"first_stage", "min_momentum"})
    ingestion: Stage = field(default_factory=IngestionStage)
    partitioning: Stage = field(default_factory=PartitioningStage)

    def select(self, context: SelectionContext) -> SelectionResponse:
        """Return everyone; ModelError when the pool is malformed."""
        done = self.partitioning.run(self.ingestion.run(context))
        ids = done.pool.ids
        return SelectionResponse(
            decided_at=done.decided_at,
            model=self.name,
            version=self.version,
            winners=done.pool.atoms,
            scores=dict.fromkeys(ids, 0.0),
            components={},
            vetoes={},
            clusters=dict(zip(ids, done.clusters, strict=True)),
            stage=1,
            recruited=dict.fromkeys(ids, PASSED_THROUGH),
            thresholds={},
            effective_bets=bets(done, done.pool.atoms),
            trace=done.trace,
        )
