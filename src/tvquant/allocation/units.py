"""Units: what streams hold of physical assets per unit of weight."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

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
        object.__setattr__(self, "one_way", whole and set(map(abs, net)) == {1.0})

    @property
    def long(self) -> Floats:
        """N, the units that are held long."""
        return 0.5 * (self.gross + self.net)

    @property
    def short(self) -> Floats:
        """N, the units that are held short, without signs."""
        return 0.5 * (self.gross - self.net)


def units_of(keys: Sequence[str], composition: Composition, net: Floats) -> Units:
    """Return the units of the streams `keys`, whose net units (N) are known."""
    held = [composition[key] for key in keys]
    assets = [asset for one in held for asset in one]
    holders: dict[str, list[int]] = {}
    if len(set(assets)) < len(assets):
        for i, one in enumerate(held):
            for asset in one:
                holders.setdefault(asset, []).append(i)
    shared = {}
    for asset, streams in holders.items():
        if len(streams) > 1:
            row = np.zeros(len(keys))
            row[streams] = [abs(held[i][asset]) for i in streams]
            shared[asset] = frozen(row)
    alone = len(assets) == len(keys)  # each has one asset: there are none without any
    largest = frozen(np.abs(net) if alone else np.array([max(map(abs, one.values())) for one in held]))
    return Units(
        gross=largest if alone else frozen(np.array([math.fsum(map(abs, one.values())) for one in held])),
        net=net,
        largest=largest,
        shared=shared,
    )
