"""A ledger whose end is torn, brought back to its last whole record.

1. Lines are whole as far as each follows from those before it. What comes after the last whole line is a torn end when
   it is at most one line, and goes; more than that was changed, not torn, and is left for `verify` to name.
2. The head is made again of the lines that stay. So a head that covered more is believed no longer: what it covered is
   lost, and the run goes on from there by `--resume`.
"""

from collections.abc import Callable, Mapping
from math import inf
from pathlib import Path
from typing import Any

from tvquant.core import durable
from tvquant.core.errors import DataError, LedgerError
from tvquant.ledger.lines import AUDIT, HEAD, BadLine, ChainProgress, Head, open_audit, walk


def torn(folder: Path) -> tuple[Path, str] | None:
    """Return the file of a ledger whose end was lost or torn, and what is wrong.

    None where `Ledger.resume` can go on.
    """
    content, progress = _whole_lines(folder)
    rest = len(content) - progress.size
    where = f"after {progress.records} whole records"
    try:
        head = Head.read(folder)
    except (DataError, BadLine):
        return folder / HEAD, f"is missing or torn; {progress.records} records stand"
    if head.size > progress.size:
        return folder / AUDIT, f"ends or is torn {where}, its head covers {head.records}"
    if rest and (progress.sealed or content.endswith(b"\n")):
        return folder / AUDIT, f"is torn {where}: {rest} more bytes are no record"
    return None


def mend(folder: Path) -> int:
    """Cut the ledger to its whole lines, with a head that covers them; return how many records stay.

    Raises
    ------
    LedgerError : more than its end is wrong: nothing was done.
    DataError : a file cannot be read or written.
    """
    content, progress = _whole_lines(folder)
    if content[progress.size :].strip(b"\0\n").count(b"\n"):
        where = f"line {progress.records + 1} is not right, and more lines follow it"
        raise LedgerError(f"{folder / AUDIT}: {where}: it was changed, not torn; nothing was done")
    _put(folder, content, progress)
    return progress.records


def cut_before(folder: Path, reached: Callable[[Mapping[str, Any]], bool]) -> int:
    """Cut the ledger before the first record for which `reached` is true; return how many records stay.

    Raises
    ------
    DataError : a file cannot be read or written.
    """
    content, progress = _whole_lines(folder, reached)
    _put(folder, content, progress)
    return progress.records


def _whole_lines(
    folder: Path, reached: Callable[[Mapping[str, Any]], bool] = lambda _: False
) -> tuple[bytes, ChainProgress]:
    """Return all bytes of the file, and how far its whole lines go, up to a record that is reached."""
    progress, ahead = ChainProgress(), ChainProgress()
    with open_audit(folder) as file:
        try:
            for fields, _ in walk(file, ahead, inf):
                if reached(fields):
                    break
                progress = ahead.copy()
        except BadLine:
            pass
        file.seek(0)
        return file.read(), progress


def _put(folder: Path, content: bytes, progress: ChainProgress) -> None:
    try:
        durable.replace(folder / AUDIT, content[: progress.size])
        durable.replace(folder / HEAD, progress.head().line())
    except OSError as error:
        raise DataError(f"{folder}: {error.strerror}; a ledger needs a writable folder") from error
