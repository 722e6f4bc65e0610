"""Rebalances: what remains of a decision when it has been made.

Its records in the ledger are in `decision_entries`; a decision that is read back from them makes its rebalance again.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from tvquant.core.allocations import Expected, Projection, Status
from tvquant.core.decision_records import WrittenDecision
from tvquant.core.decisions import Decision, Footing
from tvquant.core.panel import Times
from tvquant.core.regimes import MarketRegime
from tvquant.core.selection import SelectionFunnel
from tvquant.core.stamps import Stamps
from tvquant.selection.hardening import HARDENING
from tvquant.tournament.specs import Previous

HOLDINGS = {
    "atom": str, "symbol": str, "direction": str, "how": str, "weight": float, "gate": float, "score": float,
    "cluster": int, "allocation_cluster": int,
}  # fmt: skip
"""What is kept of every winner, weight or not: gate is 1 of pass-through atoms, cluster that of selection."""
NOT_ASKED = {"mean": math.nan}
"""Thresholds of a selection that looked at no entropy."""
DUST = 1e-12
"""Cash that is nearer to zero is rounding and is written as 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebalance:
    """What book, tables and the next decision need of one decision.

    Parameters
    ----------
    window, row : id of the window, panel row of the decision mark.
    weights : net physical weights.
    digest, inputs, selection : of the decision, of what it was computed from, of its selection.
    footing : the bar that the decision was made on.
    status : `solved`, `fell_back`, `failed` (also where choosing did); `no_candidate` where nobody could be weighted;
        `baseline`.
    holdings : columns of equal length, one entry per winner: see `HOLDINGS`.
    stage : relaxation stage of the selection, 0 where nothing was selected.
    forced_cash : equity that no answer could have placed under the caps, or that they cut and handed to nobody.
    reference_cash : equity that only reference bounds keep in cash.
    moved : atom weight that was taken away after netting.
    flags : of the selection's response.
    risk_profile : the one that made the weights; empty where nobody was weighted.
    recourse : what the attempt that made them resorted to.
    projection : what limits made of the method's own weights; None where it kept them.
    single : whether the limits admitted these weights only.
    expected : what the covariance expects of the book; None where nothing is held, and of baselines.
    regime : of the market, as the decision knew it; None of baselines.
    entropy : mean permutation entropy of the pool that was selected from; NaN where the model did not ask.
    protected : rebalances that are protected after a loss, this one among them.
    """

    window: int
    row: int
    weights: Mapping[str, float]
    digest: str
    inputs: str
    footing: Footing
    status: str
    funnel: SelectionFunnel
    stamps: Stamps
    selection: str | None = None
    holdings: Mapping[str, Sequence[Any]] = field(default_factory=lambda: {name: [] for name in HOLDINGS})
    stage: int = 0
    forced_cash: float = 0.0
    reference_cash: float = 0.0
    moved: float = 0.0
    flags: tuple[str, ...] = ()
    risk_profile: str = ""
    recourse: tuple[str, ...] = ()
    projection: Projection | None = None
    single: bool = False
    expected: Expected | None = None
    regime: MarketRegime | None = None
    entropy: float = math.nan
    protected: int = 0

    @classmethod
    def of(
        cls, window: int, row: int, decision: Decision, selection: str | None, written: WrittenDecision | None = None
    ) -> Self:
        """Return the rebalance of a window with its decision mark at `row`; `selection` is the response's digest.

        `written` is the decision as its texts, made here where nobody has them.
        """
        response, allocation, netting = decision.response, decision.allocation, decision.netting
        assert decision.footing is not None
        return cls(
            window=window,
            row=row,
            weights=dict(sorted(decision.weights.items())),
            digest=(written or WrittenDecision.of(decision)).digest(selection),
            inputs=decision.inputs,
            footing=decision.footing,
            selection=selection,
            status=_status(decision),
            funnel=decision.funnel,
            stamps=decision.stamps,
            holdings=_holdings(decision),
            stage=response.stage if response else 0,
            forced_cash=allocation.forced_cash if allocation else 0.0,
            reference_cash=allocation.reference_cash if allocation else 0.0,
            moved=netting.moved if netting else 0.0,
            flags=tuple(sorted(response.flags)) if response else (),
            protected=decision.survival.left if decision.survival else 0,
            risk_profile=allocation.risk_profile if allocation else "",
            recourse=allocation.recourse if allocation else (),
            projection=allocation.projection if allocation else None,
            single=allocation is not None and allocation.single,
            regime=decision.regime,
            expected=allocation.expected if allocation else None,
            entropy=response.thresholds.get(HARDENING, NOT_ASKED)["mean"] if response else math.nan,
        )

    def previous(self, times: Times) -> Previous:
        """Return it as the next decision of its path sees it; `times` are those of the panel."""
        return Previous(atoms=self.atoms, weights=self.weights, since=times[self.row], protected=self.protected)

    @property
    def cash(self) -> float:
        """Capital without a use, as a fraction of equity; with the weights of atoms it makes 1 (R-RSK-24).

        A gated atom takes its weight times its gate.
        """
        left = 1.0 - math.fsum((self.units if self.holdings["atom"] else self.weights).values())
        return 0.0 if abs(left) <= DUST else left

    @property
    def gate_cash(self) -> float:
        """The part of the cash that gates leave out of the weights of atoms."""
        pairs = zip(self.holdings["weight"], self.holdings["gate"], strict=True)
        return math.fsum(weight * (1.0 - gate) for weight, gate in pairs)

    @property
    def units(self) -> dict[str, float]:
        """Weight times gate of each atom that is held: what it takes of equity."""
        columns = (self.holdings[name] for name in ("atom", "weight", "gate"))
        return {atom: weight * gate for atom, weight, gate in zip(*columns, strict=True) if weight}

    @property
    def atoms(self) -> dict[str, float]:
        """Weight of each atom that is held."""
        return {atom: w for atom, w in zip(self.holdings["atom"], self.holdings["weight"], strict=True) if w}


def _status(decision: Decision) -> str:
    if decision.allocation:
        return decision.allocation.status.value
    if decision.failure is not None:
        return Status.FAILED.value
    return "baseline" if decision.weights else "no_candidate"


def _holdings(decision: Decision) -> dict[str, list[Any]]:
    """Return one entry per winner in every column of `HOLDINGS`; none where winners were not weighed."""
    response = decision.response
    if response is None or not (decision.allocation or decision.atoms):
        return {name: [] for name in HOLDINGS}
    ids = [atom.symbol for atom in response.winners]
    return {
        "atom": ids,
        "symbol": [atom.physical_symbol for atom in response.winners],
        "direction": [atom.direction.value for atom in response.winners],
        "how": [response.recruited[symbol] for symbol in ids],
        "weight": [decision.atoms.get(symbol, 0.0) for symbol in ids],
        "gate": [decision.gates.get(symbol, 1.0) for symbol in ids],
        "score": [response.scores[symbol] for symbol in ids],
        "cluster": [response.clusters[symbol] for symbol in ids],
        "allocation_cluster": [decision.clusters.get(symbol, 0) for symbol in ids],
    }
