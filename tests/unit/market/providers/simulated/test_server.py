import asyncio
import json
import threading
import time
import urllib.error
import urllib.request

import pytest

from tvquant.market.providers.contract import RateLimits
from tvquant.market.providers.simulated.exchange import Exchange
from tvquant.market.providers.simulated.faults import Fault, FaultKind, Faults
from tvquant.market.providers.simulated.server import serve, served

COIN = "BINANCE:S001USDT"
BARS = f"/v1/klines?symbol={COIN}&interval=1d"


@pytest.fixture
def exchange(world, clock):
    return Exchange(world, clock=clock)


def get(url):
    """Status, headers and body, as a client without any knowledge of us sees them."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def get_nothing(url):
    with pytest.raises(OSError):
        urllib.request.urlopen(url, timeout=30)


def test_a_plain_client_gets_bars(exchange):
    with served(exchange) as url:
        status, headers, body = get(url + BARS)
    rows = json.loads(body)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert len(rows) == len(exchange.world.bars(COIN, "1d", now=exchange.clock.now()))
    assert all(len(row) == 8 for row in rows)
    assert rows[-1][6] - rows[-1][0] == 86_399_999


def test_both_ends_of_a_span_belong_to_it(exchange):
    day = 86_400_000
    first = 1_640_995_200_000
    with served(exchange) as url:
        _, _, body = get(f"{url}{BARS}&startTime={first}&endTime={first + 2 * day}")
        _, _, less = get(f"{url}{BARS}&startTime={first + 1}&endTime={first + 2 * day - 1}")
    assert [row[0] for row in json.loads(body)] == [first, first + day, first + 2 * day]
    assert [row[0] for row in json.loads(less)] == [first + day]


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/v1/klines?symbol=BINANCE:NONEUSDT&interval=1d", -1121),
        (f"/v1/klines?symbol={COIN}&interval=7m", -1100),
        (f"{BARS}&startTime=soon", -1100),
        (f"{BARS}&startTime={10**30}", -1100),
        ("/v2/klines", -1100),
    ],
)
def test_what_cannot_be_answered_is_refused_in_words(exchange, target, code):
    with served(exchange) as url:
        status, _, body = get(url + target)
    assert status == 400
    assert json.loads(body)["code"] == code
    assert json.loads(body)["msg"]


def test_too_many_requests_are_429_with_a_wait_in_whole_seconds(world, clock):
    terms = RateLimits(requests_per_second=0.1, burst=1, bars_per_request=10, concurrency=1)
    exchange = Exchange(world, clock=clock, terms=terms)
    with served(exchange) as url:
        assert get(url + BARS)[0] == 200
        status, headers, _ = get(url + BARS)
    assert status == 429
    assert 1 <= int(headers["Retry-After"]) <= 10
    assert exchange.violations == 1


def test_what_is_no_request_does_not_stop_the_server(exchange):
    async def talk():
        async with serve(exchange) as url:
            host, port = url.removeprefix("http://").split(":")
            for nonsense in (b"\x00\xff\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n", b"x" * 200_000, b"GET"):
                reader, writer = await asyncio.open_connection(host, int(port))
                writer.write(nonsense)
                writer.write_eof()
                try:
                    answer = await reader.read()
                except ConnectionError:  # closed on what was still to be read
                    answer = b""
                assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
                writer.close()
            return await asyncio.to_thread(get, url + BARS)

    assert asyncio.run(talk())[0] == 200


def test_a_connection_is_kept_for_the_next_request(exchange):
    async def talk():
        async with serve(exchange) as url:
            host, port = url.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            bodies = []
            for _ in range(3):
                writer.write(f"GET {BARS} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("Content-Len"))
                bodies.append(await reader.readexactly(length))
            writer.close()
            return bodies

    bodies = asyncio.run(talk())
    assert len(set(bodies)) == 1
    assert len(exchange.requests) == 3


def test_the_server_ends_with_its_block_though_someone_still_waits(world, clock):
    faults = Faults(faults=(Fault(kind=FaultKind.TIMEOUT, symbol=COIN),))
    exchange = Exchange(world, clock=clock, faults=faults)
    before = threading.active_count()
    with served(exchange) as url:
        waiting = threading.Thread(target=get_nothing, args=(url + BARS,))
        waiting.start()
        while not exchange.requests:
            time.sleep(0.01)
    waiting.join(5)
    assert not waiting.is_alive()
    assert threading.active_count() <= before
    with pytest.raises(OSError):
        urllib.request.urlopen(url + BARS, timeout=1)


def test_a_port_that_is_taken_is_an_error_at_once(exchange):
    with served(exchange) as url, pytest.raises(OSError), served(exchange, port=int(url.rsplit(":", 1)[1])):
        pass
