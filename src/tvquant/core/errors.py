"""The error tree, by who must act.

    TvquantError
    ├── ProfileError   the author of a profile or a command: wrong usage        exit 2
    ├── DataError      the world: files, disk, locks, providers (retryable?)    exit 3
    ├── ModelError     the maths: recorded in its cell, the rest play on        exit 4
    └── LedgerError    evidence that does not verify, a gate that fails         exit 1

Anything else that escapes is a bug (exit 70). A message says what is wrong, where (field, symbol, file), what was
expected, what was found and what to do; it is one line.
"""

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


class ModelError(TvquantError):
    """A computation has no answer for these inputs (infeasible, singular, bankrupt)."""

    exit_code = 4


class LedgerError(TvquantError):
    """Recorded evidence does not verify, or a gate over it fails."""

    exit_code = 1
