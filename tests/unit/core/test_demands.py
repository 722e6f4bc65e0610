"""What a profile asks of a simulator: nothing where a key has its free value."""

import pytest

from tvquant.core.demands import DEMANDS, demands


def test_free_values_ask_for_nothing() -> None:
    free = {key: free for key, (_, free) in DEMANDS.items()} | {"allocation.limits.gross": 1.0}
    assert list(demands(free)) == [("execution.convention", "None")]


@pytest.mark.parametrize(
    ("key", "value", "capability"),
    [
        ("costs.borrow_rates", {"NASDAQ:AAPL": 0.03}, "borrow"),
        ("costs.tiers", [{"traded": 0.0}], "fee_tiers"),
        ("costs.cash_yield", {"symbol": "TVC:US03MY", "unit": "percent"}, "cash_yield"),
        ("execution.rebalancing", "daily", "daily"),
        ("execution.partial", 0.5, "partial"),
        ("execution.lots", True, "lots"),
        ("allocation.limits.gross", 2.0, "leverage"),
    ],
)
def test_a_value_asks_for_its_capability(key: str, value: object, capability: str) -> None:
    assert (key, capability) in set(demands({key: value}))
