"""The first session of `docs/providers/binance.md`, against a Binance on loopback: sync, look, repair."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from builders.binance_server import BinanceServer
from builders.loopback_thread import serving
from tvquant.market.providers.simulated.market import SimulatedMarket
from tvquant.market.providers.simulated.world import World

pytestmark = pytest.mark.xdist_group("ccxt")

type Call = Callable[..., Any]
NOW = datetime.now(UTC)
WORLD = World(
    SimulatedMarket(
        seed=3, start=(NOW - timedelta(days=150)).date(), days=200, coins=2, perpetuals=1, stocks=0, late=0.0,
        delisted=0.0, reused=0,
    )
)  # fmt: skip
COIN, PERPETUAL = "BINANCE:S001USDT", "BINANCE:S001USDT.P"


def odd(one: dict[str, Any]) -> dict[str, Any]:
    """One perpetual in a state that nobody knows, on a metal."""
    return one | {"status": "ASLEEP", "underlyingType": "COMMODITY"} if "contractType" in one else one


@pytest.mark.requirement("R-DAT-12")
def test_a_first_session(tmp_path: Path, tvquant: Call) -> None:
    assert tvquant("init", tmp_path).code == 0
    with serving(BinanceServer(WORLD, now=NOW, changed=odd)) as server:
        where = ("--option", f"spot_url={server.url}", "--option", f"perpetual_url={server.url}", "-w", tmp_path)
        names = ("--symbol", COIN, "--symbol", PERPETUAL)
        told = tvquant("data", "sync", "--provider", "binance", *where, *names, "--depth", 120, "--json")
        assert told.code == 0, told.err
        assert told.document["counts"] == {"asked": 2, "stable": 2, "missing": 0, "failed": 0, "degraded": 0}
        assert told.document["metadata"]["share"] == 1.0
        (finding,) = told.document["metadata"]["findings"]
        assert PERPETUAL in finding
        assert "'ASLEEP'" in finding
        asked = [request.path for request in server.requests]
        assert sorted(asked) == [
            "/api/v3/exchangeInfo", "/api/v3/klines", "/fapi/v1/exchangeInfo", "/fapi/v1/fundingRate", "/fapi/v1/klines"
        ]  # fmt: skip
        again = tvquant("data", "sync", "--provider", "binance", *where, *names, "--depth", 120)
        assert again.code == 0, again.err
        assert "2 of 2 assets are stable" in again.out
        assert "its list of instruments has what is not understood, once: BINANCE:S001USDT.P" in again.out
        assert not [request for request in server.requests[len(asked) :] if request.path.endswith("klines")]
        mended = tvquant("data", "repair", COIN, "--provider", "binance", *where)
        assert mended.code == 0, mended.err
        unknown = tvquant("data", "sync", "--provider", "binance", *where, "--symbol", "BINANCE:NONEUSDT")
        assert unknown.code == 3
        assert "BINANCE:NONEUSDT is not served" in unknown.err
        everything = tvquant("data", "sync", "--provider", "binance", *where, "--depth", 100, "--json")
        assert everything.document["counts"]["asked"] == 3
