"""The terms of unofficial sources fit a terminal and say what a user has to know."""

import pytest

from tvquant.market.terms import TRADINGVIEW, YAHOO


@pytest.mark.parametrize("text", [TRADINGVIEW, YAHOO])
def test_terms_fit_a_terminal_and_say_what_is_agreed_to(text: str) -> None:
    assert max(map(len, text.splitlines())) <= 120
    assert "By agreeing you say that you use what is fetched for your own research only and pass none of it on" in text
    assert "can change or vanish" in text
