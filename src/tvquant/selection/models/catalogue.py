"""All selection models by name."""

from collections.abc import Mapping
from types import MappingProxyType

from tvquant.selection.contract import SelectionModel
from tvquant.selection.models.baseline import Baseline
from tvquant.selection.models.every_name import EveryName
from tvquant.selection.models.v4 import SelectionPipelineAdapter

SELECTION_MODELS: Mapping[str, SelectionModel] = MappingProxyType(
    {model.name: model for model in (Baseline(), EveryName(), SelectionPipelineAdapter())}
)
