"""Typed parts of a run as its ledger has them: what was pinned, how a cell ended, what was decided.

What a run lacks, and what another version recorded otherwise, raises `Absent`; nothing is made up for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from tvquant.core.decision_records import together
from tvquant.core.decisions import Decision
from tvquant.core.errors import DataError, LedgerError
from tvquant.core.measures import Measures, known
from tvquant.core.records import CONTEXT, DECISION, SELECTION, chain_of
from tvquant.core.selection import SelectionResponse
from tvquant.core.stamps import Stamp
from tvquant.ledger.lines import AUDIT
from tvquant.ledger.read import LedgerRecord


class Absent(DataError):
    """A part of a run that was asked for is not there; the message is fit for a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPlan:
    """What a run pinned: digests of plan and snapshot, and the snapshot as text."""

    digest: str
    snapshot_digest: str
    snapshot: str

    @classmethod
    def of(cls, record: LedgerRecord) -> Self:
        """The plan that a record pins."""
        outputs = record.outputs
        return cls(digest=outputs["plan"], snapshot_digest=outputs["snapshot"], snapshot=record.data["snapshot"])


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCell:
    """How one cell ended.

    Parameters
    ----------
    status : `played`, `liquidated`, `failed`.
    entrant, schedule, scenario : selection, windows and costs of the grid that it is of; empty for the profile's own.
    variant : the headline in another phase or from another start: it shows what is luck, and is no trial.
    digest : of its decisions, weights and returns; None where it failed.
    why : why it failed; None where it did not.
    metrics : all that was measured, by name, for those who pass it on; None what has no value.
    forensic : how its windows went, outliers and purity (`tournament.outliers.Study.payload`, and `purity`); empty
        where it failed, and of an earlier version.
    """

    key: str
    baseline: bool
    status: str
    stamps: tuple[Stamp, ...]
    digest: str | None
    why: str | None
    measures: Measures
    metrics: Mapping[str, Any]
    forensic: Mapping[str, Any]
    entrant: str = ""
    schedule: str = ""
    scenario: str = ""
    variant: bool = False

    @property
    def competes(self) -> bool:
        """Whether it stands among the others: no variant, and at the costs that the profile names."""
        return not self.variant and not self.scenario

    @property
    def book(self) -> str:
        """Key of its book."""
        return self.key.rpartition("/")[2]

    @property
    def leaf(self) -> str:
        """What the result digest is made from."""
        return self.digest or f"failed: {self.why}"

    @classmethod
    def of(cls, record: LedgerRecord) -> Self:
        """Return the cell whose outcome this is.

        Raises
        ------
        Absent : the outcome does not say whether it is of a baseline.
        """
        if "baseline" not in record.metrics:
            raise Absent(f"the ledger's outcome of cell {record.chain} does not say whether it is a baseline")
        metrics = {name: known(value) for name, value in record.metrics.items()}
        return cls(
            key=record.chain,
            baseline=metrics["baseline"],
            status=metrics["status"],
            stamps=tuple(Stamp(one) for one in record.data.get("stamps", ())),
            digest=record.outputs.get("cell"),
            why=record.data.get("why"),
            measures=Measures.of(metrics),
            metrics=metrics,
            forensic=record.data.get("forensic", {}),
            entrant=metrics.get("entrant", ""),
            schedule=metrics.get("schedule", ""),
            scenario=metrics.get("scenario", ""),
            variant=metrics.get("variant", False),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecordedDecision:
    """One decision of one cell, as the ledger has it.

    Parameters
    ----------
    window, row : id of the window, panel row at whose close weights became quantities.
    selection : digest of the selection that it was made from; None where there was none.
    record : the snapshot of the cell.
    made : the record of the decision, that the cells of its path share.
    """

    window: int
    row: int
    decision: Decision
    selection: str | None
    record: LedgerRecord
    made: LedgerRecord


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decisions:
    """Decisions of the paths of a run, each put together when it is first asked for.

    Parameters
    ----------
    made : chain of a path's decisions -> window -> record.
    contexts, responses : by digest.
    """

    made: Mapping[str, Mapping[int, LedgerRecord]]
    contexts: Mapping[str, LedgerRecord]
    responses: Mapping[str, SelectionResponse]
    known: dict[str, Decision] = field(default_factory=dict)

    def of(self, snapshot: LedgerRecord) -> RecordedDecision:
        """Return the decision that a snapshot holds.

        Raises
        ------
        LedgerError : the path decided otherwise than the snapshot says, or names a context or selection of nobody.
        """
        window, row = snapshot.metrics["window"], snapshot.metrics["row"]
        made = self.made[chain_of(DECISION, snapshot.chain.rpartition("/")[0])][window]
        said = {name: (one.outputs[DECISION], one.metrics["row"]) for name, one in (("it", snapshot), ("path", made))}
        if said["it"] != said["path"]:
            raise LedgerError(
                f"{AUDIT} line {snapshot.n}: the snapshot of {snapshot.chain} in window {window} holds another "
                f"decision than {made.chain} has in line {made.n}; run `tvquant leakcheck`"
            )
        if made.digest not in self.known:
            self.known[made.digest] = self._together(made)
        chosen = made.inputs.get(SELECTION)
        return RecordedDecision(
            window=window, row=row, decision=self.known[made.digest], selection=chosen, record=snapshot, made=made
        )

    def _together(self, made: LedgerRecord) -> Decision:
        context, chosen = made.inputs[CONTEXT], made.inputs.get(SELECTION)
        if context not in self.contexts or (chosen is not None and chosen not in self.responses):
            raise LedgerError(
                f"{AUDIT} line {made.n}: the decision of {made.chain} names a context or a selection that no record "
                "holds; run `tvquant leakcheck`"
            )
        response = None if chosen is None else self.responses[chosen]
        return together(self.contexts[context].data, made.data, response, made.inputs["view"])


def understood[T](what: str, read: Callable[[], T]) -> T:
    """Return what was read; `Absent` where another version recorded it otherwise."""
    try:
        return read()
    except (LookupError, TypeError, ValueError) as error:
        raise Absent(f"{what} was recorded by another version: {error}") from error
