"""Features: named numbers per instrument, as they were known at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tvquant.core.digests import canonical_array, digest_bytes
from tvquant.core.instruments import Instant
from tvquant.core.panel import Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureSet:
    """F features of N instruments.

    Parameters
    ----------
    names : F term names.
    keys : N instrument keys.
    values : F x N; NaN where a name has no value.
    known_at : nothing known later went into any value.
    absent : term -> what the panel lacks for it; such a term is NaN throughout.
    """

    names: tuple[str, ...]
    keys: tuple[str, ...]
    values: Floats
    known_at: Instant
    absent: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str, keys: tuple[str, ...]) -> Floats:
        """Values of one term for the given instrument keys; KeyError names what is not there."""
        place = {key: j for j, key in enumerate(self.keys)}
        row = {term: k for k, term in enumerate(self.names)}[name]
        columns = np.array([place[key] for key in keys], dtype=np.intp)
        return np.asarray(self.values[row, columns])

    def digest(self) -> str:
        """Content digest of names, keys and values."""
        words = (*self.names, "", *self.keys)
        return digest_bytes(*(word.encode() for word in words), canonical_array(self.values))
