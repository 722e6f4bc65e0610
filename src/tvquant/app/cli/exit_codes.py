"""Failures of commands: one line and an exit code for whatever ended one.

0 done; 1 a gate, a ledger or the person who was asked says no (then nothing was changed); 2 wrong usage, profile or
basis; 3 data, disk or lock; 4 nothing could be computed; 70 a bug; 130 interrupted.

With `--json` the error is the one document on stdout, unless the answer is out already (`Answered`).
"""

import errno
import re
from dataclasses import dataclass

import typer

from tvquant.core.errors import DataError, ProfileError, TvquantError

BUG = 70
DECLINED = 1
WORLD = frozenset(
    {
        errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE,
        errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ESTALE,
    }
)  # fmt: skip
"""What a disk may answer at any time, whatever was asked of it; other answers mean that we asked for nonsense."""
NAMES = {"sklearn": "scikit-learn", "pywt": "pywavelets", "pypfopt": "pyportfolioopt", "riskfolio": "riskfolio-lib"}
"""Modules whose package has another name."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a failed command: kind of failure, one line, exit code.

    `answered` : the command's own document is on stdout already.
    """

    kind: str
    line: str
    code: int
    answered: bool = False


class Answered(Exception):
    """A command has printed its answer, and ends with a code: that of the given class of errors.

    The line goes to stderr, beside the answer; nothing is printed where the answer says it all (no line).
    """

    def __init__(self, kind: type[TvquantError], line: str = "") -> None:
        super().__init__(line)
        self.kind = kind


class Declined(Exception):
    """A person answered no; the message says what was not done."""


def ending(error: BaseException) -> Ending | None:
    """Return how an expected failure ends the command; None for a bug."""
    match error:
        case Answered():
            return Ending(error.kind.__name__, str(error), error.kind.exit_code, answered=True)
        case Declined():
            return Ending(Declined.__name__, f"nothing was changed: {error}", DECLINED)
        case TvquantError():
            return Ending(type(error).__name__, str(error), error.exit_code)
        case typer.TyperException():
            message = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
            context = getattr(error, "ctx", None)  # only what is wrong with the usage of a command has one
            command = context.command_path if context else "tvquant"
            return Ending("UsageError", f"{message} (see `{command} --help`)", ProfileError.exit_code)
        case MemoryError():
            line = f"the memory of this machine is not enough ({error or 'no more'}); ask for fewer names or rows"
            return Ending("DataError", line, DataError.exit_code)
        case ModuleNotFoundError() if error.name and not error.name.startswith("tvquant"):
            return Ending("ProfileError", _missing(error.name.partition(".")[0]), ProfileError.exit_code)
        case UnicodeEncodeError() if any("\udc80" <= one <= "\udcff" for one in str(error.object)):
            line = f"the name {error.object!r} holds bytes that are no text in UTF-8; rename what bears it"
            return Ending("ProfileError", line, ProfileError.exit_code)
        case OSError() if error.errno in WORLD:
            where = f"{error.filename}: " if error.filename else ""
            line = f"{where}{error.strerror}; make room, or see that it can be read and written"
            return Ending("DataError", line, DataError.exit_code)
        case _:
            return None


def _missing(module: str) -> str:
    """Return the message on a package that is not installed, with the extra that brings it."""
    from importlib import metadata

    package = NAMES.get(module, module.replace("_", "-").lower())
    for requirement in metadata.requires("tvquant") or ():
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0].replace("_", "-").lower()
        extra = re.search(r"extra == ['\"](\w+)['\"]", requirement)
        if name == package and extra and extra[1] != "all":
            return f"this needs {package}, which is not installed; install tvquant[{extra[1]}]"
    return f"this needs {package}, which is not installed; install tvquant again, with everything that it requires"
