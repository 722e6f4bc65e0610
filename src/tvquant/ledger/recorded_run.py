"""The one reader of a run: what its ledger, manifest and result tables say, as typed values.

1. Each part is read when it is first asked for, and once. A record is believed only where every line up to it verifies.
2. There are two passes over the ledger: one over what is recorded once (genesis, plan, beginnings and ends, seal), and
   one over decisions and what they were made from, which are many. The decision of a snapshot is that of its path and
   window, and must be the one that the snapshot names; it is put together with the context and the selection that it
   names by digest.
3. What is of challengers is read by `shadow`, and by nothing else.
4. What a run lacks, and what another version recorded otherwise, raises `Absent`; nothing is made up for it.

Reading is not verifying: `verification` holds every line and file against the ledger, and who draws or continues asks
for it, or for `altered`, first.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from tvquant.core.decisions import CurrentDecision
from tvquant.core.errors import DataError, ProfileError
from tvquant.core.records import CONTEXT, DECISION, RUN, SELECTION, SNAPSHOT, TIMES, in_shadow
from tvquant.core.selection import SelectionResponse
from tvquant.core.stages import Stage
from tvquant.ledger.files import held_by
from tvquant.ledger.read import LedgerRecord, record_of, records
from tvquant.ledger.recorded_parts import (
    Absent,
    Decisions,
    RecordedCell,
    RecordedDecision,
    RecordedPlan,
    understood,
)  # fmt: skip
from tvquant.ledger.result_store import ResultStore
from tvquant.ledger.run_folder import MANIFEST, RunFolder
from tvquant.ledger.timing import Timing, timing_of
from tvquant.ledger.verify import Verification, verify
from tvquant.profiles import ResolvedMeta, ResolvedProfile, from_manifest, meta_from_manifest
from tvquant.profiles.exclusions import GridSize
from tvquant.profiles.manifest import is_of_meta

ENDS = ("plan", "outcome", TIMES, "seal")
"""Kinds of what was pinned, and of what ended."""
MANY = (SELECTION, CONTEXT, DECISION, SNAPSHOT)
"""Kinds of which there are some for each window; all others are recorded once."""


class RecordedRun:
    """A run folder as it was recorded.

    Raises, from whatever reads the ledger: DataError where it has no ledger, or none with a record; LedgerError where
    the ledger cannot be believed.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._once_read: list[tuple[Mapping[str, Any], bytes]] | None = None

    @cached_property
    def verification(self) -> Verification:
        """What ledger and files are worth: every hash recomputed.

        Of a finished run what is recorded once is read on the way.
        """
        once: list[tuple[Mapping[str, Any], bytes]] = []

        def take(fields: Mapping[str, Any], line: bytes) -> None:
            if fields["kind"] not in MANY:
                once.append((fields, line))

        found = verify(self.folder.path, run_id=self.folder.id, taker=take)
        if found.finished:
            self._once_read = once
        return found

    @cached_property
    def genesis(self) -> LedgerRecord:
        """The first record: which run this is."""
        found = next(records(self.folder.path), None)
        if found is None:
            raise DataError("the ledger has no record yet; continue the run with `tvquant run --resume`")
        return found

    @property
    def run_id(self) -> str:
        """The run that the ledger is of."""
        return self.genesis.run_id

    @property
    def profile_name(self) -> str:
        """Name of the profile that was run."""
        return understood("the first record", lambda: str(self.genesis.data["profile"]))

    @property
    def code(self) -> str:
        """Digest of the source files."""
        return understood("the first record", lambda: self.genesis.inputs["code"])

    @property
    def began(self) -> datetime:
        """When the run began."""
        return self.genesis.at

    @cached_property
    def plan(self) -> RecordedPlan | None:
        """What was pinned; None where the run was stopped before. Nothing behind that record is read for it."""
        found = next(records(self.folder.path, chain=RUN, kind="plan"), None)
        if found is None:
            return None
        return understood("the ledger's plan", lambda: RecordedPlan.of(found))

    @cached_property
    def stages(self) -> Mapping[int, LedgerRecord]:
        """Outcomes of stages that were played, by number."""
        ended = [record for record in self._ends if record.kind == "outcome" and record.chain == RUN]
        return understood(
            "the end of a stage", lambda: {one.stage: one for one in ended if one.metrics["status"] == "played"}
        )

    @property
    def grid(self) -> GridSize:
        """How many strategy cells the profile asked for, and what was left out for which reason."""
        data = self._stage(Stage.ENVIRONMENT).data
        return understood("the size of the grid", lambda: GridSize.of(data["grid"]))

    @cached_property
    def outcomes(self) -> tuple[RecordedCell, ...]:
        """Cells that ended, in the order in which they did."""
        ended = (one for one in self._ends if one.kind == "outcome" and one.chain != RUN and self._is_mine(one.chain))
        return understood("the outcome of a cell", lambda: tuple(RecordedCell.of(record) for record in ended))

    @property
    def result(self) -> str | None:
        """The result digest; None where validation has not ended."""
        if Stage.VALIDATION not in self.stages:
            return None
        return understood("the result", lambda: self.stages[Stage.VALIDATION].outputs["result"])

    @property
    def seal(self) -> LedgerRecord | None:
        """The last record, of every chain and every cell's result; None where the run is not finished."""
        return next((record for record in self._ends if record.kind == "seal"), None)

    @property
    def sealed(self) -> str | None:
        """The result digest as the seal holds it; None where the run is not finished."""
        return None if self.seal is None else self.seal.outputs["result"]

    @property
    def leaves(self) -> Mapping[str, str]:
        """Cell key -> digest of its decisions, weights and returns, or why it failed."""
        data = self._stage(Stage.VALIDATION).data
        return understood("the digests of the cells", lambda: data["leaves"])

    @cached_property
    def files(self) -> Mapping[str, str]:
        """File -> digest, as the ledger answers for it; none in a run of an earlier version."""
        held: dict[str, str] = {}
        for record in self._ends:
            held |= held_by(record.chain, record.outputs)
        return held

    @cached_property
    def current(self) -> CurrentDecision:
        """What the headline cell would hold from the last row on (stage 14)."""
        data = self._stage(Stage.OPTIMISATION).data
        return understood("the ledger's outcome of stage 14 (optimisation)", lambda: CurrentDecision.of(data))

    @cached_property
    def selections(self) -> Mapping[str, Mapping[int, LedgerRecord]]:
        """Chain of selections -> window -> its record, in order."""
        return understood("a selection", lambda: self._chains(SELECTION))

    @cached_property
    def contexts(self) -> Mapping[tuple[int, str], LedgerRecord]:
        """Window and digest of each context -> its record."""
        mine = [one for one in self._steps if one.kind == CONTEXT and self._is_mine(one.chain)]
        return understood("a context", lambda: {(one.metrics["window"], one.outputs[CONTEXT]): one for one in mine})

    @cached_property
    def shared(self) -> frozenset[tuple[str, int, str]]:
        """Chain, window and digest of every selection, context and decision: what cells share."""
        kinds = (SELECTION, CONTEXT, DECISION)
        mine = (one for one in self._steps if one.kind in kinds and self._is_mine(one.chain))
        return understood(
            "a decision", lambda: frozenset((one.chain, one.metrics["window"], one.outputs[one.kind]) for one in mine)
        )

    @cached_property
    def decisions(self) -> Mapping[str, Mapping[int, RecordedDecision]]:
        """Cell key -> window -> its decision, in order."""
        return understood("a decision", self._decisions)

    @cached_property
    def times(self) -> Mapping[str, Mapping[str, float]]:
        """Path key -> `decisions` that were timed, `median_seconds` and `most_seconds` of computation of one.

        Of a run that was continued, those of its last part; none where nobody measured.
        """
        return {key: one for record in self._ends if record.kind == TIMES for key, one in record.data.items()}

    @cached_property
    def timing(self) -> Timing:
        """Where the time of the run went."""
        return timing_of(self.course)

    @property
    def course(self) -> tuple[LedgerRecord, ...]:
        """Records of the run's own chain, in order: what it did, stage by stage."""
        return tuple(record for record in self._once if record.chain == RUN)

    @cached_property
    def shadow(self) -> "RecordedShadow":
        """What the ledger holds of challengers, read as a run is: none where the profile names none."""
        return RecordedShadow(self.folder)

    @cached_property
    def resolved(self) -> ResolvedProfile:
        """The resolved profile of the manifest.

        Raises
        ------
        ProfileError : the manifest was changed, or is of another version; it is a meta-portfolio's.
        """
        if self.is_meta:
            raise ProfileError(
                f"run {self.folder.id} is of a meta-portfolio, and what is asked for is of a profile's run: ask the "
                f"runs of its sleeves, which `tvquant runs show {self.folder.id}` names"
            )
        return from_manifest(self.document(MANIFEST))

    @cached_property
    def is_meta(self) -> bool:
        """Whether it is the run of a meta-portfolio."""
        return is_of_meta(self.document(MANIFEST))

    @cached_property
    def meta(self) -> ResolvedMeta:
        """The resolved meta-profile of the manifest; ProfileError as `resolved`, or of a profile's run."""
        return meta_from_manifest(self.document(MANIFEST))

    def document(self, name: str) -> Any:
        """Return a JSON document of the run's folder."""
        try:
            return json.loads((self.folder.path / name).read_text("utf-8"))
        except FileNotFoundError as error:
            raise Absent(f"{name} is not in the run folder") from error
        except (OSError, ValueError) as error:
            raise Absent(f"{name} cannot be read: it is damaged") from error

    def table(self, name: str, cell: str | None = None) -> pl.DataFrame:
        """Return a result table, whole or of one cell (at least one row then)."""
        if name not in self._tables:
            self._tables[name] = self._read(name)
        frame = self._tables[name]
        if cell is None:
            return frame
        mine = frame.filter(pl.col("cell") == cell)
        if mine.is_empty():
            raise Absent(f"{self._file(name)} has no row of cell {cell}")
        return mine

    @cached_property
    def _tables(self) -> dict[str, pl.DataFrame]:
        return {}

    @cached_property
    def _ends(self) -> tuple[LedgerRecord, ...]:
        """Records of what was pinned and of what ended."""
        return tuple(record for record in self._once if record.kind in ENDS)

    @cached_property
    def _once(self) -> tuple[LedgerRecord, ...]:
        if self._once_read is None:
            return tuple(records(self.folder.path, but=MANY))
        return tuple(record_of(fields, line) for fields, line in self._once_read)

    @cached_property
    def _steps(self) -> tuple[LedgerRecord, ...]:
        return tuple(records(self.folder.path, kind=MANY))

    @cached_property
    def _answers(self) -> Mapping[str, SelectionResponse]:
        """Digest of a selection -> what its model answered."""
        mine = (one for chain in self._chains(SELECTION).values() for one in chain.values())
        return {one.outputs[SELECTION]: SelectionResponse.recorded(one.data) for one in mine}

    def _chains(self, kind: str) -> dict[str, dict[int, LedgerRecord]]:
        found: dict[str, dict[int, LedgerRecord]] = {}
        for record in self._steps:
            if record.kind == kind and self._is_mine(record.chain):
                found.setdefault(record.chain, {})[record.metrics["window"]] = record
        return found

    def _decisions(self) -> Mapping[str, Mapping[int, RecordedDecision]]:
        mine = [record for record in self._steps if self._is_mine(record.chain)]
        found = Decisions(
            made=self._chains(DECISION),
            contexts={one.outputs[CONTEXT]: one for one in mine if one.kind == CONTEXT},
            responses=self._answers,
        )
        return {
            cell: {window: found.of(record) for window, record in chain.items()}
            for cell, chain in self._chains(SNAPSHOT).items()
        }

    def _is_mine(self, chain: str) -> bool:
        """Return whether a chain of decisions or selections is read here."""
        return not in_shadow(chain)

    @property
    def _tables_folder(self) -> Path:
        return self.folder.results

    def _file(self, table: str) -> str:
        return (self._tables_folder / f"{table}.parquet").relative_to(self.folder.path).as_posix()

    def _stage(self, stage: Stage) -> LedgerRecord:
        if stage not in self.stages:
            raise Absent(f"the ledger has no outcome of stage {stage.value} ({stage.label})")
        return self.stages[stage]

    def _read(self, name: str) -> pl.DataFrame:
        """Return a table; of a finished run only the file that the ledger answers for, never a shard beside it."""
        where = self._file(name)
        try:
            if where in self.files:
                return pl.read_parquet(self.folder.path / where, glob=False)
            return ResultStore(self._tables_folder).read(name)
        except DataError as error:
            raise Absent(f"{where} is not in the run folder") from error
        except (OSError, pl.exceptions.PolarsError) as error:
            raise Absent(f"{where} cannot be read: it is damaged") from error


class RecordedShadow(RecordedRun):
    """The challengers of a run: its outcomes, selections, decisions and tables are theirs, keyed `shadow/...`."""

    def _is_mine(self, chain: str) -> bool:
        return in_shadow(chain)

    @property
    def _tables_folder(self) -> Path:
        return self.folder.shadow
