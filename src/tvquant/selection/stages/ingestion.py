"""Stage 1: refuse a pool that cannot be judged, by the name of the first atom at fault."""

from dataclasses import dataclass

import numpy as np

from tvquant.core.errors import ModelError
from tvquant.selection.contract import SelectionContext


@dataclass(frozen=True, slots=True)
class IngestionStage:
    """Checks the raw pool and hands it on as it is.

    Ids are distinct by construction: there is one atom per physical asset (its venue is part of it), logic and
    direction (R-SEL-25).
    """

    name: str = "ingestion"

    def run(self, context: SelectionContext) -> SelectionContext:
        """Return the context with the same pool; ModelError names the first atom that breaks a rule."""
        pool = context.pool
        if not pool.atoms:
            raise ModelError("selection: the pool has no atom; expected at least one that discovery and health passed")
        for problem, atoms in _problems(context):
            if atoms:
                raise ModelError(f"selection: atom {atoms[0]} {problem}; leave it out of the pool")
        return context.passed(self.name)


def _problems(context: SelectionContext) -> tuple[tuple[str, list[str]], ...]:
    """Return what can be wrong with an atom, and the ids of those it is wrong with."""
    pool, ids, known = context.pool, context.pool.ids, frozenset(context.features.keys)
    returns = pool.streams.returns
    finite, infinite = np.isfinite(returns), np.isinf(returns) | np.isinf(pool.own)
    return (
        (
            "holds an instrument that the feature set does not have",
            [atom.symbol for atom in pool.atoms if atom.physical_symbol not in known],
        ),
        ("has no return at all", [ids[k] for k in np.flatnonzero(~finite.any(axis=0))]),
        ("has an infinite return", [ids[k] for k in np.flatnonzero(infinite.any(axis=0))]),
    )
