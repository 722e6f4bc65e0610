"""Sleeves as the plan of a meta-portfolio's run names them."""

import pytest

from tvquant.core.sleeve_records import SleeveRecord, sleeves_of, text_of

COINS = SleeveRecord(
    name="coins", profile="crypto_spot", run="r1", result="ab", snapshot="cd", calendar="24/7", periods_per_year=365,
    health={"ok": 3, "gaps": 1},
)  # fmt: skip


def test_what_was_pinned_is_read_back_in_order() -> None:
    other = SleeveRecord(**{name: getattr(COINS, name) for name in COINS.__slots__} | {"name": "shares", "health": {}})
    assert sleeves_of(text_of([other, COINS])) == (other, COINS)


@pytest.mark.parametrize("text", ["{}", "", '[{"name": "coins"}]', '["coins"]'])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        sleeves_of(text)
