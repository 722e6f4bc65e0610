"""All selection models by name."""

from collections.abc import Mapping
from types import MappingProxyType

from tvquant.selection.contract import SelectionModel
from tvquant.selection.models.baseline import Baseline
from tvquant.selection.models.every_name import EveryName
from tvquant.selection.models.liquid_htr import LIQUID_HTR
from tvquant.selection.models.v2 import V2
from tvquant.selection.models.v2_0 import V2_0
from tvquant.selection.models.v2_1 import V2_1
from tvquant.selection.models.v3 import V3
from tvquant.selection.models.v3_1 import V3_1
from tvquant.selection.models.v3_2 import V3_2
from tvquant.selection.models.v3_4 import V3_4
from tvquant.selection.models.v4 import V4

_MODELS: tuple[SelectionModel, ...] = (
    Baseline(), EveryName(), LIQUID_HTR, V2, V2_0, V2_1, V3, V3_1, V3_2, V3_4, V4,
)  # fmt: skip

SELECTION_MODELS: Mapping[str, SelectionModel] = MappingProxyType({model.name: model for model in _MODELS})
