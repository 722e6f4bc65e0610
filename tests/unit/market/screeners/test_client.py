"""Asking the screener, against a server on loopback that evaluates the request."""

import asyncio
import itertools
from datetime import date
from typing import Any

import pytest

from builders.clocks import NOON, ManualClock
from builders.loopback import Loopback, Reply, serve
from builders.scanner_server import COINS, ScannerServer, row
from tvquant.market.http_client import HttpRefused
from tvquant.market.providers.contract import Malformed, ProviderError, RateLimited, RateLimits, Unavailable
from tvquant.market.retry import Backoff
from tvquant.market.screeners.client import LIMITS, TradingViewScreener
from tvquant.market.screeners.tradingview import Query, compiled
from tvquant.profiles.scanners import load_scanner

DAY = date(2024, 6, 3)
FAST = RateLimits(requests_per_second=1e4, burst=1000, bars_per_request=150, concurrency=1)
AGAIN = Backoff(attempts=3, base=0.001, cap=0.002)
COIN = "BINANCE:C000USDT"


def query(name: str = "binance_liquid_base", **changes: Any) -> Query:
    scanner = load_scanner(name)
    return compiled(scanner.model_copy(update={"kinds": (scanner.kinds[0],)} | changes), day=DAY)


def asked(
    server: ScannerServer, what: Query, *replies: Reply, limits: RateLimits = FAST, backoff: Backoff = AGAIN
) -> tuple[Loopback, Any]:
    """What the server was asked, and all rows or why there are none."""

    async def main() -> tuple[Loopback, Any]:
        async with serve(server) as loopback:
            loopback.once.extend(replies)
            client = TradingViewScreener(clock=ManualClock(NOON), url=loopback.url, limits=limits, backoff=backoff)
            try:
                return loopback, await client.rows(what)
            except ProviderError as error:
                return loopback, error
            finally:
                await client.close()

    return asyncio.run(main())


@pytest.mark.requirement("R-UNI-09")
def test_all_of_seven_hundred_rows_are_seen_page_by_page() -> None:
    server = ScannerServer()
    loopback, served = asked(server, query())
    assert set(served.rows) == {f"BINANCE:C{k:03d}USDT" for k in range(COINS)}
    assert [body["range"] for body in server.asked] == [[k, k + 150] for k in (0, 150, 300, 450, 600)]
    assert (served.total, served.pages, served.warnings) == (COINS, 5, ())
    assert {(one.method, one.path) for one in loopback.requests} == {("POST", "/crypto/scan")}


@pytest.mark.requirement("R-UNI-09")
def test_pages_shorter_than_asked_are_gone_on_behind() -> None:
    server = ScannerServer(cap=100)
    _, served = asked(server, query())
    assert (len(served.rows), served.warnings) == (COINS, ())
    assert [body["range"][0] for body in server.asked] == [0, 100, 200, 300, 400, 500, 600, 700]


def gone(server: ScannerServer, body: dict[str, Any]) -> None:
    """After the first page a coin of it is delisted: one row slips past the second page."""
    if body["range"][0] == 150:
        server.markets["crypto"] = [one for one in server.markets["crypto"] if one["s"] != COIN]


def added(server: ScannerServer, body: dict[str, Any]) -> None:
    """After the first page a coin is listed in front of all: one row comes twice."""
    if body["range"][0] == 150:
        server.markets["crypto"].append(row("BINANCE:AAAUSDT"))


def of(count: int) -> ScannerServer:
    return ScannerServer(markets={"crypto": [row(f"BINANCE:C{k:03d}USDT") for k in range(count)]})


@pytest.mark.requirement("R-UNI-09")
@pytest.mark.parametrize(
    ("server", "said"),
    [
        (ScannerServer(before=gone), ["counted 720 rows at first and 719 at last"]),
        (ScannerServer(before=added), ["counted 720 rows at first and 721 at last", "only 720 of the 721",
                                       "1 rows came twice, as rows moved while paging: BINANCE:C149USDT"]),
        (ScannerServer(extra_count=5), ["only 720 of the 725 rows that the screener counts came"]),
        (ScannerServer(extra_count=-5), ["720 rows came where the screener counts 715"]),
        (ScannerServer(stuck=True), ["only 150 of the 720", "150 rows came twice", "exactly 150 rows came"]),
        (of(150), ["exactly 150 rows came, as many as a page holds"]),
        (of(149), []),
        (of(151), []),
        (of(0), []),
    ],
)  # fmt: skip
def test_what_does_not_add_up_is_a_warning(server: ScannerServer, said: list[str]) -> None:
    _, served = asked(server, query())
    assert len(served.warnings) == len(said)
    assert all(text in warning for text, warning in zip(said, served.warnings, strict=True))


def test_a_second_page_proves_that_a_full_one_was_the_last() -> None:
    server = of(150)
    _, served = asked(server, query())
    assert (len(server.asked), len(served.rows)) == (2, 150)


def test_at_most_one_request_a_second_and_one_at_a_time_is_the_rule() -> None:
    assert (LIMITS.requests_per_second, LIMITS.burst, LIMITS.concurrency) == (1.0, 1, 1)
    quick = RateLimits(requests_per_second=20.0, burst=5, bars_per_request=150, concurrency=5)
    loopback, _ = asked(ScannerServer(), query(), limits=quick)
    gaps = [b.at - a.at for a, b in itertools.pairwise(loopback.requests)]
    assert len(gaps) == 4
    assert min(gaps) >= 1 / 20 - 1e-6  # from the end of one to the next: however long the first connection takes


@pytest.mark.parametrize(
    ("reply", "kind", "said", "times"),
    [
        (Reply("slow down", status=429, headers={"Retry-After": "900"}), RateLimited, "429", 1),
        (Reply("", status=429), RateLimited, "429", 3),
        (Reply("<html>no</html>", status=403), ProviderError, "asked too often or is shut out: wait some minutes", 1),
        (Reply({"totalCount": 0, "error": 'Unknown field "ADX"', "data": None}, status=400), ProviderError,
         "refuses the request: 'Unknown field \"ADX\"'; its columns have changed", 1),
        (Reply("<html>bad</html>", status=400), HttpRefused, "HTTP 400", 1),
        (Reply('{"error":' * 100_000, status=400), HttpRefused, "HTTP 400", 1),
        (Reply('{"data":' * 100_000), Malformed, "is no JSON", 3),
        (Reply("no", status=404), HttpRefused, "HTTP 404", 1),
        (Reply("", status=503), Unavailable, "503", 3),
        (Reply("<html>Please wait</html>"), Malformed, "is no JSON, it begins '<html>Please wait", 3),
        (Reply(""), Malformed, "an empty answer", 3),
        (Reply({"totalCount": 3, "data": None}), Malformed, "data: expected rows, found nothing", 3),
        (Reply({"totalCount": 1, "data": [{"s": COIN, "d": [1.0]}]}), Malformed, "cells, found 1", 3),
        (Reply(b"x" * 100, cut=10), Unavailable, "cannot be reached", 3),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_one_clear_error(reply: Reply, kind: type[Exception], said: str, times: int) -> None:
    loopback, error = asked(ScannerServer(), query(), *[reply] * times)
    assert type(error) is kind
    assert said in str(error)
    assert str(error).isprintable()
    assert len(loopback.requests) == times


def test_a_screener_without_end_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tvquant.market.screeners.client.MOST", 300)
    loopback, error = asked(ScannerServer(), query())
    assert type(error) is Malformed
    assert "more than 300 rows" in str(error)
    assert len(loopback.requests) == 3


def test_rows_that_are_dealt_out_one_by_one_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tvquant.market.screeners.client.PAGES", 3)
    loopback, error = asked(ScannerServer(cap=1), query())
    assert type(error) is Malformed
    assert "had not sent all rows after 3 pages" in str(error)
    assert len(loopback.requests) == 3
    assert len(asked(of(299), query())[1].rows) == 299


def test_nothing_of_a_symbol_reaches_a_terminal_unescaped() -> None:
    server = ScannerServer(markets={"crypto": [row("BINANCE:A\x1b[2J<b>\u202eUSDT")] * 2})
    _, served = asked(server, query())
    assert [warning for warning in served.warnings if "twice" in warning] == [
        "1 rows came twice, as rows moved while paging: BINANCE:A\\x1b[2J<b>\\u202eUSDT"
    ]


def test_what_passes_by_is_asked_again() -> None:
    broken = (Reply("", status=429, headers={"Retry-After": "0"}), Reply("<html>"))
    loopback, served = asked(ScannerServer(), query(), *broken)
    assert (len(served.rows), len(loopback.requests)) == (COINS, 7)


def test_the_columns_it_lists_and_the_edge_of_a_ceiling() -> None:
    async def main() -> None:
        server = ScannerServer(unlisted=("ADX",))
        async with serve(server) as loopback:
            client = TradingViewScreener(clock=ManualClock(NOON), url=loopback.url, limits=FAST, backoff=AGAIN)
            fields = await client.fields("crypto")
            assert "ADX" not in fields
            assert {"ADX+DI", "24h_vol|5"} <= fields
            what = compiled(load_scanner("binance_spot_base"), day=DAY)
            ((_, rank),) = what.ranks.items()
            assert await client.beyond("crypto", rank) == 1e6 * (COINS - 200)
            rank = {**rank, "range": [COINS, COINS + 1]}
            assert await client.beyond("crypto", rank) is None
            loopback.once.append(Reply({"fields": [{"t": "number"}]}))
            loopback.once.append(Reply({"fields": []}))
            loopback.once.append(Reply({}))
            with pytest.raises(Malformed, match="list of columns"):
                await client.fields("crypto")
            await client.close()

    asyncio.run(main())
