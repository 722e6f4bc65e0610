"""Rows that the screener serves, as instruments with features; and where they break the request."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pytest

from builders.scanner_server import row
from tvquant.core.instruments import Kind
from tvquant.market.screeners.answers import page_of
from tvquant.market.screeners.client import Served
from tvquant.market.screeners.live_rows import LiveRows, judged
from tvquant.market.screeners.tradingview import compiled
from tvquant.profiles.scanners import Scanner, load_scanner

DAY = np.datetime64("2024-06-03", "us")
NOW = np.datetime64("2024-06-03T12:00", "us")
LONG = "binance_spot_rating_all_long"
BUY = {"Recommend.All": 0.6}


def scanner(name: str = LONG, **changes: Any) -> Scanner:
    return Scanner.model_validate(load_scanner(name).model_dump(mode="json") | changes)


def rows(*served: dict[str, Any], of: Scanner | None = None, edges: Mapping[Kind, float] | None = None) -> LiveRows:
    """What is made of the rows, sent and read as the screener sends them."""
    import json

    of = of or scanner()
    query = compiled(of, day=date(2024, 6, 3))
    columns = query.body["columns"]
    data = [{"s": one["s"], "d": [one.get(name.partition("|1")[0]) for name in columns]} for one in served]
    page = page_of(json.dumps({"totalCount": len(data), "data": data}).encode(), columns, 150)
    found = Served(query=query, rows=dict(page.rows), total=page.total, pages=1, warnings=())
    return judged(of, found, edges or {}, day=DAY, known_at=NOW)


def recruited(found: LiveRows) -> list[str]:
    return [one.key for one, won in zip(found.instruments, found.outcome.recruited, strict=True) if won]


def test_a_row_is_an_instrument_with_the_figures_that_were_served() -> None:
    found = rows(row("BINANCE:ETHUSDT", **BUY, ROC=4.5, volume_change=-7.0), row("BINANCE:1000PEPEUSDT", **BUY))
    one, other = found.instruments
    assert (one.key, one.base, one.kinds, one.currency) == ("BINANCE:ETHUSDT", "ETH", {Kind.SPOT}, "USD")
    assert other.identity == ("PEPE", "BINANCE", "spot")
    served = {"recommend_all": 0.6, "value_traded_last": 1e8, "roc_9": 4.5, "adx_14": 25.0, "volume_change_24h": -7.0}
    assert {name: found.features.row(name)[0] for name in served} == served
    assert recruited(found) == ["BINANCE:ETHUSDT", "BINANCE:1000PEPEUSDT"]
    assert (found.notes, found.drift, found.dropped, found.delays, found.features.absent) == ((), {}, {}, {}, {})


@pytest.mark.requirement("R-UNI-10")
@pytest.mark.parametrize(
    ("served", "why"),
    [
        (row("BINANCE:XUSDT", **{"Recommend.All": 0.1}), f"{LONG}: recommend_all"),
        (row("BINANCE:XUSDT", **{"Recommend.All": None}), f"{LONG}: recommend_all is unknown"),
        (row("BINANCE:XUSDT", **BUY, **{"24h_vol|5": 2e7}), f"{LONG}: value_traded_last"),
        (row("BINANCE:XUSDT.P", "swap", **BUY), f"{LONG}: kinds"),
        (row("BYBIT:XUSDT", **BUY), f"{LONG}: exchange"),
        (row("BINANCE:XEUR", quote="EUR", **BUY), f"{LONG}: currency"),
    ],
)
def test_a_row_that_breaks_the_request_is_drift_and_recruits_nobody(served: dict[str, Any], why: str) -> None:
    found = rows(row("BINANCE:ETHUSDT", **BUY), served)
    assert recruited(found) == ["BINANCE:ETHUSDT"]
    assert found.drift == {why: (served["s"],)}
    (said,) = found.notes
    assert said.startswith("drift: the screener served 1 rows that its own filter excludes")
    assert served["s"] in said


@pytest.mark.parametrize(
    ("served", "why"),
    [
        (row("XETRA:SAPEUR", **BUY), "its symbol is not understood"),
        (row("BINANCE:btcusdt", **BUY), "its symbol is not understood"),
        (row("BINANCE:XUSDT", exchange="BYBIT", **BUY), "its exchange is not that of its symbol"),
        (row("BINANCE:XUSDT", name="YUSDT", **BUY), "its name is not that of its symbol"),
        (row("BINANCE:XUSDT", "swap", **BUY), "its type is not that of its symbol"),
        (row("BINANCE:XUSDT", **{"Recommend.All": 1.01}), "its Recommend.All is out of range"),
        (row("BINANCE:XUSDT", **BUY, close=0.0), "its close is out of range"),
        (row("BINANCE:XUSDT", **BUY, ADX=-0.1), "its ADX is out of range"),
        (row("BINANCE:XUSDT", **BUY, ROC=-100.5), "its ROC is out of range"),
        (row("BINANCE:XUSDT", **BUY, volume=-1.0), "its volume is out of range"),
        (row("BINANCE:XUSDT", **BUY, volume_change=-101.0), "its volume_change is out of range"),
    ],
)
def test_a_row_that_contradicts_itself_is_dropped_and_counted(served: dict[str, Any], why: str) -> None:
    found = rows(row("BINANCE:ETHUSDT", **BUY), served)
    assert [one.key for one in found.instruments] == ["BINANCE:ETHUSDT"]
    assert found.dropped == {why: (served["s"],)}
    assert f"{LONG}: dropped 1 rows, {why}: '{served['s']}'" in found.notes


def test_figures_at_the_ends_of_their_ranges_are_figures() -> None:
    low = {"ROC": -100.0, "Perf.1M": -100.0, "volume_change": -100.0, "ADX": 0.0, "RSI": 0.0, "ATR": 0.0, "volume": 0.0}
    high = {"Recommend.All": 1.0, "Recommend.MA": -1.0, "ADX": 100.0, "RSI": 100.0, "Perf.Y": 1e6, "ROC": 1e5}
    found = rows(row("BINANCE:AUSDT", **BUY | low), row("BINANCE:BUSDT", **high, close=1e-12))
    assert recruited(found) == ["BINANCE:AUSDT", "BINANCE:BUSDT"]


def test_a_stablecoin_that_lost_its_peg_is_a_coin() -> None:
    found = rows(row("BINANCE:USTCUSDT", **BUY, close=0.02), row("BINANCE:FRAXUSDT", **BUY, close=1.04))
    assert recruited(found) == ["BINANCE:USTCUSDT"]
    assert found.outcome.reasons() == ["", "kind:stablecoin"]
    assert not found.drift


@pytest.mark.requirement("R-UNI-09")
def test_the_ceiling_is_a_rank_of_the_market_and_says_when_it_binds() -> None:
    coins = [row(f"BINANCE:C{k}USDT", **BUY, **{"24h_vol|5": 3e7 + k}) for k in range(6)]
    few = scanner(largest={"field": "value_traded_last", "count": 4})
    found = rows(*coins, of=few, edges={Kind.SPOT: 3e7 + 2})  # the fifth of the market
    assert recruited(found) == [f"BINANCE:C{k}USDT" for k in (3, 4, 5)]
    assert found.notes == (f"{LONG}: the ceiling of 4 by value_traded_last binds: 3 rows are beyond it, and cut",)
    assert found.outcome.reasons()[2] == f"{LONG}: largest 4 by value_traded_last"
    assert len(recruited(rows(*coins, of=few, edges={Kind.SWAP: 9e9}))) == 4
    exact = rows(*coins[:4], of=few)
    assert exact.notes == (f"{LONG}: exactly 4 rows, as many as the ceiling by value_traded_last",)
    assert not rows(*coins[:3], of=few).notes


def test_figures_that_lag_are_said_to() -> None:
    shares = scanner("us_etf_trend", members=None, signal=[{"field": "recommend_all", "above": 0.5}], pool=[])
    modes = ("streaming", "delayed_streaming_900", "endofday", "slow", None)
    share = {"kind": "fund", "quote": "USD", "typespecs": ["etf"], "Recommend.All": 0.6}
    found = rows(*(row(f"AMEX:Q{k}Q", **share, update_mode=mode) for k, mode in enumerate(modes)), of=shares)
    assert len(recruited(found)) == 5  # the screener says that they are funds; no table of ours does
    assert found.delays == {
        "AMEX:Q1Q": "900 seconds late",
        "AMEX:Q2Q": "of the end of a day",
        "AMEX:Q3Q": "late by what the screener does not tell ('slow')",
        "AMEX:Q4Q": "late by what the screener does not tell (nothing (null))",
    }
    assert "delayed: 1 rows are 900 seconds late: AMEX:Q1Q" in found.notes


def test_the_place_in_a_band_is_made_of_its_foot_and_its_top() -> None:
    low = scanner(logic="mean_reversion", signal=[{"field": "bollinger_b_20", "below": 0.0}])
    found = rows(row("BINANCE:AUSDT", close=7.0), row("BINANCE:BUSDT", **{"BB.upper": 8.0}), of=low)
    assert found.features.row("bollinger_b_20").tolist()[0] == -0.25
    assert recruited(found) == ["BINANCE:AUSDT"]
    assert np.isnan(found.features.row("bollinger_b_20")[1])


def test_nothing_served_is_nobody() -> None:
    found = rows()
    assert (found.instruments, recruited(found), found.notes) == ((), [], ())
