"""Figures of the winners that a risk profile reads: scores at selection, and antifragility of their own streams.

Both are found by the whole atom id: BTC and BTCDOM are two assets, and one asset under two logics is two atoms
(R-RSK-15).
"""

import numpy as np

from tvquant.core.atoms import Atom
from tvquant.core.panel import Floats
from tvquant.core.selection import SelectionResponse
from tvquant.selection.resilience import antifragility
from tvquant.statistics import moments, tail_gain
from tvquant.tournament.candidates import atom_pool
from tvquant.tournament.specs import Rules
from tvquant.tournament.views import View


def scores_of(response: SelectionResponse, ids: tuple[str, ...]) -> Floats:
    """Return the score of each of N atoms, NaN where the model gave it none."""
    return np.array([response.scores.get(symbol, np.nan) for symbol in ids])


def antifragility_of(view: View, rules: Rules, winners: tuple[Atom, ...], ids: tuple[str, ...]) -> Floats:
    """Return the antifragility of N of the winners' streams over the lookback, measured among all winners (R-FEA-10).

    NaN where a stream does not show it.
    """

    def compute() -> dict[str, float]:
        pool = atom_pool(view, rules, winners)
        returns = pool.streams.returns
        found = antifragility(moments(returns), tail_gain(returns)[0])
        return dict(zip(pool.ids, found.tolist(), strict=True))

    found = view.once(("antifragility", rules.choosing), compute)
    return np.array([found[symbol] for symbol in ids])
