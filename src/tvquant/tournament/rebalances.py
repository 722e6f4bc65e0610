"""Steps: what remains of a decision when it has been made, and its records in the ledger.

A selection is shared by every cell of its model, so it is recorded once, in a chain of its own; the cells' snapshots
name it by digest. A step can be had back from its snapshot alone: the ledger is the journal of a run.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from tvquant.core.allocations import Status
from tvquant.core.atoms import Atom
from tvquant.core.digests import digest_json
from tvquant.core.records import Entry
from tvquant.core.stamps import Stamp, Stamps
from tvquant.tournament.cells import Cell
from tvquant.tournament.specs import StrategySpec

STAGE = 15
"""Walk-forward validation in the production flow (R-ORC-01)."""
SELECTION = "selection"
"""Kind of the record of a selection, and the first part of its chain."""
HOLDINGS = {
    "atom": str, "symbol": str, "direction": str, "how": str, "weight": float, "score": float, "cluster": int,
    "allocation_cluster": int,
}  # fmt: skip
"""What is kept of every winner, weight or not: cluster is that of selection."""
DUST = 1e-12
"""Cash that is nearer to zero is rounding and is written as 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebalance:
    """What book, tables and the next decision need of one decision.

    Parameters
    ----------
    window, row : id of the window, panel row of the decision mark.
    weights : net physical weights.
    digest, inputs, selection : of the decision, of what it was computed from, of the selection it stands on.
    footing : the bar that the decision stands on, in the form of the payload.
    status : `solved`, `fell_back`, `failed` (also where choosing did); `no_candidate` where nobody could be weighted;
        `baseline`.
    funnel : counts of the selection funnel, in the form of the payload.
    holdings : columns of equal length, one entry per winner: see `HOLDINGS`.
    stage : relaxation stage of the selection, 0 where nothing was selected.
    forced_cash : equity that no answer could have placed under the caps.
    moved : atom weight that was taken away after netting.
    flags : what selection said of its own answer.
    """

    window: int
    row: int
    weights: Mapping[str, float]
    digest: str
    inputs: str
    footing: Mapping[str, Any]
    status: str
    funnel: Mapping[str, Any]
    stamps: Stamps
    selection: str | None = None
    holdings: Mapping[str, Sequence[Any]] = field(default_factory=lambda: {name: [] for name in HOLDINGS})
    stage: int = 0
    forced_cash: float = 0.0
    moved: float = 0.0
    flags: tuple[str, ...] = ()

    @classmethod
    def of(cls, window: int, row: int, payload: Mapping[str, Any], selection: str | None) -> Self:
        """The step that a decision with this payload makes; `selection` is the digest of that part of it."""
        made, chosen, netting = payload["allocation"], payload["selection"], payload["netting"]
        return cls(
            window=window,
            row=row,
            weights=payload["weights"],
            digest=digest_json({**payload, "selection": selection}),
            inputs=payload["inputs"],
            footing=payload["footing"],
            selection=selection,
            status=_status(payload),
            funnel=payload["funnel"],
            stamps=frozenset(Stamp(stamp) for stamp in payload["stamps"]),
            holdings=_holdings(payload) if made else {name: [] for name in HOLDINGS},
            stage=chosen["stage"] if chosen else 0,
            forced_cash=made["forced_cash"] if made else 0.0,
            moved=netting["moved"] if netting else 0.0,
            flags=tuple(chosen["flags"]) if chosen else (),
        )

    @property
    def cash(self) -> float:
        """Capital without a use, as a fraction of equity; with the weights of atoms it makes 1 (R-RSK-24)."""
        left = 1.0 - math.fsum((self.atoms if self.holdings["atom"] else self.weights).values())
        return 0.0 if abs(left) <= DUST else left

    @property
    def atoms(self) -> dict[str, float]:
        """Weight of each atom that is held."""
        return {atom: w for atom, w in zip(self.holdings["atom"], self.holdings["weight"], strict=True) if w}


def _status(payload: Mapping[str, Any]) -> str:
    if payload["allocation"]:
        return str(payload["allocation"]["status"])
    if payload["failure"] is not None:
        return Status.FAILED.value
    return "baseline" if payload["weights"] else "no_candidate"


def _holdings(payload: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What a strategy's decision says of each of its winners."""
    chosen, clusters = payload["selection"], payload["allocation"]["clusters"]
    atoms = [Atom.of(winner) for winner in chosen["winners"]]
    ids = [atom.symbol for atom in atoms]
    return {
        "atom": ids,
        "symbol": [atom.physical_symbol for atom in atoms],
        "direction": [atom.direction.value for atom in atoms],
        "how": [winner["how"] for winner in chosen["winners"]],
        "weight": [payload["atoms"].get(symbol, 0.0) for symbol in ids],
        "score": [chosen["scores"][symbol] for symbol in ids],
        "cluster": [chosen["clusters"][symbol] for symbol in ids],
        "allocation_cluster": [clusters.get(symbol, 0) for symbol in ids],
    }


def selection_entry(window: int, digest: str, payload: Mapping[str, Any]) -> Entry:
    """The record of one selection (R-SEL-31): winners, scores, clusters, vetoes and thresholds of a window."""
    return Entry(
        chain=f"{SELECTION}/{payload['model']}",
        stage=STAGE,
        pillar=1,
        kind=SELECTION,
        outputs={SELECTION: digest},
        metrics={"window": window, "winners": len(payload["winners"]), "stage": payload["stage"]},
        data=payload,
    )


def snapshot_entry(cell: Cell, step: Rebalance, payload: Mapping[str, Any]) -> Entry:
    """The per-rebalance record of the ledger (R-LED-05): what was held and how it came about."""
    limits = cell.spec.limits if isinstance(cell.spec, StrategySpec) else None
    kept = ("as_of", "footing", "failure", "funnel", "excluded", "allocation", "netting", "weights", "stamps")
    return Entry(
        chain=cell.key,
        stage=STAGE,
        pillar=3,
        kind="snapshot",
        inputs={"view": step.inputs} | ({SELECTION: step.selection} if step.selection else {}),
        outputs={"decision": step.digest},
        metrics={
            "window": step.window,
            "row": step.row,
            "names": len(step.weights),
            "cash": step.cash,
            "gross": sum(abs(w) for w in step.weights.values()),
            "net": sum(step.weights.values()),
            "stage": step.stage,
            "forced_cash": step.forced_cash,
            "moved": step.moved,
            "status": step.status,
            "position_cap": limits.position if limits else None,
            "cluster_cap": limits.cluster if limits else None,
        },
        data={name: payload[name] for name in kept} | {"holdings": step.holdings, "flags": step.flags},
    )


def restored(
    inputs: Mapping[str, str], outputs: Mapping[str, str], metrics: Mapping[str, Any], data: Mapping[str, Any]
) -> Rebalance:
    """The step that a snapshot record tells of."""
    return Rebalance(
        **{name: metrics[name] for name in ("window", "row", "status", "stage", "forced_cash", "moved")},
        weights=data["weights"],
        digest=outputs["decision"],
        inputs=inputs["view"],
        footing=data["footing"],
        selection=inputs.get(SELECTION),
        funnel=data["funnel"],
        stamps=frozenset(Stamp(stamp) for stamp in data["stamps"]),
        holdings=data["holdings"],
        flags=tuple(data["flags"]),
    )
