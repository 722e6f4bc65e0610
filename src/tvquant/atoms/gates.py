"""Gates of atoms on the rows of a panel: how much of each is held, as known at each row.

The gate of a name's bar holds until its next one: a row without a bar has that of the bar before. A pass-through atom
has 1 on every row. `synthesise` is where gates are lagged, and nowhere else.
"""

from collections.abc import Sequence

import numpy as np

from tvquant.atoms.logics.catalogue import LOGICS
from tvquant.atoms.logics.contract import Bars
from tvquant.core.atoms import Atom
from tvquant.core.panel import Bools, Floats, Panel
from tvquant.profiles.options import Options


def gates(view: Panel, atoms: Sequence[Atom], options: tuple[Options, ...]) -> Floats:
    """Return the T x K gates of K atoms on the view's rows, as known at each; NaN where a gated one has none yet.

    Parameters
    ----------
    options : the values of what the logics of these atoms declare.

    Raises
    ------
    KeyError : an atom's logic or asset is unknown.
    ProfileError : a logic lacks its options.
    """
    found = np.ones((len(view.times), len(atoms)))
    columns, bars = view.columns(tuple(atom.physical_symbol for atom in atoms)), dict[int, Bars]()
    for k, atom in enumerate(atoms):
        gate = LOGICS[atom.logic].gate
        if gate is None:
            continue
        j = int(columns[k])
        have = view.tradable[:, j]
        if j not in bars:
            bars[j] = bars_of(view, j)
        found[:, k] = _on_rows(gate(bars[j], atom.direction, options), have)
    return found


def is_gated(atom: Atom) -> bool:
    """Return whether the logic of an atom has a gate."""
    return LOGICS[atom.logic].gate is not None


def bars_of(view: Panel, column: int) -> Bars:
    """Return the bars of one name of a panel."""
    have = view.tradable[:, column]

    def own(field: str) -> Floats:
        if field not in view.fields:
            return np.full(int(have.sum()), np.nan)
        return np.asarray(view.fields[field][:, column][have])

    growth, close = own("total_return"), own("close")
    level = np.cumprod(1.0 + np.where(np.isnan(growth), 0.0, growth))
    high, low = (np.where(np.isnan(price), level, level * (price / close)) for price in (own("high"), own("low")))
    return Bars(level=level, high=high, low=low, funding=own("funding"), funding_hours=own("funding_hours"))


def _on_rows(found: Floats, have: Bools) -> Floats:
    """Return the figures of n bars on T rows: each row has that of the last bar; NaN before the first."""
    last = np.cumsum(have) - 1
    return np.where(last >= 0, found[last], np.nan) if len(found) else np.full(len(have), np.nan)
