"""What the chart says, checked at the edge."""

import math
import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from builders.chart_server import described_symbol
from tvquant.market.providers.contract import Malformed, ProviderError, RateLimited, Unavailable, UnknownSymbol
from tvquant.market.providers.tradingview.answers import (
    ChartBar,
    bars_of,
    check_symbol,
    delay_of,
    refusal,
    session_day,
    tick_of,
    time_of,
)
from tvquant.market.providers.tradingview.connection import ChartMessage

COIN, SHARE = "BINANCE:BTCUSDT", "NASDAQ:AAPL"
NOW = datetime(2024, 12, 20, 10, 30, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("symbol", "told"),
    [
        (COIN, {}),
        (COIN, {"type": "crypto", "full_name": None}),
        (COIN, {"currency_code": "USD"}),
        ("BINANCE:BTCUSDT.P", {}),
        (SHARE, {}),
        (SHARE, {"full_name": "NASDAQ_DLY:AAPL", "pro_name": "NASDAQ_DLY:AAPL", "listed_exchange": None}),
        (SHARE, {"full_name": "BATS:AAPL"}),
        (SHARE, {"full_name": "BATS:AAPL", "pro_name": "BATS:AAPL", "listed_exchange": "NASDAQ"}),
        (SHARE, {"type": "fund"}),
        ("TVC:SPX", {"type": "index", "currency_code": None}),
        ("TVC:US10Y", {"type": "bond", "currency_code": "PCT"}),
    ],
)
def test_the_symbol_that_was_asked_for(symbol: str, told: dict[str, Any]) -> None:
    check_symbol(symbol, described_symbol(symbol) | told)


@pytest.mark.parametrize(
    ("symbol", "told", "said"),
    [
        (COIN, {"pro_name": "BINANCE:ETHUSDT"}, "answered for 'BINANCE:ETHUSDT'"),
        (COIN, {"full_name": "BINANCE:ETHUSDT"}, "answered for"),
        (COIN, {"full_name": None, "pro_name": None}, "answered for no name"),
        ("AMEX:SPY", described_symbol("NASDAQ:SPY"), "answered for 'NASDAQ:SPY'; ask under that name"),
        (COIN, {"type": "swap"}, "type 'swap'; expected crypto or spot"),
        ("BINANCE:BTCUSDT.P", {"type": "spot"}, "expected swap"),
        (COIN, {"type": ["spot"]}, "type"),
        (SHARE, {"type": None}, "type nothing"),
        (COIN, {"currency_code": "EUR"}, "currency 'EUR'; expected USD or USDT"),
        (SHARE, {"currency_code": "EUR"}, "currency 'EUR'; expected USD"),
        (SHARE, {"currency_code": ["USD"]}, "expected USD"),
    ],
)
def test_another_symbol_is_refused_for_good(symbol: str, told: dict[str, Any], said: str) -> None:
    with pytest.raises(Malformed) as refused:
        check_symbol(symbol, described_symbol(symbol) | told)
    assert str(refused.value).startswith(f"{symbol}: TradingView")
    assert said in str(refused.value)
    assert not refused.value.retryable


def test_a_symbol_without_a_table_is_refused() -> None:
    with pytest.raises(Malformed):
        check_symbol(COIN, None)


@pytest.mark.parametrize(
    ("told", "tick"),
    [
        ({"pricescale": 100, "minmov": 1}, 0.01),
        ({"pricescale": 100, "minmov": 25, "minmove2": 0}, 0.25),
        ({"pricescale": 100, "minmov": 1, "minmove2": 8}, None),
        ({"pricescale": 32, "minmov": 1, "fractional": True}, None),
        ({"pricescale": 100, "minmov": 1, "variable_tick_size": "0.01 10 0.05"}, None),
        ({"pricescale": 0, "minmov": 1}, None),
        ({"pricescale": -1, "minmov": -1}, None),
        ({"pricescale": "100", "minmov": 1}, None),
        ({}, None),
    ],
)
def test_the_price_step(told: dict[str, Any], tick: float | None) -> None:
    assert tick_of(told) == tick


def bars(*values: Any, symbol: str = COIN, daily: bool = True) -> list[ChartBar]:
    update = {"sds_1": {"s": [{"i": n, "v": row} for n, row in enumerate(values)]}, "sds_2": {"s": "no list"}}
    return bars_of(symbol, update, "sds_1", now=NOW, daily=daily)


@pytest.mark.parametrize(
    ("begins", "day"),
    [
        ("2024-03-08 14:30", "2024-03-08"),  # winter: 09:30 in New York
        ("2024-03-11 13:30", "2024-03-11"),  # summer
        ("2024-11-01 13:30", "2024-11-01"),
        ("2024-11-04 14:30", "2024-11-04"),
        ("2024-01-08 00:00", "2024-01-08"),  # 19:00 on Sunday
        ("2024-07-07 22:00", "2024-07-08"),  # 18:00 on Sunday in summer
        ("2024-01-07 22:00", "2024-01-08"),  # 17:00 on Sunday in winter
        ("2024-01-08 21:59", "2024-01-08"),
        ("2024-07-08 20:59", "2024-07-08"),
    ],
)
def test_a_session_is_stamped_with_its_date(begins: str, day: str) -> None:
    assert session_day(utc(begins)) == utc(day)
    seconds = utc(begins).timestamp()
    assert [bar.stamp for bar in bars([seconds, 1, 1, 1, 1, 1], symbol=SHARE)] == [utc(day)]
    assert [bar.stamp for bar in bars([seconds, 1, 1, 1, 1, 1])] == [utc(begins)]


def test_bars_are_sorted_and_told_once_and_versions_both() -> None:
    day = [[utc(f"2024-06-{n}").timestamp(), 1.0, 3.0, 0.5, 2.0, 7.0] for n in (10, 11, 12)]
    other = [*day[1][:4], 2.5, 7.0]
    found = bars(day[2], day[0], day[1], day[1], other)
    assert [bar.stamp.day for bar in found] == [10, 11, 11, 12]
    assert found[0] == (utc("2024-06-10"), 1.0, 3.0, 0.5, 2.0, 7.0)
    assert {bar.close for bar in found[1:3]} == {2.0, 2.5}


@pytest.mark.parametrize(("symbol", "absent"), [(COIN, None), (SHARE, None), ("TVC:SPX", 0.0)])
def test_volume_may_be_absent_or_null(symbol: str, absent: float | None) -> None:
    row = [utc("2024-06-10 13:30").timestamp(), 1, 1, 1, 1]
    assert [bar.volume for bar in (*bars(row, symbol=symbol), *bars([*row, None], symbol=symbol))] == [absent, absent]
    assert [bar.volume for bar in bars([*row, 5], symbol=symbol)] == [5.0]


@pytest.mark.parametrize(
    "row",
    [[], [1], [1, 1, 1, 1], "12345", None, [1.5, 1, 1, 1, 1], [-1, 1, 1, 1, 1], [4_102_444_800, 1, 1, 1, 1],
     [True, 1, 1, 1, 1], [1, 1, 1, 1, "1"], [1, 1, None, 1, 1], [1, 1, 1, 1, float("nan")], [1, 10**400, 1, 1, 1],
     [1, 1, 1, 1, 1, "5"], [1, 1, 1, 1, 1, True], [float("inf"), 1, 1, 1, 1]],
)  # fmt: skip
def test_what_is_no_bar_is_refused(row: Any) -> None:
    with pytest.raises(Malformed, match=f"{COIN}: TradingView sent what is no bar"):
        bars([1, 1, 1, 1, 1], row)


@pytest.mark.parametrize("update", [None, [], {"sds_1": []}, {"sds_1": {"s": {}}}, {"sds_1": {"s": None}}])
def test_what_is_no_update_is_refused(update: Any) -> None:
    with pytest.raises(Malformed, match="without a list of bars"):
        bars_of(COIN, update, "sds_1", now=NOW, daily=True)


def anything(dice: random.Random, depth: int = 4) -> Any:
    """Return some JSON, of our own keys among others."""
    plain = (None, True, "", "sds_1", 0, 1, -1.5, 10**400, float("nan"), dice.random() * 2**33)
    if depth == 0 or dice.random() < 0.3:
        return dice.choice(plain)
    inner = [anything(dice, depth - 1) for _ in range(dice.randrange(8))]
    keys = ("sds_1", "s", "v", "pro_name", "type", "listed_exchange")
    return inner if dice.random() < 0.5 else {dice.choice(keys): one for one in inner}


def test_any_content_is_bars_or_malformed() -> None:
    dice = random.Random(11)
    for _ in range(600):
        content, row = anything(dice), [dice.randrange(2**33), *(anything(dice, 1) for _ in range(dice.randrange(7)))]
        for told in (content, {"sds_1": {"s": [{"v": [1, 1, 1, 1, 1]}, {"v": row}]}}, {"sds_1": {"s": content}}):
            with suppress(Malformed):
                found = bars_of(COIN, told, "sds_1", now=NOW, daily=True)
                assert all(math.isfinite(value) for bar in found for value in bar[1:5])
        with pytest.raises(Malformed):
            check_symbol(COIN, content)


def test_an_update_of_other_series_has_no_bars() -> None:
    assert bars_of(COIN, {"sds_2": {}}, "sds_1", now=NOW, daily=True) == []
    assert bars() == []


def test_the_future_is_left_out_and_alone_refused() -> None:
    def at(after: timedelta) -> list[float]:
        return [(NOW + after).timestamp(), 1, 1, 1, 1, 1]

    soon = timedelta(minutes=1)
    assert len(bars(at(-soon), at(soon), at(soon + timedelta(seconds=1)))) == 2
    with pytest.raises(Malformed, match=r"bars of the future alone \(2024-12-20 10:31; it is 2024-12-20 10:30\)"):
        bars(at(soon + timedelta(seconds=1)))


@pytest.mark.parametrize(
    ("mode", "seconds"),
    [("streaming", 0), ("delayed_streaming_900", 900), ("delayed_streaming_", 0), ("endofday", 0), (None, 0), (7, 0)],
)
def test_how_late_prices_are(mode: Any, seconds: int) -> None:
    assert delay_of(mode) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("told", "time"),
    [(1713786384, utc("2024-04-22 11:46:24")), (1713786384.9, utc("2024-04-22 11:46:24")), ("1", None), (-1, None),
     (10**30, None), (None, None)],
)  # fmt: skip
def test_the_time_of_the_server(told: Any, time: datetime | None) -> None:
    assert time_of({"timestamp": told}) == time


@pytest.mark.parametrize(
    ("message", "kind", "retryable"),
    [
        (ChartMessage("symbol_error", ["cs", "sds_sym_1", "invalid symbol"]), UnknownSymbol, False),
        (ChartMessage("symbol_error", ["cs", "sds_sym_1", "permission denied"]), ProviderError, False),
        (ChartMessage("series_error", ["cs", "sds_1", "s1", "no such resolution"]), ProviderError, False),
        (ChartMessage("critical_error", ["cs", "invalid", "parameters\n"]), Unavailable, True),
        (ChartMessage("critical_error", ["cs", "x", "Max sessions rate reached"]), RateLimited, True),
        (ChartMessage("protocol_error", ["wrong data"]), ProviderError, False),
        (ChartMessage("protocol_error", []), ProviderError, False),
    ],
)
def test_refusals(message: ChartMessage, kind: type[ProviderError], retryable: bool) -> None:
    error = refusal(COIN, message)
    assert type(error) is kind
    assert error.retryable == retryable
    assert str(error).startswith(f"{COIN}: TradingView's chart says {message.method}: ")
    assert str(error).isprintable()
