"""Reading a ledger back: every line is verified before it is believed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from pathlib import Path
from typing import Any

from tvquant.core.errors import LedgerError
from tvquant.core.written import may_have_tags
from tvquant.ledger.encoding import decode
from tvquant.ledger.lines import AUDIT, BadLine, ChainProgress, Head, open_audit, walk


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LedgerRecord:
    """One record: the entry (see `core.records.Entry`) and its place.

    Parameters
    ----------
    n : line number in the file, from 1.
    seq : number in its chain, from 1.
    at : when it was recorded, UTC.
    previous : digest of the record before it in the chain (see `ledger.lines`).
    digest : SHA-256 of the record's canonical line without this field.
    """

    n: int
    chain: str
    seq: int
    at: datetime
    run_id: str
    stage: int
    pillar: int | None
    kind: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    metrics: Mapping[str, Any]
    data: Mapping[str, Any]
    previous: str
    digest: str


def records(
    folder: Path,
    *,
    chain: str | None = None,
    kind: str | tuple[str, ...] | None = None,
    but: tuple[str, ...] = (),
) -> Iterator[LedgerRecord]:
    """Yield all whole records in the order they were written, of one chain and of some kinds, or all but some.

    A ledger that was killed, or is still being written, gives what it has.

    Raises
    ------
    DataError : a file of the ledger is missing or cannot be read.
    LedgerError : a line does not verify, or the file ends before the head does.
    """
    progress, kinds = ChainProgress(), (kind,) if isinstance(kind, str) else kind
    with open_audit(folder) as file:
        head = Head.read(folder)
        for limit in (head.size, inf):
            for fields, line in walk(file, progress, limit):
                here = fields["kind"]
                if chain in (None, fields["chain"]) and (kinds is None or here in kinds) and here not in but:
                    yield record_of(fields, line)
            if limit == head.size and progress.head() != head:
                raise LedgerError(f"{folder / AUDIT} and its head do not agree; run `tvquant ledger verify`")


def record_of(fields: Mapping[str, Any], line: bytes) -> LedgerRecord:
    """Return the record of a line that was found right.

    Raises
    ------
    BadLine : its values are not what the encoding writes, though it hashes.
    """
    named = ("inputs", "outputs", "metrics", "data")
    try:
        plain = {name: decode(fields[name]) for name in named} if may_have_tags(line) else {}
        at = datetime.fromisoformat(fields["at"])
    except ValueError as error:
        why = f"hashes, but was not written by a run: {error}"
        raise BadLine(line=fields["n"], chain=fields["chain"], seq=fields["seq"], why=why) from error
    return LedgerRecord(**{**fields, **plain, "at": at})
