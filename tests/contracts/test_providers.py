"""The contract of every provider: each is open on one market, over its real protocol where it has one."""

import asyncio
from datetime import timedelta

import polars as pl
import pytest

from builders.clocks import ManualClock
from builders.provider_members import COIN, KINDS, MEMBERS, NOW, PAGE, PERPETUAL, STOCK, WORLD, marks
from tvquant.core.errors import DataError, ProfileError
from tvquant.core.instruments import Kind
from tvquant.core.panel import Basis
from tvquant.market.providers import contract
from tvquant.market.providers.catalogue import PROVIDERS
from tvquant.market.providers.contract import (
    ACTIONS,
    BARS,
    FUNDING,
    INSTRUMENTS,
    INTERVALS,
    ProviderError,
    UnknownSymbol,
    Unsupported,
)
from tvquant.symbology.kinds import structure

DAY = timedelta(days=1)


@pytest.fixture(params=[pytest.param(name, marks=marks(name)) for name in MEMBERS])
def declared(request):
    """A member as the tests know it."""
    return MEMBERS[request.param]


@pytest.fixture
def within(declared, tmp_path):
    """Do something with the open member."""

    def run(work):
        async def main():
            async with declared.opened(tmp_path) as member:
                try:
                    return await work(member)
                finally:
                    await member.close()

        return asyncio.run(main())

    return run


def served(member):
    """A symbol of each kind that it serves, the first of them a coin where it has any."""
    return [symbol for symbol, kind in KINDS.items() if kind in member.capabilities.kinds]


def listed(member):
    """Every symbol of the market that it serves."""
    return {symbol for symbol in WORLD.symbols if structure(symbol).kinds <= member.capabilities.kinds}


def finished(rows):
    """Without the bar of the moment: only its time tells it from the others."""
    return rows.filter(pl.col("timestamp") + DAY <= NOW)


def test_every_member_of_the_catalogue_is_tested_and_opens_under_its_name(tmp_path):
    (tmp_path / "bars.csv").write_text("symbol,timestamp,close\nBINANCE:BTCUSDT,2022-01-01,1\n")
    for name, factory in PROVIDERS.items():
        given = {"path": tmp_path} if name == "files" else {}
        assert factory.opened(given, ManualClock(NOW)).name == factory.name == name
    assert {name.split()[0] for name in MEMBERS} == set(PROVIDERS)
    with pytest.raises(TypeError):
        PROVIDERS["another"] = None


@pytest.mark.parametrize(
    ("name", "given", "package"),
    [
        ("binance", {}, "ccxt"),
        ("binance_archive", {}, "httpx"),
        ("simulated", {"url": "http://127.0.0.1:9"}, "httpx"),
        ("tradingview", {}, "websockets"),
        ("yahoo", {}, "yfinance"),
    ],
)
def test_a_library_that_is_not_there_is_named_before_anything_is_asked(name, given, package, monkeypatch):
    real = contract.find_spec
    monkeypatch.setattr(contract, "find_spec", lambda asked: None if asked == package else real(asked))
    with pytest.raises(DataError, match=rf"{name} needs the package {package}, .* install tvquant\[live\]$"):
        PROVIDERS[name].opened(given, ManualClock(NOW))


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("simulated", {"sed": 1}, "provider simulated: unknown option 'sed' - did you mean seed? (known: seed, url)"),
        ("files", {"url": "http://x"}, "provider files: unknown option 'url' (known: basis, listings, path)"),
        ("simulated", {"seed": -1}, "provider simulated: option seed: expected greater than or equal to 0, found -1"),
        ("files", {"basis": "rwa"}, "provider files: option basis: unknown name 'rwa' - did you mean raw?"),
    ],
)
def test_an_option_that_a_provider_does_not_take_is_refused(name, given, said):
    with pytest.raises(ProfileError) as caught:
        PROVIDERS[name].opened(given, ManualClock(NOW))
    assert str(caught.value).startswith(said)


def test_what_is_declared_makes_sense(within):
    async def work(member):
        can, limits = member.capabilities, member.limits
        assert can.intervals
        assert can.intervals <= set(INTERVALS)
        assert can.kinds <= set(Kind)
        assert isinstance(member.basis, Basis)
        assert min(limits.requests_per_second, limits.burst, limits.bars_per_request, limits.concurrency) > 0
        assert limits.bars_per_request == PAGE

    within(work)


def test_bars_are_of_the_schema_ascending_and_true(within, declared):
    async def work(member):
        for symbol in served(member):
            rows = await member.bars(symbol, "1d")
            truth = declared.truth(symbol, "1d")
            assert rows.schema == pl.Schema(dict(BARS))
            assert rows["symbol"].unique().to_list() == [symbol]
            assert rows["timestamp"].is_sorted()
            assert len(rows) == PAGE
            assert finished(rows).equals(truth.filter(pl.col("timestamp") >= rows["timestamp"][0]))

    within(work)


@pytest.mark.parametrize("interval", sorted(INTERVALS))
def test_paging_backwards_meets_every_bar_once_and_ends_at_the_genesis(within, declared, interval):
    async def work(member):
        symbol = served(member)[0]
        if interval not in member.capabilities.intervals:
            with pytest.raises(Unsupported):
                await member.bars(symbol, interval)
            return
        pages, end = [], None
        while not (rows := await member.bars(symbol, interval, end=end)).is_empty():
            pages.append(rows)
            end = rows["timestamp"][0]
        truth = declared.truth(symbol, interval)
        told = pl.concat(reversed(pages))
        assert told.head(len(truth)).equals(truth)
        assert len(told) - len(truth) <= member.capabilities.live
        assert all(len(page) == PAGE for page in pages[:-1])

    within(work)


def test_a_span_holds_its_start_and_not_its_end(within, declared):
    async def work(member):
        symbol = served(member)[0]
        known = declared.truth(symbol, "1d")["timestamp"].to_list()
        first, last = known[59], known[69]

        async def stamps(start, end):
            return (await member.bars(symbol, "1d", start=start, end=end))["timestamp"].to_list()

        assert await stamps(first, last) == known[59:69]
        assert await stamps(first + timedelta(microseconds=1), last) == known[60:69]
        assert await stamps(first, last + timedelta(microseconds=1)) == known[59:70]
        assert await stamps(first, first) == []
        assert await stamps(last, first) == []
        assert await stamps(known[0], last) == known[69 - PAGE : 69]
        assert await stamps(None, known[0]) == []
        assert await stamps(first.astimezone(tz=None), last) == known[59:69]

    within(work)


def test_the_unfinished_bar_is_told_by_its_time_only(within):
    async def work(member):
        symbol = served(member)[0]
        if symbol != COIN:
            return  # a market with sessions is closed now
        last = (await member.bars(symbol, "1d"))["timestamp"][-1]
        today = NOW.replace(hour=0, minute=0)
        assert last == (today if member.capabilities.live else today - DAY)

    within(work)


def test_unknown_symbols_are_refused_for_good(within):
    async def work(member):
        symbol = served(member)[0]
        unknown = f"{symbol.split(':')[0]}:NONEUSDT" if symbol == COIN else "NASDAQ:NONE"
        with pytest.raises(UnknownSymbol, match=unknown) as refused:
            await member.bars(unknown, "1d")
        assert not refused.value.retryable
        with pytest.raises((UnknownSymbol, Unsupported)):
            await member.actions(unknown)
        with pytest.raises(ProviderError):
            await member.bars(symbol, "7m")

    within(work)


def test_instruments(within):
    async def work(member):
        rows = await member.instruments()
        assert rows.schema == pl.Schema(dict(INSTRUMENTS))
        if member.capabilities.instruments or not rows.is_empty():  # who does not list may know single symbols
            assert set(rows["symbol"]) == listed(member)
        if member.capabilities.instruments and not member.capabilities.ends_by_symbol:
            assert rows.select("tick", "lot", "min_notional").null_count().sum_horizontal().item() == 0
        one = await member.instruments(served(member)[0])
        assert set(one["symbol"]) <= {served(member)[0]}
        assert len(one) or not member.capabilities.instruments
        assert (await member.instruments("BINANCE:NONEUSDT")).is_empty()

    within(work)


def test_actions(within):
    async def work(member):
        if not member.capabilities.actions:
            with pytest.raises(Unsupported):
                await member.actions(STOCK)
            return
        for symbol in {STOCK, COIN} & set(served(member)):
            rows = await member.actions(symbol)
            assert rows.schema == pl.Schema(dict(ACTIONS))
            assert rows.equals(WORLD.actions(symbol, now=NOW))

    within(work)


def test_funding(within, declared):
    async def work(member):
        if not member.capabilities.funding:
            with pytest.raises(Unsupported):
                await member.funding(PERPETUAL)
            return
        rows = await member.funding(PERPETUAL)
        assert rows.schema == pl.Schema(dict(FUNDING))
        assert rows.equals(declared.paid(PERPETUAL).tail(PAGE))
        first, last = rows["timestamp"][3], rows["timestamp"][9]
        assert (await member.funding(PERPETUAL, start=first, end=last)).equals(rows[3:9])
        assert (await member.funding(COIN)).is_empty()

    within(work)


def test_many_may_ask_at_once(within):
    async def work(member):
        symbols = sorted(listed(member)) * 4
        together = await asyncio.gather(*(member.bars(symbol, "1d") for symbol in symbols))
        for symbol, rows in zip(symbols, together, strict=True):
            assert rows.equals(await member.bars(symbol, "1d"))

    within(work)


def test_closing_twice_is_closing(within):
    async def work(member):
        await member.bars(served(member)[0], "1d")
        await member.close()
        await member.close()

    within(work)
