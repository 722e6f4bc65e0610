"""The provider over both markets of a Binance on loopback; what every provider does is in the contract suite."""

import asyncio
import inspect
from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from builders import loopback
from builders.binance_server import BinanceServer
from builders.clocks import ManualClock
from builders.lies import Wire
from builders.loopback import Reply
from builders.provider_members import COIN, NOW, PERPETUAL, TERMS, WORLD
from tvquant.core.errors import ProfileError
from tvquant.lake import Lake
from tvquant.lake.reading.facts import known_facts
from tvquant.market.metadata import store_metadata
from tvquant.market.orchestrator import DataPipelineOrchestrator
from tvquant.market.providers.binance.member import BINANCE, OVER, PERPETUAL_URL, SPOT_URL, Binance, BinanceRates
from tvquant.market.providers.contract import FUNDING, Malformed, ProviderError, UnknownSymbol
from tvquant.market.registry import AssetState, RegistryManager
from tvquant.market.tasks import DataTask

pytestmark = pytest.mark.xdist_group("ccxt")

FAST = BinanceRates(spot=1e4, perpetual=1e4, funding=1e4)


def played(work, *, now=NOW, rates=FAST, page=TERMS.bars_per_request, burst=TERMS.burst, wire=None, **served):
    """What the work brings, given the member and its server, and the server."""

    async def main():
        async with loopback.serve(BinanceServer(WORLD, now=now, **served), wire) as server:
            limits = replace(TERMS, paced_inside=True, bars_per_request=page, burst=burst)
            member = Binance(
                clock=ManualClock(now), spot_url=server.url, perpetual_url=server.url, limits=limits, rates=rates
            )
            try:
                given = (member, server)[: len(inspect.signature(work).parameters)]
                return await work(*given), server
            finally:
                await member.close()

    return asyncio.run(main())


def paths(server):
    return [request.path for request in server.requests]


def test_lists_are_asked_for_once_and_only_when_needed():
    async def work(member):
        await member.bars(COIN, "1d")
        await member.funding(PERPETUAL)
        before = member.findings
        await asyncio.gather(*(member.instruments(symbol) for symbol in (COIN, COIN, None, None, PERPETUAL)))
        return before

    before, server = played(work, changed=lambda one: one | {"status": "ASLEEP"} if "S001" in one["symbol"] else one)
    assert before == ()
    assert sorted(set(paths(server)[-2:])) == ["/api/v3/exchangeInfo", "/fapi/v1/exchangeInfo"]
    assert paths(server).count("/api/v3/exchangeInfo") == paths(server).count("/fapi/v1/exchangeInfo") == 1


def test_an_unknown_state_is_found():
    async def work(member):
        await member.instruments()
        return member.findings

    found, _ = played(work, changed=lambda one: one | {"status": "ASLEEP"} if "S001" in one["symbol"] else one)
    assert [COIN in one or PERPETUAL in one for one in found] == [True, True]


def test_only_bars_that_a_span_has_room_for_are_asked_for():
    async def work(member):
        end = NOW.replace(hour=0, minute=0)
        spans = [(end - timedelta(days=3), end), (end - timedelta(days=3, hours=-1), end), (end, None), (None, end)]
        return [len(await member.bars(COIN, "1d", start=start, end=end)) for start, end in spans]

    found, server = played(work)
    assert found == [3, 2, 1, 40]
    assert [request.query["limit"] for request in server.requests] == ["3", "3", "2", "40"]
    assert not any("startTime" in request.query for request in server.requests)


@pytest.mark.parametrize(("ahead", "taken"), [(-5 * 3600, True), (60, True), (61, False), (5 * 3600, False)])
@pytest.mark.parametrize("symbol", [COIN, PERPETUAL])
def test_a_clock_that_is_ahead_closes_no_bar_that_still_trades(symbol, ahead, taken):
    wire = Wire(date=NOW - timedelta(seconds=ahead))
    if taken:
        assert len(played(lambda member: member.bars(symbol, "1d"), wire=wire)[0]) == TERMS.bars_per_request
        return
    with pytest.raises(ProviderError, match=f"clock of this machine is {ahead:,} s ahead of Binance .*set it") as told:
        played(lambda member: member.bars(symbol, "1d"), wire=wire)
    assert not told.value.retryable


def test_a_halt_within_a_span_hides_no_older_bars():
    """Binance serves what is newest before the end, however long ago that is."""

    async def work(member):
        return await member.bars("BINANCE:OLDUSDT", "1d", end=NOW)

    world = _Halted()
    rows, _ = asyncio.run(_with(world, work))
    assert len(rows) == 40
    assert rows["timestamp"][-1] < NOW - timedelta(days=60)


class _Halted:
    """A market with one coin, which has no bars of the last days."""

    symbols = ("BINANCE:OLDUSDT",)

    def __init__(self, days=60):
        self.days = days

    def bars(self, symbol, interval, *, now):
        rows = WORLD.bars(COIN, interval, now=now).with_columns(symbol=pl.lit(symbol))
        return rows.filter(pl.col("timestamp") < now - timedelta(days=self.days))

    def instruments(self, *, now):
        return WORLD.instruments(now=now).filter(symbol=COIN).with_columns(symbol=pl.lit(self.symbols[0]))


async def _with(world, work, status="BREAK"):
    served = BinanceServer(world, now=NOW, changed=lambda one: one | {"status": status})
    async with loopback.serve(served) as server:
        member = Binance(
            clock=ManualClock(NOW), spot_url=server.url, perpetual_url=server.url,
            limits=replace(TERMS, paced_inside=True), rates=FAST,
        )  # fmt: skip
        try:
            return await work(member), server
        finally:
            await member.close()


@pytest.mark.parametrize(("days", "status", "over"), [(31, "BREAK", True), (30, "BREAK", False), (40, "HALT", False)])
def test_a_spot_pair_that_stands_has_ended_once_it_had_no_bar_for_long(days, status, over):
    world = _Halted(days)
    last = world.bars(COIN, "1d", now=NOW)["timestamp"].max() + timedelta(days=1)

    async def work(member):
        return (await member.instruments(world.symbols[0]))["delisted_at"].to_list()

    found, server = asyncio.run(_with(world, work, status))
    assert found == [last if over else None]
    assert timedelta(days=30) == OVER
    assert paths(server)[1:] == ["/api/v3/klines"] * (status == "BREAK")


def test_a_coin_that_is_gone_is_delisted_and_has_no_gap(tmp_path):
    """Through a sync, as a user has it: the end is known from the exchange and the asset is whole."""
    world = _Halted(40)

    async def work(member):
        lake = Lake(tmp_path / "lakehouse")
        registry = RegistryManager(lake.root / ".registry.json")
        pipeline = DataPipelineOrchestrator(
            provider=member, lake=lake, registry=registry, clock=ManualClock(NOW), minimum=10
        )
        summary = await pipeline.run([DataTask(physical_symbol=world.symbols[0], depth=400)])
        return summary.outcomes[0], registry.read().record(world.symbols[0], "1d")

    (outcome, record), _ = asyncio.run(_with(world, work))
    assert (outcome.state, outcome.error) == (AssetState.STABLE, None)
    assert record.delisted == world.bars(COIN, "1d", now=NOW)["timestamp"].max() + timedelta(days=1)


@pytest.mark.requirement("R-DAT-24")
def test_steps_and_what_a_contract_is_on_reach_the_lake(tmp_path):
    """A contract on a share is told apart by Binance alone: its symbol could be a coin's."""

    def changed(one):
        return one | {"contractType": "TRADIFI_PERPETUAL"} if one.get("contractType") else one

    async def work(member):
        lake = Lake(tmp_path / "lakehouse")
        registry = RegistryManager(lake.root / ".registry.json")
        pipeline = DataPipelineOrchestrator(provider=member, lake=lake, registry=registry, clock=ManualClock(NOW))
        await pipeline.run([DataTask(physical_symbol=name, depth=50) for name in (COIN, PERPETUAL)])
        known = await store_metadata(pipeline.listings, lake, (COIN, PERPETUAL), clock=ManualClock(NOW))
        return known, known_facts(lake.root, (COIN, PERPETUAL), at=NOW)

    (known, facts), _ = played(work, changed=changed)
    assert (known.error, known.share) == (None, 1.0)
    told = {(symbol, field): value for symbol, field, value in facts.select("symbol", "field", "value").iter_rows()}
    truth = WORLD.instruments(now=NOW).filter(symbol=PERPETUAL).row(0, named=True)
    assert {name: told[PERPETUAL, name] for name in ("tick", "lot", "min_notional", "tradfi")} == {
        name: truth[name] for name in ("tick", "lot", "min_notional")
    } | {"tradfi": 1.0}
    assert (COIN, "tradfi") not in told


def test_a_symbol_beyond_ascii_goes_through_to_the_lake(tmp_path):
    symbol = "BINANCE:币安人生USDT"
    world = _Halted(0)
    world.symbols = (symbol,)

    async def work(member):
        lake = Lake(tmp_path / "lakehouse")
        registry = RegistryManager(lake.root / ".registry.json")
        pipeline = DataPipelineOrchestrator(provider=member, lake=lake, registry=registry, clock=ManualClock(NOW))
        return (await pipeline.run([DataTask(physical_symbol=symbol, depth=100)])), lake.symbols()

    (summary, held), server = asyncio.run(_with(world, work, "TRADING"))
    assert summary.failed == ()
    assert held == (symbol,) or list(held) == [symbol]
    assert {request.query["symbol"] for request in server.requests} == {"币安人生USDT"}


def mixed():
    """Payments every eight hours, then every four, then every hour."""
    times = [NOW - timedelta(days=40)]
    for hours in [8] * 60 + [4] * 60 + [1] * 60:
        times.append(times[-1] + timedelta(hours=hours))
    return pl.DataFrame(
        {"timestamp": times, "funding_rate": [n / 1e4 for n in range(len(times))]}, schema=dict(FUNDING)
    )


@pytest.mark.parametrize("page", [7, 60, 181, 1000])
def test_pages_of_mixed_funding_meet_every_payment_once(page):
    rows = mixed()

    async def work(member):
        pages, end = [], None
        while True:
            told = await member.funding(PERPETUAL, end=end)
            pages.append(told)
            if len(told) < page:
                return pl.concat(reversed(pages))
            end = told["timestamp"][0]

    found, server = played(work, page=page, payments={PERPETUAL: rows})
    assert found.equals(rows)
    assert len(server.requests) <= len(rows) // page + 3  # walked once, whatever the pages of the caller


def test_funding_of_another_contract_is_refused_and_what_comes_later_is_asked_for():
    rows = mixed()

    async def work(member):
        first = await member.funding(PERPETUAL)
        again = await member.funding(PERPETUAL, start=rows["timestamp"][-1] + timedelta(microseconds=1))
        return first, again

    (first, again), server = played(work, page=500, payments={PERPETUAL: rows})
    assert (first.equals(rows), again.is_empty()) == (True, True)
    starts = [int(request.query["startTime"]) for request in server.requests]
    assert starts[-1] == int(rows["timestamp"][-1].timestamp() * 1000) + 1


@pytest.mark.parametrize("symbol", ["NASDAQ:AAPL", "BYBIT:BTCUSDT", "BTCUSDT", "BINANCE:", "BINANCE:.P"])
def test_symbols_of_others_are_refused_without_a_request(symbol):
    async def work(member):
        for asking in (member.bars(symbol, "1d"), member.funding(symbol)):
            with pytest.raises(UnknownSymbol, match="is not served"):
                await asking
        return await member.instruments(symbol)

    found, server = played(work)
    assert found.is_empty()
    assert server.requests == []


def test_funding_keeps_a_rate_of_its_own():
    async def work(member):
        await member.bars(PERPETUAL, "1d")
        await asyncio.gather(*(member.funding(PERPETUAL, start=NOW - timedelta(days=n)) for n in range(6)))

    _, server = played(work, rates=BinanceRates(spot=1e4, perpetual=1e4, funding=20.0), burst=4, page=1000)
    asked = [request.at for request in server.requests if request.path.endswith("fundingRate")]
    assert len(asked) >= 6
    assert asked[-1] - asked[0] >= (len(asked) - 2) / 20


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"spot_url": "ftp://host"}, "option spot_url"),
        ({"spot_url": "https://user:secret@host"}, "option spot_url"),
        ({"perpetual_url": "https://host/?key=secret"}, "option perpetual_url"),
        ({"api_key": "x"}, "unknown option 'api_key'"),
    ],
)
def test_options_take_hosts_and_no_keys(given, said):
    with pytest.raises(ProfileError, match=said) as refused:
        BINANCE.opened(given, ManualClock(NOW))
    assert "secret" not in str(refused.value)
    opened = BINANCE.opened({"spot_url": "https://mirror.example/binance/"}, ManualClock(NOW))
    assert opened.name == "binance"
    assert (SPOT_URL, PERPETUAL_URL) == ("https://api.binance.com", "https://fapi.binance.com")


def test_a_list_that_cannot_be_read_is_asked_for_again():
    async def work(member, server):
        server.once.append(Reply({"symbols": None}))
        with pytest.raises(Malformed):
            await member.instruments(PERPETUAL)
        return len(await member.instruments(PERPETUAL))

    found, server = played(work)
    assert (found, len(server.requests)) == (1, 2)


def test_a_look_is_at_one_pair_where_there_is_it_else_at_all():
    async def work(member):
        return [(probe.fields, dict(probe.absent)) for probe in await member.probe()]

    def named(one):
        return one | {"symbol": "BTCUSDT"} if one["symbol"] == "S001USDT" else one

    for changed, spot in ((named, ["BTCUSDT"]), (lambda one: one, ["BTCUSDT", None])):
        found, server = played(work, changed=changed)
        assert found == [(3, {}), (5, {})]
        assert paths(server) == ["/api/v3/exchangeInfo"] * len(spot) + ["/fapi/v1/exchangeInfo"]
        assert [request.query.get("symbol") for request in server.requests] == [*spot, None]
