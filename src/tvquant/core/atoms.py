"""Atoms: one physical asset held for one reason in one direction; and the pool that selection chooses from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats, frozen
from tvquant.core.streams import Streams


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
    symbol : derived: `Symbol_Logic_Direction`, the key of strategy-level matrices. It is never parsed: the fields are
        kept.
    """

    physical_symbol: str
    logic: str
    direction: Direction
    scan: str = ""
    symbol: str = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "symbol", f"{self.physical_symbol}_{self.logic}_{self.direction}")

    @property
    def venue(self) -> str:
        """The exchange."""
        return self.physical_symbol.partition(":")[0]

    def fields(self) -> dict[str, str]:
        """Return the fields as plain text; `of` makes the atom again."""
        return {
            "physical_symbol": self.physical_symbol,
            "logic": self.logic,
            "direction": self.direction.value,
            "scan": self.scan,
        }

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> Self:
        """Return the atom that `fields` describes; ValueError where its direction is none."""
        return cls(
            physical_symbol=fields["physical_symbol"],
            logic=fields["logic"],
            direction=Direction(fields["direction"]),
            scan=fields["scan"],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AtomPool:
    """K atoms, the stream of each, and what their assets returned.

    Parameters
    ----------
    atoms : K atoms; their symbols are the ids of the streams, in the same order.
    streams : in synthetic-long space.
    own : T x K returns of the assets. A short's stream does not hold them: it loses no more than everything.

    Raises
    ------
    ModelError : atoms, streams and own returns do not fit each other.
    """

    atoms: tuple[Atom, ...]
    streams: Streams
    own: Floats

    def __post_init__(self) -> None:
        if tuple(atom.symbol for atom in self.atoms) != self.streams.ids:
            raise ModelError(f"pool: the {len(self.atoms)} atoms are not those of its {len(self.streams.ids)} streams")
        if self.own.shape != self.streams.returns.shape:
            raise ModelError(
                f"pool: returns of the assets have shape {self.own.shape}, expected {self.streams.returns.shape}"
            )
        object.__setattr__(self, "own", frozen(self.own))

    @property
    def ids(self) -> tuple[str, ...]:
        """Atom ids in column order."""
        return self.streams.ids
