"""The profiles of the rating, and its words."""

from dataclasses import fields

import pytest

from tvquant.features.rating_rules import (
    CLASSIC,
    LIBRARY_V3,
    RATING_RULES,
    SCREENER,
    AdxRule,
    CloudRule,
    CrossRule,
    PriceSource,
    RatingLabel,
    rating_label,
    with_adx,
)

pytestmark = pytest.mark.requirement("R-FEA-12")


def differences(one, other):
    return {each.name for each in fields(one) if getattr(one, each.name) != getattr(other, each.name)}


def test_the_profiles_differ_where_the_published_rules_do():
    assert list(RATING_RULES) == ["library_v3", "classic", "screener"]
    assert differences(LIBRARY_V3, CLASSIC) == {"ichimoku", "stochastic", "stochastic_rsi", "adx"}
    assert differences(LIBRARY_V3, SCREENER) == {"ichimoku", "stochastic", "cci"}
    assert (CLASSIC.ichimoku, CLASSIC.stochastic, CLASSIC.adx) == (CloudRule.TODAY, CrossRule.FRESH, AdxRule.CROSS)
    assert (SCREENER.cci, CLASSIC.cci) == (PriceSource.TYPICAL, PriceSource.CLOSE)
    with pytest.raises(TypeError):
        RATING_RULES["another"] = LIBRARY_V3


def test_the_rule_of_the_adx_is_a_switch_of_its_own():
    assert SCREENER.adx is AdxRule.RISING
    assert differences(with_adx(SCREENER, AdxRule.CROSS), SCREENER) == {"adx"}
    assert with_adx(LIBRARY_V3, AdxRule.RISING) == LIBRARY_V3


@pytest.mark.parametrize(
    ("rating", "label"),
    [
        (1.0, RatingLabel.STRONG_BUY),
        (0.5000001, RatingLabel.STRONG_BUY),
        (0.5, RatingLabel.BUY),
        (0.1000001, RatingLabel.BUY),
        (0.1, RatingLabel.NEUTRAL),
        (0.0, RatingLabel.NEUTRAL),
        (-0.1, RatingLabel.NEUTRAL),
        (-0.1000001, RatingLabel.SELL),
        (-0.5, RatingLabel.SELL),
        (-0.5000001, RatingLabel.STRONG_SELL),
        (-1.0, RatingLabel.STRONG_SELL),
        (float("nan"), None),
    ],
)
def test_bounds_belong_to_the_weaker_word(rating, label):
    assert rating_label(rating) is label
