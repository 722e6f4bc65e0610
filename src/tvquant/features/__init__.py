"""Features: named terms over what was known at a moment; and their kernels."""

from tvquant.features.compute import compute
from tvquant.features.history import history
from tvquant.features.terms.catalogue import TERMS

__all__ = ["TERMS", "compute", "history"]
