"""Atoms: from physical returns to return streams that are good when high, and from their weights back to the assets."""

from tvquant.atoms.flattening import Flattened, Netted, flatten, keep_caps
from tvquant.atoms.gates import gates, is_gated
from tvquant.atoms.logics.catalogue import LOGICS
from tvquant.atoms.synthesis import synthesise

__all__ = ["LOGICS", "Flattened", "Netted", "flatten", "gates", "is_gated", "keep_caps", "synthesise"]
