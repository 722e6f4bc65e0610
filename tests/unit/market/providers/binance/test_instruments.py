"""Binance's lists of instruments: steps, kinds, ends and halts."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from tvquant.market.providers.binance.answers import stamp
from tvquant.market.providers.binance.client import PERPETUAL, SPOT
from tvquant.market.providers.binance.instruments import read_instruments
from tvquant.market.providers.contract import INSTRUMENTS, Malformed

NOW = datetime(2024, 1, 1, tzinfo=UTC)
LISTED, OVER = NOW - timedelta(days=100), NOW - timedelta(days=3)
NEVER = 4133404800000
STEPS = [
    {"filterType": "PRICE_FILTER", "minPrice": "5", "tickSize": "0.010"},
    {"filterType": "LOT_SIZE", "minQty": "7", "stepSize": "0.00100000"},
]


def pair(symbol="BTCUSDT", status="TRADING", filters=None):
    smallest = {"filterType": "NOTIONAL", "minNotional": "5.0", "applyMinToMarket": True}
    return {"symbol": symbol, "status": status, "filters": [*STEPS, smallest] if filters is None else filters}


def contract(symbol="BTCUSDT", status="TRADING", **changed):
    smallest = {"filterType": "MIN_NOTIONAL", "notional": "100"}
    dates = {"onboardDate": stamp(LISTED), "deliveryDate": NEVER}
    kind = {"contractType": "PERPETUAL", "underlyingType": "COIN", "filters": [*STEPS, smallest]}
    return {"symbol": symbol, "status": status} | dates | kind | changed


def read(*listed, product=PERPETUAL):
    return read_instruments({"symbols": list(listed)}, product, now=NOW)


def only(*listed, product=PERPETUAL):
    return read(*listed, product=product).rows.row(0, named=True)


@pytest.mark.requirement("R-DAT-24")
def test_steps_and_dates():
    told = read(pair("ETHUSDT"), pair("BTCEUR"), product=SPOT)
    assert told.rows.schema == pl.Schema(dict(INSTRUMENTS))
    assert told.rows.rows() == [
        ("BINANCE:BTCEUR", 0.01, 0.001, 5.0, None, None, None),
        ("BINANCE:ETHUSDT", 0.01, 0.001, 5.0, None, None, None),
    ]
    assert read(contract()).rows.rows() == [("BINANCE:BTCUSDT.P", 0.01, 0.001, 100.0, 0.0, LISTED, None)]
    old = [{"filterType": "MIN_NOTIONAL", "minNotional": "10"}]
    assert only(pair(filters=old), product=SPOT)["min_notional"] == 10.0


@pytest.mark.parametrize(
    "filters",
    [5, True, "x", [], {}, [7], [{"filterType": []}], [{"filterType": "LOT_SIZE", "stepSize": 10**400}],
     [{"filterType": "PRICE_FILTER"}], [{"filterType": "PRICE_FILTER", "tickSize": "0.00000000"}],
     [{"filterType": "PRICE_FILTER", "tickSize": "nan"}, {"filterType": "LOT_SIZE", "stepSize": "inf"}],
     [{"filterType": "PRICE_FILTER", "tickSize": "-1"}, {"filterType": "LOT_SIZE", "stepSize": None}]],
)  # fmt: skip
def test_a_step_that_is_none_is_not_known(filters):
    row = only(pair(filters=filters), product=SPOT)
    assert (row["tick"], row["lot"], row["min_notional"]) == (None, None, None)


def test_a_contract_on_anything_but_a_coin_is_no_coin():
    for changed, expected in (
        ({}, 0.0),
        ({"contractType": "TRADIFI_PERPETUAL", "underlyingType": "EQUITY"}, 1.0),
        ({"contractType": "TRADIFI_PERPETUAL"}, 1.0),
        ({"underlyingType": "COMMODITY"}, 1.0),
        ({"underlyingType": "INDEX"}, 1.0),
        ({"underlyingType": None}, None),
    ):
        assert only(contract("NEWUSDT", **changed))["tradfi"] == expected


@pytest.mark.parametrize("state", ["DELIVERING", "DELIVERED", "SETTLING", "CLOSE"])
def test_a_contract_ends_at_its_delivery_date(state):
    told = read(contract(status=state, deliveryDate=stamp(OVER)))
    assert (told.rows["delisted_at"][0], told.findings) == (OVER, ())
    for unset in (NEVER, stamp(NOW) + 1, None, "soon"):
        assert only(contract(status=state, deliveryDate=unset))["delisted_at"] is None


@pytest.mark.parametrize("state", ["TRADING", "PENDING_TRADING", "PRE_DELIVERING", "PRE_SETTLE"])
def test_a_contract_that_goes_on_has_no_end(state):
    told = read(contract(status=state, deliveryDate=stamp(OVER)))
    assert (told.rows["delisted_at"][0], told.findings) == (None, ())


@pytest.mark.parametrize(
    "state", ["TRADING", "PRE_TRADING", "POST_TRADING", "END_OF_DAY", "CANCEL_ONLY", "HALT", "AUCTION_MATCH", "BREAK"]
)
def test_a_spot_pair_tells_no_end(state):
    told = read(pair(status=state), product=SPOT)
    assert (told.rows["delisted_at"][0], told.findings, told.states) == (None, (), {"BINANCE:BTCUSDT": state})


@pytest.mark.parametrize(("product", "one"), [(SPOT, pair), (PERPETUAL, contract)])
def test_a_state_that_is_unknown_is_a_finding_and_ends_nothing(product, one):
    told = read(one(status="ON_HOLIDAY"), one("ETHUSDT"), product=product)
    assert len(told.rows) == 2
    assert told.rows["delisted_at"].null_count() == 2
    (finding,) = told.findings
    assert "BTCUSDT" in finding
    assert "'ON_HOLIDAY'" in finding


def test_what_is_no_perpetual_or_has_an_unknown_quote_is_left_out_and_what_is_beyond_ascii_is_not():
    dated = contract("BTCUSDT_240329", contractType="CURRENT_QUARTER")
    odd = contract("ODDUSDT", contractType=[])
    later = contract("SOONUSDT", status="PENDING_TRADING", onboardDate=stamp(NOW) + 1)
    told = read(
        dated, odd, later, contract("BTCXYZ"), contract("币安人生USDT"), contract("1000SATSUSDC"), contract("龙虾USDT")
    )
    assert list(told.rows["symbol"]) == ["BINANCE:1000SATSUSDC.P", "BINANCE:币安人生USDT.P", "BINANCE:龙虾USDT.P"]
    assert list(read(pair("BTCXYZ"), pair("A B"), pair("币安人生USDT"), product=SPOT).states) == [
        "BINANCE:币安人生USDT"
    ]


@pytest.mark.parametrize(
    "answer",
    [[], {}, {"symbols": {}}, {"symbols": []}, {"symbols": [7]}, {"symbols": [{"symbol": "BTCUSDT"}]},
     {"symbols": [{"symbol": 7, "status": "TRADING"}]}, {"symbols": [contract(), contract()]}],
)  # fmt: skip
def test_a_list_that_cannot_be_read_is_refused_whole(answer):
    with pytest.raises(Malformed, match="the list of instruments of Binance perpetuals cannot be read"):
        read_instruments(answer, PERPETUAL, now=NOW)
