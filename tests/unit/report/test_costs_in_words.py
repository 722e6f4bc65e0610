"""Costs in words: nothing that is paid goes unsaid."""

from builders.profiles import resolved_of
from tvquant.report.costs_in_words import house_costs

PLAIN = "5 bps slippage + 1 bps commission on traded value; borrow 2.0 % per year on shorts and overdrafts"


def test_flat_costs() -> None:
    assert house_costs(resolved_of("us_equities").profile) == PLAIN
    assert house_costs(resolved_of("us_equities", costs__cash_yield=0.045).profile) == (
        f"{PLAIN}; idle cash earns 4.5 % per year"
    )


def test_costs_that_are_measured_and_by_tier() -> None:
    said = house_costs(
        resolved_of(
            "us_equities",
            execution__nav=1e6,
            costs__spread="abdi_ranaldo",
            costs__impact=1.0,
            costs__tiers=[
                {"traded": 0, "maker_bps": 2.0, "taker_bps": 5.0},
                {"traded": 1e6, "maker_bps": -1.0, "taker_bps": 3.0},
            ],
            costs__maker_share=0.25,
            costs__borrow_rates={"NYSE:GME": 0.4},
            costs__cash_yield={"symbol": "TVC:US03MY", "unit": "percent"},
        ).profile
    )
    assert said == (
        "half of the spread that abdi_ranaldo measures of 20 bars + commission by value traded in 30 days (5 bps from "
        "0, 3 bps from 1,000,000; 25.0 % of it at makers' fees) on traded value; impact of 1 x sigma x sqrt(value / "
        "ADV) at an equity of 1,000,000; borrow 2.0 % per year on shorts and overdrafts, other rates on shorts of "
        "NYSE:GME; idle cash earns TVC:US03MY, in percent per year"
    )
