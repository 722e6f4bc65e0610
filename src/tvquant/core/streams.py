"""Streams: returns that are good when they are high, of anything that can be weighted.

What an id names (an atom, a cluster, a sleeve) is held elsewhere: estimation and allocation need not know it.
A short's stream is a synthetic long, so weights are not negative; the composition leads back to signed assets.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats, Times, frozen

type Composition = Mapping[str, Mapping[str, float]]
"""Stream id -> physical symbol -> signed units held per unit of weight."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Streams:
    """Returns of K streams on T rows; arrays are read-only.

    Parameters
    ----------
    ids : K distinct names.
    times : T bar stamps.
    returns : T x K simple returns; NaN where there is none.
    composition : what each stream holds (R-SYN-05).

    Raises
    ------
    ModelError : shapes do not fit, an id is there twice, or one has no entry in the composition.
    """

    ids: tuple[str, ...]
    times: Times
    returns: Floats
    composition: Composition

    def __post_init__(self) -> None:
        shape = (len(self.times), len(self.ids))
        if self.returns.shape != shape:
            raise ModelError(f"streams: returns have shape {self.returns.shape}, expected times x ids {shape}")
        for name, count in Counter(self.ids).items():
            if count > 1:
                raise ModelError(f"stream {name}: its id is there {count} times; consolidate first")
            if not self.composition.get(name):
                raise ModelError(f"stream {name}: it is not in the composition map")
        for name in ("times", "returns"):
            object.__setattr__(self, name, frozen(getattr(self, name)))
