"""Model all: every healthy name of the universe is held, because the user has chosen already.

1. Who reaches a model has passed the universe, its scanners and the floors of data health.
2. Of the vetoes only `metadata` judges, where the profile leaves it in force: a name without tick and lot where its
   venue serves them cannot be ordered. Statistical vetoes, hard or soft, are opinions about returns and do not apply.
3. Nobody is ranked: there is no score, no best of a cluster, no floor and no ceiling of winners, nothing to relax.
"""

from dataclasses import dataclass, field

import numpy as np

from tvquant.core.selection import SelectionResponse, Veto
from tvquant.profiles.options import Options
from tvquant.selection.contract import SelectionContext, Stage
from tvquant.selection.stages.ingestion import IngestionStage
from tvquant.selection.stages.partitioning import PartitioningStage, bets
from tvquant.selection.vetoes.metadata import METADATA, judged

HEALTHY = "healthy"
"""How each winner came in."""
KNOWN = "metadata_known"


@dataclass(frozen=True, slots=True, kw_only=True)
class EveryName:
    """All atoms that can be ordered, in the order of the pool; clusters are those of the partitioning stage."""

    name: str = "all"
    version: str = "1"
    features: frozenset[str] = frozenset({KNOWN})
    options: tuple[type[Options], ...] = ()
    contradicts: frozenset[str] = frozenset({"top_n", "min_winners", "max_winners", "first_stage", "min_momentum"})
    ingestion: Stage = field(default_factory=IngestionStage)
    partitioning: Stage = field(default_factory=PartitioningStage)

    def select(self, context: SelectionContext) -> SelectionResponse:
        """Return everyone but those that cannot be ordered; ModelError when the pool is malformed."""
        done = self.partitioning.run(self.ingestion.run(context))
        ids, vetoes, thresholds = done.pool.ids, {}, {}
        if METADATA.name in done.parameters.vetoes:
            judgement = judged(done.of_instruments(KNOWN))
            thresholds = {METADATA.name: judgement.thresholds}
            vetoes = {
                ids[k]: Veto(
                    rule=METADATA.name, value=float(judgement.values[k]), limit=float(judgement.limits[k]), hard=True
                )
                for k in np.flatnonzero(judgement.broken)
            }
        winners = tuple(atom for atom in done.pool.atoms if atom.symbol not in vetoes)
        return SelectionResponse(
            decided_at=done.decided_at,
            model=self.name,
            version=self.version,
            winners=winners,
            scores=dict.fromkeys(ids, 0.0),
            components={},
            vetoes=vetoes,
            clusters=dict(zip(ids, done.clusters, strict=True)),
            stage=1,
            recruited=dict.fromkeys((atom.symbol for atom in winners), HEALTHY),
            thresholds=thresholds,
            effective_bets=bets(done, winners),
            trace=done.trace,
        )
