"""Synthesis: physical returns into one synthetic-long stream per atom.

A LONG atom's stream is r, a SHORT atom's is -min(r, 1): inverted once, here, and floored at -1, which is a daily
rebalanced short that loses no more than its collateral (R-SYN-02, R-SYN-03). What comes in are returns of assets, what
goes out is an `AtomPool`, which nothing here takes: a stream cannot be inverted twice.
"""

from collections.abc import Sequence

import numpy as np

from tvquant.atoms.logics import LOGICS
from tvquant.core.atoms import Atom, AtomPool, Direction
from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats, Times
from tvquant.core.streams import Streams

LARGEST_GAIN = 1.0
"""Return of the asset beyond which a short has lost its collateral."""


def synthesise(view_returns: Floats, times: Times, keys: Sequence[str], atoms: Sequence[Atom]) -> AtomPool:
    """Return the pool of K atoms: their T x K streams, what each holds, and the returns of its asset.

    Parameters
    ----------
    view_returns : T x N simple returns of the assets; NaN (no bar) stays NaN.
    times : T bar stamps.
    keys : N instrument keys, in column order.
    atoms : K atoms on these assets.

    Raises
    ------
    ModelError : an atom's logic or asset is unknown, two atoms have one id, or the shapes do not fit.
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
    return AtomPool(
        atoms=tuple(atoms),
        streams=Streams(
            ids=tuple(atom.symbol for atom in atoms),
            times=times,
            returns=returns,
            composition={atom.symbol: {atom.physical_symbol: float(atom.direction.sign)} for atom in atoms},
        ),
        own=own,
    )
