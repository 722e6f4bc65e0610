"""Features: named numbers per instrument, as they were known at one moment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tvquant.core.digests import canonical_array, digest_bytes
from tvquant.core.errors import DataError
from tvquant.core.instruments import Instant
from tvquant.core.panel import Bools, Floats, Times, frozen

NOTHING_KNOWN = "features need one closed bar at least, nothing was known yet; ask for a later moment"


@dataclass(frozen=True, kw_only=True, eq=False)
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

    def of(self, name: str, keys: Sequence[str]) -> Floats:
        """Return the values of one term for the given instrument keys; KeyError names what is absent."""
        return self.row(name)[self.columns(keys)]

    def row(self, name: str) -> Floats:
        """Return the N values of one term; KeyError if it is absent."""
        return np.asarray(self.values[self._rows[name]])

    def columns(self, keys: Sequence[str]) -> NDArray[np.intp]:
        """Return the column numbers of these instruments; KeyError names one that is absent."""
        return np.fromiter(map(self._places.__getitem__, keys), np.intp, len(keys))

    def only(self, names: Collection[str]) -> Self:
        """Return the set of those of its terms that are named, in its order."""
        kept = [k for k, name in enumerate(self.names) if name in names]
        if len(kept) == len(self.names):
            return self
        mine = tuple(self.names[k] for k in kept)
        return replace(
            self,
            names=mine,
            values=frozen(self.values[kept]),
            absent={name: words for name, words in self.absent.items() if name in mine},
        )

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.names)}

    @cached_property
    def _places(self) -> dict[str, int]:
        return {key: j for j, key in enumerate(self.keys)}

    def digest(self) -> str:
        """Return the content digest of names, keys and values."""
        words = (*self.names, "", *self.keys)
        return digest_bytes(*(word.encode() for word in words), canonical_array(self.values))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureHistory:
    """F features of N instruments on R rows, each row as it was known then.

    Parameters
    ----------
    names : F term names; `keys` : N instrument keys, in order of their listing.
    times : R bar stamps.
    as_of : R moments at which the rows were known, as decisions look at them; a row is what was known by then.
    known_at : R, nothing known later went into any value of the row.
    values : F x R x N; NaN where a name has no value.
    listed : R, how many of the keys were listed by then.
    absent : F x R, the data held nothing by then that the term needs; `lacks` : in words, by term.
    """

    names: tuple[str, ...]
    keys: tuple[str, ...]
    times: Times
    as_of: Times
    known_at: Times
    values: Floats
    listed: NDArray[np.int64]
    absent: Bools
    lacks: Mapping[str, str]

    def at(self, row: int) -> FeatureSet:
        """Return the features of one row (counted from the first of the history, or from the end if negative).

        Raises
        ------
        DataError : no bar was known by then.
        """
        count = int(self.listed[row])
        if not count:
            raise DataError(NOTHING_KNOWN)
        return FeatureSet(
            names=self.names,
            keys=self.keys[:count],
            values=frozen(np.ascontiguousarray(self.values[:, row, :count])),
            known_at=self.known_at[row],
            absent={name: self.lacks[name] for k, name in enumerate(self.names) if self.absent[k, row]},
        )
