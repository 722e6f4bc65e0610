"""Simulated markets that commands ask for by their seed, drawn once per process: nobody writes to one."""

from functools import lru_cache

import pytest

from tvquant.market.providers.simulated import member
from tvquant.market.providers.simulated.world import World

_drawn = lru_cache(maxsize=4)(World)


@pytest.fixture
def drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every exchange in process of one seed is on the same market; to draw one takes longer than a sync of it."""
    monkeypatch.setattr(member, "World", _drawn)
