"""Opened tables of lakes in folders, kept from one use to the next: a log that was read or written is not read again.

A handle is of one version, told by the last entry of the log: its number, and the file's size and time. Whoever
takes one has it alone, for what is committed through it moves it on.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tvquant.lake.storage import committed

if TYPE_CHECKING:
    import deltalake

MOST = 16
"""Handles that a process keeps."""

type Key = tuple[str, int, int, int]

_kept: dict[Key, "deltalake.DeltaTable"] = {}


def take(root: Path, table: str) -> "deltalake.DeltaTable | None":
    """Return the newest version of a table; None where no first commit is. Errors are those of the Delta library."""
    import deltalake

    key = _key(root, table)
    if key is None:
        return None
    kept = _kept.pop(key, None)
    return deltalake.DeltaTable(str(root / table)) if kept is None else kept


def keep(root: Path, table: str, handle: "deltalake.DeltaTable") -> None:
    """Keep a handle for the next one who takes it, if it is still of the newest version."""
    key = _key(root, table)
    if key is None or key[1] != handle.version():
        return
    _kept[key] = handle
    for old in list(_kept)[:-MOST]:
        _kept.pop(old, None)


def _key(root: Path, table: str) -> Key | None:
    log = os.path.realpath(root / table / committed.LOG)
    version = max(committed.versions(Path(log)), default=None)
    if version is None:
        return None
    found = os.stat(committed.entry(Path(log), version))
    return log, version, found.st_size, found.st_mtime_ns
