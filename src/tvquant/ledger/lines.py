"""The two files of a ledger, byte by byte.

1. A line of `audit.jsonl` is one record as canonical JSON and a newline; `digest` is the SHA-256 of that JSON without
   the key `digest`, so `sha256sum` checks it too.
2. `n` is the line number, `seq` the number in the record's chain, both from 1; `previous` is the digest of the
   record before it in its chain. The genesis record has 64 zeros there, the first record of a cell the genesis digest.
3. The last record is the seal: it names every chain's length and head, the digest of every cell's result and their
   Merkle root.
4. `audit.head` has the same form: records, bytes and every chain's length and head, as of a record not long ago. The
   file may be longer than its head says, never shorter. A seal counts only when the head covers it.

A line is right when its bytes hash to its digest, and its place is the one that the lines before it leave.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from os import SEEK_END
from pathlib import Path
from typing import Any, BinaryIO, Self

from tvquant.core.digests import canonical_json, merkle_root
from tvquant.core.errors import DataError, LedgerError
from tvquant.core.records import RUN
from tvquant.ledger.encoding import decode, encode

AUDIT = "audit.jsonl"
HEAD = "audit.head"
ORIGIN = "0" * 64
BLOCK = 1 << 16
"""Bytes that are read at once from a file's end."""
CURE = "`tvquant doctor --fix` goes back to the whole lines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """Length of a chain and digest of its last record."""

    length: int
    digest: str

    @classmethod
    def of(cls, content: Any) -> Self:
        """Return a tip from its form in the head; one of no record when it is anything else."""
        match content:
            case {"length": int(length), "digest": str(digest)}:
                return cls(length=length, digest=digest)
            case _:
                return cls(length=0, digest="")


class BadLine(LedgerError):
    """A line that is not the record which belongs there (0 is the head); chain and seq are what it claims itself."""

    def __init__(self, *, line: int, chain: str | None = None, seq: int | None = None, why: str) -> None:
        where = f"{AUDIT} line {line}: " if line else ""
        super().__init__(f"{where}{why}; run `tvquant ledger verify`")
        self.line, self.chain, self.seq, self.why = line, chain, seq, why


def hashed_line(fields: Mapping[str, Any]) -> tuple[bytes, str]:
    """Return canonical line of `fields` with their digest put in its sorted place, and the digest."""
    before = canonical_json({key: value for key, value in fields.items() if key < "digest"})
    return line_of(before[:-1], canonical_json({key: value for key, value in fields.items() if key > "digest"})[1:])


def line_of(before: bytes, after: bytes) -> tuple[bytes, str]:
    """Return the same line of the texts before and after the digest, and the digest."""
    digest = hashlib.sha256(b"%s,%s" % (before, after)).hexdigest()
    return b'%s,"digest":"%s",%s\n' % (before, digest.encode(), after), digest


def load_object(line: bytes) -> dict[str, Any]:
    """Return fields of a JSON object; none when it is anything else, or has text that UTF-8 cannot hold."""
    try:
        loaded = json.loads(line.decode())
        if b"\\u" in line:
            json.dumps(loaded, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _is_record(fields: Mapping[str, Any]) -> bool:
    match fields:
        case {
            "n": int(),
            "chain": str(),
            "seq": int(),
            "at": str(),
            "run_id": str(),
            "stage": int(),
            "pillar": int() | None,
            "kind": str(),
            "inputs": dict(),
            "outputs": dict(),
            "metrics": dict(),
            "data": dict(),
            "previous": str(),
            "digest": str(),
        }:
            return len(fields) == 14
        case _:
            return False


def _hashes(fields: Mapping[str, Any], line: bytes) -> bool:
    """Return whether the bytes of the line without its digest hash to it, as they are in the file."""
    mine = b'"digest":"%s",' % str(fields.get("digest")).encode()
    return line.count(mine) == 1 and hashlib.sha256(line[:-1].replace(mine, b"")).hexdigest() == fields["digest"]


def tips_json(tips: Mapping[str, Tip]) -> dict[str, Any]:
    """Return the chains as they are in the head and in the seal."""
    return {chain: {"length": tip.length, "digest": tip.digest} for chain, tip in tips.items()}


def seal_content(leaves: Mapping[str, str], tips: Mapping[str, Tip]) -> tuple[dict[str, str], dict[str, Any]]:
    """Return outputs and data of the seal over these results and chains."""
    return {"result": merkle_root(leaves)}, {"cells": dict(leaves), "chains": tips_json(tips)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Content of `audit.head`: how many records and bytes stand, and the tip of every chain."""

    records: int
    size: int
    tips: Mapping[str, Tip]

    def line(self) -> bytes:
        """Return the file's content."""
        return hashed_line({"records": self.records, "bytes": self.size, "chains": tips_json(self.tips)})[0]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return the head in `folder`.

        Raises
        ------
        DataError : there is none, or it cannot be read.
        BadLine : it does not hash (line 0).
        """
        try:
            content = (folder / HEAD).read_bytes()
        except OSError as error:
            raise DataError(f"{folder / HEAD}: {error.strerror}; this folder holds no whole ledger; {CURE}") from error
        match load_object(content):
            case {"records": int(records), "bytes": int(size), "chains": dict(chains)}:
                tips = {chain: Tip.of(tip) for chain, tip in chains.items()}
                head = cls(records=records, size=size, tips=tips)
                if head.line() == content:
                    return head
        raise BadLine(line=0, why=f"{HEAD} does not hash to its digest; {CURE}")


@dataclass(slots=True, kw_only=True)
class ChainProgress:
    """How far a ledger has come: what the next record must say. The writer and every reader keep one."""

    run_id: str | None = None
    records: int = 0
    size: int = 0
    tips: dict[str, Tip] = field(default_factory=dict)
    genesis: str = ORIGIN
    sealed: bool = False

    def copy(self) -> Self:
        """Return the same progress, to go on with apart."""
        return replace(self, tips=dict(self.tips))

    def head(self) -> Head:
        """Return the head that covers everything so far."""
        return Head(records=self.records, size=self.size, tips=dict(self.tips))

    def place(self, chain: str) -> dict[str, Any]:
        """Return the fields which bind the next record of `chain` to what is before it."""
        tip = self.tips.get(chain, Tip(length=0, digest=self.genesis))
        return {"n": self.records + 1, "seq": tip.length + 1, "previous": tip.digest}

    def advance(self, fields: Mapping[str, Any], digest: str, size: int) -> None:
        """Take in a record that was written or found right."""
        if not self.records:
            self.run_id, self.genesis = fields["run_id"], digest
        self.records += 1
        self.size += size
        self.tips[fields["chain"]] = Tip(length=fields["seq"], digest=digest)
        self.sealed = fields["kind"] == "seal"

    def step(self, line: bytes) -> dict[str, Any]:
        """Take in the next line of the file and return its fields, undecoded.

        Raises
        ------
        BadLine : the line is not the record that belongs here.
        """
        fields = load_object(line)
        why = self._fault(fields, line)
        if why:
            raise BadLine(line=self.records + 1, chain=fields.get("chain"), seq=fields.get("seq"), why=why)
        self.advance(fields, fields["digest"], len(line))
        return fields

    def _fault(self, fields: Mapping[str, Any], line: bytes) -> str | None:
        """Return what is wrong with the next line, if anything."""
        if not _is_record(fields):
            return "is not a ledger record"
        if not _hashes(fields, line):
            return "does not hash to its digest"
        if self.sealed:
            return "stands after the seal"
        for name, expected in self.place(fields["chain"]).items():
            if fields[name] != expected:
                return f"{name} is {fields[name]!r}, expected {expected!r}"
        genesis = fields["kind"] == "genesis" and fields["chain"] == RUN
        if genesis != (self.records == 0):
            return "the first record, and only the first, is the genesis record of the run"
        if self.records and fields["run_id"] != self.run_id:
            return f"run_id is {fields['run_id']!r}, expected {self.run_id!r}"
        if fields["kind"] == "seal" and not self._seals(fields):
            return "the seal does not agree with the chains or with its own leaves"
        return None

    def _seals(self, fields: Mapping[str, Any]) -> bool:
        try:
            content = decode(fields["data"])
        except ValueError:
            return False
        match content:
            case {"cells": dict(leaves)} if all(isinstance(digest, str) for digest in leaves.values()):
                outputs, data = seal_content(leaves, self.tips)
                return bool(fields["chain"] == RUN and fields["outputs"] == outputs and fields["data"] == encode(data))
            case _:
                return False


def walk(file: BinaryIO, progress: ChainProgress, limit: float) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yield fields and bytes of the lines from the end of `progress`, until it covers `limit` bytes or they end."""
    while progress.size < limit:
        line = file.readline()
        if not line.endswith(b"\n"):
            return
        yield progress.step(line), line


def last_record(folder: Path) -> dict[str, Any]:
    """Return the fields of the last whole line of `audit.jsonl`, none where it is no JSON object. No hash is looked at.

    Raises
    ------
    DataError : the file is missing or cannot be read.
    """
    with open_audit(folder) as file:
        end, tail = file.seek(0, SEEK_END), b""
        while end and tail.count(b"\n") < 2:
            start = max(end - BLOCK, 0)
            file.seek(start)
            tail, end = file.read(end - start) + tail, start
    return load_object((b"\n" + tail).rpartition(b"\n")[0].rpartition(b"\n")[2])


def open_audit(folder: Path) -> BinaryIO:
    """Return `audit.jsonl` of `folder` for reading; DataError when that cannot be."""
    try:
        return (folder / AUDIT).open("rb")
    except OSError as error:
        anew = "" if (folder / HEAD).exists() else ": a run that was stopped before its first record is started anew"
        raise DataError(f"{folder / AUDIT}: {error.strerror}; this folder holds no whole ledger{anew}") from error
