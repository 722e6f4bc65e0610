"""Panels made by hand, and profiles with single keys changed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from tvquant.app.vocabulary import vocabulary
from tvquant.core.calendars import calendar
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Basis, Floats, Panel
from tvquant.profiles import Profile, load, resolve

ROWS = 200
DAY = np.timedelta64(1, "D")


def _profile(**settings: Any) -> Profile:
    """The crypto preset (60 training rows) with dotted keys written with two underscores."""
    arguments = {f"--{key}": (key.replace("__", "."), value) for key, value in settings.items()}
    return resolve(load("crypto_spot"), vocabulary(), arguments=arguments).profile


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
    block = np.column_stack(list(close.values()))
    times = calendar(name).bars(np.datetime64("2020-01-01"), np.datetime64("2022-01-01"))[: len(block)]
    return Panel(
        times=times,
        instruments=tuple(key if isinstance(key, Instrument) else _instrument(key) for key in close),
        fields={"close": block},
        known_at=np.broadcast_to((times + DAY)[:, None], block.shape),
        tradable=~np.isnan(block),
        bases=(Basis.RAW,) * block.shape[1],
        stamps=(frozenset(),) * block.shape[1],
        calendar=name,
    )


@pytest.fixture
def profile() -> Callable[..., Profile]:
    return _profile


@pytest.fixture
def prices() -> Callable[..., Floats]:
    return _prices


@pytest.fixture
def instrument() -> Callable[..., Instrument]:
    return _instrument


@pytest.fixture
def market() -> Callable[..., Panel]:
    return _market
