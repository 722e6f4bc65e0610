"""Does a ledger hold? Told apart: whole, unfinished, cut short, changed, and whole beside files that were changed.

1. `tampered`: a line or the head does not hash, does not follow from the lines before it, or stands after the seal.
2. `truncated`: what is there hashes, but the head covers more.
3. `incomplete`: all of that holds, but no seal is covered by the head: the process was killed, or is still at work.
   Whole lines behind the head are held to the same rules; a last line without an end proves nothing, is not judged and
   counts as torn.
4. `altered`: the head covers the whole file and the last record is the seal, but a file that the ledger answers for
   (see `ledger.files`) is not what was written, or the ledger is of another run than the one that was asked for.
5. `ok`: all of that is right.

A kill of the process leads to `incomplete`, never to another status. A power cut may lose what the disk was never asked
to keep, so it may leave `truncated` or `tampered`; a sealed ledger is on the disk.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import Any

from tvquant.ledger.files import Altered, altered, held_by
from tvquant.ledger.lines import AUDIT, CURE, HEAD, BadLine, ChainProgress, Head, Tip, open_audit, walk


class Integrity(StrEnum):
    """What `verify` found."""

    OK = "ok"
    INCOMPLETE = "incomplete"
    TRUNCATED = "truncated"
    TAMPERED = "tampered"
    ALTERED = "altered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something at a line of `audit.jsonl` (0 is `audit.head`); chain and seq where the line names them."""

    line: int
    chain: str | None = None
    seq: int | None = None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a ledger is worth.

    Parameters
    ----------
    status : see the module.
    records, chains : how many whole records are right, and the tip of each chain.
    sealed : the last of them is the seal, and the head covers it.
    torn : bytes behind the last of them.
    first_bad : the first line that is not right; None for a ledger that only lacks its seal.
    unpaired : intents without outcome and outcomes without intent (R-LED-03). Pairs are matched within one chain and
        stage; a `resume` record closes every open intent, for the work was interrupted. In a sealed run each is a fault
        of the program that wrote it, not of the chain.
    run_id : the run that the ledger is of.
    held : files that the ledger answers for; none in a ledger of an earlier version.
    altered : those of them that are not what was written, whatever the status; first a ledger of another run.
    """

    status: Integrity
    records: int
    chains: Mapping[str, Tip]
    sealed: bool
    torn: int
    first_bad: Finding | None
    unpaired: tuple[Finding, ...]
    run_id: str | None
    held: Mapping[str, str]
    altered: tuple[Altered, ...]

    @property
    def finished(self) -> bool:
        """Sealed, and everything is right."""
        return self.sealed and self.status is Integrity.OK


class _Pairs:
    """Balance of intents and outcomes."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], list[Finding]] = {}
        self._orphans: list[Finding] = []

    def take(self, fields: Mapping[str, Any]) -> None:
        line, chain, seq = fields["n"], fields["chain"], fields["seq"]
        waiting = self._open.setdefault((chain, fields["stage"]), [])
        match fields["kind"]:
            case "intent":
                waiting.append(Finding(line=line, chain=chain, seq=seq, why="intent without outcome"))
            case "outcome" if waiting:
                waiting.pop()
            case "outcome":
                self._orphans.append(Finding(line=line, chain=chain, seq=seq, why="outcome without intent"))
            case "resume":
                self._open.clear()

    def unpaired(self) -> tuple[Finding, ...]:
        waiting = [finding for findings in self._open.values() for finding in findings]
        return tuple(sorted(waiting + self._orphans, key=lambda finding: finding.line))


type Taker = Callable[[Mapping[str, Any], bytes], None]
"""Takes fields and bytes of a record that was found right."""


def verify(folder: Path, *, run_id: str | None = None, taker: Taker | None = None) -> Verification:
    """Verify the ledger in `folder`, and every file that it answers for; `run_id` is the run that it must be of.

    `taker` is given every record that the head covers, as it is found right: who reads need not read again.

    Raises
    ------
    DataError : a file of the ledger is missing or cannot be read.
    """
    found = survey(folder, taker)[0]
    changed = altered(folder, found.held)
    if found.records and run_id not in (None, found.run_id):
        changed = (Altered(file=AUDIT, why=f"is the ledger of run {found.run_id}, not of {run_id}"), *changed)
    status = Integrity.ALTERED if changed and found.status is Integrity.OK else found.status
    return replace(found, status=status, altered=changed)


def survey(folder: Path, taker: Taker | None = None) -> tuple[Verification, ChainProgress]:
    """Return the verification of the chains, and how far the ledger had come with the last whole record."""
    progress, pairs = ChainProgress(), _Pairs()
    held: dict[str, str] = {}
    size, status, bad = 0, Integrity.TAMPERED, None
    with open_audit(folder) as file:
        try:
            head = Head.read(folder)  # before the size: the file of a run at work only grows
            size = (folder / AUDIT).stat().st_size
            for fields, line in walk(file, progress, head.size):
                pairs.take(fields)
                if taker is not None:
                    taker(fields, line)
                held |= held_by(fields["chain"], fields["outputs"])
            status, bad = _judge(head, progress, size)
            if status is Integrity.INCOMPLETE:
                ahead = progress.copy()
                for fields, _ in walk(file, ahead, inf):
                    if not ahead.sealed:
                        pairs.take(fields)
                        held |= held_by(fields["chain"], fields["outputs"])
                        progress = ahead.copy()
                if size > progress.size:
                    why = f"{size - progress.size} bytes are no whole record, or a seal that the head does not cover"
                    bad = Finding(line=progress.records + 1, why=why)
        except BadLine as error:
            status = Integrity.TAMPERED
            bad = Finding(line=error.line, chain=error.chain, seq=error.seq, why=error.why)
    verification = Verification(
        status=status,
        records=progress.records,
        chains=dict(progress.tips),
        sealed=progress.sealed,
        torn=max(0, size - progress.size),
        first_bad=bad,
        unpaired=pairs.unpaired(),
        run_id=progress.run_id,
        held=held,
        altered=(),
    )
    return verification, progress


def _judge(head: Head, progress: ChainProgress, size: int) -> tuple[Integrity, Finding | None]:
    """Hold the right lines against the head that covers them."""
    following = progress.records + 1
    if size < head.size:
        found = f"{AUDIT} ends after {size} bytes and {progress.records} whole records"
        why = f"{found}, the head covers {head.size} bytes and {head.records} records; {CURE}"
        return Integrity.TRUNCATED, Finding(line=following, why=why)
    if progress.size < head.size:
        return Integrity.TAMPERED, Finding(line=following, why=f"the line of {AUDIT} has no end; {CURE}")
    if progress.head() != head:
        return Integrity.TAMPERED, Finding(line=0, why=f"{HEAD} does not describe the lines it covers")
    if not progress.sealed:
        return Integrity.INCOMPLETE, None
    if size > head.size:
        return Integrity.TAMPERED, Finding(line=following, why=f"{size - head.size} bytes stand after the seal")
    return Integrity.OK, None
