"""Anchors: what a finished run's ledger was on a day, to be kept where the owner of the run cannot write.

1. An anchor file is text that only grows: each anchor is one line of canonical JSON and a newline. `digest` is the
   SHA-256 of the line without the key `digest`; `previous` is the digest of the line before it, 64 zeros in the first.
   So a copy of the last digest proves every line above it.
2. A line has `at`, `run`, `records`, `result` (the Merkle root of the cells), and three maps: `chains` (length and head
   of each), `cells` (key -> digest of its result), `files` (file -> SHA-256). The head of the chain `run` is the seal,
   which covers all of it; the maps are there to say what was changed.
3. A ledger that was written anew, every hash of it recomputed, has another seal. Equal seals are equal ledgers.

What is proven is that the run is the one of that line, not that the line is of that day: its time is what the machine
said. The day is proven by whoever keeps the copy.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from tvquant.core import durable
from tvquant.core.errors import LedgerError, unwritten
from tvquant.core.records import RUN
from tvquant.ledger.files import Altered
from tvquant.ledger.lines import ORIGIN, Tip, hashed_line, load_object, tips_json
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.ledger.verify import Integrity

FORM = 1
"""Of a line; what other versions write has another number."""
SHORT = 12
"""Digits of a digest that words show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """One line of an anchor file; see the module."""

    at: str
    run: str
    records: int
    result: str
    chains: Mapping[str, Tip]
    cells: Mapping[str, str]
    files: Mapping[str, str]
    previous: str

    @classmethod
    def of(cls, run: RecordedRun, *, at: datetime, previous: str) -> Self:
        """Return the anchor of a finished run.

        Raises
        ------
        LedgerError : it is not finished, or does not verify.
        """
        found = run.verification
        if not found.finished or run.seal is None:
            name = run.folder.id
            raise LedgerError(
                f"only a finished run that verifies can be anchored, and {name} is {found.status.value}; "
                f"see `tvquant ledger verify {name}`"
            )
        return cls(
            at=at.astimezone(UTC).isoformat(timespec="seconds"),
            run=run.folder.id,
            records=found.records,
            result=run.seal.outputs["result"],
            chains=found.chains,
            cells=run.seal.data["cells"],
            files=found.held,
            previous=previous,
        )

    @property
    def seal(self) -> str:
        """Digest of the run's last record, which covers all others."""
        return self.chains[RUN].digest

    def line(self) -> tuple[bytes, str]:
        """Return the line of the file, and its digest."""
        chains, content = tips_json(self.chains), {name: getattr(self, name) for name in self.__slots__}
        return hashed_line({**content, "form": FORM, "chains": chains})


def append(path: Path, run: RecordedRun, *, at: datetime) -> tuple[Anchor, str]:
    """Add the anchor of a finished run to a file, made where it is not there; return it and the digest of its line.

    Raises
    ------
    LedgerError : the run is not finished, or does not verify; a line of the file is not what was written.
    DataError : the disk refuses.
    """
    lines = list(_lines(path)) if path.exists() else []
    anchor = Anchor.of(run, at=at, previous=lines[-1][1] if lines else ORIGIN)
    line, digest = anchor.line()
    try:
        with path.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        durable.sync(path.parent)
    except OSError as error:
        raise unwritten(f"{path}: {error.strerror}; the run is not anchored", error) from error
    return anchor, digest


def anchors(path: Path, run: str) -> tuple[Anchor, ...]:
    """Return the anchors of a run in a file, the oldest first.

    Raises
    ------
    LedgerError : there is none; a line of the file is not what was written.
    DataError : it cannot be read.
    """
    found = tuple(anchor for anchor, _ in _lines(path) if anchor.run == run)
    if not found:
        raise LedgerError(f"{path} has no anchor of run {run}, so it proves nothing of it")
    return found


def changes(anchor: Anchor, run: RecordedRun) -> tuple[str, ...]:
    """Return what is not as it was anchored, in words: result, cells, files, chains; none where nothing is.

    A file counts as it is now on the disk, not as the ledger has it.
    """
    found = run.verification
    seal = run.seal if found.sealed and found.status in (Integrity.OK, Integrity.ALTERED) else None
    now: Mapping[str, Mapping[str, Any]] = {
        "result": {"of all cells": seal.outputs["result"]} if seal else {},
        "result of cell": seal.data["cells"] if seal else {},
        "file": {**found.held, **{one.file: one for one in found.altered}},
        "chain": found.chains,
    }
    was: Mapping[str, Mapping[str, Any]] = {
        "result": {"of all cells": anchor.result},
        "result of cell": anchor.cells,
        "file": anchor.files,
        "chain": anchor.chains,
    }
    return tuple(
        f"{what} {name}: anchored {_words(before)}, now {_words(after)}"
        for what in was
        for name in sorted({*was[what], *now[what]})
        if (before := was[what].get(name)) != (after := now[what].get(name))
    )


def _words(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case Tip():
            return f"{value.length} records to {value.digest[:SHORT]}"
        case Altered():
            return f"it {value.why}"
        case _:
            return str(value)[:SHORT]


def _lines(path: Path) -> Iterator[tuple[Anchor, str]]:
    """Yield the anchors of a file with the digests of their lines, each held against the line before it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise unwritten(f"{path}: {error.strerror}; name a file that `tvquant ledger anchor` wrote", error) from error
    previous = ORIGIN
    for number, line in enumerate(content.splitlines(keepends=True), 1):
        anchor = _anchor(line)
        if anchor is None or anchor.line()[0] != line:
            raise LedgerError(f"{path} line {number}: is no anchor as it was written; take a copy that is whole")
        if anchor.previous != previous:
            raise LedgerError(
                f"{path} line {number}: follows {anchor.previous[:SHORT]}, not the line before it "
                f"({previous[:SHORT]}): a line was taken out, put in or moved; take a copy that is whole"
            )
        previous = anchor.line()[1]
        yield anchor, previous


def _anchor(line: bytes) -> Anchor | None:
    match load_object(line):
        case {
            "form": 1,
            "at": str(at),
            "run": str(run),
            "records": int(records),
            "result": str(result),
            "chains": dict(chains),
            "cells": dict(cells),
            "files": dict(files),
            "previous": str(previous),
        } if RUN in chains and all(isinstance(one, str) for one in (*cells.values(), *files.values())):
            tips = {chain: Tip.of(tip) for chain, tip in chains.items()}
            return Anchor(
                at=at, run=run, records=records, result=result, chains=tips, cells=cells, files=files,
                previous=previous,
            )  # fmt: skip
        case _:
            return None
