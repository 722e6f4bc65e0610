"""Location of the tables of a lake: in a folder, or below a URI of an object store.

Only the tables are at the URI. Locks, the register of assets and quarantine stay in a local folder, so commands of
one workspace take turns. Two workspaces that write below one URI do not see each other's lock: upserts and reverts
notice each other by their commits and are decided anew; imports, and first upserts, do not, and may store a row twice.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tvquant.core.errors import ProfileError

URI = re.compile(r"s3://[a-z0-9][a-z0-9.-]+[a-z0-9](/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
"""A bucket and a prefix of letters that no library takes for a pattern, an escape or a credential."""
CREATE_ONLY = {"AWS_CONDITIONAL_PUT": "etag"}
"""A commit is put where none is yet (`If-None-Match`); of two writers the store refuses the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Tables below a URI of an object store.

    Parameters
    ----------
    uri : `s3://BUCKET/PREFIX`; the bucket is there.
    folder : the local folder for what is not at the URI.
    options : what the store asks for: `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID` and the like. They hold
        secrets: they are in no text of this value.

    Raises
    ------
    ProfileError : the URI is none.
    """

    uri: str
    folder: Path
    options: Mapping[str, str] = field(repr=False)

    def __post_init__(self) -> None:
        if not URI.fullmatch(self.uri):
            # A URI may carry a password: it is not shown.
            raise ProfileError(
                "the lake's URI is not of the form s3://BUCKET/PREFIX, in letters, digits, '.', '_' and '-'; mend it"
            )

    def __str__(self) -> str:
        return self.uri


type Root = Path | Place
"""What a lake is opened by."""


def folder(root: Root) -> Path:
    """Return the local folder: of the tables too, when they are in one."""
    return root.folder if isinstance(root, Place) else root


def address(root: Root, table: str) -> str:
    """Return where a table stands, as the Delta library and polars take it."""
    return f"{root.uri}/{table}" if isinstance(root, Place) else str(root / table)


def options(root: Root) -> dict[str, str] | None:
    """Return what the store of the tables is to be told; None for a folder."""
    return CREATE_ONLY | dict(root.options) if isinstance(root, Place) else None


def size(root: Root, table: str) -> int:
    """Return bytes of all files of a table, old versions and log included.

    Raises
    ------
    OSError : it cannot be listed.
    """
    if not isinstance(root, Place):
        return sum(file.stat().st_size for file in (root / table).rglob("*") if file.is_file())
    import pyarrow.fs  # type: ignore[import-untyped]
    from deltalake.fs import DeltaStorageHandler

    below = pyarrow.fs.PyFileSystem(DeltaStorageHandler(address(root, table), options(root)))
    return sum(one.size or 0 for one in below.get_file_info(pyarrow.fs.FileSelector("", recursive=True)))
