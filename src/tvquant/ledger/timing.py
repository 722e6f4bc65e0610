"""Where the time of a run went (R-TRN-11): told by the moments at which its own chain was recorded.

1. Between two records of the chain `run` lies one part of the work, named by the record that ends it: the outcome of a
   stage, what deciding took (which parts validation into deciding and settling), the evidence (settling), the pin,
   the seal; and the beginning of stage 13, before which it is estimated how long the rest will take.
2. What was done before the ledger began (lake read, plan made) is a figure of the first stage.
3. An interruption is no work: what lies before a `resume` record counts nowhere.

No result holds any of it: two runs of one plan differ in their times and in nothing else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tvquant.core.records import EVIDENCE, TIMES
from tvquant.core.stages import Stage
from tvquant.ledger.read import LedgerRecord

PLANNING = "planning_seconds"
"""Measure of the first stage: seconds from the command's start to the first record."""
PINNING, ESTIMATING, SEALING, DECIDING, SETTLING = "pinning", "estimating", "sealing", "deciding", "settling"
LABELS = {int(stage): stage.label for stage in Stage}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds of a run by part, in the order of the flow.

    Parameters
    ----------
    parts : name -> seconds; validation is `deciding` and `settling`.
    between : seconds that are no part's: this should be next to nothing.
    resumed : how often the run was continued.
    """

    parts: Mapping[str, float]
    between: float
    resumed: int

    @property
    def wall(self) -> float:
        """Seconds of all work, from planning to the last record."""
        return sum(self.parts.values()) + self.between

    @property
    def covered(self) -> float:
        """Share of it that has a name."""
        return sum(self.parts.values()) / self.wall if self.wall else 1.0

    def document(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        parts = {name: round(seconds, 3) for name, seconds in self.parts.items()}
        return {"parts": parts, "wall": round(self.wall, 3), "covered": round(self.covered, 4), "resumed": self.resumed}


def timing_of(chain: Iterable[LedgerRecord]) -> Timing:
    """Return where the time went, by the records of the chain `run`, in order."""
    parts: dict[str, float] = {}
    between, resumed = 0.0, 0
    last: datetime | None = None
    decided = False
    for record in chain:
        seconds = 0.0 if last is None else (record.at - last).total_seconds()
        last = record.at
        planned = record.metrics.get(PLANNING)
        if planned is not None:
            parts["planning"] = parts.get("planning", 0.0) + planned
        if record.kind == "resume":
            resumed, decided = resumed + 1, False
            continue
        name = _part(record, decided=decided)
        decided = decided or record.kind == TIMES
        if name is None:
            between += seconds
        else:
            parts[name] = parts.get(name, 0.0) + seconds
    return Timing(parts=parts, between=between, resumed=resumed)


def _part(record: LedgerRecord, *, decided: bool) -> str | None:
    """Return the part of the work that a record ends; None where it ends none."""
    match record.kind:
        case "plan":
            return PINNING
        case "intent" if record.stage == Stage.REGIME:
            return ESTIMATING
        case "seal":
            return SEALING
        case kind if kind == TIMES:
            return DECIDING
        case kind if kind == EVIDENCE:
            return SETTLING
        case "outcome":
            return SETTLING if decided and record.stage == Stage.VALIDATION else LABELS[record.stage]
        case _:
            return None
