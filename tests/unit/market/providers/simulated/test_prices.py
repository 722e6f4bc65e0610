from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from tvquant.core.panel import total_returns
from tvquant.market.providers.simulated.prices import JUMP, aggregate

PRICES = ("open", "high", "low", "close")


def wide(actions):
    """One row per ex-date: `dividend` and `split`, null where there is none."""
    kinds = [pl.col("value").filter(pl.col("kind") == kind).first().alias(kind) for kind in ("dividend", "split")]
    return actions.group_by("timestamp").agg(kinds)


@pytest.mark.parametrize("symbol", ["BINANCE:S001USDT", "BINANCE:S002USDT.P", "BINANCE:S012USDT"])
def test_a_day_is_the_exact_aggregate_of_its_four_hour_bars(world, over, symbol):
    of_days = (
        world.truth(symbol, "4h", now=over)
        .group_by_dynamic("timestamp", every="1d")
        .agg(
            pl.first("open"),
            pl.max("high"),
            pl.min("low"),
            pl.last("close"),
            pl.sum("volume"),
            pl.sum("quote_volume"),
            pl.len(),
        )
    )
    days = world.truth(symbol, "1d", now=over)
    assert (of_days["len"] == 6).all()
    assert of_days.select("timestamp", *PRICES).equals(days.select("timestamp", *PRICES))
    for name in ("volume", "quote_volume"):
        assert of_days[name].to_numpy() == pytest.approx(days[name].to_numpy(), rel=1e-12)


def test_aggregate_takes_steps_in_their_order():
    names = ("open", "high", "low", "close", "volume", "quote_volume")
    steps = {name: np.array([[1.0], [4.0], [3.0], [2.0]]) for name in names}
    got = {name: column[:, 0].tolist() for name, column in aggregate(steps, 2).items()}
    assert got == {
        "open": [1, 3], "high": [4, 3], "low": [1, 2], "close": [4, 2], "volume": [5, 5], "quote_volume": [5, 5],
    }  # fmt: skip


def test_prices_stand_on_ticks_and_volumes_on_lots_and_contradict_nothing(world, over):
    facts = {row["symbol"]: row for row in world.instruments(now=over).iter_rows(named=True)}
    for symbol in world.symbols:
        if len(world.listings_of(symbol)) == 2:
            continue  # each holder has its own
        bars = world.truth(symbol, now=over)
        for names, step in ((PRICES, facts[symbol]["tick"]), (("volume",), facts[symbol]["lot"])):
            steps = bars.select(names).to_numpy() / step
            assert np.abs(steps - np.round(steps)).max() < 1e-3, symbol
        prices = bars.select(PRICES).to_numpy()
        assert (prices > 0).all()
        assert (prices.max(axis=1) == bars["high"].to_numpy()).all()
        assert (prices.min(axis=1) == bars["low"].to_numpy()).all()
        price = (bars["quote_volume"] / bars["volume"]).to_numpy()
        assert ((price > bars["low"].to_numpy() * 0.999) & (price < bars["high"].to_numpy() * 1.001)).all()


def test_a_perpetual_stays_near_its_coin(world, over):
    both = world.truth("BINANCE:S001USDT", now=over).join(
        world.truth("BINANCE:S001USDT.P", now=over), on="timestamp", suffix="_p"
    )
    basis = (both["close_p"] / both["close"] - 1).to_numpy()
    assert len(basis) > 300
    assert np.abs(basis).max() < 0.004
    assert basis.std() > 1e-4


def test_the_second_holder_of_a_ticker_begins_far_from_the_first(world, over):
    symbol = "BINANCE:S012USDT"
    bars = world.truth(symbol, now=over)
    hole = bars["timestamp"].diff().dt.total_days()
    place = int(hole.arg_max())
    assert hole[place] == 31
    assert hole.drop_nulls().sort()[:-1].unique().to_list() == [1]
    assert bars["open"][place] / bars["close"][place - 1] == pytest.approx(JUMP, rel=1e-3)


@pytest.mark.parametrize(
    ("symbol", "declared", "periods"),
    [("BINANCE:S004USDT", 2.5, 365), ("BINANCE:S005USDT", -1.5, 365), ("NASDAQ:T002", 1.5, 252)],
)
def test_planted_edges_have_their_sharpe_ratio(world, over, symbol, declared, periods):
    bars = world.truth(symbol, now=over).join(wide(world.actions(symbol, now=over)), on="timestamp", how="left")
    columns = (bars[name].to_numpy()[:, None] for name in ("close", "dividend", "split"))
    returns = total_returns(*columns)[1:, 0]
    assert returns.mean() / returns.std(ddof=1) * np.sqrt(periods) == pytest.approx(declared, abs=5e-3)


def test_raw_prices_of_stocks_jump_by_their_splits_and_total_returns_do_not(world, over):
    seen = 0
    for symbol in world.symbols:
        if not symbol.startswith("NASDAQ"):
            continue
        actions = wide(world.actions(symbol, now=over))
        bars = world.truth(symbol, now=over).join(actions, on="timestamp", how="left")
        seen += bars["split"].drop_nulls().len()
        raw = bars["close"].pct_change().to_numpy()
        at_split = bars["split"].is_not_null().to_numpy()
        total = total_returns(*(bars[name].to_numpy()[:, None] for name in ("close", "dividend", "split")))[:, 0]
        assert (np.abs(raw[at_split]) > 0.4).all()
        assert np.nanmax(np.abs(total)) < 0.3
    assert seen >= 3


def test_dividends_are_quarterly_and_small(world, over):
    payers = 0
    for symbol in world.symbols:
        paid = world.actions(symbol, now=over).filter(pl.col("kind") == "dividend")
        if paid.is_empty():
            continue
        payers += 1
        both = paid.join(world.truth(symbol, now=over), on="timestamp")
        share = (both["value"] / (both["close"] + both["value"])).to_numpy()
        assert share == pytest.approx(np.full(len(share), share[0]), abs=1e-4)
        assert 0.002 <= share[0] <= 0.01
        assert (paid["timestamp"].diff().drop_nulls().dt.total_days() > 80).all()
    assert payers >= 2


def test_stocks_have_the_sessions_of_new_york(world):
    days = world.truth("NASDAQ:T002", now=datetime(2021, 7, 9, tzinfo=UTC))["timestamp"].dt.date().to_list()
    assert [f"{day:%m-%d}" for day in days[-6:]] == ["06-30", "07-01", "07-02", "07-06", "07-07", "07-08"]
