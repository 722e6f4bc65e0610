"""Decisions: everything that was decided at one moment, and how many candidates it took."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tvquant.core.allocations import Allocation
from tvquant.core.instruments import Instant
from tvquant.core.stamps import Stamps


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionFunnel:
    """Attrition of one decision in instruments: counts never grow from `universe` to `selected` (R-LED-06).

    `vetoed` counts by reason what fell out between `discovery` and `refined`.
    """

    universe: int
    discovery: int
    refined: int
    selected: int
    vetoed: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one cell decided with what was known at `as_of`.

    Parameters
    ----------
    as_of : the moment; nothing known later had any influence.
    row : row number of the decision mark in the panel that was looked at (its last row).
    excluded : instrument key -> reason, for everything in the universe that was not selected.
    allocation : weights over the selected names; None when no name was eligible (all cash, flagged).
    weights : net physical weights by instrument key, zeros left out; with cash they sum to 1.
    inputs : digest of what the decision was computed from.
    """

    as_of: Instant
    row: int
    funnel: SelectionFunnel
    excluded: Mapping[str, str]
    allocation: Allocation | None
    weights: Mapping[str, float]
    inputs: str
    stamps: Stamps

    def payload(self) -> dict[str, Any]:
        """Everything decided, JSON-able and in canonical order: two equal payloads are the same decision."""
        made = self.allocation
        return {
            "as_of": str(self.as_of),
            "funnel": asdict(self.funnel),
            "excluded": dict(sorted(self.excluded.items())),
            "allocation": None
            if made is None
            else {
                "engine": made.engine,
                "risk_profile": made.risk_profile,
                "status": made.status.value,
                "cash": made.cash,
                "attempts": [asdict(a) for a in made.attempts],
                "constraints": [asdict(c) for c in made.constraints],
            },
            "weights": dict(sorted(self.weights.items())),
            "inputs": self.inputs,
            "stamps": sorted(self.stamps),
        }
