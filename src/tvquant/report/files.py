"""Files of a report, written whole or not at all, and nowhere else than where they belong."""

from pathlib import Path

from tvquant.core import durable
from tvquant.core.errors import DataError


def write(path: Path, content: bytes, *, within: Path) -> None:
    """Replace a file below `within`; it is on the disk when this returns.

    Raises
    ------
    DataError : the disk refuses, or a link leads out of `within`.
    """
    try:
        if not path.parent.resolve().is_relative_to(within.resolve()):
            raise DataError(f"{path}: a link leads out of {within}, where nothing is written; remove the link")
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(path, content)
    except (OSError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else "links in a circle"
        raise DataError(f"{path}: {why}; make room, or see that the folder can be written") from error
