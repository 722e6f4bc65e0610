"""Compiling ahead: while a command still reads its data, a process beside it fills the cache of compiled kernels.

A command compiles a kernel when it first needs it. The process begins at the other end of what a first window needs,
and goes on with what settles books; so neither waits for the other, and they seldom compile the same. Where they do no
harm is done: files of the cache are replaced whole.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tvquant.core.version import VERSION


def marker() -> Path:
    """Return the file that is there when all kernels of this version have been compiled."""
    return Path(os.environ["NUMBA_CACHE_DIR"]) / f"whole-{VERSION}"


@contextmanager
def compiling_ahead() -> Iterator["subprocess.Popen[bytes] | None"]:
    """Compile in another process while the block runs, and end it with the block.

    None, and no process, where all is compiled or there is but one processor. It prints nothing, not even why it fails:
    what it leaves out the command compiles.
    """
    if marker().exists() or os.cpu_count() == 1:
        yield None
        return
    command = [sys.executable, "-P", "-m", "tvquant.app.warm", str(os.getpid())]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)  # noqa: S603 (this very program)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
