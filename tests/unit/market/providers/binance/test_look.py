"""What a list of instruments tells of its server."""

from datetime import UTC, datetime, timedelta

import pytest

from builders.clocks import ManualClock
from tvquant.market.probing import Standing, judged
from tvquant.market.providers.binance.client import PERPETUAL, SPOT, BinanceClient
from tvquant.market.providers.binance.instruments import read_instruments
from tvquant.market.providers.binance.look import heard
from tvquant.market.providers.binance.member import LIMITS, RATES
from tvquant.market.providers.contract import Malformed

NOW = datetime(2024, 1, 1, tzinfo=UTC)
STEPS = [
    {"filterType": "PRICE_FILTER", "tickSize": "0.1"},
    {"filterType": "LOT_SIZE", "stepSize": "0.1"},
    {"filterType": "NOTIONAL", "minNotional": "5"},
]
CONTRACT = {"contractType": "PERPETUAL", "underlyingType": "COIN", "onboardDate": 1_600_000_000_000}

CONTRACT_ALONE = {"symbol": "BTCUSDT", "status": "TRADING", "contractType": "PERPETUAL"}


def look(product, rate, *, filters=STEPS, weight=6000, time=NOW, **changed):
    client = BinanceClient(product, url="https://me:word@host/x", clock=ManualClock(NOW), limits=_limits(rate))
    answer = {
        "serverTime": int(time.timestamp() * 1000),
        "rateLimits": [
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": weight},
        ],
        "symbols": [{"symbol": "BTCUSDT", "status": "TRADING", "filters": filters} | CONTRACT],
    } | changed
    told = read_instruments(answer, product, now=NOW)
    return heard(answer, told, client, asked=NOW, answered=NOW + timedelta(seconds=1))


def _limits(rate):
    return type(LIMITS)(requests_per_second=rate, burst=1, bars_per_request=1000, concurrency=1)


def test_the_rates_that_we_keep_to_are_those_that_binance_allows():
    spot, perpetual = look(SPOT, RATES.spot), look(PERPETUAL, RATES.perpetual, weight=2400)
    assert [rate.told for rate in (*spot.rates, *perpetual.rates)] == [50.0, 8.0]
    assert {line.standing for probe in (spot, perpetual) for line in judged(probe)} == {Standing.FINE}
    assert (spot.server, spot.time, spot.fields, perpetual.fields) == ("host", NOW, 3, 5)
    endless = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": float("inf"), "limit": 1}
    assert look(SPOT, 30.0, rateLimits=None).rates == look(SPOT, 30.0, rateLimits=[endless]).rates == ()


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        (look(SPOT, 30.0, weight=3000), "it allows 25 a second, 30 are kept to"),
        (look(SPOT, 30.0, filters=STEPS[1:]), "host has no tick"),
        (
            look(PERPETUAL, 1.0, symbols=[{"symbol": "BTCUSDT", "status": "X", "contractType": "PERPETUAL"}]),
            "no tradfi",
        ),
        (look(SPOT, 30.0, time=NOW + timedelta(seconds=90)), "clock is 89.0 s behind that of host"),
    ],
)
def test_what_is_amiss_is_said(probe, said):
    wrong = [line.said for line in judged(probe) if line.standing is Standing.WRONG]
    assert any(said in line for line in wrong), wrong


@pytest.mark.parametrize("time", [None, "soon", -1, 10**16])
def test_a_server_without_a_time_is_refused(time):
    with pytest.raises(Malformed, match="tells no time"):
        look(SPOT, 30.0, serverTime=time)
