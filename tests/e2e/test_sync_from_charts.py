"""`tvquant data sync --provider tradingview`: nothing is sent before its terms are agreed to, or after a withdrawal."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from builders.chart_server import ChartServer, chart_server, described_symbol
from tvquant.lake import Lake

COIN = "BINANCE:BTCUSDT"
DAY = timedelta(days=1)


def rows(symbol: str, resolution: str, adjustment: str) -> list[list[float]]:
    """Two hundred days that have closed, and today."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return [[(midnight - n * DAY).timestamp(), 6.0, 7.0, 5.5, 6.0 + n % 2 / 2, 9.0] for n in range(200, -1, -1)]


def test_consent_opens_the_source_and_its_withdrawal_shuts_it(tmp_path: Path, tvquant: Callable[..., Any]) -> None:
    home = tmp_path / "ws"

    async def told(*words: str) -> Any:
        return await asyncio.to_thread(tvquant, *words, "-w", home)

    async def main() -> ChartServer:
        async with chart_server(rows, described_symbol) as server:
            sync = ("data", "sync", "--provider", "tradingview", "--symbol", COIN, "--depth", "150")
            sync = (*sync, "--option", f"url={server.url}")
            refused = await told(*sync)
            assert refused.code == 2
            assert "tvquant data terms tradingview --agree" in refused.err
            assert server.asked == []
            assert (await told("data", "terms", "tradingview", "--agree")).code == 0
            done = await told(*sync)
            assert done.code == 0, done.err
            assert "1 of 1 assets are stable; 150 bars new" in done.out
            assert server.most_within(1.0) == 1
            before = len(server.asked)
            assert (await told("data", "terms", "tradingview", "--withdraw")).code == 0
            assert (await told(*sync)).code == 2
            assert len(server.asked) == before
            return server

    assert tvquant("init", home).code == 0
    server = asyncio.run(main())
    assert {method for _, method, _ in server.asked} >= {"handshake", "set_auth_token", "create_series"}
    assert [params for _, method, params in server.asked if method == "set_auth_token"] == [["unauthorized_user_token"]]
    assert Lake(home / "data" / "lakehouse").symbols() == (COIN,)
