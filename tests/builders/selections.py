"""Responses of a selection over a pool of long atoms A0, A1 ..., by what a test cares about."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tvquant.core.atoms import Atom, Direction
from tvquant.core.panel import Floats
from tvquant.core.selection import SelectionResponse, Veto
from tvquant.selection.scorer import shares
from tvquant.tournament.selection_evidence import Outcomes


def atoms(count: int) -> tuple[Atom, ...]:
    """Return the atoms X:A0, X:A1 ..., held long."""
    return tuple(Atom(physical_symbol=f"X:A{k}", logic="hold", direction=Direction.LONG) for k in range(count))


def after_of(returns: Floats) -> Outcomes:
    """Return outcomes (H x K) of the atoms."""
    return Outcomes(ids=tuple(atom.symbol for atom in atoms(returns.shape[1])), returns=returns)


def response_of(
    parts: Mapping[str, Floats],
    winners: Sequence[int],
    *,
    vetoes: Mapping[int, tuple[str, bool]] | None = None,
    clusters: Sequence[int] | None = None,
    **more: Any,
) -> SelectionResponse:
    """Return the response whose scores are the sums of the parts (feature -> K).

    `vetoes` are atom number -> (rule, whether it was overridden); all atoms are of one cluster unless said.
    """
    pool = atoms(len(next(iter(parts.values()))))
    ids = [atom.symbol for atom in pool]
    scores = np.sum(list(parts.values()), axis=0)
    broken = (vetoes or {}).items()
    plain: dict[str, Any] = {
        "decided_at": np.datetime64("2024-01-01", "us"), "model": "m", "version": "1", "stage": 1, "thresholds": {},
        "components": {}, "recruited": {ids[k]: "ranked" for k in winners}, "effective_bets": 2.5,
    }  # fmt: skip
    return SelectionResponse(
        winners=tuple(pool[k] for k in winners),
        scores=dict(zip(ids, scores.tolist(), strict=True)),
        parts={symbol: {name: float(part[k]) for name, part in parts.items()} for k, symbol in enumerate(ids)},
        shares=shares(parts, ids),
        vetoes={
            ids[k]: Veto(rule=rule, value=1.0, limit=0.0, hard=False, overridden=over) for k, (rule, over) in broken
        },
        clusters=dict(zip(ids, clusters or [1] * len(ids), strict=True)),
        **plain | more,
    )
