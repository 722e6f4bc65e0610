"""Declared weights on the streams of a decision, and why a name of them is not there to be held."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tvquant.allocation.caps import Family
from tvquant.allocation.risk.fixed import FixedWeights
from tvquant.core.allocations import CAP_TOLERANCE, Allocation, Attempt
from tvquant.core.atoms import Direction
from tvquant.core.instruments import symbol_of
from tvquant.core.panel import Floats, frozen
from tvquant.core.problems import Limits
from tvquant.core.regimes import MarketRegime
from tvquant.tournament.candidates import SelectionOutcome
from tvquant.tournament.specs import StrategySpec
from tvquant.tournament.views import View


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Declared:
    """Weights (N, on the side of each stream) that are asked for, and cause -> weight that nobody can hold.

    Before the first date no book is in force: then all is cash, and no least binds.
    """

    target: Floats
    missing: Mapping[str, float]
    in_force: bool = True


def declared(view: View, spec: StrategySpec, choice: SelectionOutcome, ids: Sequence[str]) -> Declared | None:
    """Return the weights in force at the view's last bar on the streams `ids`; None where the spec has none."""
    given = next((one for one in spec.options if isinstance(one, FixedWeights)), None)
    if given is None or choice.response is None:
        return None
    target, missing = np.zeros(len(ids)), dict[str, float]()
    book = given.in_force(view.day)
    if book is None:
        return Declared(target=frozen(target), missing={f"no weights before {given.first}": 1.0}, in_force=False)
    atoms = {atom.symbol: atom for atom in choice.response.winners}
    places: dict[tuple[str, Direction], list[int]] = {}
    for i, name in enumerate(ids):
        places.setdefault((symbol_of(atoms[name].physical_symbol), atoms[name].direction), []).append(i)
    for symbol, weight in book:
        side = Direction.LONG if weight > 0.0 else Direction.SHORT
        if mine := places.get((symbol, side)):
            target[mine] = abs(weight) / len(mine)
        elif weight:
            missing[f"{symbol} not held: {_why(view, choice, symbol, side)}"] = abs(weight)
    return Declared(target=frozen(target), missing=missing)


def above_caps(made: Allocation, limits: Limits, regime: MarketRegime) -> Attempt | None:
    """Return that declared weights are held above the caps `limits` of a regime; None where they are not."""
    held = {one.name: one.value for one in made.constraints}
    over = [
        f"{name} {100.0 * held[name]:.4g} % above {key} {100.0 * cap:.4g} %"
        for name, cap, key in (
            (Family.ASSET, limits.position, limits.position_key),
            (Family.CLUSTER, limits.cluster, limits.cluster_key),
            (Family.SELECTION_CLUSTER, limits.cluster, limits.cluster_key),
        )
        if held.get(name, 0.0) > cap + CAP_TOLERANCE
    ]
    if not over:
        return None
    return Attempt(what=f"market is {regime.label}", outcome=f"held as declared: {', '.join(over)}")


def _why(view: View, choice: SelectionOutcome, symbol: str, side: Direction) -> str:
    """Return why a declared name has no stream on its side."""
    assert choice.response is not None
    keys = [one.key for one in view.panel.instruments if one.symbol == symbol]
    if not keys:
        return "it is not in the data of this run"
    for atom in choice.response.winners:
        if atom.physical_symbol in keys:
            constant = "it is constant on the training rows"
            return constant if atom.direction is side else f"it is recruited {atom.direction.value.lower()} only"
    begins = tuple(f"{key}_" for key in keys)
    vetoed = [veto.rule for atom, veto in choice.response.standing_vetoes.items() if atom.startswith(begins)]
    reasons = [choice.excluded[key] for key in keys if key in choice.excluded]
    if vetoed:
        return f"veto {vetoed[0]}"
    if reasons:
        return reasons[-1]
    chosen = any(atom.startswith(begins) for atom in choice.response.scores)
    return f"{choice.response.model} did not choose it" if chosen else "it is not in the universe"
