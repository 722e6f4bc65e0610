"""Files of a report, written whole or not at all."""

import os
from pathlib import Path

from tvquant.core.errors import DataError


def write(path: Path, content: bytes) -> None:
    """Replace a file.

    Raises
    ------
    DataError : the disk refuses.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        os.replace(beside, path)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; a report needs a writable folder") from error
