"""Files beside their checksums: what is taken, asked for anew, refused, and kept."""

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from builders.clocks import ManualClock
from builders.loopback import Reply, Request, serve
from tvquant.market.http_client import HttpClient, HttpRefused
from tvquant.market.providers.binance_archive.files import ArchiveFiles
from tvquant.market.providers.binance_archive.layout import Series, Span, Venue
from tvquant.market.providers.contract import Malformed, ProviderError, RateLimits, Unavailable

NOW = datetime(2022, 1, 1, tzinfo=UTC)
FAST = RateLimits(requests_per_second=1e4, burst=1000, bars_per_request=1, concurrency=1, timeout=2.0)
SERIES = Series(venue=Venue.SPOT, ticker="BTCUSDT", interval="1d")
FILES = [SERIES.file(Span.MONTHLY, datetime(2021, number, 1, tzinfo=UTC)) for number in (1, 2, 3)]
FIRST = FILES[0]
CONTENT = b"content of "


def honest(request: Request) -> Reply:
    path = request.path.removeprefix("/")
    file = path.removesuffix(".CHECKSUM")
    if file not in {one.path for one in FILES}:
        return Reply("gone", status=404)
    content = CONTENT + file.encode()
    name = file.rpartition("/")[2]
    return Reply(content if file == path else f"{hashlib.sha256(content).hexdigest()}  {name}\n")


def asked(work, *once: Reply, kept: int = 10**6) -> tuple[Any, list[str]]:
    """What the work brings, or its error; and the paths that were asked for."""

    async def main():
        async with serve(honest) as server:
            server.once.extend(once)
            client = HttpClient(name="the archive", url=server.url, clock=ManualClock(NOW), limits=FAST)
            try:
                found = await work(ArchiveFiles(client, kept=kept))
            except ProviderError as error:
                found = error
            await client.close()
            return found, [request.path.rpartition("/")[2] for request in server.requests]

    return asyncio.run(main())


async def first(files: ArchiveFiles) -> list[bytes]:
    return await files.packed([FIRST])


def test_a_file_that_is_the_one_is_fetched_once() -> None:
    async def twice(files: ArchiveFiles) -> list[list[bytes]]:
        return [await first(files), await first(files)]

    found, paths = asked(twice)
    assert found == [[CONTENT + FIRST.path.encode()]] * 2
    assert paths == ["BTCUSDT-1d-2021-01.zip", "BTCUSDT-1d-2021-01.zip.CHECKSUM"]


@pytest.mark.parametrize("wrong", [Reply(b"cut"), Reply(b"")])
def test_a_bad_file_is_asked_for_anew_once_and_then_refused_by_name(wrong: Reply) -> None:
    found, paths = asked(first, wrong)
    assert found == [CONTENT + FIRST.path.encode()]
    assert len(paths) == 4
    good = honest(Request(0.0, "GET", f"/{FIRST.path}.CHECKSUM", {}, {}))
    found, paths = asked(first, wrong, good, wrong)
    assert isinstance(found, Malformed)
    assert not found.retryable
    assert FIRST.path in str(found)
    assert len(paths) == 4


@pytest.mark.parametrize("told", ["", "0" * 63 + "  BTCUSDT-1d-2021-01.zip", "{digest}  BTCUSDT-1d-2021-02.zip"])
def test_a_checksum_that_is_none_or_anothers_proves_nothing(told: str) -> None:
    digest = hashlib.sha256(CONTENT + FIRST.path.encode()).hexdigest()
    content, bad = Reply(CONTENT + FIRST.path.encode()), Reply(told.format(digest=digest))
    found, _ = asked(first, content, bad, content, bad)
    assert isinstance(found, Malformed)
    assert "expected one that cannot be read" in str(found)


def test_what_has_come_is_not_asked_for_again_after_a_failure_of_another() -> None:
    async def again(files: ArchiveFiles) -> list[bytes]:
        with pytest.raises(Unavailable):
            await files.packed(FILES)
        return await files.packed(FILES)

    found, paths = asked(again, Reply("down", status=503))
    assert found == [CONTENT + one.path.encode() for one in FILES]
    assert sorted(paths).count("BTCUSDT-1d-2021-01.zip") == 2
    assert len(paths) == 2 * len(FILES) + 1


def test_no_more_than_its_room_is_kept_and_the_oldest_goes_first() -> None:
    size = len(CONTENT + FIRST.path.encode())

    async def round_about(files: ArchiveFiles) -> None:
        for one in (*FILES, FILES[2], FILES[1], FILES[0]):
            await files.packed([one])

    _, paths = asked(round_about, kept=2 * size)
    assert [path[16:18] for path in paths if path.endswith("zip")] == ["01", "02", "03", "01"]
    _, paths = asked(round_about, kept=2 * size - 1)
    assert [path[16:18] for path in paths if path.endswith("zip")] == ["01", "02", "03", "02", "01"]


def test_a_file_that_is_not_there_is_told_apart_from_one_that_failed() -> None:
    other = SERIES.file(Span.DAILY, datetime(2021, 1, 5, tzinfo=UTC))
    found, _ = asked(lambda files: files.there([other, FIRST]))
    assert found == [FIRST]
    found, _ = asked(lambda files: files.there([FIRST]), Reply("down", status=503))
    assert isinstance(found, Unavailable)
    found, _ = asked(lambda files: files.packed([other]))
    assert isinstance(found, HttpRefused)
