"""A decision taken apart for the ledger, so that what repeats is written and stored once, and put together again.

1. A `Context` is what all decisions at one row have in common that go by the same rules: the bar, the regime, the
   funnel, who was excluded, the clusters of the winners.
2. `own_of` is the rest, without what the selection says already: weights and gates of atoms stand in the order of its
   winners.
3. `WrittenDecision` has the texts of both, of which the digest of the decision and its records are put together.
4. `together` makes the decision of context, rest and selection, whole: its payload is what it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from tvquant.core.decisions import Decision
from tvquant.core.digests import canonical_json, digest_bytes
from tvquant.core.records import SELECTION
from tvquant.core.selection import SelectionResponse
from tvquant.core.written import Writer, joined

type Payload = Mapping[str, Any]

COMMON = ("as_of", "footing", "regime", "funnel", "excluded")
BY_ATOM = ("atoms", "gates")
CLUSTERS = "clusters"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Context:
    """What decisions at a row have in common.

    Parameters
    ----------
    first : the decision that it was found of.
    texts : of its values, by name.
    data : all of it, as a record has it.
    """

    first: Decision
    texts: Mapping[str, bytes]
    data: Payload

    @classmethod
    def of(cls, decision: Decision) -> Self:
        """Return the context of a decision."""
        found, writer = context_of(decision), Writer()
        parts = writer.texts(found)
        return cls(first=decision, texts=parts, data=writer.record(found, joined(parts)))

    @property
    def digest(self) -> str:
        """Digest of the context."""
        return digest_bytes(joined(self.texts))

    def has(self, other: Decision) -> bool:
        """Return whether another decision is known to have it too: the very same findings, and equal clusters.

        One that is equal and was found anew has an equal digest.
        """
        mine = self.first
        if (mine.allocation is None) is not (other.allocation is None) or mine.as_of != other.as_of:
            return False
        alike = all(getattr(mine, name) is getattr(other, name) for name in COMMON[1:])
        return alike and (mine.allocation is None or mine.clusters == other.clusters)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WrittenDecision:
    """A decision as its texts.

    Parameters
    ----------
    texts : of the values of its payload, by name, but for the selection.
    own : what is neither in its context nor in its selection, as a record has it.
    """

    texts: Mapping[str, bytes]
    own: Payload

    @classmethod
    def of(cls, decision: Decision, context: Context | None = None) -> Self:
        """Return a decision as its texts; its context where others at the row have it."""
        common = Context.of(decision) if context is None else context
        made, writer = decision.own(), Writer()
        recorded = _recorded(made, decision.response)
        outcome = made.pop("allocation")
        parts, by_atom = (
            writer.texts(made),
            writer.texts({name: recorded[name] for name in BY_ATOM if name in recorded}),
        )
        whole, bare = b"null", b"null"
        if outcome is not None:
            of = writer.texts(outcome)
            whole, bare = joined({**of, CLUSTERS: common.texts[CLUSTERS]}), joined(of)
        own = {**parts, "allocation": bare, **by_atom}
        return cls(
            texts={**{name: common.texts[name] for name in COMMON}, **parts, "allocation": whole},
            own=writer.record(recorded, joined({name: own[name] for name in recorded})),
        )

    def digest(self, selection: str | None) -> str:
        """Return the digest of the decision with the digest of its selection, None where it has none."""
        return digest_bytes(joined({**self.texts, SELECTION: canonical_json(selection)}))


def context_of(decision: Decision) -> dict[str, Any]:
    """Return the part of a decision's payload that other decisions at its row repeat."""
    made = decision.allocation
    return {**decision.common(), CLUSTERS: None if made is None else dict(sorted(decision.clusters.items()))}


def own_of(decision: Decision) -> dict[str, Any]:
    """Return the part of a decision's payload that is in neither its context nor its selection."""
    return _recorded(decision.own(), decision.response)


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
        "allocation": None if made is None else {**made, CLUSTERS: context[CLUSTERS]},
        **{name: _by_atom(own[name], ids) for name in BY_ATOM if name in own},
        "selection": None,
        "inputs": inputs,
    }
    return replace(Decision.of(payload), response=response)


def _recorded(own: Payload, response: SelectionResponse | None) -> dict[str, Any]:
    ids = _ids(response)
    by_atom = {name: _in_order(own[name], ids) for name in BY_ATOM if name in own}
    return {**{name: value for name, value in own.items() if name != "inputs"}, **by_atom}


def _ids(response: SelectionResponse | None) -> tuple[str, ...]:
    return () if response is None else tuple(atom.symbol for atom in response.winners)


def _in_order(values: Mapping[str, float], ids: Sequence[str]) -> list[float | None] | dict[str, float]:
    """Return the values in the order of the ids, None where one has none; as they are where they are of others too."""
    return [values.get(one) for one in ids] if values.keys() <= set(ids) else dict(values)


def _by_atom(values: Sequence[float | None] | Mapping[str, float], ids: Sequence[str]) -> dict[str, float]:
    if isinstance(values, Mapping):
        return dict(values)
    return {one: value for one, value in zip(ids, values, strict=True) if value is not None}
