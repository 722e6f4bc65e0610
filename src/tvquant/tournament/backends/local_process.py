"""What a process of this machine does to be a worker of another: it ends with it, and not before.

Who is killed leaves a folder with all that its workers share, on what may be the machine's memory: they remove it.
"""

import os
import platform
import shutil
import signal
import tempfile
import threading
import time
from functools import cache
from pathlib import Path

LOOK = 1.0
"""Seconds between two looks at whether the parent lives."""


def shared_prefix(parent: int) -> str:
    """Return how the names of the folders begin that a process shares with its workers; no other process has it."""
    return f"tvquant-{platform.node()}-{parent}-"


def serve(parent: int) -> None:
    """Make this process a worker of the parent.

    A terminal interrupts all processes of a command; the parent alone answers.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with(parent)


@cache  # once per process
def end_with(parent: int) -> None:
    """End this process soon after its parent, which may be killed without a word to anyone; remove what it left."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK)
        for folder in Path(tempfile.gettempdir()).glob(f"{shared_prefix(parent)}*"):
            shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
