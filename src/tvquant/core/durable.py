"""Files that are on disk when a write returns, whatever the power does next.

A rename alone is not enough: the content of the file, then the folder that names it, must be waited for.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tvquant.core.errors import unwritten

ASIDE = ".new"
"""What a file's name ends in while it is written; one that is left over belongs to a write that did not finish."""


def sync(path: Path) -> None:
    """Wait until the disk has a file's content, or the names that a folder holds.

    Raises
    ------
    OSError : the disk did not take it.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path to write to; what stands there takes the file's place, whole or not at all, and is on the disk.

    Raises
    ------
    OSError : the disk did not take it; the file is what it was, as after any other error while it is written.
    """
    aside = path.with_name(f"{path.name}.{os.getpid()}{ASIDE}")
    try:
        yield aside
        sync(aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    sync(path.parent)


def replace(path: Path, content: bytes) -> None:
    """Put the content in a file's place, as `replacing` does."""
    with replacing(path) as aside:
        aside.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Replace a text file, in a folder that is made where there is none; it is on the disk when this returns.

    Raises
    ------
    DataError : the disk refuses; the file is what it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, text.encode())
    except OSError as error:
        raise unwritten(f"{path}: {error.strerror}; make room or choose a folder that can be written", error) from error
