"""What several find that look at the same: it is found by the first of them and kept for the others."""

from collections.abc import Callable, Hashable
from typing import Any

type Once = Callable[[Hashable, Callable[[], Any]], Any]
"""From a key and how to compute it to the value that all who look at the same have under that key."""


def alone(_: Hashable, compute: Callable[[], Any]) -> Any:
    """Return what is computed, for who shares with nobody."""
    return compute()
