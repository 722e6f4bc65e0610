"""An HTTP server on the loopback address: a handler answers, every request is written down, answers may go wrong."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from builders.lies import Wire


@dataclass(frozen=True)
class Request:
    """One request as the server saw it; `at` is a monotonic second, `path` is decoded."""

    at: float
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What is sent back.

    `cut` sends so many bytes of the body and closes; `pause` waits before the body; `silent` never answers.
    """

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    pause: float = 0.0
    silent: bool = False

    @property
    def bytes(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


type Handler = Callable[[Request], Reply]


@dataclass
class Loopback:
    """A running server: its address and what it was asked; `once` are replies that come before the handler's."""

    url: str = ""
    requests: list[Request] = field(default_factory=list)
    once: list[Reply] = field(default_factory=list)

    def most_within(self, seconds: float) -> int:
        """Most requests in any span of so many seconds."""
        times = sorted(one.at for one in self.requests)
        return max((sum(start <= at < start + seconds for at in times[i:]) for i, start in enumerate(times)), default=0)


@asynccontextmanager
async def serve(handler: Handler, wire: "Wire | None" = None) -> AsyncIterator[Loopback]:
    """Serve in the running loop while the block runs; a wire hears every request and may change the replies."""
    loopback, talks = Loopback(), set()
    answer = handler if wire is None else lambda request: wire.reply(request, handler)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.current_task())
        try:
            while await _answered(loopback, answer, reader, writer, wire):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            talks.discard(asyncio.current_task())
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    loopback.url = "http://{}:{}".format(*server.sockets[0].getsockname()[:2])
    if wire is not None:
        wire.url = loopback.url
    try:
        yield loopback
    finally:
        server.close()
        for one in tuple(talks):
            one.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await server.wait_closed()


async def _answered(
    loopback: Loopback,
    handler: Handler,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    wire: "Wire | None" = None,
) -> bool:
    request = await _heard(reader)
    loopback.requests.append(request)
    with nullcontext() if wire is None else wire.being_asked():
        reply = loopback.once.pop(0) if loopback.once else handler(request)
        return await _sent(reply, reader, writer)


async def _heard(reader: asyncio.StreamReader) -> Request:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    split = urlsplit(target)
    query = dict(parse_qsl(split.query, keep_blank_values=True))
    return Request(time.monotonic(), method, unquote(split.path), query, headers, body)


async def _sent(reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    if reply.silent:
        await reader.read()
        return False
    content = reply.bytes
    head = [
        f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}",
        *(f"{name}: {value}" for name, value in ({"Content-Type": "application/json"} | dict(reply.headers)).items()),
        f"Content-Length: {len(content)}",
    ]
    writer.write(("\r\n".join(head) + "\r\n\r\n").encode("latin-1"))
    await writer.drain()
    await asyncio.sleep(reply.pause)
    writer.write(content if reply.cut is None else content[: reply.cut])
    await writer.drain()
    return reply.cut is None
