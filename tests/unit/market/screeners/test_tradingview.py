"""The request that a scanner becomes; checked key by key, as the service's public clients write it."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from tvquant.core.errors import ProfileError
from tvquant.market.providers.contract import Unsupported
from tvquant.market.screeners.tradingview import COLUMNS, Query, compiled
from tvquant.profiles.scanners import Scanner, load_scanner

DAY = date(2024, 6, 3)
IDENTIFIERS = ("name", "exchange", "type", "currency")
REQUIRED = (
    "name", "close", "volume", "ADX", "ATR", "Recommend.All", "Recommend.MA", "Recommend.Other", "Volatility.D",
    "volume_change", "ROC", "Perf.W", "Perf.1M", "Perf.3M", "24h_vol|5",
)  # fmt: skip


def term(query: Query, left: str) -> list[Mapping[str, Any]]:
    return [each for each in query.body["filter"] if each["left"] == left]


def changed(name: str, **changes: Any) -> Scanner:
    return Scanner.model_validate(load_scanner(name).model_dump(mode="json") | changes)


@pytest.mark.requirement("R-UNI-10")
def test_a_rating_scanner_is_type_exchange_liquidity_quote_hygiene_and_rating() -> None:
    found = compiled(load_scanner("binance_spot_rating_all_long"), day=DAY)
    assert found.market == "crypto"
    assert term(found, "type") == [{"left": "type", "operation": "equal", "right": "spot"}]
    assert term(found, "exchange") == [{"left": "exchange", "operation": "equal", "right": "BINANCE"}]
    assert term(found, "24h_vol|5") == [{"left": "24h_vol|5", "operation": "greater", "right": 20_000_000}]
    assert term(found, "Recommend.All") == [{"left": "Recommend.All", "operation": "greater", "right": 0.1}]
    (quotes,) = term(found, "currency")
    assert quotes["operation"] == "in_range"
    assert {"USDT", "USDC", "FDUSD", "USD"} <= set(quotes["right"])
    (bases,) = term(found, "base_currency")
    assert bases["operation"] == "not_in_range"
    assert {"USDC", "EUR", "BTCUP", "ETHDOWN"} <= set(bases["right"])
    assert len(found.body["filter"]) == 6  # nothing else is asked for
    assert "filter2" not in found.body
    assert found.ceiling == ("24h_vol|5", 200)
    assert any("24 hours" in note for note in found.notes)


def test_a_short_perpetual_asks_for_swaps_below() -> None:
    found = compiled(load_scanner("binance_perp_rating_osc_short"), day=DAY)
    assert term(found, "type")[0]["right"] == "swap"
    assert term(found, "24h_vol|5")[0]["right"] == 50_000_000
    assert term(found, "Recommend.Other") == [{"left": "Recommend.Other", "operation": "less", "right": -0.1}]


def test_rows_come_by_name_and_in_pages_and_are_never_cut_by_name() -> None:
    found = compiled(load_scanner("binance_spot_base"), day=DAY)
    assert found.body["sort"] == {"sortBy": "name", "sortOrder": "asc"}
    assert found.page(0)["range"] == [0, 150]
    assert found.page(150)["range"] == [150, 300]
    assert "range" not in found.body


@pytest.mark.requirement("R-UNI-17")
def test_every_scan_asks_for_the_columns_that_are_recorded() -> None:
    columns = compiled(load_scanner("binance_spot_base"), day=DAY).body["columns"]
    assert set(REQUIRED) <= set(columns)
    assert len(columns) == len(set(columns))


def test_alternatives_bands_and_intervals() -> None:
    both = [{"any": [{"field": "rsi_14", "below": 30.0}, {"field": "bollinger_b_20", "below": 0.0}]}]
    signal = [
        *both,
        {"field": "recommend_all_1w", "at_least": 0.1},
        {"field": "recommend_all_1m", "at_most": -0.1},
        {"field": "perf_1m", "above": 0.5},
    ]
    found = compiled(changed("binance_spot_base", logic="trend", direction="LONG", signal=signal), day=DAY)
    assert found.body["filter2"] == {
        "operator": "and",
        "operands": [
            {
                "operation": {
                    "operator": "or",
                    "operands": [
                        {"expression": {"left": "RSI", "operation": "less", "right": 30.0}},
                        {"expression": {"left": "close", "operation": "less", "right": "BB.lower"}},
                    ],
                }
            }
        ],
    }
    assert term(found, "Recommend.All|1W")[0]["operation"] == "egreater"
    assert term(found, "Recommend.All|1M")[0]["operation"] == "eless"
    assert term(found, "Perf.1M")[0] == {"left": "Perf.1M", "operation": "greater", "right": 0.5}
    assert {"Recommend.All|1W", "Recommend.All|1M", "RSI"} <= set(found.body["columns"])


def test_a_dated_list_is_that_of_the_day() -> None:
    members = {
        "list": "two", "as_of": "2024-01-01", "source": "s", "licence": "l", "dated": True,
        "names": ["A 2010-01-01/2020-12-31", "B 2021-01-01/"],
    }  # fmt: skip
    scanner = changed("binance_spot_base", exchange=None, kinds=["stock"], exclude_kinds=[], members=members)
    now, then = (compiled(scanner, day=day) for day in (DAY, date(2015, 5, 5)))
    assert now.market == "america"
    assert term(now, "name") == [{"left": "name", "operation": "in_range", "right": ["B"]}]
    assert term(then, "name")[0]["right"] == ["A"]
    assert term(now, "is_primary")
    assert term(now, "Value.Traded")


def test_shares_and_funds_together_are_an_alternative() -> None:
    found = compiled(changed("binance_spot_base", exchange=None, kinds=["stock", "etf"]), day=DAY)
    (either,) = found.body["filter2"]["operands"]
    assert [one["expression"]["right"] for one in either["operation"]["operands"]] == ["stock", ["etf"]]


@pytest.mark.requirement("R-UNI-17")
def test_every_column_is_recorded_with_interval_length_and_unit() -> None:
    signal = [{"field": "recommend_all_1w", "at_least": 0.1}]
    found = compiled(changed("binance_spot_base", signal=signal), day=DAY)
    described = found.described()
    assert described["roc_9"] == {"column": "ROC", "interval": "1D", "bars": 9, "unit": "%"}
    assert described["recommend_all_1w"] == {"column": "Recommend.All|1W", "interval": "1W", "bars": None, "unit": "1"}
    assert described["value_traded_last"]["unit"] == "USD"
    assert set(described) == set(found.columns)
    assert {one["column"] for one in described.values()} <= set(found.body["columns"])


def test_the_edge_of_a_ceiling_is_a_rank_among_all_that_structure_leaves() -> None:
    found = compiled(load_scanner("binance_perp_rating_osc_short"), day=DAY)
    ((kind, rank),) = found.ranks.items()
    assert kind == "swap"
    assert rank["range"] == [200, 201]
    assert rank["sort"] == {"sortBy": "24h_vol|5", "sortOrder": "desc", "nullsFirst": False}
    assert {each["left"] for each in rank["filter"]} == {"type", "exchange", "currency", "base_currency"}
    assert not compiled(load_scanner("binance_liquid_base"), day=DAY).ranks  # all of its rows come anyway
    assert not compiled(load_scanner("us_etf_trend"), day=DAY).ranks


ALL = frozenset({*compiled(load_scanner("binance_spot_rating_all_long"), day=DAY).body["columns"], "24h_vol"})


def test_a_column_that_is_only_recorded_is_left_out_and_named() -> None:
    found = compiled(load_scanner("binance_spot_rating_all_long"), day=DAY).listed(ALL - {"ATR"})
    assert "ATR" not in found.body["columns"]
    assert "atr_14" not in found.columns
    assert found.notes[-1] == "the screener lists no column ATR, which is only recorded"
    assert found.listed(ALL) == found
    assert not found.body["ignore_unknown_fields"]


def test_a_column_is_listed_by_its_name_without_the_interval() -> None:
    found = compiled(load_scanner("binance_spot_rating_all_long"), day=DAY)
    assert found.listed(ALL - {"24h_vol|5"}) == found


@pytest.mark.parametrize("column", ["Recommend.All", "exchange", "name", "24h_vol"])
def test_a_column_that_a_filter_needs_is_not_done_without(column: str) -> None:
    found = compiled(load_scanner("binance_spot_rating_all_long"), day=DAY)
    with pytest.raises(Unsupported, match=f"has no {column}"):
        found.listed(frozenset(one for one in ALL if one.partition("|")[0] != column))


def test_alternatives_and_bands_need_their_columns_as_well() -> None:
    both = [{"any": [{"field": "rsi_14", "below": 30.0}, {"field": "bollinger_b_20", "below": 0.0}]}]
    found = compiled(changed("binance_spot_base", signal=both), day=DAY)
    assert {"BB.lower", "BB.upper"} <= set(found.body["columns"])
    for column in ("RSI", "BB.lower"):
        with pytest.raises(Unsupported, match=column):
            found.listed((ALL | {"BB.upper", "BB.lower"}) - {column})


def test_without_bases_kinds_are_left_to_the_symbols() -> None:
    found = compiled(load_scanner("binance_spot_rating_all_long"), day=DAY).listed(ALL - {"base_currency"})
    assert not term(found, "base_currency")
    assert all(each["left"] != "base_currency" for rank in found.ranks.values() for each in rank["filter"])
    assert found.notes[-1] == "the screener lists no column base_currency: kinds are left out by symbol alone"


def test_the_request_for_some_symbols_has_their_columns_and_no_filter() -> None:
    found = compiled(load_scanner("binance_spot_rating_all_long"), day=DAY, extra=("Rec.UO", "ADX")).of(["X:AB"])
    assert found.body["symbols"] == {"tickers": ["X:AB"]}
    assert not {"filter", "filter2"} & set(found.body)
    assert found.body["columns"][-1] == "Rec.UO"
    assert len(set(found.body["columns"])) == len(found.body["columns"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pool": [{"field": "adv_median_30", "above": 1.0}]}, "no column for adv_median_30"),
        ({"pool": [{"field": "bollinger_b_20", "below": 0.5}]}, "below 0 and above 1, found below 0.5"),
        ({"kinds": ["spot", "stock"]}, "of one market, found kinds: spot, stock"),
        ({"kinds": []}, "found kinds: none"),
        ({"kinds": ["fiat"]}, "kind fiat has no place"),
    ],
)
def test_what_the_screener_does_not_serve_is_refused(changes: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        compiled(changed("binance_spot_base", **changes), day=DAY)


def test_every_column_has_one_name() -> None:
    assert len(set(COLUMNS.values())) == len(COLUMNS)
