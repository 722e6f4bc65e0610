"""One connection to the chart websocket: messages out and in, heartbeats sent back, every failure a `ProviderError`."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from tvquant.core.clock import Clock
from tvquant.core.quoting import shown, visible
from tvquant.market.addresses import is_loopback, proxy_refused
from tvquant.market.http_client import seconds_told
from tvquant.market.providers.contract import Malformed, ProviderError, RateLimited, Unavailable
from tvquant.market.providers.tradingview.frames import BEAT, LARGEST, Frames, framed
from tvquant.market.strict_json import parsed

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection
    from websockets.http11 import Response

ORIGIN = "https://www.tradingview.com"
ANONYMOUS = "unauthorized_user_token"
"""The token of a visitor who has not logged in; no other is sent."""
CLOSING = 2.0
"""Seconds that the other side has for its goodbye."""


class ChartMessage(NamedTuple):
    """What the server says: a method, and what it is called with."""

    method: str
    params: list[Any]


class ChartConnection:
    """A connection that is open.

    Parameters
    ----------
    socket : the websocket.
    silence : seconds without a message of data after which the server counts as silent; heartbeats are no data.
    """

    def __init__(self, socket: "ClientConnection", *, silence: float) -> None:
        self._socket = socket
        self._silence = silence
        self._frames = Frames()
        self._come: deque[ChartMessage] = deque()
        self._greeting: dict[str, Any] | None = None

    @classmethod
    async def opened(cls, url: str, *, silence: float, clock: Clock) -> "ChartConnection":
        """Return a connection to the address, where a visitor has said hello.

        Raises
        ------
        RateLimited, Unavailable, ProviderError : the server did not let us in.
        """
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidProxy, InvalidStatus, WebSocketException
        from websockets.typing import Origin

        class Direct(connect):
            """A connection to the address that was named, and to no other that the server sends us to."""

            def process_redirect(self, exc: Exception) -> Exception:
                return exc

        host = urlsplit(url).hostname
        try:
            socket = await Direct(
                url,
                origin=Origin(ORIGIN),
                max_size=LARGEST,
                proxy=None if is_loopback(url) else True,
                open_timeout=silence,
                ping_interval=None,
                close_timeout=CLOSING,
            )
        except InvalidStatus as error:
            raise _turned_away(error.response, host, clock.now()) from error
        except TimeoutError as error:
            raise Unavailable(f"TradingView's chart ({host}) did not answer within {silence:g} s") from error
        except (ImportError, ValueError, InvalidProxy) as error:  # the address itself is checked when it is given
            raise proxy_refused(f"TradingView's chart ({host})", error) from error
        except (OSError, WebSocketException) as error:
            why = visible(str(error)) or type(error).__name__
            raise Unavailable(f"TradingView's chart ({host}) cannot be reached: {why}") from error
        connection = cls(socket, silence=silence)
        await connection.send("set_auth_token", ANONYMOUS)
        return connection

    async def send(self, method: str, *params: Any) -> None:
        """Send one message."""
        await self._sent(framed(json.dumps({"m": method, "p": params}, separators=(",", ":"))))

    async def next(self) -> ChartMessage:
        """Return the next message of data; heartbeats are sent back meanwhile, and the server's hello is passed over.

        Raises
        ------
        Unavailable : silence, or the connection ended.
        Malformed : what came cannot be read.
        """
        await self._listen(lambda: bool(self._come))
        return self._come.popleft()

    async def greeting(self) -> dict[str, Any]:
        """Return the server's hello, with which it begins.

        Raises
        ------
        Unavailable, Malformed : as `next`, or what came first is no hello.
        """
        await self._listen(lambda: bool(self._come) or self._greeting is not None)
        if self._greeting is None or not isinstance(self._greeting.get("session_id"), str):
            raise Malformed(f"TradingView's chart began without a hello (session_id): {shown(self._greeting)}")
        return self._greeting

    async def close(self) -> None:
        """Hang up."""
        await self._socket.close()

    async def _listen(self, enough: Callable[[], bool]) -> None:
        """Take in what comes until it is enough; heartbeats are sent back."""
        beats, until = 0, asyncio.get_running_loop().time() + self._silence
        while not enough():
            try:
                async with asyncio.timeout_at(until):
                    text = await self._received()
            except TimeoutError as error:
                raise self._silent(beats) from error
            for payload in self._frames.fed(text):
                if payload.startswith(BEAT):
                    beats += 1
                    await self._sent(framed(payload))
                else:
                    self._take(_read(payload))

    def _take(self, content: dict[str, Any]) -> None:
        if "m" in content:
            self._come.append(ChartMessage(content["m"], content.get("p", [])))
        else:
            self._greeting = content

    async def _received(self) -> str:
        from websockets.exceptions import ConnectionClosed

        try:
            text = await self._socket.recv()
        except ConnectionClosed as error:
            raise _ended(error) from error
        if isinstance(text, bytes):
            raise Malformed("TradingView's chart sent bytes; expected text")
        return text

    async def _sent(self, text: str) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            await self._socket.send(text)
        except ConnectionClosed as error:
            raise _ended(error) from error

    def _silent(self, beats: int) -> Unavailable:
        what = f"TradingView's chart sent no data for {self._silence:g} s"
        if beats:
            return Unavailable(f"{what}, only {beats} heartbeats: it takes the token of a visitor for expired")
        return Unavailable(f"{what}, nor a heartbeat: the server is silent")


def _read(payload: str) -> dict[str, Any]:
    """Return a message (m, p), or the hello, which calls no method.

    Raises
    ------
    Malformed : it is neither.
    """
    try:
        content = parsed(payload)
    except ValueError as error:
        raise Malformed(f"TradingView's chart sent what is no JSON: {shown(payload)}") from error
    good = isinstance(content, dict) and isinstance(content.get("m", ""), str)
    if not good or not isinstance(content.get("p", []), list):
        raise Malformed(f"TradingView's chart sent what is no message (m, p): {shown(payload)}")
    return dict(content)


def _ended(error: Exception) -> Unavailable:
    return Unavailable(f"TradingView's chart closed the connection: {shown(str(error))}")


def _turned_away(answer: "Response", host: str | None, now: datetime) -> ProviderError:
    message = f"TradingView's chart ({host}) answered the handshake with HTTP {answer.status_code}"
    wait = seconds_told(answer.headers.get("Retry-After"), now)
    if answer.status_code == 429:
        return RateLimited(message, retry_after=wait)
    if answer.status_code >= 500:
        return Unavailable(message, retry_after=wait)
    return ProviderError(message)
