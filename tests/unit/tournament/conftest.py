"""Small markets, profiles and a ledger to play into."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tvquant.app.vocabulary import vocabulary
from tvquant.core.calendars import calendar
from tvquant.core.instruments import Instrument, Kind
from tvquant.core.panel import Basis, Floats, Panel
from tvquant.ledger import Ledger, genesis_entry
from tvquant.profiles import Profile, load, resolve
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
        arguments = {f"--{key}": (key.replace("__", "."), value) for key, value in chosen.items()}
        return resolve(load("crypto_spot"), vocabulary(), arguments=arguments).profile

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
        block = np.column_stack(list(close.values())).astype(np.float64)
        times = calendar(name).bars(np.datetime64("2020-01-01"), np.datetime64("2024-01-01"))[: len(block)]
        rows, have = np.arange(len(block))[:, None], ~np.isnan(block)
        last = np.maximum.accumulate(np.where(have, rows, -1), axis=0)
        before = np.vstack([last[:1], last[:-1]])
        before = np.where(before < 0, rows, before)
        fields = {"close": block, "open": np.where(have, np.take_along_axis(block, before, axis=0), np.nan)}
        if volume:
            fields["volume"] = np.where(have, 1e6, np.nan)
        return Panel(
            times=times,
            instruments=tuple(
                Instrument(symbol=f"X:{n}", kinds=frozenset({kind}), currency="USD", calendar=name) for n in close
            ),
            fields=fields,
            known_at=np.broadcast_to((times + np.timedelta64(1, "D"))[:, None], block.shape),
            tradable=have,
            bases=(Basis.RAW,) * block.shape[1],
            stamps=(frozenset(),) * block.shape[1],
            calendar=name,
        )

    return make


@pytest.fixture
def engine_of() -> Callable[[Panel, Profile], BacktestEngine]:
    """The engine of a profile on a panel, on all its windows."""

    def make(panel: Panel, made: Profile) -> BacktestEngine:
        one = schedule(made)
        return BacktestEngine(panel, {one: one.windows(len(panel.times))})

    return make


class StandingClock:
    """It is always the same moment."""

    def now(self) -> datetime:
        return datetime(2024, 1, 2, tzinfo=UTC)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def ledger_in(clock: StandingClock) -> Callable[[Path], Ledger]:
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
