"""Small markets, profiles and a ledger to play into."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builders.clocks import ManualClock
from builders.deciding import RISK_PROFILES
from builders.panels import market_of
from builders.profiles import profile_of
from tvquant.core.instruments import Kind
from tvquant.core.panel import Floats, Panel
from tvquant.ledger import Ledger, genesis_entry
from tvquant.profiles import Profile
from tvquant.tournament.cells import schedule
from tvquant.tournament.walk_forward import BacktestEngine


@pytest.fixture
def profile() -> Callable[..., Profile]:
    """The crypto preset (60/20/20, caps 0.25), selecting nothing and without a benchmark, under two risk profiles.

    Keys by keyword: `data__span` is data.span.
    """

    def make(**settings: Any) -> Profile:
        chosen = {
            "benchmark__market": [],
            "selection__model": "baseline",
            "allocation__profiles": ["min_variance", "equal_weight"],
            "risk__primary": "min_variance",
            **settings,
        }
        return profile_of(**chosen)

    return make


@pytest.fixture
def walks() -> Callable[..., dict[str, Floats]]:
    """Random walks of the given names; each has its own volatility."""

    def make(names: str, rows: int, seed: int = 0) -> dict[str, Floats]:
        moves = np.random.default_rng(seed).normal(0.001, 0.01, (rows, len(names))) * np.linspace(1, 3, len(names))
        return dict(zip(names, 100.0 * np.exp(moves.cumsum(axis=0)).T, strict=True))

    return make


@pytest.fixture
def market() -> Callable[..., Panel]:
    """A panel of closes by name, NaN where there is no bar; a bar opens where the one before it closed."""

    def make(close: Mapping[str, Floats], *, name: str = "24x7", kind: Kind = Kind.SPOT, volume: bool = True) -> Panel:
        opens, volumes = {}, {}
        for key, column in close.items():
            have = ~np.isnan(column)
            at = np.flatnonzero(have)
            opens[key], volumes[key] = np.full(len(column), np.nan), np.where(have, 1e6, np.nan)
            opens[key][at] = column[np.concatenate([at[:1], at[:-1]])]
        more = {"volume": volumes} if volume else {}
        return market_of(close, kind=kind, calendar=name, open=opens, **more)

    return make


@pytest.fixture
def engine_of() -> Callable[[Panel, Profile], BacktestEngine]:
    """The engine of a profile on a panel, on all its windows."""

    def make(panel: Panel, made: Profile) -> BacktestEngine:
        one = schedule(made)
        return BacktestEngine(panel, {one: one.windows(panel.times, panel.calendar)})

    return make


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def ledger_in(clock: ManualClock) -> Callable[[Path], Ledger]:
    """A new ledger in a folder, with its genesis record."""

    def begin(folder: Path) -> Ledger:
        folder.mkdir(parents=True)
        ledger = Ledger.create(folder, run_id="r", clock=clock)
        ledger.record(
            genesis_entry(
                run_id="r",
                profile="p",
                code="c",
                manifest="m",
                environment="e",
                train=60,
                test=20,
                step=20,
                lookback=500,
                selection="baseline",
                rebalance="window",
            )
        )
        return ledger

    return begin


@pytest.fixture
def trending(market: Callable[..., Panel]) -> Panel:
    """Six names that rise (A to F) and six that fall (G to L); the noise is theirs alone."""
    draw = np.random.default_rng(3)
    moves = np.repeat([0.008, -0.008], 6) + 0.01 * draw.standard_normal((200, 12)) * np.linspace(1, 2, 12)
    return market(dict(zip("ABCDEFGHIJKL", 100.0 * np.exp(moves.cumsum(axis=0)).T, strict=True)))


@pytest.fixture
def scanned(profile: Callable[..., Profile]) -> Callable[..., Profile]:
    """v4 on scanners, every risk profile, ratings from 60 bars on."""

    def make(*scanners: dict[str, object], **settings: Any) -> Profile:
        given = {"universe__scanners": list(scanners), "selection__model": "v4", "data__rating_min_bars": 60}
        given |= {"allocation__profiles": list(RISK_PROFILES), "risk__primary": "hrp"}
        return profile(**given | settings)

    return make
