"""Decisions: everything that was decided at one moment."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tvquant.core.allocations import Allocation, Constraint
from tvquant.core.instruments import Instant
from tvquant.core.selection import SelectionFunnel, SelectionResponse
from tvquant.core.stamps import Stamps


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """The bar that a decision stands on.

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

    def payload(self) -> dict[str, Any]:
        """JSON-able."""
        return {**asdict(self), "asked": str(self.asked), "bar": str(self.bar), "missing": list(self.missing)}


def departure(footing: Mapping[str, Any]) -> str:
    """Why a decision does not stand on the bar that was asked for, or not on a quorum, in words; empty where it does.

    `footing` is in the form of its payload.
    """
    have, asked = f"{footing['present']} of {footing['alive']} names have", footing["asked"][:10]
    if not footing["quorum"]:
        return f"only {have} the bar of {asked}, and no session of five has a quorum: it is decided on as it is"
    if footing["bar"] != footing["asked"]:
        return f"only {have} the bar of {asked}: that of {footing['bar'][:10]} is decided on"
    return ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decision:
    """What one cell decided with what was known at `as_of`.

    Parameters
    ----------
    as_of : the moment at which the bar was known that the decision stands on; nothing known later had any influence.
    row : row number of the decision mark, at whose prices weights become quantities: the last row of the panel that was
        looked at, whichever bar answered.
    footing : which bar that was.
    excluded : instrument key -> reason, for everything in the universe that selection never saw.
    response : what selection said; None for baselines, and where no candidate reached it.
    allocation : weights over the winners; None for baselines and when there was no winner (all cash, flagged).
    clusters : atom id -> allocation cluster, on the training rows of the synthetic-long streams.
    atoms : atom id -> weight, as finally held; zeros left out.
    netting : None for baselines and where nothing is held.
    weights : net physical weights by instrument key, negative for shorts, zeros left out.
    inputs : digest of what the decision was computed from.
    failure : why there is no decision but cash: the maths of choosing had no answer; None where it had.
    """

    as_of: Instant
    row: int
    funnel: SelectionFunnel
    excluded: Mapping[str, str]
    weights: Mapping[str, float]
    inputs: str
    stamps: Stamps
    response: SelectionResponse | None = None
    allocation: Allocation | None = None
    clusters: Mapping[str, int] = field(default_factory=dict)
    atoms: Mapping[str, float] = field(default_factory=dict)
    netting: Netting | None = None
    footing: Footing | None = None
    failure: str | None = None

    def payload(self) -> dict[str, Any]:
        """Everything decided, JSON-able and in canonical order: two equal payloads are the same decision."""
        made, netting = self.allocation, self.netting
        return {
            "as_of": str(self.as_of),
            "footing": None if self.footing is None else self.footing.payload(),
            "failure": self.failure,
            "funnel": asdict(self.funnel),
            "excluded": dict(sorted(self.excluded.items())),
            "selection": None if self.response is None else self.response.payload(),
            "allocation": None
            if made is None
            else {
                "engine": made.engine,
                "risk_profile": made.risk_profile,
                "status": made.status.value,
                "cash": made.cash,
                "forced_cash": made.forced_cash,
                "clusters": dict(sorted(self.clusters.items())),
                "attempts": [asdict(a) for a in made.attempts],
                "constraints": [asdict(c) for c in made.constraints],
            },
            "atoms": dict(sorted(self.atoms.items())),
            "netting": None
            if netting is None
            else {
                "moved": netting.moved,
                "gross": dict(sorted(netting.gross.items())),
                "constraints": [asdict(c) for c in netting.constraints],
            },
            "weights": dict(sorted(self.weights.items())),
            "inputs": self.inputs,
            "stamps": sorted(self.stamps),
        }
