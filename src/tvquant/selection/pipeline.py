"""The pipeline of every model that scores: six stages over one context, relaxation inside (R-SEL-01, R-SEL-03).

A model is what it puts into the stages: how `inference` scores, and which rules, places and relaxation `policy` has.
Those that stand here are v4's.
"""

from dataclasses import dataclass, field

from tvquant.core.selection import ByAtom, SelectionResponse
from tvquant.profiles.options import Options
from tvquant.selection.contract import SelectionContext, Stage
from tvquant.selection.scorer import shares
from tvquant.selection.stages.feature_engineering import TERMS, FeatureEngineeringStage
from tvquant.selection.stages.inference import InferenceStage
from tvquant.selection.stages.ingestion import IngestionStage
from tvquant.selection.stages.partitioning import PartitioningStage, bets
from tvquant.selection.stages.policy import SelectionPolicyStage
from tvquant.selection.stages.synthesis import SynthesisStage
from tvquant.selection.weights import DominantSignal, ScoreWeights

VERSION = "4.0-mlops"


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionPipeline:
    """Ingestion, feature engineering, inference and partitioning once; policy once per stage of relaxation; synthesis.

    The loop ends with the first stage that recruits `min_winners` atoms, or with the last that the policy has.
    """

    ingestion: Stage = field(default_factory=IngestionStage)
    feature_engineering: Stage = field(default_factory=FeatureEngineeringStage)
    inference: Stage = field(default_factory=InferenceStage)
    partitioning: Stage = field(default_factory=PartitioningStage)
    policy: SelectionPolicyStage = field(default_factory=SelectionPolicyStage)
    synthesis: Stage = field(default_factory=SynthesisStage)

    def before_policy(self) -> tuple[Stage, ...]:
        """Return the stages that run once, in their order."""
        return (self.ingestion, self.feature_engineering, self.inference, self.partitioning)

    def run(self, context: SelectionContext) -> SelectionContext:
        """Return the context with every field filled; the one given is not changed."""
        for stage in (*self.before_policy(), self.policy):
            context = stage.run(context)
        while self.policy.goes_on(context):
            context = self.policy.run(context)
        return self.synthesis.run(context)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionPipelineAdapter:
    """The pipeline as one of the selection models: a context in, a response out."""

    name: str = "v4"
    version: str = VERSION
    features: frozenset[str] = TERMS
    options: tuple[type[Options], ...] = (ScoreWeights, DominantSignal)
    contradicts: frozenset[str] = frozenset()
    pipeline: SelectionPipeline = field(default_factory=SelectionPipeline)

    def select(self, context: SelectionContext) -> SelectionResponse:
        """Return winners by score, with every reason; ModelError when the pool cannot be judged."""
        done = self.pipeline.run(context)
        ids = done.pool.ids
        return SelectionResponse(
            decided_at=done.decided_at,
            model=self.name,
            version=self.version,
            winners=done.winners,
            scores=dict(zip(ids, done.scored().tolist(), strict=True)),
            components=ByAtom(ids=ids, columns=dict(done.probabilities)),
            parts=ByAtom(ids=ids, columns=dict(done.parts)),
            shares=shares(done.parts, ids),
            vetoes=dict(done.vetoes),
            clusters=dict(zip(ids, done.clusters, strict=True)),
            stage=done.stage,
            recruited=dict(done.recruited),
            thresholds=dict(done.thresholds),
            absent=dict(done.absent),
            missing=dict(done.missing),
            flags=done.flags,
            effective_bets=bets(done, done.winners),
            trace=done.trace,
        )
