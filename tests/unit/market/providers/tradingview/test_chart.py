"""A chart session on the loopback server: what it sends, and what it makes of rounds and updates."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from builders.chart_server import ChartServer, Trouble, chart_server, described_symbol
from builders.clocks import ManualClock
from tvquant.market.providers.contract import Malformed
from tvquant.market.providers.tradingview import chart as module
from tvquant.market.providers.tradingview.chart import Chart
from tvquant.market.providers.tradingview.connection import ChartConnection

COIN = "BINANCE:BTCUSDT"
NOW = datetime(2024, 6, 20, 10, 30, tzinfo=UTC)
TODAY = datetime(2024, 6, 20, tzinfo=UTC)
DAY = timedelta(days=1)


def rows(symbol: str, resolution: str, adjustment: str) -> list[list[float]]:
    """Thirty days, the last of them today."""
    return [[(TODAY - n * DAY).timestamp(), 10.0 + n, 30.0 + n, 5.0, 20.0 + n, 100.0] for n in range(29, -1, -1)]


def charted(work: Callable[[Chart], Awaitable[None]], *, trouble: Trouble, symbol: str = COIN) -> ChartServer:
    async def main() -> ChartServer:
        async with chart_server(rows, described_symbol) as server:
            server.trouble = trouble
            connection = await ChartConnection.opened(server.url, silence=60.0, clock=ManualClock(NOW))
            await work(Chart(connection, symbol, "1d", clock=ManualClock(NOW)))
            await asyncio.sleep(0.02)
            await connection.close()
            return server

    return asyncio.run(main())


@pytest.mark.parametrize("trouble", [Trouble.NONE, Trouble.TORN, Trouble.JOINED])
def test_rounds_go_back_until_one_brings_nothing(trouble: Trouble) -> None:
    async def work(chart: Chart) -> None:
        await chart.begin(12)
        assert [chart.oldest, len(chart.told)] == [TODAY - 11 * DAY, 12]
        assert await chart.more(10)
        assert await chart.more(10)
        assert [chart.oldest, len(chart.told)] == [TODAY - 29 * DAY, 30]
        assert not await chart.more(10)
        assert all(len(versions) == 1 for versions in chart.told.values())
        chart.forget(TODAY - 20 * DAY)
        assert sorted(chart.told) == [TODAY - n * DAY for n in range(29, 20, -1)]
        await chart.end()

    server = charted(work, trouble=trouble)
    assert [method for _, method, _ in server.asked] == [
        "handshake", "set_auth_token", "chart_create_session", "resolve_symbol", "create_series",
        *["request_more_data"] * 3, "chart_delete_session",
    ]  # fmt: skip
    assert server.echoed == server.beats == ["~h~1", "~h~2", "~h~3", "~h~4"]
    assert server.headers[0]["origin"] == "https://www.tradingview.com"
    sent = {method: params for _, method, params in server.asked}
    name = sent["chart_create_session"][0]
    assert name.startswith("cs_")
    assert len(name) == 15
    assert sent["create_series"] == [name, "sds_1", "s1", "sds_sym_1", "1D", 12, ""]
    assert json.loads(sent["resolve_symbol"][2][1:]) == {"symbol": COIN, "adjustment": "splits"}


def test_of_a_share_the_regular_session_is_asked_for() -> None:
    async def work(chart: Chart) -> None:
        assert (await chart.resolve())["type"] == "stock"

    server = charted(work, trouble=Trouble.NONE, symbol="NASDAQ:AAPL")
    (asked,) = [params[2] for _, method, params in server.asked if method == "resolve_symbol"]
    assert json.loads(asked[1:]) == {"symbol": "NASDAQ:AAPL", "adjustment": "splits", "session": "regular"}


def test_the_last_update_of_a_bar_counts_and_versions_in_one_are_both_kept() -> None:
    async def corrected(chart: Chart) -> None:
        await chart.begin(3)
        assert [bar.close for bar in chart.told[TODAY]] == [30.0]

    async def versions(chart: Chart) -> None:
        await chart.begin(3)
        assert [bar.close for bar in chart.told[TODAY]] == [20.0, 30.0]

    async def twice(chart: Chart) -> None:
        await chart.begin(3)
        assert [bar.close for bar in chart.told[TODAY]] == [20.0]

    charted(corrected, trouble=Trouble.CORRECTED)
    charted(versions, trouble=Trouble.VERSIONS)
    charted(twice, trouble=Trouble.TWICE)


def test_no_more_bars_are_held_than_are_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(chart: Chart) -> None:
        await chart.begin(20)
        with pytest.raises(Malformed, match="more than 25 bars"):
            await chart.more(10)

    monkeypatch.setattr(module, "MOST_BARS", 25)
    charted(work, trouble=Trouble.NONE)
