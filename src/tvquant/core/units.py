"""Units: what streams hold of physical assets per unit of weight."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats, frozen
from tvquant.core.streams import Composition


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Units:
    """What each of N streams holds per unit of weight.

    Parameters
    ----------
    gross : N, the units of all assets without their signs.
    net : N, with their signs.
    largest : N, the most units of one asset, without sign.
    shared : asset that several streams hold -> N units of it, without signs.
    whole : derived: whether a weight is what is held, longs and shorts without signs.
    one_way : derived: whether each stream is one unit net long or short.
    any_long, any_short : derived: whether a stream is net long, and net short.
    alike : derived: whether all have the same net.
    """

    gross: Floats
    net: Floats
    largest: Floats
    shared: Mapping[str, Floats]
    whole: bool = field(init=False)
    one_way: bool = field(init=False)
    any_long: bool = field(init=False)
    any_short: bool = field(init=False)
    alike: bool = field(init=False)

    def __post_init__(self) -> None:
        gross, net = self.gross.tolist(), self.net.tolist()
        low, high, whole = min(net), max(net), min(gross) == max(gross) == 1.0
        derived = {"whole": whole, "any_long": high > 0.0, "any_short": low < 0.0, "alike": low == high}
        for name, value in derived.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "one_way", whole and {1.0, -1.0}.issuperset(net))

    @property
    def long(self) -> Floats:
        """N, the units that are held long."""
        return 0.5 * (self.gross + self.net)

    @property
    def short(self) -> Floats:
        """N, the units that are held short, without signs."""
        return 0.5 * (self.gross - self.net)


def units_of(keys: Sequence[str], composition: Composition) -> Units:
    """Return the units of the N streams `keys`.

    Raises
    ------
    ModelError : a stream that is not in the composition.
    """
    held = [composition.get(key) for key in keys]
    if not all(held):
        raise ModelError(f"stream {keys[[bool(one) for one in held].index(False)]}: it is not in the composition map")
    own = [one for one in held if one]
    assets = list(chain.from_iterable(own))
    if alone := len(assets) == len(own):  # each has one asset: there are none without any
        net = frozen(np.array(list(chain.from_iterable(one.values() for one in own)), dtype=np.float64))
    else:
        net = frozen(np.array([math.fsum(one.values()) for one in own]))
    largest = frozen(np.abs(net) if alone else np.array([max(map(abs, one.values())) for one in own]))
    return Units(
        gross=largest if alone else frozen(np.array([math.fsum(map(abs, one.values())) for one in own])),
        net=net,
        largest=largest,
        shared=_shared(own) if len(set(assets)) < len(assets) else {},
    )


def _shared(held: Sequence[Mapping[str, float]]) -> dict[str, Floats]:
    """Return asset that several of N streams hold -> N units of it, without signs."""
    holders: dict[str, list[int]] = {}
    for i, one in enumerate(held):
        for asset in one:
            holders.setdefault(asset, []).append(i)
    shared = {}
    for asset, streams in holders.items():
        if len(streams) > 1:
            row = np.zeros(len(held))
            row[streams] = [abs(held[i][asset]) for i in streams]
            shared[asset] = frozen(row)
    return shared
