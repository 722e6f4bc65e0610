from collections import Counter
from dataclasses import replace

import pytest

from tvquant.core.errors import ProfileError
from tvquant.core.instruments import Kind
from tvquant.market.providers.simulated.market import REUSE_PAUSE, SimulatedMarket, Venue, roster
from tvquant.symbology.kinds import structure


def test_the_roster_has_what_was_declared(market):
    listings = roster(market)
    firsts = [one for one in listings if one.generation == 1]
    assert sum(one.venue is Venue.COINS and one.coin is None for one in firsts) == 12
    assert sum(one.coin is not None for one in listings) == 3
    assert sum(one.venue is Venue.STOCKS for one in listings) == 6
    assert {one.symbol: one.sharpe for one in listings if one.sharpe is not None} == dict(market.planted)


@pytest.mark.parametrize("seed", range(8))
def test_the_leader_is_the_first_coin_all_the_time_and_the_others_are_as_without_it(seed):
    led = SimulatedMarket(seed=seed, days=400, coins=6, perpetuals=2, late=0.9, delisted=0.9, leader="BINANCE:BTCUSDT")
    first, *others = roster(led)
    assert (first.symbol, first.first, first.last, first.ends) == ("BINANCE:BTCUSDT", 0, 400, False)
    assert "BINANCE:BTCUSDT.P" in {one.symbol for one in others}
    alone = [one for one in roster(replace(led, leader=None))[1:] if one.symbol != "BINANCE:S001USDT.P"]
    assert [one for one in others if one.symbol != "BINANCE:BTCUSDT.P"] == alone
    with pytest.raises(ProfileError, match="needs a coin"):
        replace(led, coins=1, perpetuals=0)


def test_columns_count_through_each_venue(market):
    for venue in Venue:
        columns = [one.column for one in roster(market) if one.venue is venue]
        assert columns == list(range(len(columns)))


def test_equal_declarations_have_equal_rosters_and_other_seeds_others(market):
    assert roster(market) == roster(replace(market))
    assert roster(market) != roster(replace(market, seed=8))


@pytest.mark.parametrize("seed", range(20))
def test_every_listing_lives_long_enough_within_the_market(seed):
    shares = {"late": 0.6, "delisted": 0.6}
    for one in roster(SimulatedMarket(seed=seed, days=400, coins=40, perpetuals=20, stocks=20, reused=2, **shares)):
        assert 0 <= one.first < one.last <= 400
        assert one.coin is not None or one.last - one.first >= 120
        assert one.ends or one.last == 400


def test_the_lake_knows_what_every_symbol_is(market):
    kinds = {one.symbol: structure(one.symbol).kinds for one in roster(replace(market, coins=300, stocks=300))}
    assert all(found == {Kind.STOCK} for name, found in kinds.items() if name.startswith("NASDAQ:"))
    assert all(found == {Kind.SWAP} for name, found in kinds.items() if name.endswith(".P"))
    crypto = [found for name, found in kinds.items() if name.endswith("USDT")]
    assert len(crypto) == 300
    assert all(found == {Kind.SPOT} for found in crypto)


def test_a_perpetual_is_listed_after_its_coin_and_ends_with_it(market):
    listings = roster(replace(market, perpetuals=11, delisted=0.5))
    coins = {one.column: one for one in listings if one.venue is Venue.COINS}
    perpetuals = [one for one in listings if one.coin is not None]
    assert len(perpetuals) == 11
    for one in perpetuals:
        coin = coins[one.coin]
        assert (one.symbol, one.sector, one.last, one.ends) == (f"{coin.symbol}.P", coin.sector, coin.last, coin.ends)
        assert one.first == coin.first + 14


def test_a_ticker_is_used_again_after_a_pause(market):
    listings = roster(replace(market, reused=2))
    twice = [symbol for symbol, count in Counter(one.symbol for one in listings).items() if count == 2]
    assert twice == ["BINANCE:S011USDT", "BINANCE:S012USDT"]
    for symbol in twice:
        old, new = (one for one in listings if one.symbol == symbol)
        assert (old.generation, new.generation) == (1, 2)
        assert old.ends
        assert new.first == old.last + REUSE_PAUSE
        assert old.sector != new.sector


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"days": 100}, "200 days"),
        ({"sectors": 0}, "1 sector"),
        ({"perpetuals": 12}, "cannot have 12 perpetuals"),
        ({"coins": 1000}, "1 to 999"),
        ({"coins": 0, "perpetuals": 0, "reused": 0, "stocks": 0}, "1 to 999"),
    ],
)
def test_a_market_that_cannot_be_is_refused(market, wrong, said):
    with pytest.raises(ProfileError, match=said):
        replace(market, **wrong)


@pytest.mark.parametrize("symbol", ["BINANCE:S999USDT", "BINANCE:S001USDT.P"])
def test_an_edge_is_planted_in_coins_and_stocks_only(market, symbol):
    with pytest.raises(ProfileError, match=symbol):
        roster(replace(market, planted=((symbol, 1.0),)))
