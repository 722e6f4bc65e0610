"""Who may be recruited at all, whatever stage, cluster and score: minimum momentum, and one instrument per identity.

Both bind in fills too (R-SEL-25), so a response has them as hard vetoes. Neither is a veto that a profile lists.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from tvquant.core.panel import Bools, Floats
from tvquant.selection.contract import SelectionContext
from tvquant.selection.vetoes.contract import Judgement, below

MOMENTUM_ROWS = 60
"""Rows of the trailing return that `selection.min_momentum` is held against."""
MIN_MOMENTUM, IDENTITY = "min_momentum", "identity"
"""Names in responses."""
MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        MIN_MOMENTUM: "The stream earned less on its last 60 rows than selection.min_momentum asks for.",
        IDENTITY: "Another instrument of its economic identity and venue stays in its cluster in its place.",
    }
)
"""What the names say of an atom."""


def trailing_return(streams: Floats) -> Floats:
    """Return what T x K streams earned on their last 60 rows, K, compounded; a row without a bar earned nothing."""
    last = streams[-MOMENTUM_ROWS:]
    return np.asarray(np.where(np.isfinite(last), 1.0 + last, 1.0).prod(axis=0) - 1.0)


def too_slow(context: SelectionContext) -> dict[str, Judgement]:
    """Return how `selection.min_momentum` judges the atoms by name of the rule; nothing where there is none."""
    least = context.parameters.min_momentum
    return {} if least is None else {MIN_MOMENTUM: below(trailing_return(context.pool.streams.returns), least)}


def one_per_identity(context: SelectionContext, *, vetoed: Bools, barred: Bools) -> dict[str, Judgement]:
    """Return which atoms lose to another of their identity in their cluster, by name of the rule.

    1. Rivals are atoms of one economic identity, venue, logic and direction: two quotes of a coin. Two logics are none.
    2. Of those in one cluster the best score stays, ties by id: among those without any veto, or else without a hard
       one. Where all are barred nobody loses.
    3. Value and limit are the scores of the atom and of the one that stays.

    Nothing where nobody loses. `vetoed` and `barred` (K each): breaks any rule, a hard one.
    """
    ids, atoms, scores, clusters = context.pool.ids, context.pool.atoms, context.scored(), context.partitioned()
    symbols = {atom.physical_symbol for atom in atoms}
    if len({context.identities.get(symbol, (symbol,)) for symbol in symbols}) == len(symbols):
        return {}  # one symbol each
    last, worse, cluster = vetoed.tolist(), (-scores).tolist(), clusters.tolist()
    stays: dict[tuple[object, ...], int] = {}
    rivals = []
    for k in sorted(range(len(ids)), key=lambda k: (last[k], worse[k], ids[k])):
        if not barred[k]:
            atom = atoms[k]
            what = context.identities.get(atom.physical_symbol, (atom.physical_symbol,))
            first = stays.setdefault((what, atom.logic, atom.direction, cluster[k]), k)
            if first != k:
                rivals.append((k, first))
    if not rivals:
        return {}
    lost, limits = np.zeros(len(ids), np.bool_), scores.copy()
    for k, first in rivals:
        lost[k], limits[k] = True, scores[first]
    return {IDENTITY: Judgement(broken=lost, values=scores, limits=limits, thresholds={"lost": float(len(rivals))})}
