"""A run folder as the application makes it: real engine, real ledger, real result store; prices are synthetic."""

import json
import math
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from builders.clocks import ManualClock
from builders.panels import instrument, panel_of
from tvquant.app.stages.optimisation import as_of
from tvquant.app.vocabulary import vocabulary
from tvquant.core.calendars import calendar
from tvquant.core.digests import merkle_root
from tvquant.core.instruments import Kind
from tvquant.core.panel import Basis, Panel
from tvquant.core.records import RUN, Entry
from tvquant.ledger import Ledger, genesis_entry, outputs_of, records
from tvquant.ledger.result_store import ResultStore
from tvquant.profiles import load, resolve, to_manifest
from tvquant.report import render
from tvquant.tournament.cells import cells, headline
from tvquant.tournament.matrix import NOTHING, play_matrix
from tvquant.tournament.walk_forward import BacktestEngine, grids

SYMBOLS = ("NYSE:AAA", "NYSE:BBB", "NYSE:CCC", "NYSE:DDD", "NYSE:EEE")
MARKET = "SP:SPX"
ROWS = 260
JUMPED, JUMP = "NYSE:EEE", 150
"""A name, and the row at which it jumps so far that its kurtosis is a veto from then on."""
RUN_ID = "20260102T000000-demo_sp500-abcdef"
LATER = ManualClock(datetime(2026, 1, 3, tzinfo=UTC), step=timedelta(seconds=1))


def _panel() -> Panel:
    market = calendar("XNYS")
    times = market.bars(np.datetime64("2019-01-02"), np.datetime64("2020-12-31"))[:ROWS]
    names = (*SYMBOLS, MARKET)
    shocks = np.random.default_rng(7).normal(0.0006, 0.012, (ROWS, len(names)))
    shocks[JUMP, SYMBOLS.index(JUMPED)] = 0.25
    close = 100 * np.exp(np.cumsum(shocks, axis=0))
    traded = [instrument(name, kind=Kind.INDEX if name == MARKET else Kind.STOCK, calendar="XNYS") for name in names]
    return panel_of({"close": close}, names=traded, times=times, basis=Basis.TOTAL)


def _asset(key: str, state: str = "ok", gaps: int = 0) -> dict[str, object]:
    return {
        "key": key, "symbol": key, "state": state, "bars": ROWS - gaps, "first": "2019-01-02T00:00:00.000000",
        "last": "2020-01-14T00:00:00.000000", "gaps": gaps, "tolerated": 0, "age_hours": 12.0, "findings": 0,
    }  # fmt: skip


def _build(
    folder: Path, settings: Mapping[str, object] = MappingProxyType({}), timer: Callable[[], float] = lambda: math.nan
) -> None:
    grid = {
        "allocation.profiles": ["equal_weight", "min_variance", "hrp", "risk_parity", "max_sharpe"],
        "risk.primary": "hrp",
    }  # fmt: skip
    asked = {f"--{key}": (key, value) for key, value in {**grid, **settings}.items()}
    resolved = resolve(load("demo_sp500"), vocabulary(), arguments=asked)
    profile, panel = resolved.profile, _panel()
    played = cells(profile)
    (folder / "data").mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps(to_manifest(resolved)))
    (folder / "data" / "health.json").write_text(json.dumps([_asset(key) for key in (*SYMBOLS, MARKET)]))
    clock = ManualClock(datetime(2026, 1, 2, tzinfo=UTC), step=timedelta(seconds=1))
    with Ledger.create(folder, run_id=RUN_ID, clock=clock) as ledger:
        ledger.record(
            genesis_entry(
                run_id=RUN_ID, profile=profile.name, code="c0de", manifest=resolved.digest, environment="e", train=60,
                test=20, step=20, lookback=500, selection="baseline", rebalance="window",
            )
        )  # fmt: skip
        ledger.record(
            Entry(
                chain=RUN, stage=10, kind="plan", outputs={"plan": "p1an", "snapshot": "5nap"}, data={"snapshot": "{}"}
            )
        )
        _stage(ledger, 14, data=as_of(panel, played, headline(profile), ROWS - 1).payload())
        engine = BacktestEngine(panel, grids(panel, [cell.path for cell in played]), timer=timer)
        store = ResultStore(folder / "results")
        matrix = play_matrix(
            engine, played, resumed=NOTHING, recorder=ledger, sink=store, jobs=1, progress=lambda _: None,
            settled=lambda *_: None,
        )  # fmt: skip
        store.compact()
        _stage(ledger, 15, outputs={"result": merkle_root(matrix.leaves)}, data={"leaves": dict(matrix.leaves)})


def _stage(ledger: Ledger, number: int, **said: dict[str, object]) -> None:
    ledger.record(Entry(chain=RUN, stage=number, kind="intent"))
    ledger.record(Entry(chain=RUN, stage=number, kind="outcome", metrics={"status": "played"}, **said))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run up to stage 15, not sealed; never written to by a test."""
    folder = tmp_path_factory.mktemp("built") / RUN_ID
    _build(folder)
    return folder


@pytest.fixture(scope="session")
def builder() -> Callable[[Path, Mapping[str, object]], Path]:
    """A run with these settings of its profile, in a folder of another scope than a test's."""

    def made(within: Path, settings: Mapping[str, object]) -> Path:
        _build(within / RUN_ID, settings)
        return within / RUN_ID

    return made


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., Path]:
    """A run with these settings of its profile, timed by that timer."""

    def made(settings: Mapping[str, object], timer: Callable[[], float]) -> Path:
        folder = tmp_path / RUN_ID
        _build(folder, settings, timer)
        return folder

    return made


@pytest.fixture(autouse=True)
def every_page(all_pages: None) -> None:
    """Here pages are the point."""


@pytest.fixture
def run(built: Path, tmp_path: Path) -> Path:
    """A copy of the run, in a folder of runs."""
    return Path(shutil.copytree(built, tmp_path / "summaries" / "runs" / RUN_ID))


@pytest.fixture
def two_pages(all_pages: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report draws the headline and one cell more: enough where the pages of cells are not the point."""
    monkeypatch.setattr(render, "PAGES", 2)


@pytest.fixture
def seal() -> Callable[[Path], None]:
    """What the application does after the report: the outcome of stage 16 and the seal."""

    def sealed(folder: Path) -> None:
        leaves = next(r for r in records(folder, chain=RUN, kind="outcome") if r.stage == 15).data["leaves"]
        with Ledger.resume(folder, run_id=RUN_ID, clock=LATER) as ledger:
            _stage(ledger, 16, outputs={"index.html": "later"})
            ledger.seal(leaves)

    return sealed


@pytest.fixture
def bind() -> Callable[..., None]:
    """The ledger answers for these files as they are now, as the application records them at the end of a stage."""

    def bound(folder: Path, *names: str) -> None:
        with Ledger.resume(folder, run_id=RUN_ID, clock=LATER) as ledger:
            _stage(ledger, 16, outputs=outputs_of(folder, names))

    return bound


@pytest.fixture
def record_failed() -> Callable[[Path, str, str], None]:
    """Another cell in the ledger, one that failed."""

    def record(folder: Path, cell: str, why: str) -> None:
        with Ledger.resume(folder, run_id=RUN_ID, clock=LATER) as ledger:
            metrics = {"status": "failed", "baseline": False}
            ledger.record(Entry(chain=cell, stage=15, pillar=3, kind="outcome", metrics=metrics, data={"why": why}))

    return record
