"""The records of a decision in the ledger: what repeats is recorded once, and named by its digest.

1. A selection is shared by every path with equal rules and schedule, and has a chain of its own.
2. A context is what decisions at one row have in common beside it (`core.decision_records`).
3. A path is decided once: its decision is one record, which names selection and context.
4. Every cell of the path has a snapshot that names the decision and has its figures (R-LED-05: as many snapshots as
   windows x cells).

A decision is read back from them by `ledger.recorded_run`, and makes its rebalance again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tvquant.core.decision_records import Context, WrittenDecision
from tvquant.core.decisions import Decision
from tvquant.core.digests import digest_bytes
from tvquant.core.records import CONTEXT, DECISION, SELECTION, SNAPSHOT, Entry, chain_of
from tvquant.core.selection import SelectionResponse
from tvquant.core.stages import Stage
from tvquant.core.written import Writer, joined
from tvquant.tournament.cells import Cell, Path
from tvquant.tournament.rebalances import Rebalance
from tvquant.tournament.specs import StrategySpec


@dataclass(slots=True)
class Shared:
    """What decisions at one row have in common so far, with its records: selections by name, contexts by chain."""

    selections: dict[str, Entry] = field(default_factory=dict)
    contexts: dict[str, list[tuple[Context, Entry]]] = field(default_factory=dict)

    def context(self, name: str, window: int, decision: Decision) -> tuple[Context, Entry]:
        """Return the context of a decision, and its record: that of an earlier one where it is the same."""
        known = self.contexts.setdefault(chain_of(CONTEXT, name), [])
        for one in known:
            if one[0].has(decision):
                return one
        made = Context.of(decision)
        entry = context_entry(name, window, made)
        for one in known:
            if one[1].outputs == entry.outputs:
                return one
        known.append((made, entry))
        return known[-1]


def recorded(
    path: Path, window: int, row: int, decision: Decision, shared: Shared
) -> tuple[Rebalance, tuple[Entry, ...]]:
    """Return the rebalance of a decision and every record that its snapshots need: those it shares are the same."""
    entries = []
    if decision.response is not None:
        if path.selection not in shared.selections:
            made = selection_entry(path.selection, window, decision.response, whole=path.whole)
            shared.selections[path.selection] = made
        entries.append(shared.selections[path.selection])
    context, entry = shared.context(path.selection, window, decision)
    text = WrittenDecision.of(decision, context)
    rebalance = Rebalance.of(window, row, decision, entries[0].outputs[SELECTION] if entries else None, text)
    return rebalance, (*entries, entry, decision_entry(path, rebalance, text.own, entry.outputs[CONTEXT]))


def named(entry: Entry) -> tuple[str, str]:
    """Return chain and digest of what cells share."""
    return entry.chain, entry.outputs[entry.kind]


def selection_entry(name: str, window: int, response: SelectionResponse, *, whole: bool = False) -> Entry:
    """Return the record of one selection (R-SEL-31); its output `selection` is the digest of the payload.

    `name` is the one that its paths have for their selections; `whole` keeps the probabilities of the whole pool, of
    which the payload has those of winners.
    """
    payload, writer = response.payload(), Writer()
    data, of = response.record_of(payload, whole=whole), writer.texts(payload)
    kept = {one: of[one] if value is payload.get(one) else writer.text(value) for one, value in data.items()}
    return Entry(
        chain=chain_of(SELECTION, name),
        stage=Stage.VALIDATION,
        pillar=1,
        kind=SELECTION,
        outputs={SELECTION: digest_bytes(joined(of))},
        metrics={"window": window, "winners": len(response.winners), "stage": response.stage},
        data=writer.record(data, joined(kept)),
    )


def context_entry(name: str, window: int, context: Context) -> Entry:
    """Return the record of what a decision has in common with others at its row; `name` is as for a selection."""
    return Entry(
        chain=chain_of(CONTEXT, name),
        stage=Stage.VALIDATION,
        pillar=3,
        kind=CONTEXT,
        outputs={CONTEXT: context.digest},
        metrics={"window": window},
        data=context.data,
    )


def decision_entry(path: Path, rebalance: Rebalance, own: Mapping[str, Any], context: str) -> Entry:
    """Return the record of what a path decided: its `own` part, and the digest of its context."""
    shared = {"view": rebalance.inputs, CONTEXT: context}
    return Entry(
        chain=chain_of(DECISION, path.key),
        stage=Stage.VALIDATION,
        pillar=3,
        kind=DECISION,
        inputs=shared | ({SELECTION: rebalance.selection} if rebalance.selection else {}),
        outputs={DECISION: rebalance.digest},
        metrics={"window": rebalance.window, "row": rebalance.row},
        data=own,
    )


def snapshot_entry(cell: Cell, rebalance: Rebalance, decision: Decision) -> Entry:
    """Return the per-rebalance record of a cell: which decision it holds, and its figures."""
    position, cluster = _caps(cell, decision)
    return Entry(
        chain=cell.key,
        stage=Stage.VALIDATION,
        pillar=3,
        kind=SNAPSHOT,
        outputs={DECISION: rebalance.digest},
        metrics={
            "window": rebalance.window,
            "row": rebalance.row,
            "names": len(rebalance.weights),
            "cash": rebalance.cash,
            "gross": sum(abs(w) for w in rebalance.weights.values()),
            "net": sum(rebalance.weights.values()),
            "stage": rebalance.stage,
            "forced_cash": rebalance.forced_cash,
            "reference_cash": rebalance.reference_cash,
            "moved": rebalance.moved,
            "status": rebalance.status,
            "regime": rebalance.regime.label.value if rebalance.regime else None,
            "quadrant": rebalance.regime.quadrant.value if rebalance.regime else None,
            "position_cap": position,
            "cluster_cap": cluster,
        },
    )


def _caps(cell: Cell, decision: Decision) -> tuple[float | None, float | None]:
    """Return the caps of one position and one cluster in force at the decision: those that its book was held to.

    Where nothing was held they are the profile's; a baseline has none.
    """
    if not isinstance(cell.spec, StrategySpec):
        return None, None
    held = {one.name: one.limit for one in decision.allocation.constraints} if decision.allocation else {}
    limits = cell.spec.limits
    return held.get("position", limits.position), held.get("cluster", limits.cluster)
