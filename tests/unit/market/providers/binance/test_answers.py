"""Reading of Binance's answers."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from tvquant.market.providers.binance.answers import read_bars, read_funding, stamp
from tvquant.market.providers.contract import BARS, FUNDING, Malformed

DAY = timedelta(days=1)
T0 = datetime(2024, 1, 1, tzinfo=UTC)
MS = stamp(T0)
DAY_MS = 86_400_000
SYMBOL, TICKER = "BINANCE:BTCUSDT.P", "BTCUSDT"


def kline(day=0, **changed):
    """A bar as Binance writes it."""
    row = [MS + day * DAY_MS, "1.5", "2.25", "1", "2", "30", MS + (day + 1) * DAY_MS - 1, "60.125", 7, "1", "2", "0"]
    for place, value in changed.items():
        row[int(place[1:])] = value
    return row


def payment(hours=0, **changed):
    return {
        "symbol": TICKER,
        "fundingTime": MS + hours * 3_600_000,
        "fundingRate": "-0.0001",
        "markPrice": "",
    } | changed


def test_bars_have_quote_volume_and_times_to_the_millisecond():
    rows = read_bars([kline(), kline(1)], symbol=SYMBOL, length=DAY)
    assert rows.schema == pl.Schema(dict(BARS))
    assert rows.row(1) == (SYMBOL, T0 + DAY, 1.5, 2.25, 1.0, 2.0, 30.0, 60.125)
    assert read_bars([], symbol=SYMBOL, length=DAY).schema == rows.schema
    assert stamp(T0 + timedelta(microseconds=1999)) == MS + 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"bars": []}, "a dict; a list was expected"),
        ([kline()[:7]], "a row has 7 values; more than 7 were expected"),
        ([kline(), kline(1)[:8]], "cannot be read"),
        (["123456789"], "cannot be read"),
        ([7], "cannot be read"),
        ([kline(_0=float(MS))], "cannot be read"),
        ([kline(_0=str(MS))], "cannot be read"),
        ([kline(_0=None)], "milliseconds since 1970 were expected"),
        ([kline(_0=MS * 1000)], "milliseconds since 1970 were expected"),
        ([kline(_0=10**13)], "milliseconds since 1970 were expected"),
        ([kline(_0=-1)], "milliseconds since 1970 were expected"),
        ([kline(_0=2**70)], "cannot be read"),
        ([kline(_4=2.0)], "cannot be read"),
        ([kline(_4="two")], "cannot be read"),
        ([kline(_7=None, _4="")], "cannot be read"),
        ([kline(_6=MS + DAY_MS // 6 - 1)], "of another interval"),
    ],
)
def test_bars_that_are_not_as_documented_are_refused(answer, said):
    with pytest.raises(Malformed, match=f"the answer with bars of {SYMBOL}.*{said}"):
        read_bars(answer, symbol=SYMBOL, length=DAY)


def test_one_odd_bar_is_left_to_who_judges_bars():
    short = kline(1, _6=MS + DAY_MS + 5)
    assert len(read_bars([kline(), short], symbol=SYMBOL, length=DAY)) == 2


def funding(answer, *, most=3, start=MS, end=MS + 4 * 3_600_000):
    return read_funding(answer, symbol=SYMBOL, ticker=TICKER, most=most, start=start, end=end)


def test_funding_is_the_fraction_that_longs_pay():
    rows = funding([payment(), payment(1, fundingRate="0.02")])
    assert rows.schema == pl.Schema(dict(FUNDING))
    assert rows.rows() == [(T0, -0.0001), (T0 + timedelta(hours=1), 0.02)]
    assert funding([]).schema == rows.schema
    assert len(funding([payment(900)], end=None)) == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({}, "a list was expected"),
        ([payment(hour) for hour in range(4)], "4 rows; 3 at most"),
        ([payment(), payment(1, symbol="ETHUSDT")], "is of 'ETHUSDT'; 'BTCUSDT' was expected"),
        ([{"symbol": TICKER}], "cannot be read"),
        ([[MS, "0.1"]], "cannot be read"),
        ([payment(fundingRate=0.1)], "cannot be read"),
        ([payment(1), payment(0)], "not in order"),
        ([payment(1), payment(1)], "not in order"),
        ([payment(-1)], "from 2024-01-01 00:00:00.* until before"),
        ([payment(4)], "until before 2024-01-01 04:00:00"),
    ],
)
def test_funding_that_is_not_what_was_asked_for_is_refused(answer, said):
    with pytest.raises(Malformed, match=said):
        funding(answer)
