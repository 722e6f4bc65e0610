"""Files of a run that its ledger answers for.

An output named `file:PATH` of a record of the chain `run` is the SHA-256 of the file PATH of the run folder, so
`sha256sum` checks it too; where several records name a file the last one counts. The file is on the disk before the
record is written. So a figure that was changed in a table, a file that was emptied or is gone, and a page that was put
in the place of another are found by anyone who reads the ledger.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from tvquant.core.errors import DataError
from tvquant.core.records import RUN

FILE = "file:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Altered:
    """A file of the run folder that is not what the ledger says, by its path in the folder, and why."""

    file: str
    why: str


def outputs_of(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the record's entry for these files of the run folder, which are on the disk already.

    Raises
    ------
    DataError : one cannot be read.
    """
    try:
        return {f"{FILE}{name}": sha256_of(folder / name) for name in names}
    except OSError as error:
        raise DataError(f"{error.filename}: {error.strerror}; it was written a moment ago") from error


def held_by(chain: str, outputs: Mapping[str, Any]) -> dict[str, str]:
    """Return file -> digest, as one record has them."""
    if chain != RUN:
        return {}
    named = ((name, digest) for name, digest in outputs.items() if name.startswith(FILE))
    return {name.removeprefix(FILE): str(digest) for name, digest in named}


def altered(folder: Path, held: Mapping[str, str]) -> tuple[Altered, ...]:
    """Return every file that differs from the digest that is held of it, or is not there."""
    found = ((name, _difference(folder, name, digest)) for name, digest in sorted(held.items()))
    return tuple(Altered(file=name, why=why) for name, why in found if why)


def sha256_of(path: Path) -> str:
    """Return SHA-256 (hex) of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _difference(folder: Path, name: str, digest: str) -> str | None:
    if "\0" in name or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        return "is no file of a run's folder, so it is not looked at"
    path = folder / name
    try:
        found = sha256_of(path)
    except FileNotFoundError:
        return "is not there"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if found == digest:
        return None
    if not path.stat().st_size:
        return "is empty"
    return f"is not the file that was written: expected SHA-256 {digest[:12]}..., found {found[:12]}..."
