"""Model v4, the default: Log-MPS on all features, by the weights that the profile names, with relaxation (R-SEL-10)."""

from tvquant.selection.pipeline import SelectionPipelineAdapter

V4 = SelectionPipelineAdapter()
