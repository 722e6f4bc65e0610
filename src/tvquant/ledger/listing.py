"""What is known of many runs without hashing one of them again.

1. What a verification found of a run is kept beside the index of all runs, under a stamp made of the names, sizes and
   times (of content and of any change) of all its files. While the stamp is the same no file of the run was written to,
   and what was found still holds.
2. Where it is not the same, `glance` says what head, size and last record show. That proves nothing of a finished run,
   which is `unverified` then; a file that is shorter than its head, or is no ledger of this run, shows even so.

The kept findings are no evidence: who can write here can write them too. What is drawn from is always verified.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tvquant.core.digests import digest_json
from tvquant.core.errors import TvquantError
from tvquant.core.version import VERSION
from tvquant.ledger.lines import AUDIT, Head, last_record
from tvquant.ledger.verify import Integrity

KEPT = ".index.json"
"""Run -> what was found of it, beside the folder of all runs."""
FORM = 3
"""Of what is kept; what was kept in another form is found anew."""
UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a verification found of a run.

    Parameters
    ----------
    stamp : of its files then.
    state : what its ledger is worth, or why it cannot be read.
    result : result digest; empty where it is not finished.
    plan : digest of what it computed; empty where it pinned nothing.
    row : its line in the index.
    """

    stamp: str
    state: str
    result: str
    plan: str
    row: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What a run looks like: its state as far as that can be seen, and the result that its seal names."""

    state: str
    result: str = ""


def stamp_of(folder: Path) -> str:
    """Return one digest of the names, sizes and times of all files of a run."""
    return digest_json([FORM, VERSION, sorted(_files(folder, ""))])


def kept(runs: Path) -> Mapping[str, Found]:
    """Return what was found of the runs in a folder; nothing where that cannot be read, for it can be found again."""
    try:
        read = json.loads((runs.parent / KEPT).read_text("utf-8"))
        return {str(name): Found(**{**one, "row": tuple(one["row"])}) for name, one in read.items()}
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return {}


def text_of(found: Mapping[str, Found]) -> str:
    """Return the content of the file that `kept` reads."""
    return json.dumps({name: asdict(one) for name, one in found.items()}, ensure_ascii=False)


def unchanged(folder: Path, known: Found | None) -> Found | None:
    """Return what was found of a run where no file of it was written to since; else None."""
    try:
        return known if known is not None and known.stamp == stamp_of(folder) else None
    except FileNotFoundError:  # the run is at work: what it replaced a moment ago is no longer there
        return None


def look(folder: Path, known: Found | None) -> Glance:
    """Return what was found of a run where no file of it was written to since; else what it looks like."""
    if (found := unchanged(folder, known)) is not None:
        return Glance(state=found.state, result=found.result)
    try:
        return glance(folder)
    except TvquantError as error:
        return Glance(state=f"unreadable: {error}")


def glance(folder: Path) -> Glance:
    """Return the state that head, size and last record of a ledger show; no other line is read.

    Raises
    ------
    DataError : a file of the ledger is missing or cannot be read.
    LedgerError : the head does not hash.
    """
    head, last = Head.read(folder), last_record(folder)
    size = (folder / AUDIT).stat().st_size
    if size < head.size:
        return Glance(state=Integrity.TRUNCATED.value)
    if last.get("run_id", folder.name) != folder.name:
        return Glance(state=f"unreadable: it holds the ledger of run {last['run_id']}")
    match last:
        case {"kind": "seal", "outputs": {"result": str(result)}} if size == head.size:
            return Glance(state=UNVERIFIED, result=result)
    return Glance(state=Integrity.INCOMPLETE.value)


def _files(folder: Path, below: str) -> Iterator[list[str | int]]:
    """Name, size and times of everything in a folder and below it."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name, about = f"{below}{entry.name}", entry.stat(follow_symlinks=False)
            yield [name, about.st_size, about.st_mtime_ns, about.st_ctime_ns]
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path), f"{name}/")
