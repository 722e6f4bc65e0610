"""What quant rooms report: an entry for the ledger, rows for the results."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

RUN = "run"
"""The chain of the run itself; every other chain is a cell key, or that of `chain_of`; see `in_shadow`."""
SELECTION = "selection"
"""Kind of the record of a selection, first part of its chain, and name of its digest."""
CONTEXT = "context"
"""The same of what decisions at one row have in common: bar, regime, funnel, who was excluded, clusters."""
DECISION = "decision"
"""The same of what a path decided in one window."""
SNAPSHOT = "snapshot"
"""Kind of the record of one decision of one cell: it names the decision and has its figures."""
TIMES = "times"
"""Kind of the record of what deciding took, in the run's own chain: part of no result."""
EVIDENCE = "evidence"
"""Kind of the record of how whole the data of a run were and which matrix was played: part of no result."""
GATE, WEIGHING = "gate", "weighing"
"""Kinds of the records of a meta-portfolio: what a gate found, and of one meta decision (first part of its chain)."""
SHADOW = "shadow"
"""First part of all that is of a challenger: its chains, its path, the name of its selections."""


def in_shadow(name: str) -> bool:
    """Return whether a chain, a cell or the name of selections is of a challenger, which has no effect on a result."""
    return name.startswith(f"{SHADOW}/")


def chain_of(kind: str, name: str) -> str:
    """Return the chain of what cells share: of a kind, and of the selections or the path of a name."""
    return f"{name}/{kind}" if in_shadow(name) else f"{kind}/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing worth recording; the ledger adds order, time and hashes.

    Parameters
    ----------
    chain : `run`, the key of a cell, or that of what cells share (`chain_of`).
    stage : 1..16 (R-ORC-01).
    pillar : 0 data, 1 selection, 2 synthesis, 3 allocation, 4 meta; None for what serves all.
    kind : `genesis`, `plan`, `intent`, `outcome`, `selection`, `context`, `decision`, `snapshot`, `times`,
        `evidence`, `resume`, `seal`; of a meta-portfolio also `gate`, `weighing`.
    inputs, outputs : name -> digest.
    metrics : name -> scalar.
    data : everything nested.
    """

    chain: str
    stage: int
    kind: str
    pillar: int | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float | int | str | bool | None] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


class Recorder(Protocol):
    """Takes entries in order; only the coordinating process has one."""

    def record(self, entry: Entry) -> str:
        """Append the entry durably and return its digest."""
        ...


class ResultSink(Protocol):
    """Takes finished tables of cells."""

    def put_cells(self, cells: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """Write tables of equal-length columns, by cell and table, in the place of earlier ones."""
        ...
