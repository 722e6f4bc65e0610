"""What the rebalances of a path hold, on a panel: all that its books have in common, in arrays.

Every book of a path is measured by the same sizes of the same atoms; each part is found when it is first asked for.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from tvquant.core.atoms import Direction
from tvquant.core.books import Execution, WeightPath
from tvquant.core.panel import Floats, Panel, frozen
from tvquant.simulation.preflight import decisions_filled
from tvquant.tournament.rebalances import Rebalance

type Integers = NDArray[np.int64]

_SIGNS = {side.value: side.sign for side in Direction}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Atoms:
    """The A atoms of a path.

    Parameters
    ----------
    labels : (atom, symbol, logic, direction) of each.
    name : A columns of their assets in the panel.
    size : K x A sizes at each rebalance.
    """

    labels: tuple[tuple[str, str, str, str], ...]
    name: Integers
    size: Floats


class PathHoldings(Sequence[Rebalance]):
    """K rebalances of a path, in order, over the N names of a panel; M winners in all, in the order of rebalances."""

    def __init__(self, panel: Panel, rebalances: Iterable[Rebalance]) -> None:
        self.panel = panel
        self._every = tuple(rebalances)

    @classmethod
    def of(cls, panel: Panel, rebalances: Sequence[Rebalance]) -> Self:
        """Return rebalances as holdings; as they are where they are that, of the panel."""
        return rebalances if isinstance(rebalances, cls) and rebalances.panel is panel else cls(panel, rebalances)

    def __len__(self) -> int:
        """Return K."""
        return len(self._every)

    def __iter__(self) -> Iterator[Rebalance]:
        """Give the rebalances in order."""
        return iter(self._every)

    @overload
    def __getitem__(self, at: int) -> Rebalance: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Rebalance, ...]: ...
    def __getitem__(self, at: int | slice) -> Rebalance | tuple[Rebalance, ...]:
        """Return one, or some."""
        return self._every[at]

    @cached_property
    def windows(self) -> Integers:
        """Ids of the windows (K)."""
        return frozen(np.array([one.window for one in self._every], dtype=np.int64))

    @cached_property
    def rows(self) -> Integers:
        """Rows of the panel that are the decision marks (K)."""
        return frozen(np.array([one.row for one in self._every], dtype=np.int64))

    @cached_property
    def cash(self) -> Floats:
        """Capital without a use, as fractions of equity (K)."""
        return frozen(np.array([one.cash for one in self._every], dtype=np.float64))

    @cached_property
    def winners(self) -> Integers:
        """Number of winners that were weighed at each rebalance (K)."""
        return frozen(np.array([len(one.holdings["atom"]) for one in self._every], dtype=np.int64))

    def column(self, name: str) -> list[Any]:
        """Return a column of the holdings of all winners (M)."""
        return list(chain.from_iterable(one.holdings[name] for one in self._every))

    @cached_property
    def decision(self) -> NDArray[np.intp]:
        """Number of the rebalance of each winner (M)."""
        return frozen(np.repeat(np.arange(len(self)), self.winners))

    @cached_property
    def size(self) -> Floats:
        """Weight x gate of each winner, below zero where it is short (M)."""
        signs = np.array([_SIGNS[side] for side in self.column("direction")], dtype=np.float64)
        return frozen(signs * self.column("weight") * self.column("gate"))

    @cached_property
    def name(self) -> NDArray[np.intp]:
        """Column of the panel of each winner's asset (M)."""
        return frozen(self.panel.columns(tuple(self.column("symbol"))))

    @cached_property
    def atoms(self) -> Atoms:
        """Every atom that won at any rebalance."""
        ids = self.column("atom")
        atoms = dict(zip(ids, zip(ids, self.column("symbol"), self.column("direction"), strict=True), strict=True))
        place = {atom: j for j, atom in enumerate(atoms)}
        size = np.zeros((len(self), len(atoms)))
        size[self.decision, [place[atom] for atom in ids]] = self.size
        name = self.panel.columns(tuple(symbol for _, symbol, _ in atoms.values()))
        return Atoms(labels=tuple(_label(*one) for one in atoms.values()), name=frozen(name), size=frozen(size))

    @cached_property
    def contributions(self) -> tuple[Integers, Integers, Floats]:
        """Winners with a size by name, those of them that are short, and the sum of their sizes (K x N each)."""
        shape, held = (len(self), len(self.panel.keys)), self.size != 0.0
        size, at = self.size[held], (self.decision[held], self.name[held])
        every, short, net = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape)
        np.add.at(every, at, 1)
        np.add.at(short, at, size < 0.0)
        np.add.at(net, at, size)
        return frozen(every), frozen(short), frozen(net)

    @cached_property
    def sides(self) -> Floats:
        """Sums of the sizes above and below zero by name (2 x K x N)."""
        found: Floats = np.zeros((2, len(self), len(self.panel.keys)))
        np.add.at(found, ((self.size < 0.0).astype(np.intp), self.decision, self.name), self.size)
        return frozen(found)

    @cached_property
    def weights(self) -> WeightPath:
        """Net weights over all names of the panel."""
        net: Floats = np.zeros((len(self), len(self.panel.keys)))
        row = np.repeat(np.arange(len(self)), [len(one.weights) for one in self._every])
        weights = list(chain.from_iterable(one.weights.values() for one in self._every))
        net[row, self.panel.columns(tuple(chain.from_iterable(one.weights for one in self._every)))] = weights
        return WeightPath(keys=self.panel.keys, decided=self.rows, net=frozen(net))


def restored(rebalances: Sequence[Rebalance], filled: Integers, execution: Execution) -> Integers:
    """Return the number of the rebalance that each fill of a book restores, by the rows of the fills."""
    if isinstance(rebalances, PathHoldings):
        return decisions_filled(rebalances.rows, filled, execution)
    return decisions_filled(np.array([one.row for one in rebalances], dtype=np.int64), filled, execution)


def first_fills(restores: Integers) -> NDArray[np.intp]:
    """Return the number of the first fill of each rebalance that was filled; under daily rebalancing more follow."""
    return np.flatnonzero(restores != np.concatenate([[-1], restores[:-1]]))


def weight_path(panel: Panel, rebalances: Sequence[Rebalance]) -> WeightPath:
    """Return the net weights of the rebalances over all instruments of the panel."""
    return PathHoldings.of(panel, rebalances).weights


def _label(atom: str, symbol: str, direction: str) -> tuple[str, str, str, str]:
    """Return atom, symbol, logic and direction; of the logic's name both ends are known.

    Where atoms are of sleeves, `SLEEVE/ATOM`, so are logics.
    """
    sleeve, _, rest = atom.rpartition(f"{symbol}_")
    return atom, symbol, sleeve + rest.removesuffix(f"_{direction}"), direction
