"""Decisions: everything that was decided at one moment, and its payload: the form in which ledger and report have it.

`Decision.of(payload)` is the decision again, as far as the payload goes: `Decision.of(d.payload()).payload()` equals
`d.payload()`. Two things are not in a payload: weights before netting (an `AllocationOutcome` has none), and components
and parts of scores of atoms that did not win.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from tvquant.core.allocations import AllocationOutcome, Constraint
from tvquant.core.flat import flat
from tvquant.core.instruments import Instant
from tvquant.core.panel import Floats
from tvquant.core.regimes import MarketRegime
from tvquant.core.selection import SelectionFunnel, SelectionResponse
from tvquant.core.stamps import Stamp, Stamps


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Netting:
    """What became of atom weights on their way to physical ones (R-RSK-12).

    Parameters
    ----------
    moved : atom weight that was taken away and is cash, because a cap would have been broken after netting.
    gross : physical symbol -> sum of absolute weights before netting, where atoms cancel; elsewhere it is the net's.
    constraints : every limit as verified on the final physical weights.
    """

    moved: float
    gross: Mapping[str, float]
    constraints: tuple[Constraint, ...]

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Self:
        """Return the netting that a payload describes."""
        constraints = tuple(Constraint(**one) for one in payload["constraints"])
        return cls(moved=payload["moved"], gross=payload["gross"], constraints=constraints)

    def payload(self) -> dict[str, Any]:
        """Return the netting as JSON can hold it."""
        return {
            "moved": self.moved,
            "gross": dict(sorted(self.gross.items())),
            "constraints": [flat(one) for one in self.constraints],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """The bar that a decision was made on.

    Parameters
    ----------
    asked, bar : stamps of the bar that the decision was asked for, and of the one that answered: the last that had a
        quorum, or the asked one itself where none had.
    quorum : whether it had one.
    alive, present : names that had a bar in the five sessions up to the asked bar, and those of them that have it.
    missing : keys of the names alive at the bar that answered which lack it.
    """

    asked: Instant
    bar: Instant
    quorum: bool
    alive: int
    present: int
    missing: tuple[str, ...]

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Self:
        """Return the footing that a payload describes."""
        moments = {name: np.datetime64(payload[name], "us") for name in ("asked", "bar")}
        return cls(**{**payload, **moments, "missing": tuple(payload["missing"])})

    def payload(self) -> dict[str, Any]:
        """Return the footing as JSON can hold it."""
        return {**flat(self), "asked": str(self.asked), "bar": str(self.bar), "missing": list(self.missing)}

    @property
    def departure(self) -> str:
        """Why another bar than the asked one, or one without a quorum, was decided on, in words; else empty."""
        have, asked = f"{self.present} of {self.alive} names have", str(self.asked)[:10]
        if not self.quorum:
            return f"only {have} the bar of {asked}, and no session of five has a quorum: it is decided on as it is"
        if self.bar != self.asked:
            return f"only {have} the bar of {asked}: that of {str(self.bar)[:10]} is decided on"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    """Protection of a strategy that lost much.

    Parameters
    ----------
    drawdown : of its weights since the last decision.
    left : rebalances that are protected, this one among them.
    """

    drawdown: float
    left: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decision:
    """What one cell decided with what was known at `as_of`.

    Parameters
    ----------
    as_of : the moment at which the bar was known that the decision was made on; nothing known later had any influence.
    footing : which bar that was, and which one was asked for: at the asked bar's close weights become quantities.
    excluded : instrument key -> reason, for everything in the universe that selection never saw.
    response : what selection answered; None for baselines, and where no candidate reached it.
    allocation : how the winners were weighted; None for baselines and when there was no winner (all cash, flagged).
    clusters : atom id -> allocation cluster, on the training rows of the synthetic-long streams.
    atoms : atom id -> weight, as finally held; zeros left out.
    gates : atom id -> gate of every winner of a gated logic: weight x sign x gate of its asset is held until the next
        decision.
    netting : None for baselines and where nothing is held.
    weights : net physical weights by instrument key, negative for shorts, zeros left out.
    inputs : digest of what the decision was computed from.
    regime : of the market, as it was known; None for baselines, which do not go by it.
    survival : why this decision is protected; None where it is not.
    failure : why there is no decision but cash: the maths of choosing had no answer; None where it had.
    """

    as_of: Instant
    funnel: SelectionFunnel
    excluded: Mapping[str, str]
    weights: Mapping[str, float]
    inputs: str
    stamps: Stamps
    response: SelectionResponse | None = None
    allocation: AllocationOutcome | None = None
    clusters: Mapping[str, int] = field(default_factory=dict)
    atoms: Mapping[str, float] = field(default_factory=dict)
    gates: Mapping[str, float] = field(default_factory=dict)
    netting: Netting | None = None
    footing: Footing | None = None
    regime: MarketRegime | None = None
    survival: Survival | None = None
    failure: str | None = None

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Self:
        """Return the decision that a payload describes; the module's text lists what a payload leaves out."""
        made, chosen, netting, footing = (payload[k] for k in ("allocation", "selection", "netting", "footing"))
        return cls(
            as_of=np.datetime64(payload["as_of"], "us"),
            funnel=SelectionFunnel.of(payload["funnel"]),
            excluded=payload["excluded"],
            weights=payload["weights"],
            inputs=payload["inputs"],
            stamps=frozenset(Stamp(one) for one in payload["stamps"]),
            response=None if chosen is None else SelectionResponse.of(chosen),
            allocation=None if made is None else AllocationOutcome.of(made),
            clusters={} if made is None else made["clusters"],
            atoms=payload["atoms"],
            gates=payload.get("gates", {}),
            netting=None if netting is None else Netting.of(netting),
            footing=None if footing is None else Footing.of(footing),
            survival=Survival(**payload["survival"]) if payload.get("survival") else None,
            regime=None if payload.get("regime") is None else MarketRegime.of(payload["regime"]),
            failure=payload["failure"],
        )

    @property
    def units(self) -> Mapping[str, float]:
        """Weight times gate of each atom that is held: what it takes of equity."""
        return {atom: weight * self.gates.get(atom, 1.0) for atom, weight in self.atoms.items()}

    @property
    def gate_cash(self) -> float:
        """The part of the cash that gates leave out of the weights of atoms."""
        return math.fsum(weight * (1.0 - self.gates.get(atom, 1.0)) for atom, weight in self.atoms.items())

    @property
    def cash(self) -> float:
        """Capital without a use, as a fraction of equity: what atoms do not take, and what their gates leave out."""
        return 1.0 - math.fsum(self.units.values())

    def payload(self) -> dict[str, Any]:
        """Return everything decided, JSON-able and in canonical order: equal payloads are the same decision."""
        own = self.own()
        if own["allocation"] is not None:
            own["allocation"] = {"clusters": dict(sorted(self.clusters.items())), **own["allocation"]}
        chosen = None if self.response is None else self.response.payload()
        return {**self.common(), "selection": chosen, **own}

    def common(self) -> dict[str, Any]:
        """Return the part of the payload that other decisions at the row repeat, but for the clusters."""
        return {
            "as_of": str(self.as_of),
            "footing": None if self.footing is None else self.footing.payload(),
            "regime": None if self.regime is None else self.regime.payload(),
            "funnel": self.funnel.payload(),
            "excluded": dict(sorted(self.excluded.items())),
        }

    def own(self) -> dict[str, Any]:
        """Return the part of the payload that is neither common to a row nor of the selection."""
        return {
            "failure": self.failure,
            **({} if self.survival is None else {"survival": asdict(self.survival)}),
            "allocation": None if self.allocation is None else self.allocation.payload(),
            "atoms": dict(sorted(self.atoms.items())),
            **({"gates": dict(sorted(self.gates.items()))} if self.gates else {}),
            "netting": None if self.netting is None else self.netting.payload(),
            "weights": dict(sorted(self.weights.items())),
            "inputs": self.inputs,
            "stamps": sorted(stamp.value for stamp in self.stamps),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Correlation:
    """Correlations (K x K) of the return streams of K atoms on the training rows, to six decimals."""

    atoms: tuple[str, ...]
    matrix: Floats

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Self:
        """Return the correlations that a payload describes."""
        return cls(atoms=tuple(payload["atoms"]), matrix=np.array(payload["matrix"], dtype=np.float64))

    def payload(self) -> dict[str, Any]:
        """Return the correlations as JSON can hold them."""
        return {"atoms": list(self.atoms), "matrix": self.matrix.round(6).tolist()}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CurrentDecision:
    """What a strategy would hold from the last row on.

    Parameters
    ----------
    held : atom id -> weight before it.
    correlation : of the winners; None where there are none, or no streams that vary.
    """

    decision: Decision
    held: Mapping[str, float]
    correlation: Correlation | None

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Self:
        """Return the current decision that a payload describes."""
        found = payload["correlation"]
        return cls(
            decision=Decision.of(payload["decision"]),
            held=payload["held"],
            correlation=None if found is None else Correlation.of(found),
        )

    def payload(self) -> dict[str, Any]:
        """Return the current decision as JSON can hold it."""
        return {
            "decision": self.decision.payload(),
            "held": dict(self.held),
            "correlation": None if self.correlation is None else self.correlation.payload(),
        }
