"""The error tree, by who must act.

    TvquantError
    ├── ProfileError   the author of a profile or a command: wrong usage        exit 2
    ├── DataError      the world: files, disk, locks, providers (retryable?)    exit 3
    │   └── DiskError  nothing more can be written: whoever works in a batch ends it at once
    ├── ModelError     the maths: recorded in its cell, the rest play on        exit 4
    └── LedgerError    evidence that does not verify, a gate that fails         exit 1

Anything else that escapes is a bug (exit 70). A message says what is wrong, where (field, symbol, file), what was
expected, what was found and what to do; it is one line.
"""

import errno
import re
from typing import ClassVar


class TvquantError(Exception):
    """Base of every expected failure; `exit_code` is the code of the process that ends with it."""

    exit_code: ClassVar[int] = 70


class ProfileError(TvquantError):
    """A profile, an option or a command is wrong; its author must change it."""

    exit_code = 2


class DataError(TvquantError):
    """The outside world (file, disk, lock, provider) did not deliver; `retryable` says whether waiting may help."""

    exit_code = 3

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class DiskError(DataError):
    """The disk takes nothing more: full, over quota or read-only. Whatever is tried next would fail alike."""


REFUSALS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})
"""Errors with which a disk, or a limit set on a process, refuses every write."""
_NUMBER = re.compile(r"\(os error (\d+)\)")
"""How libraries that are not Python's own say the number of an error."""


def unwritten(message: str, error: BaseException, *, retryable: bool = False) -> DataError:
    """Return the error to raise for a failed write: a `DiskError` where the disk refused it, else a `DataError`."""
    numbers = {int(number) for number in _NUMBER.findall(str(error))} | {getattr(error, "errno", None)}
    return DiskError(message) if numbers & REFUSALS else DataError(message, retryable=retryable)


class ModelError(TvquantError):
    """A computation has no answer for these inputs (infeasible, singular, bankrupt)."""

    exit_code = 4


class LedgerError(TvquantError):
    """Recorded evidence does not verify, or a gate over it fails."""

    exit_code = 1
