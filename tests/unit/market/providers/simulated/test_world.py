from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tvquant.core.panel import Basis
from tvquant.lake import Lake, audit, import_files
from tvquant.market.providers.simulated.market import SimulatedMarket
from tvquant.market.providers.simulated.world import World

COIN, PERPETUAL, STOCK, TWICE = "BINANCE:S001USDT", "BINANCE:S001USDT.P", "NASDAQ:T002", "BINANCE:S012USDT"


def test_equal_markets_are_equal_to_the_bit_and_other_seeds_differ(world, market, over):
    again, other = World(replace(market)), World(replace(market, seed=8))
    for symbol in (COIN, PERPETUAL, STOCK, TWICE):
        for interval in world.intervals(symbol):
            assert world.truth(symbol, interval, now=over).equals(again.truth(symbol, interval, now=over))
        assert not world.truth(symbol, now=over).equals(other.truth(symbol, now=over))
    assert world.instruments(now=over).equals(again.instruments(now=over))
    assert world.funding(PERPETUAL, now=over).equals(again.funding(PERPETUAL, now=over))
    assert (world.regimes == again.regimes).all()


@pytest.mark.parametrize("interval", ["4h", "1d"])
@pytest.mark.parametrize("symbol", [COIN, TWICE])
def test_what_was_true_stays_true(world, over, symbol, interval):
    whole = world.truth(symbol, interval, now=over)
    hours = 4 if interval == "4h" else 24
    for now in (datetime(2021, 6, 1, 7, 59, tzinfo=UTC), datetime(2022, 5, 1, tzinfo=UTC)):
        known = world.truth(symbol, interval, now=now)
        closed = whole.filter(pl.col("timestamp") + timedelta(hours=hours) <= now)
        assert known.equals(closed)


def test_the_unfinished_bar_grows_into_the_finished_one(world):
    day = datetime(2022, 9, 15, tzinfo=UTC)
    finished = world.truth(COIN, now=day + timedelta(days=1)).row(-1, named=True)
    earlier = None
    for hour in (0, 1, 5, 10, 23):
        rows = world.bars(COIN, "1d", now=day + timedelta(hours=hour, minutes=1))
        last = rows.row(-1, named=True)
        assert len(rows) == len(world.truth(COIN, now=day)) + 1
        assert last["timestamp"] == day
        assert last["open"] == finished["open"]
        assert finished["low"] <= last["low"] <= last["close"] <= last["high"] <= finished["high"]
        assert 0 < last["volume"] < finished["volume"]
        if earlier is not None:
            assert last["volume"] > earlier["volume"]
            assert last["high"] >= earlier["high"]
            assert last["low"] <= earlier["low"]
        earlier = last


def test_at_a_close_the_bar_is_finished_and_the_next_has_begun(world):
    at = datetime(2022, 9, 15, 8, tzinfo=UTC)
    rows = world.bars(COIN, "4h", now=at)
    assert rows["timestamp"].to_list()[-2:] == [at - timedelta(hours=4), at]
    assert rows[:-1].equals(world.truth(COIN, "4h", now=at))
    assert rows[-1].select("open", "volume").rows() == [(rows["open"][-1], 0.0)]


def test_a_session_is_unfinished_until_new_york_closes(world):
    day = datetime(2022, 9, 15, tzinfo=UTC)
    for hour, finished in ((0, 0), (19, 0), (20, 1), (23, 1)):
        now = day + timedelta(hours=hour)
        bars, truth = world.bars(STOCK, "1d", now=now), world.truth(STOCK, now=now)
        assert bars["timestamp"][-1] == day
        assert len(bars) - len(truth) == 1 - finished
    saturday = datetime(2022, 9, 17, 12, tzinfo=UTC)
    assert world.bars(STOCK, "1d", now=saturday).equals(world.truth(STOCK, now=saturday))


def test_nothing_trades_before_the_start_or_after_the_end(world, market, over):
    before = datetime(2020, 12, 31, tzinfo=UTC)
    assert all(world.bars(symbol, "1d", now=before).is_empty() for symbol in world.symbols)
    assert world.instruments(now=before).is_empty()
    assert world.bars(COIN, "1d", now=over)["timestamp"].max() == datetime(2021, 1, 1, tzinfo=UTC) + timedelta(days=899)


def test_symbols_that_are_never_listed_have_nothing(world, over):
    assert world.intervals("BINANCE:NONEUSDT") == frozenset()
    assert world.truth("BINANCE:NONEUSDT", now=over).is_empty()
    assert world.listings_of("BINANCE:NONEUSDT") == ()
    assert world.intervals(STOCK) == {"1d"} | (world.intervals(STOCK) - {"4h"})
    assert "4h" not in world.intervals(STOCK)


def test_instruments_tell_of_listings_and_ends_when_they_have_come(world, over):
    listed = {(one.symbol, one.generation): one for one in world.listings}
    table = world.instruments(now=over)
    assert len(table) == len(listed)
    assert table.filter(symbol=TWICE)["delisted_at"].to_list() == [datetime(2022, 3, 27, tzinfo=UTC), None]
    middle = datetime(2022, 3, 26, 23, tzinfo=UTC)
    early = world.instruments(now=middle)
    assert early.filter(symbol=TWICE)["delisted_at"].to_list() == [None]
    assert early["listed_at"].max() <= middle
    assert len(early) < len(table)


def test_bars_begin_at_the_listing_and_end_before_the_delisting(world, over):
    for row in world.instruments(now=over).iter_rows(named=True):
        if row["symbol"] == TWICE or row["symbol"].startswith("NASDAQ"):
            continue
        stamps = world.truth(row["symbol"], now=over)["timestamp"]
        assert stamps[0] == row["listed_at"]
        if row["delisted_at"] is not None:
            assert stamps[-1] == row["delisted_at"] - timedelta(days=1)


def test_funding_comes_every_eight_hours_and_follows_the_basis(world, over):
    paid = world.funding(PERPETUAL, now=over)
    assert paid["timestamp"].diff().drop_nulls().unique().to_list() == [timedelta(hours=8)]
    assert paid["timestamp"][0] == world.truth(PERPETUAL, now=over)["timestamp"][0]
    assert paid["funding_rate"].abs().max() <= 0.0075
    assert paid["funding_rate"].mean() == pytest.approx(1e-4, abs=5e-5)
    bars = world.truth(PERPETUAL, "4h", now=over).join(world.truth(COIN, "4h", now=over), on="timestamp", suffix="_c")
    basis = bars.select("timestamp", basis=pl.col("close") / pl.col("close_c") - 1)
    joined = paid.join(basis, on="timestamp")
    assert np.corrcoef(joined["funding_rate"], joined["basis"])[0, 1] > 0.8
    assert world.funding(COIN, now=over).is_empty()
    noon = datetime(2022, 9, 15, 12, tzinfo=UTC)
    assert world.funding(PERPETUAL, now=noon)["timestamp"][-1] == noon - timedelta(hours=4)


def test_borrowing_costs_something_every_day(world, clock):
    rates = world.borrow(COIN, now=clock.now())
    assert len(rates) == len(world.bars(COIN, "1d", now=clock.now()))
    assert rates["borrow_rate"].min() > 0
    assert rates["borrow_rate"].median() == pytest.approx(0.02, rel=0.6)


def test_actions_are_known_on_their_ex_date(world, over):
    everything = world.actions(STOCK, now=over)
    assert len(everything) >= 1
    for at in everything["timestamp"].unique().to_list():
        just_before = world.actions(STOCK, now=at - timedelta(microseconds=1))
        assert just_before.equals(everything.filter(pl.col("timestamp") < at))
    assert world.actions(COIN, now=over).is_empty()


@pytest.mark.requirement("R-DAT-25")
def test_a_lake_of_the_truth_has_generations_but_no_defect(world, over, tmp_path):
    rows = []
    for symbol in world.symbols:
        bars, actions = world.truth(symbol, now=over), world.actions(symbol, now=over)
        for column, kind in (("dividends", "dividend"), ("stock_splits", "split")):
            of_kind = actions.filter(kind=kind).select("timestamp", pl.col("value").alias(column))
            bars = bars.join(of_kind, on="timestamp", how="left").with_columns(pl.col(column).fill_null(0.0))
        rows.append(bars.sort("timestamp"))
    file = tmp_path / "truth.parquet"
    pl.concat(rows).write_parquet(file)
    lake = Lake(tmp_path / "lake")
    import_files(lake, [file], basis=Basis.RAW, recorded_at=over)
    coins = [symbol for symbol in world.symbols if symbol.startswith("BINANCE")]
    stocks = sorted(set(world.symbols) - set(coins))
    keys = {one.key for group in (coins, stocks) for one in lake.panel(lake.pin(group)).instruments}
    assert keys == {*world.symbols, f"{TWICE}#2"}
    accused = {(one.symbol, str(one.kind)) for one in audit(lake)}
    assert {(symbol, kind) for symbol, kind in accused if symbol == TWICE} == {(TWICE, "gap"), (TWICE, "discontinuity")}
    ended = {(one.symbol, "ended") for one in world.listings if one.ends}
    assert {(symbol, kind) for symbol, kind in accused if symbol != TWICE} <= ended


def test_the_default_market_reaches_the_years_of_its_use():
    market = SimulatedMarket()
    assert market.start + timedelta(days=market.days - 1) == datetime(2027, 12, 31).date()
