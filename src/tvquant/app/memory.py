"""How much memory this process has held."""

import resource
import sys

UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in what the system counts in: Linux counts in KiB."""


def largest_resident(*, with_worker: bool = False) -> int:
    """Return the largest resident size of this process so far, in bytes; if asked, with that of its largest worker."""
    own, worker = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return UNIT * (own + worker if with_worker else own)
