"""Atoms: one physical asset held for one reason in one direction, and the return streams of many.

A short atom's stream is a synthetic long, so whoever scores or weighs atoms sees returns that are good when they are
high, and gives weights that are not negative. The composition map leads back to physical weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from tvquant.core.panel import Floats, Times


class Direction(StrEnum):
    """Which way an atom holds its asset."""

    LONG = "LONG"
    SHORT = "SHORT"

    @property
    def sign(self) -> int:
        """1 or -1."""
        return 1 if self is Direction.LONG else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Atom:
    """A candidate: the key (`physical_symbol`, `logic`, `direction`), and where it was found.

    Parameters
    ----------
    physical_symbol : instrument key.
    logic : name of the signal family that holds it.
    scan : scanner that recruited it; empty where the whole universe was taken.
    """

    physical_symbol: str
    logic: str
    direction: Direction
    scan: str = ""

    @property
    def symbol(self) -> str:
        """`Symbol_Logic_Direction`, the key of strategy-level matrices. It is never parsed: the fields are kept."""
        return f"{self.physical_symbol}_{self.logic}_{self.direction}"

    @property
    def venue(self) -> str:
        """The exchange."""
        return self.physical_symbol.partition(":")[0]

    def fields(self) -> dict[str, str]:
        """The fields as plain text; `of` makes the atom again."""
        return {
            "physical_symbol": self.physical_symbol,
            "logic": self.logic,
            "direction": self.direction.value,
            "scan": self.scan,
        }

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> Self:
        """The atom that `fields` describes."""
        return cls(
            physical_symbol=fields["physical_symbol"],
            logic=fields["logic"],
            direction=Direction(fields["direction"]),
            scan=fields["scan"],
        )


type Composition = Mapping[str, Mapping[str, float]]
"""Atom id -> physical symbol -> signed units held per unit of weight."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Streams:
    """Returns of K atoms in synthetic-long space.

    Parameters
    ----------
    atoms : K atoms, ids distinct.
    times : T bar stamps.
    returns : T x K simple returns; NaN where the asset has no bar.
    own : T x K, those of the assets themselves. They cannot be had of a short's, which loses no more than everything.
    composition : what each atom holds (R-SYN-05).
    """

    atoms: tuple[Atom, ...]
    times: Times
    returns: Floats
    own: Floats
    composition: Composition

    @property
    def ids(self) -> tuple[str, ...]:
        """Atom ids in column order."""
        return tuple(atom.symbol for atom in self.atoms)
