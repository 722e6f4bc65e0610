"""From a pool of atoms to winners: scores, vetoes, relaxation, and the record of why."""

from tvquant.core.selection import SelectionFunnel, SelectionResponse
from tvquant.selection.contract import SelectionContext, SelectionModel
from tvquant.selection.models.catalogue import SELECTION_MODELS
from tvquant.selection.pipeline import SelectionPipeline, SelectionPipelineAdapter
from tvquant.selection.scorer import AlphaScorer
from tvquant.selection.sleeves import pooled
from tvquant.selection.stages.feature_engineering import FeatureEngineeringStage
from tvquant.selection.stages.inference import InferenceStage
from tvquant.selection.stages.ingestion import IngestionStage
from tvquant.selection.stages.partitioning import PartitioningStage
from tvquant.selection.stages.policy import SelectionPolicyStage
from tvquant.selection.stages.synthesis import SynthesisStage
from tvquant.selection.vetoes.catalogue import VETOES

__all__ = [
    "SELECTION_MODELS",
    "VETOES",
    "AlphaScorer",
    "FeatureEngineeringStage",
    "InferenceStage",
    "IngestionStage",
    "PartitioningStage",
    "SelectionContext",
    "SelectionFunnel",
    "SelectionModel",
    "SelectionPipeline",
    "SelectionPipelineAdapter",
    "SelectionPolicyStage",
    "SelectionResponse",
    "SynthesisStage",
    "pooled",
]
