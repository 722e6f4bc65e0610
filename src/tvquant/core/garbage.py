"""How often Python looks for garbage in cycles: seldom, where much is made and next to none of it is any."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 50_000
"""New objects from one look for garbage to the next; Python's 700 are those of a few decisions."""


def collect_seldom() -> None:
    """Have garbage looked for seldom in this process, or still more seldom or not at all where it was so before."""
    first, *others = gc.get_threshold()
    gc.set_threshold(first and max(first, SELDOM), *others)


@contextmanager
def collected_seldom() -> Iterator[None]:
    """Have garbage looked for seldom while the block runs."""
    before = gc.get_threshold()
    collect_seldom()
    try:
        yield
    finally:
        gc.set_threshold(*before)
