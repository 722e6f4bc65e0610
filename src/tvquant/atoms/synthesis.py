"""Synthesis: physical returns into one synthetic-long stream per atom.

1. A LONG atom's stream is r, a SHORT atom's is -min(r, 1): inverted once, here, and floored at -1, which is a daily
   rebalanced short that loses no more than its collateral (R-SYN-02, R-SYN-03).
2. A gated atom's stream is gate(t - 1) x that of row t: what was known when the row began is what is held in it
   (R-SYN-04). The lag is taken once, here.
3. An atom holds sign x gate of its asset per unit of weight, with the gate of the last row: what is weighted is what
   will be held, and it stays so until the next decision.

What comes in are returns of assets, what goes out is an `AtomPool`, which nothing here takes: a stream cannot be
inverted, or gated, twice.
"""

from collections.abc import Sequence

import numpy as np

from tvquant.atoms.gates import is_gated
from tvquant.atoms.logics.catalogue import LOGICS
from tvquant.core.atoms import Atom, AtomPool, Direction
from tvquant.core.errors import ModelError
from tvquant.core.panel import Bools, Floats, Times
from tvquant.core.streams import Streams

LARGEST_GAIN = 1.0
"""Return of the asset beyond which a short has lost its collateral."""


def synthesise(
    view_returns: Floats, times: Times, keys: Sequence[str], atoms: Sequence[Atom], gates: Floats | None = None
) -> AtomPool:
    """Return the pool of K atoms: their T x K streams, what each holds, and the returns of its asset.

    Parameters
    ----------
    view_returns : T x N simple returns of the assets; NaN (no bar) stays NaN.
    times : T bar stamps.
    keys : N instrument keys, in column order.
    atoms : K atoms on these assets.
    gates : (T + 1) x K gates from 0 to 1: as known when each row began, then at the last row; 1 for pass-through atoms,
        NaN where not known. None: all are pass-through.

    Raises
    ------
    ModelError : an atom's logic or asset is unknown, two atoms have one id, the shapes do not fit, a gated atom has no
        gates, or the gate of an atom at the last row leaves nothing to hold.
    """
    if view_returns.shape != (len(times), len(keys)):
        raise ModelError(
            f"synthesis: expected returns of {len(times)} rows and {len(keys)} assets, found {view_returns.shape}"
        )
    place = {key: j for j, key in enumerate(keys)}
    for atom in atoms:
        if atom.logic not in LOGICS:
            raise ModelError(f"atom {atom.symbol}: unknown logic {atom.logic!r} (known: {', '.join(LOGICS)})")
        if atom.physical_symbol not in place:
            raise ModelError(f"atom {atom.symbol}: there are no returns of {atom.physical_symbol}")
    own = view_returns[:, np.array([place[atom.physical_symbol] for atom in atoms], dtype=np.intp)]
    returns = own.copy()
    short = np.array([atom.direction is Direction.SHORT for atom in atoms], dtype=np.bool_)
    returns[:, short] = -np.minimum(returns[:, short], LARGEST_GAIN)
    gated = np.array([is_gated(atom) for atom in atoms], dtype=np.bool_)
    units = np.ones(len(atoms))
    if gated.any():
        known = _checked(gates, len(times), atoms, gated)
        returns[:, gated] *= known[:-1, gated]
        units[gated] = known[-1, gated]
    return AtomPool(
        atoms=tuple(atoms),
        streams=Streams(
            ids=tuple(atom.symbol for atom in atoms),
            times=times,
            returns=returns,
            composition={
                atom.symbol: {atom.physical_symbol: float(atom.direction.sign * held)}
                for atom, held in zip(atoms, units, strict=True)
            },
        ),
        own=own,
    )


def _checked(gates: Floats | None, rows: int, atoms: Sequence[Atom], gated: Bools) -> Floats:
    """Return the gates; ModelError where they do not fit the atoms."""
    if gates is None or gates.shape != (rows + 1, len(atoms)):
        found = "none" if gates is None else f"gates of shape {gates.shape}"
        raise ModelError(f"synthesis: gated atoms need gates at {rows + 1} rows of {len(atoms)} atoms, found {found}")
    for k in np.flatnonzero(gated).tolist():
        mine = gates[:, k]
        if not ((mine >= 0.0) & (mine <= 1.0) | np.isnan(mine)).all():
            raise ModelError(f"atom {atoms[k].symbol}: expected gates from 0 to 1, found one outside")
        if not mine[-1] > 0.0:
            raise ModelError(f"atom {atoms[k].symbol}: its gate is {mine[-1]:g} at the decision: it is no candidate")
    return gates
