"""Lists of folders: pages joined, lies refused."""

import asyncio
from datetime import UTC, datetime

import polars as pl
import pytest

from builders.archive_server import ArchiveServer
from builders.clocks import ManualClock
from builders.loopback import Reply
from tvquant.market.http_client import HttpClient
from tvquant.market.providers.binance_archive.index import ArchiveIndex, read_page
from tvquant.market.providers.contract import BARS, FUNDING, Malformed, RateLimits

NOW = datetime(2022, 1, 1, tzinfo=UTC)
FAST = RateLimits(requests_per_second=1e4, burst=1000, bars_per_request=1, concurrency=4, timeout=2.0)
TOP = "data/spot/monthly/klines/"
HEAD = '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'


def listed(folders: tuple[str, ...], *work, page_keys: int = 1000, once: tuple[Reply, ...] = ()) -> tuple:
    """What each look at the index brings, and the requests that it took."""
    server = ArchiveServer(
        symbols=(),
        bars=lambda *_: pl.DataFrame(schema=dict(BARS)),
        funding=lambda _: pl.DataFrame(schema=dict(FUNDING)),
        published=NOW,
        folders=folders,
        page_keys=page_keys,
    )

    async def main():
        async with server.open() as loopback:
            loopback.once.extend(once)
            client = HttpClient(name="the list", url=loopback.url, clock=ManualClock(NOW), limits=FAST)
            found = [await one(ArchiveIndex(client)) for one in work]
            await client.close()
            return found, loopback.requests

    return asyncio.run(main())


def test_a_folder_of_2500_names_is_whole_in_three_requests() -> None:
    names = [f"S{number:04d}&USDT" for number in range(2500)]
    (found,), requests = listed(tuple(f"{TOP}{name}/1d/" for name in names), lambda index: index.folders(TOP))
    assert found == names
    assert [request.query.get("marker") for request in requests] == [
        *(None, f"{TOP}S0999&USDT/", f"{TOP}S1999&USDT/"),
    ]
    (exact,), requests = listed(tuple(f"{TOP}{name}/" for name in names[:1000]), lambda index: index.folders(TOP))
    assert (exact, len(requests)) == (names[:1000], 1)


def test_files_behind_a_name_are_those_after_it() -> None:
    folder = f"{TOP}A/1d/"
    files = tuple(f"{folder}A-1d-2021-0{number}.zi" for number in range(1, 8))
    whole = [f"{name}x" for name in files]
    found, requests = listed(
        files,
        lambda index: index.files(folder),
        lambda index: index.files(folder, behind=whole[2]),
        lambda index: index.files(f"{TOP}B/"),
        page_keys=3,
    )
    assert found == [whole, whole[3:], []]
    assert len(requests) == 3 + 2 + 1


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not xml",
        "<html/>",
        '<!DOCTYPE x [<!ENTITY a "b">]>' + HEAD + f"<Prefix>{TOP}</Prefix></ListBucketResult>",
        HEAD + "<Prefix>data/futures/</Prefix><IsTruncated>false</IsTruncated></ListBucketResult>",
        HEAD + f"<Prefix>{TOP}</Prefix><IsTruncated>true</IsTruncated></ListBucketResult>",
        HEAD + f"<Prefix>{TOP}</Prefix><Contents><Key>{TOP}A</Key></Contents></ListBucketResult>",
        HEAD + f"<Prefix>{TOP}</Prefix><IsTruncated>TRUE</IsTruncated></ListBucketResult>",
        HEAD + f"<Prefix>{TOP}</Prefix><Contents><Key>etc/passwd</Key></Contents></ListBucketResult>",
        HEAD + f"<Prefix>{TOP}</Prefix><Contents><Key>{TOP}A</Key></Contents>",
    ],
)
def test_what_is_no_list_of_the_folder_is_refused(body: str) -> None:
    with pytest.raises(Malformed, match=TOP):
        read_page(body.encode(), TOP)


@pytest.mark.parametrize("coding", ["utf-8", "utf-16", "utf-16-be", "latin-1"])
def test_nothing_is_defined_in_a_list_however_it_is_coded(coding: str) -> None:
    text = (
        f'<?xml version="1.0" encoding="{coding}"?><!DOCTYPE x [<!ENTITY a "\u00e4"><!ENTITY b "&a;&a;">]>'
        f"{HEAD}<Prefix>{TOP}</Prefix><Contents><Key>{TOP}&b;</Key></Contents><IsTruncated>false</IsTruncated>"
        "</ListBucketResult>"
    )
    with pytest.raises(Malformed, match=TOP):
        read_page(text.encode(coding), TOP)


def test_a_list_that_leads_back_is_not_followed_for_ever() -> None:
    back = HEAD + f"<Prefix>{TOP}</Prefix><IsTruncated>true</IsTruncated><NextMarker>{TOP}A</NextMarker>"
    turns = (Reply(f"{back}</ListBucketResult>"),) * 2
    with pytest.raises(Malformed, match="never ends"):
        listed((), lambda index: index.folders(TOP), once=turns)
