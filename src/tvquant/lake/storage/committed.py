"""What was committed to the tables of a lake in a folder, to hold against it what the disk has later.

1. A commit is done when its data files, its log entry and their folders are on the disk, and after them its record: a
   copy of the log entry, and the SHA-256 of every file that it added. Records are in `.committed/TABLE`, one per
   version, named as the log entry is.
2. A reader holds the log against the records, and every file that it is about to read against its digest: once in a
   process, as long as the file's size and time stay what they are.
3. A process killed between commit and record leaves a log that is ahead. Such entries count when they are whole, and
   the next commit records them; so it does for a lake that was made before there were records.

An object store keeps what it took: nothing of this is done below a URI.
"""

import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, Self

from tvquant.core import durable
from tvquant.core.digests import canonical_json
from tvquant.core.errors import DataError
from tvquant.lake.storage.location import Place, Root

FOLDER = ".committed"
LOG = "_delta_log"
HINT = "_last_checkpoint"
ENTRY = re.compile(r"(\d{20})\.json")
CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(\.[\w.-]+)?\.parquet")
CURE = "`tvquant doctor --fix` goes back to the last whole version"
MEMORY = 100_000
"""Files whose digest a process remembers."""
COUNTS = (("add", ("num_added_files", "num_target_files_added", "numFilesAdded")),
          ("remove", ("num_removed_files", "num_target_files_removed", "numFilesRemoved")))  # fmt: skip
"""Actions of a log entry, and what the entry calls their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One commit: the text of its log entry, and file -> SHA-256, of data files and of checkpoints of that version."""

    log: str
    files: Mapping[str, str]
    checkpoints: Mapping[str, str]

    def to_bytes(self) -> bytes:
        """Return the record's file: canonical JSON with its own digest."""
        content = {"log": self.log, "files": dict(self.files), "checkpoints": dict(self.checkpoints)}
        return canonical_json(content | {"digest": sha256(canonical_json(content)).hexdigest()})

    @classmethod
    def from_bytes(cls, content: bytes) -> Self | None:
        """Return the record that `to_bytes` wrote; None where it is not whole."""
        try:
            found = json.loads(content)
            record = cls(log=found["log"], files=found["files"], checkpoints=found["checkpoints"])
            return record if record.to_bytes() == content else None
        except (ValueError, TypeError, KeyError):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A file of a table's log, or a record, that is not what it was: of which version, and what is wrong."""

    version: int
    path: Path
    why: str


def record(root: Root, table: str) -> None:
    """Wait until the disk has all commits of a table that no record is of, the newest first, and record them.

    Raises
    ------
    OSError : the disk did not take it.
    """
    if isinstance(root, Place):
        return
    log, notes = root / table / LOG, root / FOLDER / table
    known, new = versions(notes), []
    for version in sorted(versions(log), reverse=True):
        if version in known:
            break
        new.append(version)
    if not new:
        return
    if not notes.is_dir():
        notes.mkdir(parents=True)
        for folder in (notes.parent, root, root.parent):
            durable.sync(folder)
    record_these(root, table, new[::-1])


def record_these(root: Path, table: str, these: Iterable[int]) -> None:
    """Record these versions, whatever records there are of them, when the disk has all that they are made of.

    Raises
    ------
    OSError : the disk did not take it.
    """
    log, notes = root / table / LOG, root / FOLDER / table
    found = {version: _synced(root / table, version) for version in these}
    for folder in (log, root / table):
        durable.sync(folder)
    for version, one in found.items():
        durable.replace(Path(entry(notes, version)), one.to_bytes())


def _synced(folder: Path, version: int) -> Record:
    """Return the record of a commit, its files on the disk; old ones may have been let go."""
    path = Path(entry(folder / LOG, version))
    text = path.read_text("utf-8")
    data = [folder / name for name in added(text)]
    checkpoints = list((folder / LOG).glob(f"{version:020}.checkpoint*.parquet"))
    digests: list[dict[str, str]] = []
    for files in (data, checkpoints):
        there = [file for file in files if file.exists()]
        for file in there:
            durable.sync(file)
        digests.append({file.name: digest(file) for file in there})
    if checkpoints and (folder / LOG / HINT).exists():
        durable.sync(folder / LOG / HINT)
    durable.sync(path)
    return Record(log=text, files=digests[0], checkpoints=digests[1])


def check_log(root: Root, table: str, at: int | None = None) -> None:
    """Refuse to read a version (None: the newest) from a log that is not what was committed.

    Raises
    ------
    DataError : a commit is lost, or its entry is torn or was changed.
    """
    fault = next(faults(root, table, at), None)
    if fault is not None:
        raise DataError(f"lake table {table} cannot be read: {fault.path} {fault.why}; {CURE}")


def faults(root: Root, table: str, at: int | None = None) -> Iterator[Fault]:
    """Yield what is wrong with the log that a version (None: the newest) is read from, from the last checkpoint on."""
    if isinstance(root, Place):
        return
    log, notes = root / table / LOG, root / FOLDER / table
    known, there = versions(notes), versions(log)
    top = max(known | there, default=-1) if at is None else at
    kept = {one for one in _checkpoints(log, notes, known) if one <= top}
    yield from _faults(log, notes, known, range(max(kept, default=0), top + 1))


def all_faults(root: Path, table: str) -> Iterator[Fault]:
    """Yield what is wrong with the log of a table, from the first version on."""
    log, notes = root / table / LOG, root / FOLDER / table
    known = versions(notes)
    yield from _faults(log, notes, known, range(max(known | versions(log), default=-1) + 1))


def _faults(log: Path, notes: Path, known: Collection[int], asked: Iterable[int]) -> Iterator[Fault]:
    for version in asked:
        told = recorded(entry(notes, version)) if version in known else None
        if version in known and told is None:
            path = Path(entry(notes, version))
            yield Fault(version=version, path=path, why="is no whole record of a commit")
        why = _entry_fault(entry(log, version), told)
        if why:
            yield Fault(version=version, path=Path(entry(log, version)), why=why)
        for name, expected in (told.checkpoints if told else {}).items():
            why = file_fault(log / name, expected)
            if why:
                yield Fault(version=version, path=log / name, why=why)


def _checkpoints(log: Path, notes: Path, known: Collection[int]) -> set[int]:
    """Return versions with a checkpoint, also where only the record has it."""
    found = {int(match[1]) for name in _names(log) if (match := CHECKPOINT.fullmatch(name))}
    # Checkpoints come at distances: only the newest records since the last one seen need to be asked.
    since = max(found, default=-1)
    return found | {one for one in known if one > since and (told := recorded(entry(notes, one))) and told.checkpoints}


def _entry_fault(path: str, told: Record | None) -> str | None:
    try:
        if told is None:
            return None if whole(Path(path).read_bytes()) else "is torn: it is no whole log entry"
        if digest(path) == _text_digest(told.log):
            return None
    except FileNotFoundError:
        return "is missing, but that commit was made"
    return f"is torn or changed: {os.path.getsize(path)} of {len(told.log.encode())} bytes"


def whole(content: bytes) -> bool:
    """Every line of a log entry is there, as far as the entry itself can tell."""
    try:
        actions = [json.loads(line) for line in content.splitlines()]
        info = next(one["commitInfo"] for one in actions if "commitInfo" in one)
    except (ValueError, TypeError, StopIteration):
        return False
    metrics = info.get("operationMetrics", {})
    for action, names in COUNTS:
        told = [int(metrics[name]) for name in names if name in metrics]
        if told and max(told) > sum(action in one for one in actions):
            return False
    return True


def check_files(root: Root, table: str, names: Collection[str]) -> None:
    """Refuse to read data files that are not what was committed; of some that no record tells of nothing is known.

    Raises
    ------
    DataError : one was changed, or is cut short. FileNotFoundError : one is missing.
    """
    if isinstance(root, Place):
        return
    for name, expected in digests(root, table, names).items():
        path = root / table / name
        why = file_fault(path, expected)
        if why == MISSING:
            raise FileNotFoundError(2, "No such file", str(path))
        if why:
            raise DataError(f"lake table {table} cannot be read: {path} {why}; {CURE}")


def check_sizes(root: Root, table: str, sizes: Mapping[str, int]) -> None:
    """Refuse data files that are missing or not as long as the log says.

    Raises
    ------
    DataError : one is.
    """
    if isinstance(root, Place):
        return
    for name, expected in sizes.items():
        path = root / table / name
        found = path.stat().st_size if path.exists() else None
        if found != expected:
            why = MISSING if found is None else f"has {found} of {expected} bytes"
            raise DataError(f"lake table {table} cannot be read: {path} {why}; {CURE}")


MISSING = "is missing"


def file_fault(path: Path, expected: str) -> str | None:
    """Return what is wrong with a file whose SHA-256 is known."""
    try:
        return None if digest(path) == expected else "is not what was committed: it is cut short or its bytes changed"
    except FileNotFoundError:
        return MISSING


def digests(root: Path, table: str, names: Collection[str]) -> dict[str, str]:
    """Return those of the files that records tell of, with their SHA-256."""
    notes, wanted = root / FOLDER / table, set(names)
    found: dict[str, str] = {}
    for version in sorted(versions(notes), reverse=True):
        if not wanted:
            break
        told = recorded(entry(notes, version))
        if told is not None:
            mine = wanted & told.files.keys()
            found |= {name: told.files[name] for name in mine}
            wanted -= mine
    return found


def entry(folder: Path, version: int) -> str:
    """Return path of the file of a version, in the log or among the records; as text, for there are many to look at."""
    return f"{folder}/{version:020}.json"


def versions(folder: Path) -> set[int]:
    """Return versions that a folder of log entries or of records has."""
    return {int(match[1]) for name in _names(folder) if (match := ENTRY.fullmatch(name))}


def recorded(path: str) -> Record | None:
    """Return the record in a file; None where it is not whole."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return _record(path, found.st_size, found.st_mtime_ns)


def digest(path: Path | str) -> str:
    """Return SHA-256 of a file's content; FileNotFoundError where it is missing."""
    found = os.stat(path)
    return _digest(str(path), found.st_size, found.st_mtime_ns)


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def added(text: str) -> list[str]:
    """Return names of the files that a log entry adds."""
    actions: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    return [one["add"]["path"] for one in actions if "add" in one]


@lru_cache(maxsize=MEMORY)
def _digest(path: str, size: int, changed: int) -> str:  # noqa: ARG001 - a file that was changed is another one
    with open(path, "rb") as file:
        return file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=MEMORY)
def _record(path: str, size: int, changed: int) -> Record | None:  # noqa: ARG001
    return Record.from_bytes(Path(path).read_bytes())


@lru_cache(maxsize=MEMORY)
def _text_digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
