"""Hard veto on shorts that nobody lends (R-SEL-19).

No provider says which names can be borrowed, so this is known of the names that the profile lists, at every date, and
of no others: a short that is not listed is not judged. Longs need no loan.
"""

import numpy as np

from tvquant.core.atoms import Direction
from tvquant.core.instruments import symbol_of
from tvquant.profiles.fields import Distinct, Symbol
from tvquant.profiles.options import Options
from tvquant.selection.contract import SelectionContext
from tvquant.selection.relaxation import Relaxation
from tvquant.selection.vetoes.contract import Judgement, Rule


class Unborrowable(Options):
    """Option of `unborrowable`.

    Parameters
    ----------
    unborrowable : symbols that cannot be borrowed, so that nobody may be short of them; a hard veto.
    """

    unborrowable: Distinct[Symbol] = ()


def _unborrowable(context: SelectionContext, _: Relaxation) -> Judgement:
    """Return the judgement by value: how much of a unit is lent, where it is known; limit: one.

    `not_judged` counts the shorts of which it is not known.
    """
    listed, atoms = frozenset(context.parameters.options(Unborrowable).unborrowable), context.pool.atoms
    short = np.array([atom.direction is Direction.SHORT for atom in atoms], dtype=np.bool_)
    broken = np.zeros(len(atoms), np.bool_)
    for k in np.flatnonzero(short) if listed else ():
        broken[k] = symbol_of(atoms[k].physical_symbol) in listed
    return Judgement(
        broken=broken,
        values=np.where(broken, 0.0, np.nan),
        limits=np.ones(len(atoms)),
        thresholds={"limit": 1.0, "not_judged": float((short & ~broken).sum())},
    )


UNBORROWABLE = Rule(
    name="unborrowable",
    meaning="The atom is short of a name that the profile lists as one that cannot be borrowed.",
    hard=True,
    judge=_unborrowable,
    options=(Unborrowable,),
)
