"""Which of the published technical ratings is meant, choice by choice; and the words for a rating.

There is no one rating. The public Pine library TechnicalRating (version 3, 2024) says `library_v3`; the older built-in
and the older help text say `classic`; what TradingView's screener serves is closed, and `screener` is what was found
to come nearest to it. Served ratings of 2022 and 2023 need the older rule of the ADX (`with_adx(SCREENER,
AdxRule.CROSS)`), later ones seem to follow the newer. About one vote differs from the served ones on a quarter of all
symbols: equality is not promised.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType


class CloudRule(StrEnum):
    """Lead lines that Ichimoku votes against: those of 26 bars ago, or today's with a close between two lines."""

    DISPLACED = "displaced"
    TODAY = "today"


class CrossRule(StrEnum):
    """Whether %K must be on one side of %D, or must have crossed it on this very bar."""

    SIDE = "side"
    FRESH = "fresh"


class PriceSource(StrEnum):
    """Source of the CCI: the close, or the mean of high, low and close."""

    CLOSE = "close"
    TYPICAL = "hlc3"


class AdxRule(StrEnum):
    """Whether the ADX must rise while one DI leads, or the DIs must cross on this very bar."""

    RISING = "rising"
    CROSS = "cross"


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingRules:
    """The choices in which the published ratings differ; all else is common to them."""

    ichimoku: CloudRule
    stochastic: CrossRule
    stochastic_rsi: CrossRule
    cci: PriceSource
    adx: AdxRule


LIBRARY_V3 = RatingRules(
    ichimoku=CloudRule.DISPLACED,
    stochastic=CrossRule.SIDE,
    stochastic_rsi=CrossRule.SIDE,
    cci=PriceSource.CLOSE,
    adx=AdxRule.RISING,
)
CLASSIC = RatingRules(
    ichimoku=CloudRule.TODAY,
    stochastic=CrossRule.FRESH,
    stochastic_rsi=CrossRule.FRESH,
    cci=PriceSource.CLOSE,
    adx=AdxRule.CROSS,
)
SCREENER = RatingRules(
    ichimoku=CloudRule.TODAY,
    stochastic=CrossRule.FRESH,
    stochastic_rsi=CrossRule.SIDE,
    cci=PriceSource.TYPICAL,
    adx=AdxRule.RISING,
)
RATING_RULES: Mapping[str, RatingRules] = MappingProxyType(
    {"library_v3": LIBRARY_V3, "classic": CLASSIC, "screener": SCREENER}
)
"""The profiles by name; `library_v3` is the default."""


def with_adx(rules: RatingRules, adx: AdxRule) -> RatingRules:
    """Return the same rules with another rule of the ADX, which is a switch of its own."""
    return replace(rules, adx=adx)


class RatingLabel(StrEnum):
    """The words TradingView has for a rating."""

    STRONG_BUY = "strong_buy"
    BUY = "buy"
    NEUTRAL = "neutral"
    SELL = "sell"
    STRONG_SELL = "strong_sell"


def rating_label(rating: float) -> RatingLabel | None:
    """Return the label of a rating in [-1, 1], whose bounds 0.1 and 0.5 belong to the weaker one; None for NaN.

    Source: Pine library TradingView/TechnicalRating v3 (2024), function of the status.
    """
    if rating != rating:
        return None
    if abs(rating) <= 0.1:
        return RatingLabel.NEUTRAL
    if rating > 0.0:
        return RatingLabel.STRONG_BUY if rating > 0.5 else RatingLabel.BUY
    return RatingLabel.STRONG_SELL if rating < -0.5 else RatingLabel.SELL
