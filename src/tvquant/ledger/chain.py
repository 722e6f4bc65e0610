"""The only writer of a ledger.

A record is in the file before its digest is returned. The head follows at the first record and on closing, and between
them whenever there are 16 records more, or as many more as it names chains where these are more: it is written aside,
renamed, and names every chain, so that at a fixed distance it would cost the more per record the wider the run. So a
kill leaves a head that is some records late, and the whole lines behind it still count. The disk is waited for at the
seal and on closing only.
One process writes; the caller holds the workspace lock.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tvquant.core import durable
from tvquant.core.clock import Clock
from tvquant.core.digests import canonical_json, own_json
from tvquant.core.errors import DataError, LedgerError
from tvquant.core.records import RUN, Entry
from tvquant.core.stages import Stage
from tvquant.core.written import Written, may_have_tags
from tvquant.ledger.encoding import encode, is_scalar
from tvquant.ledger.genesis import check_genesis
from tvquant.ledger.lines import AUDIT, HEAD, ChainProgress, line_of, seal_content
from tvquant.ledger.verify import Integrity, survey

SCALARS = frozenset({str, int, float, bool, type(None)})
HEAD_EVERY = 16
"""Least number of records from one head to the next."""


class Ledger:
    """An open ledger; implements `core.records.Recorder`. Made by `create` or `resume`, closed by `close` or `with`."""

    def __init__(self, folder: Path, run_id: str, clock: Clock, file: FileIO, progress: ChainProgress) -> None:
        self._folder = folder
        self._run_id = run_id
        self._clock = clock
        self._file = file
        self._progress = progress
        self._failure: str | None = None
        self._head_due = 1

    @classmethod
    def create(cls, folder: Path, *, run_id: str, clock: Clock) -> Self:
        """Return a new, empty ledger in an existing folder; its first record must be the genesis entry.

        Raises
        ------
        DataError : the folder holds a ledger already, or cannot be written.
        """
        try:
            file = FileIO(folder / AUDIT, "xb")
        except FileExistsError as error:
            raise DataError(f"{folder / AUDIT} exists; a run's folder is never used again, resume the run") from error
        except OSError as error:
            raise DataError(f"{folder / AUDIT}: {error.strerror}; a ledger needs a writable folder") from error
        ledger = cls(folder, run_id, clock, file, ChainProgress())
        ledger._write_head()
        return ledger

    @classmethod
    def resume(cls, folder: Path, *, run_id: str, clock: Clock) -> Self:
        """Continue a ledger that was interrupted.

        A last line without an end, or a seal that the head does not cover, is cut off; a `resume` record says how many
        bytes that were, and how many intents and outcomes had lost their partner.

        Raises
        ------
        DataError : a file is missing or cannot be written.
        LedgerError : truncated, tampered, sealed, without a genesis record, or of another run.
        """
        found, progress = survey(folder)
        path = folder / AUDIT
        if found.status in (Integrity.TRUNCATED, Integrity.TAMPERED):
            assert found.first_bad is not None
            where = f"line {found.first_bad.line}: {found.first_bad.why}"
            raise LedgerError(f"{path} is {found.status}: {where}; it cannot be continued as it stands")
        if found.sealed:
            raise LedgerError(f"{path} is sealed: the run is finished and takes no more records")
        if progress.run_id != run_id:
            raise LedgerError(f"{path} is of run {progress.run_id!r}, expected {run_id!r}; start a new run")
        try:
            os.truncate(path, progress.size)
            file = FileIO(path, "ab")
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}; a ledger needs a writable folder") from error
        ledger = cls(folder, run_id, clock, file, progress)
        lost = {"bytes_cut": found.torn, "unpaired": len(found.unpaired)}
        ledger._append(Entry(chain=RUN, stage=Stage.ENVIRONMENT, kind="resume", metrics=lost))
        ledger._write_head()
        return ledger

    def record(self, entry: Entry) -> str:
        """Append the entry and return its digest.

        It outlives the process from then on, and a power cut from the next seal or close on.

        Raises
        ------
        TypeError : a value that a record cannot carry; a metric that is no scalar.
        ValueError : the first entry is not a whole genesis entry, or the kind is the ledger's own.
        LedgerError : the ledger is sealed or closed.
        DataError : the disk did not take it, or an earlier one; the ledger is closed and can be resumed.
        """
        if entry.kind in ("resume", "seal"):
            raise ValueError(f"a `{entry.kind}` record is written by the ledger itself")
        if entry.kind == "genesis" and self._progress.records:
            raise ValueError("a ledger has one genesis record")
        if not self._progress.records:
            check_genesis(entry, self._run_id)
        digest = self._append(entry)
        if self._progress.records >= self._head_due:
            self._write_head()
        return digest

    def seal(self, leaves: Mapping[str, str]) -> str:
        """Write the run's last record, wait for the disk, close, and return the seal's digest: what to anchor outside.

        Parameters
        ----------
        leaves : cell key -> digest of its decisions, weights and returns; their Merkle root is the result digest.
        """
        if not self._progress.records:
            raise ValueError("a ledger without a genesis record cannot be sealed")
        outputs, data = seal_content(leaves, self._progress.tips)
        digest = self._append(Entry(chain=RUN, stage=Stage.REPORTING, kind="seal", outputs=outputs, data=data))
        self.close()
        return digest

    def close(self) -> None:
        """Wait for the disk and close; closing twice is nothing."""
        if self._file.closed:
            return
        with self._whole_or_closed():
            os.fsync(self._file.fileno())
            self._write_head()
            for path in (self._folder / HEAD, self._folder):
                durable.sync(path)
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, entry: Entry) -> str:
        if self._failure:  # the disk stands in the way, not that the ledger is closed since
            raise DataError(self._failure)
        if self._progress.sealed or self._file.closed:
            state = "sealed" if self._progress.sealed else "closed"
            raise LedgerError(f"{self._folder / AUDIT} is {state} and takes no more records")
        fields = {**_content(entry), **self._progress.place(entry.chain), "run_id": self._run_id, "at": self._now()}
        line, digest = _hashed(fields)
        try:
            written = self._file.write(line)
            while written < len(line):
                written += self._file.write(memoryview(line)[written:])
            self._progress.advance(fields, digest, len(line))
        except BaseException as error:
            self._stop(error)
            raise
        return digest

    def _now(self) -> str:
        now = self._clock.now()
        if now.tzinfo is None:
            raise ValueError(f"the clock must give aware times, found {now!r}")
        return now.astimezone(UTC).isoformat(timespec="microseconds")

    @contextmanager
    def _whole_or_closed(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self._stop(error)
            raise

    def _stop(self, error: BaseException) -> None:
        """Close after what stopped a write half-way (full disk, interrupt): nothing follows a torn line."""
        self._file.close()
        if isinstance(error, OSError):
            self._failure = (
                f"{self._folder}: {error.strerror}; make room and continue with --resume (a meta-portfolio: "
                "play it again)"
            )
            raise DataError(self._failure) from error

    def _write_head(self) -> None:
        aside = self._folder / f"{HEAD}.new"
        with self._whole_or_closed():
            try:
                aside.write_bytes(self._progress.head().line())
                os.replace(aside, self._folder / HEAD)
            except OSError:
                aside.unlink(missing_ok=True)
                raise
        records, chains = self._progress.records, len(self._progress.tips)
        self._head_due = records + max(HEAD_EVERY, chains) if records else 1


def _hashed(fields: Mapping[str, Any]) -> tuple[bytes, str]:
    """Return the line of a record and its digest; data that is written is taken as it is.

    Raises
    ------
    TypeError, ValueError : as `encode`.
    """
    before = {name: value for name, value in fields.items() if name < "digest"}
    after = _text({name: value for name, value in fields.items() if name > "digest"})[1:]
    data = fields["data"]
    if type(data) is not Written:
        return line_of(_text(before)[:-1], after)
    del before["data"]
    return line_of(b'%s,"data":%s' % (_text(before)[:-1], data.text), after)


def _text(fields: Mapping[str, Any]) -> bytes:
    """Return the text of some fields of a record; most are their own encoding and are written as they are."""
    with suppress(ValueError):  # of what JSON has no word for: the encoding has one, or says where it is
        text = own_json(fields)
        if text is not None and not may_have_tags(text):
            return text
    return canonical_json({name: encode(value, name) for name, value in fields.items()})


def _content(entry: Entry) -> dict[str, Any]:
    """Return the part of a record that comes from the entry, not encoded."""
    if not 1 <= entry.stage <= 16 or entry.pillar not in (None, 0, 1, 2, 3, 4) or not entry.chain:
        where = f"chain {entry.chain!r}, stage {entry.stage!r}, pillar {entry.pillar!r}"
        raise ValueError(f"a record needs a chain, a stage of 1..16 and a pillar of 0..4 or none, found {where}")
    for side, named in (("inputs", entry.inputs), ("outputs", entry.outputs)):
        for name, digest in named.items():
            if not isinstance(digest, str):
                raise TypeError(f"{side}.{name}: expected a digest, found a {type(digest).__name__}")
    for name, value in entry.metrics.items():
        if type(value) not in SCALARS and not is_scalar(encode(value, f"metrics.{name}")):
            raise TypeError(f"metrics.{name}: a metric is one scalar; what is nested belongs in `data`")
    return {
        "chain": entry.chain,
        "stage": int(entry.stage),
        "pillar": entry.pillar,
        "kind": entry.kind,
        "inputs": entry.inputs,
        "outputs": entry.outputs,
        "metrics": entry.metrics,
        "data": entry.data,
    }
