"""The connection, against websocket servers on loopback that say one thing."""

import asyncio
import json
import re
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from builders.chart_server import frame, payloads
from builders.clocks import NOON, ManualClock
from tvquant.market.providers.contract import Malformed, ProviderError, RateLimited, Unavailable
from tvquant.market.providers.tradingview.connection import ChartConnection, ChartMessage

LONG, SHORT = 60.0, 0.4
"""Silence that never comes, however busy the machine is; and one that is waited for."""


def heard(
    *texts: str, pause: float = 0.0, many: int = 1, greeting: bool = False, silence: float = LONG
) -> tuple[list[Any], list[str]]:
    """What `next` gives of the texts that a server sends, and the payloads that it was sent."""
    sent: list[str] = []

    async def talk(socket: ServerConnection) -> None:
        async def listen() -> None:
            async for message in socket:
                sent.extend(payloads(str(message)))

        listening = asyncio.create_task(listen())
        for text in texts:
            await socket.send(text)
            await asyncio.sleep(pause)
        await listening

    async def main() -> list[Any]:
        async with serve(talk, "127.0.0.1", 0) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            url = f"ws://127.0.0.1:{port}"
            connection = await ChartConnection.opened(url, silence=silence, clock=ManualClock(NOON))
            found: list[Any] = []
            try:
                found += [await (connection.greeting() if greeting else connection.next()) for _ in range(many)]
            except (Malformed, Unavailable) as error:
                found.append(error)
            await connection.close()
            return found

    return asyncio.run(main()), sent


def message(method: str, *params: object) -> str:
    return frame(json.dumps({"m": method, "p": params, "t": 7}))


def test_messages_come_in_order_and_heartbeats_go_back_through_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "ws_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    found, sent = heard(frame('{"session_id": "x"}') + frame("~h~1"), message("a", 1) + message("b"), many=2)
    assert found == [ChartMessage("a", [1]), ChartMessage("b", [])]
    assert sent == ['{"m":"set_auth_token","p":["unauthorized_user_token"]}', "~h~1"]


@pytest.mark.parametrize(
    "payload",
    ["{", "[]", "7", '"m"', '{"m": 1, "p": []}', '{"m": "a", "p": {}}', '{"m": "a", "p": [NaN]}', "[" * 10**5],
)
def test_what_is_no_message_is_refused(payload: str) -> None:
    found, _ = heard(frame(payload))
    assert isinstance(found[0], Malformed)
    assert len(str(found[0])) < 200


def test_the_hello_is_kept_and_what_comes_in_its_place_is_refused() -> None:
    hello = frame('{"session_id": "x", "timestamp": 7}')
    assert heard(frame("~h~1") + hello, greeting=True)[0] == [{"session_id": "x", "timestamp": 7}]
    for other in (message("a"), frame('{"code": 0}'), frame('{"session_id": 7}')):
        (refused,), _ = heard(other, greeting=True)
        assert isinstance(refused, Malformed)
        assert "began without a hello" in str(refused)


def test_silence_is_told_from_a_token_that_expired() -> None:
    (silent,), _ = heard(silence=SHORT)
    assert str(silent) == "TradingView's chart sent no data for 0.4 s, nor a heartbeat: the server is silent"
    (beating,), sent = heard(*(frame(f"~h~{n}") for n in range(1, 9)), pause=SHORT / 4, silence=SHORT)
    assert re.search("only [1-4] heartbeats: it takes the token of a visitor for expired", str(beating))
    assert len(sent) > 1
    assert sent[1:] == [f"~h~{n}" for n in range(1, len(sent))]
    assert silent.retryable
    assert beating.retryable


def test_each_message_of_data_is_waited_for_anew() -> None:
    found, _ = heard(*(message("a", n) for n in range(12)), pause=0.06, many=12, silence=0.6)  # together longer
    assert found == [ChartMessage("a", [n]) for n in range(12)]


def test_nobody_there() -> None:
    with pytest.raises(Unavailable, match=r"TradingView's chart \(127.0.0.1\) cannot be reached"):
        asyncio.run(ChartConnection.opened("ws://127.0.0.1:9", silence=LONG, clock=ManualClock(NOON)))


@pytest.mark.parametrize(
    "proxy", ["socks5://me:word@127.0.0.1:9", "foo://me:word@127.0.0.1:9", "http://me:word@127.0.0.1:99999"]
)
def test_a_proxy_that_cannot_be_used_is_named_by_its_variable_alone(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "ws_proxy", "wss_proxy", "all_proxy", "socks_proxy"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(ProviderError, match="ALL_PROXY") as said:
        asyncio.run(ChartConnection.opened("ws://chart.invalid", silence=LONG, clock=ManualClock(NOON)))
    assert "word" not in str(said.value)


@pytest.mark.parametrize(("told", "wait"), [("7", 7.0), (format_datetime(NOON + timedelta(seconds=90)), 90.0)])
def test_who_is_turned_away_waits_as_long_as_is_said(told: str, wait: float) -> None:
    async def main() -> None:
        def busy(_: ServerConnection, __: Request) -> Response:
            return Response(429, "Too Many Requests", Headers({"Retry-After": told, "Content-Length": "0"}), b"")

        async with serve(silent, "127.0.0.1", 0, process_request=busy) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            await ChartConnection.opened(f"ws://127.0.0.1:{port}", silence=LONG, clock=ManualClock(NOON))

    with pytest.raises(RateLimited) as said:
        asyncio.run(main())
    assert said.value.retry_after == wait


async def silent(_: ServerConnection) -> None:
    """Say nothing."""
