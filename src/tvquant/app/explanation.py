"""Why an instrument or atom of a decision is where it is, and why there is so much cash: documents for people and JSON.

1. What is of the decision is taken from it: score, rank, cluster, how it came in, weight.
2. What a decision leaves out is judged again on the context that it was made on (`selection.breakdown`): values of
   features, weights, every rule that was broken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import fsum, isfinite
from typing import Any

from tvquant.core.allocations import CAP_TOLERANCE, Status
from tvquant.core.decisions import Decision
from tvquant.core.errors import ProfileError
from tvquant.core.selection import SelectionResponse
from tvquant.profiles.messages import closest, suggested
from tvquant.selection.breakdown import Breakdown, Standing
from tvquant.tournament.cash import cash_parts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explained:
    """A decision with how its pool was judged; `breakdown` is None where nobody reached a model that scores."""

    decision: Decision
    breakdown: Breakdown | None

    def of(self, symbol: str) -> dict[str, Any]:
        """Return everything about one instrument or atom: why it is out, or scores, features, vetoes, weight.

        Raises
        ------
        ProfileError : the universe had no such name on that date.
        """
        excluded, response = self.decision.excluded, self.decision.response
        if symbol in excluded:
            return {"symbol": symbol, "excluded": excluded[symbol]}
        scores: Mapping[str, float] = response.scores if response else {}
        ids = [atom for atom in scores if atom == symbol or atom.startswith(f"{symbol}_")]
        if response is None or not ids:
            raise ProfileError(f"{symbol} was not in the universe on {self._bar}{_hint(symbol, self._known)}")
        return {"symbol": symbol, "atoms": [self._atom(response, atom) for atom in ids]}

    @property
    def _known(self) -> list[str]:
        """Instruments of that date's universe, those that were left out included."""
        atoms = self.breakdown.done.pool.atoms if self.breakdown else ()
        return sorted({*self.decision.excluded, *(atom.physical_symbol for atom in atoms)})

    @property
    def _bar(self) -> str:
        assert self.decision.footing is not None
        return str(self.decision.footing.bar)[:10]

    def _atom(self, response: SelectionResponse, atom: str) -> dict[str, Any]:
        score, won = response.scores[atom], response.recruited.get(atom)
        vetoes = self._vetoes(response, atom)
        cluster = response.clusters[atom]
        return {
            "atom": atom,
            "score": score,
            "rank": 1 + sum(other > score for other in response.scores.values()),
            "of": len(response.scores),
            "formula": None if self.breakdown is None else self.breakdown.formula,
            "features": self._features(atom),
            "components": dict(response.components.get(atom, {})),
            "missing": [name for name, ids in response.missing.items() if atom in ids],
            "absent": dict(response.absent),
            "cluster": cluster,
            "cluster_members": [
                {"atom": other, "score": response.scores[other], "won": other in response.recruited}
                for other in sorted(response.scores, key=lambda one: (-response.scores[one], one))
                if response.clusters[other] == cluster
            ],
            "standing": None if self.breakdown is None else asdict(self.breakdown.standing(atom)),
            "veto": vetoes[0] if vetoes else None,
            "vetoes": vetoes,
            "stage": response.stage,
            "won": won,
            "why": self._why(response, atom, vetoes),
            "weight": self.decision.atoms.get(atom, 0.0),
            "weight_why": _weighed(self.decision, response, atom) if won else [],
        }

    def _features(self, atom: str) -> list[dict[str, Any]]:
        if self.breakdown is None:
            return []
        return [
            asdict(one) | {"value": one.value if isfinite(one.value) else None} for one in self.breakdown.features(atom)
        ]

    def _vetoes(self, response: SelectionResponse, atom: str) -> list[dict[str, Any]]:
        """Return every rule that the atom broke, that of the response first; overridden where it won all the same."""
        first = response.vetoes.get(atom)
        every = self.breakdown.broken(atom) if self.breakdown else ()
        found = [*([first] if first else ()), *(one for one in every if first is None or one.rule != first.rule)]
        won = atom in response.recruited
        return [asdict(veto) | {"overridden": won} for veto in found]

    def _why(self, response: SelectionResponse, atom: str, vetoes: Sequence[Mapping[str, Any]]) -> str:
        """Return how the atom came in, or what kept it out, in words."""
        how, standing = response.recruited.get(atom), None if self.breakdown is None else self.breakdown.standing(atom)
        if how == "ranked" and standing is not None:
            return _ranked(standing)
        if how is not None:
            return HOW[how]
        if vetoes:
            return f"vetoed by {', '.join(str(veto['rule']) for veto in vetoes)}"
        if standing is None or standing.rank <= standing.places:
            return "within the places of its cluster, and left out as there are selection.max_winners better ones"
        return _ranked(standing)


def cash_of(decision: Decision) -> dict[str, Any]:
    """Return the cash of a strategy's decision and its parts by cause, the largest first; they sum to it."""
    parts = sorted(cash_parts(decision), key=lambda part: -part.share)
    return {
        "cash": 1.0 - fsum(decision.atoms.values()),
        "parts": [asdict(part) | {"cause": part.cause.value} for part in parts],
    }


HOW = {
    "ranked": "ranked among the best of its cluster and direction",
    "cluster_floor": "its cluster was left empty, and it is the best of it without a hard veto",
    "alpha_fallback": "the best of the rest without a hard veto, to make up the floor of winners",
    "passed_through": "this model takes everyone",
    "healthy": "this model takes every healthy name",
}
"""How a winner came in, in words."""


def _ranked(at: Standing) -> str:
    places = f"{at.places} place{'s' if at.places != 1 else ''}"
    return f"rank {at.rank} of {at.of} in its cluster and direction, which has {places}"


def _weighed(decision: Decision, response: SelectionResponse, atom: str) -> list[str]:
    """Return why the weight of a winner is what it is: who made it, and the limits that it has reached."""
    made = decision.allocation
    if made is None:
        return ["no weights were made: all is cash"]
    if made.status is Status.FAILED:
        return [f"no allocation was found, so all is cash: {made.attempts[-1].what}: {made.attempts[-1].outcome}"]
    if atom not in decision.clusters:
        return ["it does not move on the training rows, so it has no weight"]
    why = [f"{made.risk_profile} by {made.engine} ({made.status.value.replace('_', ' ')})"]
    if made.barbell is not None:
        why.append(made.barbell.role(atom, decision.clusters[atom]))
    if (gate := decision.gates.get(atom)) is not None:
        why.append(f"its gate is {gate:.4g}: weight x gate is held")
    units = decision.units
    limits, weight = {one.name: one.limit for one in made.constraints}, units.get(atom, 0.0)
    if abs(weight) >= limits["position"] - CAP_TOLERANCE:
        why.append(f"at the position cap {limits['position']:g} (allocation.limits.position)")
    for kind, clusters in (("allocation", decision.clusters), ("selection", response.clusters)):
        members = [one for one in decision.atoms if clusters[one] == clusters[atom]]
        held = sum(abs(units[one]) for one in members)
        if weight and len(members) > 1 and held >= limits["cluster"] - CAP_TOLERANCE:
            why.append(
                f"its {kind} cluster {clusters[atom]} of {len(members)} is at the cluster cap {limits['cluster']:g} "
                "(allocation.limits.cluster)"
            )
    if not weight:
        why.append("it asks for nothing of it")
    return why


def _hint(symbol: str, known: Sequence[str]) -> str:
    """Return what may have been meant, the symbol of a ticker or the nearest one, and where to look."""
    whole = symbol.upper()
    same = [key for key in known if whole in (key, key.partition(":")[2])]
    stored = f"; `tvquant data ls {symbol}` says what is stored"
    return suggested(same[0]) if same else suggested(closest(whole, known)) + stored
