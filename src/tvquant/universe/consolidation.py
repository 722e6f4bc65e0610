"""Consolidation: recruits of several scanners become atoms, one per key and identity.

1. One atom for each (physical symbol, logic, direction), named after the first scanner that recruited it (R-UNI-18).
2. Within one (economic identity, venue, logic, direction) the most traded instrument is the primary; the others are
   kept as its alternatives (R-UNI-20). Spot and perpetual are different venues (R-UNI-12).
3. Of what scanners recruited, at most so many atoms as the profile allows, by traded value (R-UNI-21).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tvquant.core.atoms import Atom
from tvquant.core.errors import DataError, ModelError
from tvquant.core.instruments import Instrument
from tvquant.core.panel import Floats

type Recruit = tuple[Instrument, Atom]
"""An instrument, and the atom that a scanner would make of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consolidated:
    """Atoms in the order of their recruits, and what became of the other recruits.

    Parameters
    ----------
    alternatives : atom id -> instrument keys of the same identity, the most traded one first.
    cut : atoms that the ceiling left out, the most traded one first.
    """

    atoms: tuple[Atom, ...]
    alternatives: Mapping[str, tuple[str, ...]]
    cut: tuple[Atom, ...]


def consolidate(
    recruits: Sequence[Recruit], value: Mapping[str, float], *, quotes: Sequence[str] = (), most: int | None = None
) -> Consolidated:
    """Return one atom for each key and identity, that of the most traded instrument.

    Parameters
    ----------
    recruits : in the order that atoms shall have; repeated keys keep their first atom.
    value : instrument key -> traded value, NaN where it is not known, which counts as the least.
    quotes : endings of symbols that come first where values are equal, the best one first.
    most : the ceiling, None for none.

    Raises
    ------
    ModelError : two different keys give one atom id.
    DataError : the ceiling binds among atoms whose traded value is not known.
    """
    unique: dict[tuple[str, str, str], Recruit] = {}
    for instrument, atom in recruits:
        unique.setdefault((atom.physical_symbol, atom.logic, atom.direction), (instrument, atom))
    _distinct([atom for _, atom in unique.values()])
    groups: dict[tuple[object, ...], list[Recruit]] = {}
    for instrument, atom in unique.values():
        identity = (instrument.identity, atom.logic, atom.direction)
        groups.setdefault(identity, []).append((instrument, atom))
    primaries: dict[str, Atom] = {}
    alternatives: dict[str, tuple[str, ...]] = {}
    for group in groups.values():
        ranked = sorted(group, key=lambda one: _rank(one[0], value, quotes)) if len(group) > 1 else group
        first = ranked[0][1]
        primaries[first.symbol] = first
        if len(ranked) > 1:
            alternatives[first.symbol] = tuple(atom.physical_symbol for _, atom in ranked[1:])
    atoms = [atom for _, atom in unique.values() if atom.symbol in primaries]
    kept, cut = _ceiling(atoms, value, most)
    return Consolidated(atoms=kept, alternatives=alternatives, cut=cut)


def _rank(instrument: Instrument, value: Mapping[str, float], quotes: Sequence[str]) -> tuple[float, int, str]:
    """Return the sort key that is smallest for the primary: most traded, then best quote, then by name."""
    traded = value[instrument.key]
    ticker = instrument.symbol.removesuffix(".P")
    quote = next((k for k, ending in enumerate(quotes) if ticker.endswith(ending)), len(quotes))
    return (np.inf if np.isnan(traded) else -traded), quote, instrument.key


def _ceiling(
    atoms: Sequence[Atom], value: Mapping[str, float], most: int | None
) -> tuple[tuple[Atom, ...], tuple[Atom, ...]]:
    """Return the `most` atoms of the greatest traded value in their order, and the others by value."""
    if most is None or len(atoms) <= most:
        return tuple(atoms), ()
    traded: Floats = np.array([value[atom.physical_symbol] for atom in atoms], dtype=np.float64)
    if np.isnan(traded).any():
        unknown = atoms[int(np.argmax(np.isnan(traded)))].physical_symbol
        raise DataError(
            f"{len(atoms)} atoms were recruited, universe.max_atoms is {most}, and the traded value of {unknown} is "
            "not known to choose by; import data with volume, or raise universe.max_atoms"
        )
    order = np.argsort(-traded, kind="stable")
    kept = set(order[:most].tolist())
    return tuple(atom for k, atom in enumerate(atoms) if k in kept), tuple(atoms[k] for k in order[most:])


def _distinct(atoms: Sequence[Atom]) -> None:
    ids: dict[str, Atom] = {}
    for atom in atoms:
        other = ids.setdefault(atom.symbol, atom)
        if other is not atom:
            raise ModelError(
                f"atom id {atom.symbol}: expected one atom, found {other.physical_symbol} held by {other.logic} and "
                f"{atom.physical_symbol} held by {atom.logic}; rename a logic"
            )
