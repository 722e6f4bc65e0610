"""A decision taken apart for the ledger, so that what repeats is stored once, and put together again.

1. `context_of` is what all decisions at one row have in common that go by the same rules: the bar, the regime, the
   funnel, who was excluded, the clusters of the winners.
2. `own_of` is the rest, without what the selection says already: weights and gates of atoms stand in the order of its
   winners.
3. `together` makes the decision of both and of the selection, whole: its payload is what it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tvquant.core.decisions import Decision
from tvquant.core.selection import SelectionResponse

type Payload = Mapping[str, Any]

COMMON = ("as_of", "footing", "regime", "funnel", "excluded")
OWN = ("failure", "survival", "netting", "weights", "stamps")
BY_ATOM = ("atoms", "gates")


def context_of(payload: Payload) -> dict[str, Any]:
    """Return the part of a decision's payload that other decisions at its row repeat."""
    made = payload["allocation"]
    return {name: payload[name] for name in COMMON} | {"clusters": None if made is None else made["clusters"]}


def own_of(payload: Payload, response: SelectionResponse | None) -> dict[str, Any]:
    """Return the part of a decision's payload that is in neither its context nor its selection."""
    ids, made = _ids(response), payload["allocation"]
    return {
        **{name: payload[name] for name in OWN if name in payload},
        "allocation": None if made is None else {name: made[name] for name in made if name != "clusters"},
        **{name: _in_order(payload[name], ids) for name in BY_ATOM if name in payload},
    }


def together(context: Payload, own: Payload, response: SelectionResponse | None, inputs: str) -> Decision:
    """Return the decision that was taken apart; `inputs` is the digest of what it was made from.

    Raises
    ------
    LookupError, TypeError, ValueError : the parts are not what this version takes a decision apart into.
    """
    ids, made = _ids(response), own["allocation"]
    payload = {
        **{name: context[name] for name in COMMON},
        **{name: own[name] for name in own if name not in BY_ATOM},
        "allocation": None if made is None else {**made, "clusters": context["clusters"]},
        **{name: _by_atom(own[name], ids) for name in BY_ATOM if name in own},
        "selection": None,
        "inputs": inputs,
    }
    return replace(Decision.of(payload), response=response)


def _ids(response: SelectionResponse | None) -> tuple[str, ...]:
    return () if response is None else tuple(atom.symbol for atom in response.winners)


def _in_order(values: Mapping[str, float], ids: Sequence[str]) -> list[float | None] | dict[str, float]:
    """Return the values in the order of the ids, None where one has none; as they are where they are of others too."""
    return [values.get(one) for one in ids] if values.keys() <= set(ids) else dict(values)


def _by_atom(values: Sequence[float | None] | Mapping[str, float], ids: Sequence[str]) -> dict[str, float]:
    if isinstance(values, Mapping):
        return dict(values)
    return {one: value for one, value in zip(ids, values, strict=True) if value is not None}
