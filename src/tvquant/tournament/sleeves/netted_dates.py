"""The dates of a netted book as values: a payload that the ledger can hold, and the rebalance that books are of."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tvquant.core.allocations import Constraint, Status
from tvquant.core.decisions import Footing
from tvquant.core.digests import canonical_array, digest_bytes, digest_json
from tvquant.core.flat import flat
from tvquant.core.panel import Floats, Panel
from tvquant.core.selection import SelectionFunnel
from tvquant.core.sleeves import Sleeve
from tvquant.core.stamps import NONE
from tvquant.tournament.rebalances import DUST, Rebalance
from tvquant.tournament.sleeves.flattening import Capped, Numbers
from tvquant.tournament.sleeves.shares import MetaDecision
from tvquant.tournament.sleeves.union import Unions

UNCLUSTERED = "unclustered"
"""Flag of a date at which an instrument is a cluster of its own for want of rows."""
SIDES = {1.0: "LONG", -1.0: "SHORT"}


class NettedDates:
    """R netted dates of one meta path."""

    def __init__(
        self, sleeves: Sequence[Sleeve], weighed: Sequence[MetaDecision], panel: Panel, rows: Numbers, shares: Floats,
        found: Capped, unions: Unions,
    ) -> None:  # fmt: skip
        """`weighed` has the meta decision in force at each of the `rows`, `shares` what became of it (R x K)."""
        self._weighed, self._panel, self._rows, self._shares = weighed, panel, rows, shares
        self._found, self._unions, self._broken = found, unions, found.broken
        self._keys = panel.keys
        tree, columns = found.tree, len(panel.keys)
        self._names = [one.name for one in sleeves]
        self._stamps = NONE.union(*(one.stamps for one in sleeves))
        self._stamped = [panel.stamps_of((key,)) for key in panel.keys]
        self._ends = tree.ends(len(rows)).tolist()
        net = np.bincount(tree.cell(columns), tree.weight, len(rows) * columns).reshape(len(rows), columns)
        self._net = np.where(np.abs(net) > DUST, net, 0.0)

    def payload(self, k: int) -> Mapping[str, Any]:
        """Return date `k` as JSON can hold it; it is what the digest of its rebalance is of."""
        tree, own, keys = self._found.tree, slice(*self._ends[k : k + 2]), self._keys
        columns, clusters = self._unions.columns[k].tolist(), self._unions.clusters[k]
        atoms = [tree.atoms[a] for a in tree.atom[own].tolist()]
        net = self._net[k].tolist()
        verified = self._found.verified.items()
        return {
            "decided_at": str(self._panel.times[self._rows[k]]),
            "weighed_at": str(self._weighed[k].at),
            "status": Status.FAILED.value if self._broken[k] else self._weighed[k].status,
            "shares": dict(zip(self._names, self._shares[k].tolist(), strict=True)),
            "atoms": dict(zip(atoms, tree.size[own].tolist(), strict=True)),
            "moved": math.fsum(tree.asked[own]) - math.fsum(tree.size[own]),
            "clusters": {keys[j]: c for j, c in zip(columns, clusters.numbers.tolist(), strict=True)},
            "unclustered": [keys[j] for j in clusters.alone],
            "constraints": [
                flat(Constraint(name=name, limit=limit, value=float(values[k]))) for name, (limit, values) in verified
            ],
            "weights": {keys[j]: net[j] for j in columns if net[j]},
            "inputs": self._inputs(k),
        }

    def rebalance(self, k: int, payload: Mapping[str, Any]) -> Rebalance:
        """Return the rebalance of date `k`, whose payload this is."""
        panel, row, made = self._panel, int(self._rows[k]), self._weighed[k].allocation
        columns, at = self._unions.columns[k], panel.times[row]
        there = panel.tradable[row, columns]
        weights = dict(sorted(payload["weights"].items()))
        held = [self._stamped[j] for j in columns.tolist() if self._net[k, j]]
        count, atoms, names = len(columns), len(payload["atoms"]), len(panel.keys)
        return Rebalance(
            window=row + 1,
            row=row,
            weights=weights,
            digest=digest_json(payload),
            inputs=payload["inputs"],
            footing=Footing(
                asked=at, bar=at, quorum=True, alive=count, present=int(there.sum()),
                missing=tuple(self._keys[j] for j in columns[~there].tolist()),
            ),
            status=payload["status"],
            funnel=SelectionFunnel(
                universe=names, discovery=count, refined=count, selected=count, atoms_discovery=atoms,
                atoms_refined=atoms, atoms_selected=atoms, vetoed={},
            ),
            stamps=self._stamps.union(*held),
            holdings=self._holdings(k),
            forced_cash=made.forced_cash if made else 0.0,
            reference_cash=made.reference_cash if made else 0.0,
            moved=payload["moved"],
            flags=(UNCLUSTERED,) if payload["unclustered"] else (),
            risk_profile=made.risk_profile if made else "",
            recourse=made.recourse if made else (),
            single=made is not None and made.single,
        )  # fmt: skip

    def _holdings(self, k: int) -> dict[str, list[Any]]:
        tree, own = self._found.tree, slice(*self._ends[k : k + 2])
        sleeves = tree.sleeve[own].tolist()
        count = len(sleeves)
        return {
            "atom": [tree.atoms[a] for a in tree.atom[own].tolist()],
            "symbol": [self._keys[j] for j in tree.column[own].tolist()],
            "direction": [SIDES[one] for one in tree.sign[own].tolist()],
            "how": [self._names[one] for one in sleeves],
            "weight": tree.size[own].tolist(),
            "gate": [1.0] * count,
            "score": [math.nan] * count,
            "cluster": self._unions.numbers[own].tolist(),
            "allocation_cluster": [one + 1 for one in sleeves],
        }

    def _inputs(self, k: int) -> str:
        """Return digest of what date `k` was computed from: shares and sizes as drifted, who moves with whom."""
        tree, own = self._found.tree, slice(*self._ends[k : k + 2])
        seen = self._unions.clusters[k].numbers
        arrays = self._shares[k], tree.column[own], tree.asked[own], seen
        return digest_bytes(*map(canonical_array, arrays))
