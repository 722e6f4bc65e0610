"""The simulated exchange behind HTTP on the loopback address: HTTP/1.1 with connections that are kept.

It misbehaves on the wire as its answers' manner says: a body that is cut off, drips, never comes, or a connection that
is closed instead.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import polars as pl

from tvquant.market.providers.contract import INTERVALS, ProviderError
from tvquant.market.providers.simulated import protocol
from tvquant.market.providers.simulated.exchange import Exchange, ExchangeReply, Manner

PIECES = 10
"""In how many pieces a body drips."""


@asynccontextmanager
async def serve(exchange: Exchange, *, port: int = 0) -> AsyncIterator[str]:
    """Serve in the running loop while the block runs; gives the address, with a free port when none is named."""
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            while await _heard(exchange, reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client has left, or does not speak HTTP
        finally:
            talks.discard(task)
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port)
    try:
        host, bound = server.sockets[0].getsockname()[:2]
        yield f"http://{host}:{bound}"
    finally:
        server.close()
        for task in tuple(talks):
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await server.wait_closed()


@contextmanager
def served(exchange: Exchange, *, port: int = 0) -> Iterator[str]:
    """Serve the exchange in a thread of its own, for clients in other threads and processes."""
    ready: threading.Event = threading.Event()
    address: list[str] = []
    failed: list[OSError] = []
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        over = asyncio.Event()
        try:
            async with serve(exchange, port=port) as url:
                address.append(url)
                running.append((asyncio.get_running_loop(), over))
                ready.set()
                await over.wait()
        except OSError as error:
            failed.append(error)
            ready.set()

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="simulated exchange", daemon=True)
    thread.start()
    ready.wait()
    if failed:
        raise failed[0]
    try:
        yield address[0]
    finally:
        loop, over = running[0]
        loop.call_soon_threadsafe(over.set)
        thread.join()


async def _heard(exchange: Exchange, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Read and answer one request; return whether the connection goes on."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    parts = head.split("\r\n", 1)[0].split(" ")
    target = parts[1] if len(parts) == 3 and parts[0] == "GET" else ""
    with exchange.being_asked():
        return await _answered(exchange, target, reader, writer)


async def _answered(
    exchange: Exchange, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Send the answer to one target in its manner; return whether the connection goes on."""
    try:
        split = urlsplit(target)
        told, body = answer(exchange, split.path, {name: given[0] for name, given in parse_qs(split.query).items()})
    except ProviderError as error:
        status, headers, fields = protocol.encode_error(error)
        await _send(writer, status, headers, json.dumps(fields).encode())
        return True
    except (ValueError, OverflowError) as error:
        await _send(writer, 400, {}, json.dumps({"code": -1100, "msg": f"bad request: {error}"}).encode())
        return True
    match told.manner:
        case Manner.SILENT:
            await reader.read()  # until the client has had enough
            return False
        case Manner.DROPPED:
            return False
        case Manner.CUT:
            await _send(writer, 200, {}, body[: len(body) // 2])
        case Manner.DRIPPING:
            await _send(writer, 200, {}, body, pause=told.seconds / PIECES)
        case Manner.WHOLE:
            await _send(writer, 200, {}, body)
    return True


def answer(exchange: Exchange, path: str, query: Mapping[str, str]) -> tuple[ExchangeReply, bytes]:
    """Return what the exchange says to a path and its query, and the same as JSON.

    Raises
    ------
    ProviderError : it refuses.
    ValueError, OverflowError : it does not understand.
    """
    symbol = query.get("symbol", "")
    start = protocol.moment(int(query["startTime"])) if "startTime" in query else None
    end = protocol.moment(int(query["endTime"])) + protocol.STEP if "endTime" in query else None
    match path:
        case "/v1/time":
            found = protocol.encode_time(exchange.time(), exchange.terms.requests_per_second)
            return ExchangeReply(rows=pl.DataFrame()), json.dumps(found).encode()
        case "/v1/klines":
            interval = query.get("interval", "")
            if interval not in INTERVALS:
                raise ValueError(f"interval {interval!r}, expected one of {' '.join(INTERVALS)}")
            told = exchange.bars(symbol, interval, start=start, end=end)
            return told, json.dumps(protocol.encode_bars(told.rows, interval)).encode()
        case "/v1/instruments":
            told = exchange.instruments()
            return told, json.dumps(protocol.encode_instruments(told.rows)).encode()
        case "/v1/actions":
            told = exchange.actions(symbol)
            return told, json.dumps(protocol.encode_actions(told.rows)).encode()
        case "/v1/funding":
            told = exchange.funding(symbol, start=start, end=end)
            return told, json.dumps(protocol.encode_funding(told.rows)).encode()
        case _:
            raise ValueError(f"no such path: {path!r}")


async def _send(
    writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: bytes, *, pause: float = 0.0
) -> None:
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    size = len(body) if pause == 0.0 else max(1, -(-len(body) // PIECES))
    for place in range(0, len(body), max(1, size)):
        await writer.drain()
        await asyncio.sleep(pause)
        writer.write(body[place : place + size])
    await writer.drain()
