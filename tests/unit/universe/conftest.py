"""Panels made by hand, and profiles with single keys changed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from builders.panels import days, market_of
from builders.profiles import profile_of
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Floats, Panel
from tvquant.profiles import Profile

ROWS = 200
DAY = np.timedelta64(1, "D")


def _prices(*holes: int | slice | Any, rows: int = ROWS, seed: int = 0) -> Floats:
    """A random walk with rows taken out."""
    close = 100.0 * np.exp(np.random.default_rng(seed).normal(0.0, 0.02, rows).cumsum())
    for hole in holes:
        close[hole] = np.nan
    return close


def _instrument(
    symbol: str, *, kinds: Sequence[Kind] = (Kind.SPOT,), currency: str = "USD", generation: int = 1, **rest: Any
) -> Instrument:
    """An instrument; a name without an exchange is one of X."""
    symbol = symbol if ":" in symbol else f"X:{symbol}"
    kept = {"currency": currency, "calendar": "24x7", **rest}
    return Instrument(symbol=symbol, generation=generation, kinds=frozenset(kinds), **kept)


def _market(close: Mapping[Instrument | str, Floats], *, name: str = "24x7") -> Panel:
    """A panel of the given closes, in the given order."""
    return market_of(
        {
            key if isinstance(key, Instrument) else _instrument(key, calendar=name): column
            for key, column in close.items()
        },
        times=days(len(next(iter(close.values()))), calendar=name),
    )


@pytest.fixture
def profile() -> Callable[..., Profile]:
    """The crypto preset (60 training rows) with dotted keys written with two underscores."""
    return profile_of


@pytest.fixture
def prices() -> Callable[..., Floats]:
    return _prices


@pytest.fixture
def instrument() -> Callable[..., Instrument]:
    return _instrument


@pytest.fixture
def market() -> Callable[..., Panel]:
    return _market
