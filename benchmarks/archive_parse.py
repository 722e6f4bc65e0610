"""Five years of 500 symbols out of the exchange's bulk archive: how fast files become bars, and what memory it takes.

Run as `python benchmarks/archive_parse.py [SYMBOLS]`. Two figures for each interval. Parsing: packed files that are
here already, each with its digest taken, unpacked and read, a symbol at a time, on two threads. Over HTTP: the same
files from a server on loopback in a process of its own, lists, checksums and all, without a limit to the rate; client
and server share the cores. As many bars as were packed must be read, both ways.
"""

import asyncio
import hashlib
import io
import multiprocessing
import resource
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from xml.sax.saxutils import escape

import numpy as np

from tvquant.market.providers.binance_archive.layout import ArchiveFile, Series, Span, Venue, next_month
from tvquant.market.providers.binance_archive.member import LIMITS, BinanceArchive
from tvquant.market.providers.binance_archive.texts import bars_in
from tvquant.market.providers.contract import INTERVALS

FIRST, MONTHS = datetime(2020, 1, 1, tzinfo=UTC), 60
HTTP_SYMBOLS = 10
DRAWN = 20
"""Symbols that are drawn; the others have their files."""
GOAL = 1e6
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
type Packed = list[tuple[ArchiveFile, bytes, str]]
"""Files with their bytes and digests."""


class Now:
    """A clock that stands behind the last file."""

    def now(self) -> datetime:
        return datetime(2025, 1, 1, 9, tzinfo=UTC)


def series_of(number: int, interval: str) -> Series:
    return Series(venue=Venue.SPOT, ticker=f"S{number:03d}USDT", interval=interval)


def packed(series: Series, step: timedelta) -> Packed:
    """Monthly files of a random walk, written as the exchange writes them."""
    rng, found, month = np.random.default_rng(list(series.ticker.encode())), [], FIRST
    price = 100.0
    for _ in range(MONTHS):
        file = series.file(Span.MONTHLY, month)
        count = (file.after - file.first) // step
        closes = price * np.exp(np.cumsum(rng.normal(0, 0.02, count)))
        volumes, trades = rng.lognormal(8, 1, count), rng.integers(10**3, 10**6, count)
        opens, at, long = [price, *closes[:-1]], int(month.timestamp() * 1000), int(step.total_seconds() * 1000)
        lines = [
            f"{at + k * long},{opens[k]:.8f},{max(opens[k], closes[k]):.8f},{min(opens[k], closes[k]):.8f},"
            f"{closes[k]:.8f},{volumes[k]:.8f},{at + (k + 1) * long - 1},{volumes[k] * closes[k]:.8f},{trades[k]},"
            f"{volumes[k] / 2:.8f},{volumes[k] * closes[k] / 2:.8f},0\n"
            for k in range(count)
        ]
        into = io.BytesIO()
        with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(file.member, "".join(lines))
        content = into.getvalue()
        found.append((file, content, hashlib.sha256(content).hexdigest()))
        price, month = float(closes[-1]), next_month(month)
    return found


def parsed(symbol: str, files: Packed) -> int:
    """Bars of the files of one symbol, each checked first."""
    for file, content, digest in files:
        if hashlib.sha256(content).hexdigest() != digest:
            raise ValueError(file.path)
    return len(bars_in(symbol, [file for file, _, _ in files], [content for _, content, _ in files]))


def listed(query: dict[str, str], series: Series, files: Packed) -> bytes:
    """The page of a folder: all monthly files, no daily one."""
    own = query["prefix"] == series.folder(Span.MONTHLY)
    keys = "".join(f"<Contents><Key>{escape(file.path)}</Key></Contents>" for file, _, _ in files) if own else ""
    return (
        f'<ListBucketResult xmlns="{NAMESPACE}"><Prefix>{escape(query["prefix"])}</Prefix>'
        f"<IsTruncated>false</IsTruncated>{keys}</ListBucketResult>"
    ).encode()


def serving(told: Connection, interval: str) -> None:
    """Serve the monthly files of the first symbols until the pipe closes; tells the port first."""
    from urllib.parse import parse_qsl, unquote, urlsplit

    answers: dict[str, bytes] = {}
    folders: dict[str, tuple[Series, Packed]] = {}
    for number in range(HTTP_SYMBOLS):
        series = series_of(number, interval)
        files = packed(series, INTERVALS[interval])
        folders |= {series.folder(span): (series, files) for span in Span}
        for file, content, digest in files:
            answers[f"/{file.path}"] = content
            answers[f"/{file.path}.CHECKSUM"] = f"{digest}  {file.name}\n".encode()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                target = urlsplit((await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode())
                query = dict(parse_qsl(target.query))
                body = listed(query, *folders[query["prefix"]]) if query else answers[unquote(target.path)]
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await asyncio.to_thread(told.recv)
        server.close()

    asyncio.run(main())


async def fetched(port: int, interval: str) -> tuple[int, int]:
    """Bars and requests of all symbols that are served, eight calls at once."""
    url = f"http://127.0.0.1:{port}"
    limits = replace(LIMITS, requests_per_second=1e9, burst=10**9)
    member = BinanceArchive(url=url, list_url=url, clock=Now(), limits=limits)
    places = asyncio.Semaphore(limits.concurrency)

    async def one(number: int) -> int:
        async with places:
            return len(await member.bars(f"BINANCE:S{number:03d}USDT", interval))

    counts = await asyncio.gather(*map(one, range(HTTP_SYMBOLS)))
    await member.close()
    return sum(counts), HTTP_SYMBOLS * (2 + 2 * MONTHS)


def over_http(interval: str, expected: int) -> str:
    """Figures of the files of a server, each symbol of which has so many bars."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serving, args=(there, interval), daemon=True)
    server.start()
    port = here.recv()
    start, used = time.perf_counter(), time.process_time()
    bars, requests = asyncio.run(fetched(port, interval))
    seconds, used = time.perf_counter() - start, time.process_time() - used
    here.send(None)
    server.join()
    if bars != HTTP_SYMBOLS * expected:
        raise ValueError(f"{interval}: {bars} bars came over HTTP, {HTTP_SYMBOLS * expected} were packed")
    pace = f"{requests / seconds:,.0f} requests/s, {requests / used:,.0f} per second of CPU"
    return f"{bars / seconds / 1e6:.3f} M bars/s over HTTP ({pace})"


def memory() -> float:
    """Most memory that this process has had so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(symbols: int) -> None:
    """Print both figures of each interval; CPU seconds beside the others tell what an idle machine would have taken."""
    for interval, step in sorted(INTERVALS.items(), reverse=True):
        sample = [packed(series_of(number, interval), step) for number in range(min(symbols, DRAWN))]
        size = sum(len(content) for files in sample for _, content, _ in files) / len(sample)
        expected = sum((file.after - file.first) // step for file, _, _ in sample[0])
        names = [f"BINANCE:S{number % len(sample):03d}USDT" for number in range(symbols)]
        before, start, used = memory(), time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(2) as threads:
            counts = list(threads.map(parsed, names, [sample[n % len(sample)] for n in range(symbols)]))
        seconds, used = time.perf_counter() - start, time.process_time() - used
        if set(counts) != {expected}:
            raise ValueError(f"{interval}: {set(counts)} bars were read, {expected} packed")
        bars = sum(counts)
        print(
            f"{interval}: {bars:,} bars of {symbols} symbols x {MONTHS} months in {seconds:.2f} s, {used:.2f} of CPU: "
            f"{bars / seconds / 1e6:.2f} M bars/s parsed, {bars / used / 1e6:.2f} M per second of CPU (goal "
            f"{GOAL / 1e6:g} on two cores), {size / 1024:.0f} kB packed a symbol, {memory() - before:.0f} MB above the "
            f"{before:.0f} MB with the files; {over_http(interval, expected)}",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
