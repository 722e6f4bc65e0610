"""Many small files made few, and old versions let go but for those that something still names.

1. A table of many small files is rewritten as few large ones; what it says does not change.
2. Files that no kept version has are deleted: kept are the latest version, those that are named (a run names the
   versions its snapshot was read from), those that removed symbols would come back from, and whatever was current
   within `grace`, which someone may be reading now. Below a URI of an object store none is deleted: runs of other
   workspaces may name versions there, which are not known here.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from tvquant.core.errors import DataError
from tvquant.lake.reading.lake import Lake
from tvquant.lake.storage import commits, tables
from tvquant.lake.storage.location import Place, Root
from tvquant.lake.writing import removals

MANY = 8
"""Files from which on a table is rewritten."""
GRACE = timedelta(hours=1)
"""No reader takes longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCompaction:
    """One table: files of its latest version before and after, and files deleted, with their bytes."""

    name: str
    before: int
    after: int
    deleted: int
    freed: int


def compact(
    lake: Lake, keep: Mapping[str, Collection[int]], *, now: datetime, grace: timedelta = GRACE
) -> tuple[TableCompaction, ...]:
    """Compact every table and, unless they are below a URI, delete what no kept version needs.

    Parameters
    ----------
    keep : table -> versions that must stay readable, beside the latest one.
    now : the present; versions that were replaced less than `grace` before stay too.

    Raises
    ------
    DataError : a version to keep is not there (nothing was done), or the lake cannot be written.
    """
    held = tables.held(lake.root)
    for name, versions in keep.items():
        gone = sorted(one for one in versions if not 0 <= one <= held.get(name, -1))
        if gone:
            raise DataError(f"lake {lake.root}: table {name} has no version {gone[0]} to keep; nothing was changed")
    return tuple(
        commits.transact(lake.root, partial(_compact, lake.root, name, keep.get(name, ()), now - grace))
        for name in held
    )


def _compact(root: Root, table: str, keep: Collection[int], since: datetime) -> TableCompaction:
    keep = {*keep, *(at for one, at in removals.versions(root) if one == table)}
    before = tables.files(root, table)
    with commits.committing(root, table):
        if len(before) >= MANY:
            tables.opened(root, table).optimize.compact(writer_properties=commits.properties(table))
        deleted, freed = (0, 0) if isinstance(root, Place) else _deleted(root, table, keep, since)
    after = len(tables.files(root, table))
    return TableCompaction(name=table, before=len(before), after=after, deleted=deleted, freed=freed)


def _deleted(root: Path, table: str, keep: Collection[int], since: datetime) -> tuple[int, int]:
    """Delete files that no version needs; how many, and their bytes."""
    needed = {name for version in (None, *keep) for name in tables.files(root, table, version)}
    needed |= _removed(root / table / "_delta_log", since)
    deleted, freed = 0, 0
    for file in sorted((root / table).glob("*.parquet")):
        found = file.stat()
        if file.name not in needed and found.st_mtime < since.timestamp():
            file.unlink()
            deleted, freed = deleted + 1, freed + found.st_size
    return deleted, freed


def _removed(log: Path, since: datetime) -> set[str]:
    """Return files that a commit since the moment took out of the table: some version of that time had them."""
    found: set[str] = set()
    for commit in sorted(log.glob("*.json"), reverse=True):  # the newest first; names are numbers of one length
        actions = [json.loads(line) for line in commit.read_text("utf-8").splitlines()]
        if any(one["commitInfo"]["timestamp"] < since.timestamp() * 1000 for one in actions if "commitInfo" in one):
            break
        found |= {one["remove"]["path"] for one in actions if "remove" in one}
    return found
