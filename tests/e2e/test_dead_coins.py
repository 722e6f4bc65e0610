"""A lake filled from the exchange's archive: the dead are in it, a past scan finds them, a run closes them out.

44 coins of January 2022, of which 40 and more have died by the end of July.
"""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from builders.archive_server import ArchiveServer
from builders.loopback_thread import beside
from tvquant.app.workspace import Workspace
from tvquant.lake import HealthState, health
from tvquant.market.listings import delistings
from tvquant.market.providers.simulated.market import SimulatedMarket
from tvquant.market.providers.simulated.world import World

PROOF = bool(os.environ.get("TVQUANT_PROOF"))
BTC = "BINANCE:BTCUSDT"
START, DAYS = date(2022, 1, 13), 200
END = datetime(2022, 8, 1, tzinfo=UTC)
AS_OF = datetime(2022, 5, 8, tzinfo=UTC)
WORLD = World(
    SimulatedMarket(
        seed=2, start=START, days=DAYS, coins=44, perpetuals=1, stocks=0, late=0.0, delisted=1.0, reused=0, leader=BTC
    )
)
HALT = timedelta(days=6)
"""A coin without bars is closed out after five rows."""
CELL = "all/custom/equal_weight/custom"
FLOOR = 20e6
QUIET = timedelta(days=7)
ENDS = {one.symbol: WORLD.day(one.last) for one in WORLD.listings if one.ends}
OVER = {name: end for name, end in ENDS.items() if END - end >= QUIET}
SPOT = [name for name in WORLD.symbols if not name.endswith(".P")]
DEAD = {name: end for name, end in OVER.items() if name in SPOT}
PROFILE = """version: 1
extends: crypto_spot
universe: {kinds: [spot], membership: dated}
windows: {train: 60, step: 20}
selection: {model: all}
allocation: {profiles: [equal_weight], limits: {position: 0.05}}
risk: {primary: equal_weight}
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, answered: Callable[..., Any]) -> Iterator[tuple[Path, Any]]:
    """A workspace that one command filled, and what it said."""
    home = tmp_path_factory.mktemp("archive") / "ws"
    server = ArchiveServer(
        symbols=WORLD.symbols,
        bars=lambda symbol, interval: WORLD.truth(symbol, interval, now=END),
        funding=lambda symbol: WORLD.funding(symbol, now=END),
        published=END,
    )
    answered("init", home)
    with beside(server.open()) as loopback:
        options = {"url": loopback.url, "list_url": loopback.url, "requests_per_second": 500}
        words = [word for name, value in options.items() for word in ("--option", f"{name}={value}")]
        words = ["data", "sync", "--provider", "binance_archive", "--from", "2022", *words, "-w", home]
        said = answered(*words)
        before = len(loopback.requests)
        again = answered(*words)
        yield home, {"first": said, "again": again, "requests": (before, len(loopback.requests) - before)}


@pytest.mark.requirement("R-DAT-10")
def test_one_command_fills_the_lake_with_the_dead_whose_end_is_no_gap(
    filled: tuple[Path, Any], answered: Callable[..., Any]
) -> None:
    home, said = filled
    assert len(DEAD) >= 40
    first = said["first"]
    assert first["counts"] == {"asked": 45, "stable": 45, "missing": 0, "failed": 0, "degraded": 0}
    assert sum(one["inserted"] for one in first["assets"]) == sum(len(truth(name)) for name in WORLD.symbols)
    lake = Workspace(home).lake()
    assert delistings(lake) == {name: np.datetime64(end.replace(tzinfo=None), "us") for name, end in OVER.items()}
    found = {one.symbol: one for one in health(lake, delisted=delistings(lake))}
    assert {found[name].state for name in DEAD} == {HealthState.DELISTED}
    assert found[BTC].state is HealthState.OK
    assert {one.gaps for one in found.values()} == {0}
    assert said["again"]["counts"]["stable"] == 45
    assert sum(one["inserted"] for one in said["again"]["assets"]) == 0
    whole, again = said["requests"]
    assert again < whole / 4


def truth(name: str) -> pl.DataFrame:
    return WORLD.truth(name, "1d", now=END)


def traded(name: str) -> float:
    """Value of the last day that had closed when the scan looked."""
    return truth(name).filter(pl.col("timestamp") == AS_OF)["quote_volume"].item()


@pytest.mark.requirement("R-UNI-05")
def test_a_past_scan_recruits_those_that_are_dead_today(filled: tuple[Path, Any], answered: Callable[..., Any]) -> None:
    home, _ = filled
    alive = {name for name in SPOT if ENDS.get(name, END) > AS_OF}
    liquid = {name for name in alive if traded(name) > FLOOR}
    told = answered("scan", "binance_spot_base", "--as-of", AS_OF.date(), "-w", home)
    assert set(told["pools"]["binance_spot_base"]) == liquid
    assert len(liquid & DEAD.keys()) > 15


@pytest.mark.skipif(not PROOF, reason="a whole run takes half a minute")
def test_a_run_holds_the_dead_until_their_end_and_is_closed_out_there(
    filled: tuple[Path, Any], answered: Callable[..., Any]
) -> None:
    home, _ = filled
    (home / "profiles" / "everything.yaml").write_text(PROFILE)
    answered("run", "everything", "-w", home)
    (results,) = (home / "artifacts" / "summaries" / "runs").glob("*/results")
    trades = pl.read_parquet(results / "trades.parquet").filter(pl.col("cell") == CELL)
    weights = pl.read_parquet(results / "weights.parquet").filter(pl.col("cell") == CELL)
    held = {name for name in weights["symbol"] if name in DEAD}
    assert len(held) >= 40
    for name in held:
        end = ENDS[name].replace(tzinfo=None)
        mine = trades.filter(pl.col("symbol") == name).sort("time")
        assert weights.filter(pl.col("symbol") == name)["decided_at"].max() <= end
        assert mine["time"].max() <= end + HALT
        assert abs(mine["share"].sum()) < 0.02, name  # what was bought was sold, at the latest behind its end
