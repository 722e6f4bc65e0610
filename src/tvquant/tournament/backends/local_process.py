"""What a process of this machine does to be a worker of another: it ends with it, and not before."""

import os
import signal
import threading
import time
from functools import cache

LOOK = 1.0
"""Seconds between two looks at whether the parent lives."""


def serve(parent: int) -> None:
    """Make this process a worker of the parent.

    A terminal interrupts all processes of a command; the parent alone answers.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with(parent)


@cache  # once per process
def end_with(parent: int) -> None:
    """End this process soon after its parent, which may be killed without a word to anyone."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
