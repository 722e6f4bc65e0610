"""All feature terms by name."""

from collections.abc import Mapping
from types import MappingProxyType

from tvquant.features.terms.bands import BOLLINGER_B_20, RSI_14
from tvquant.features.terms.contract import Term
from tvquant.features.terms.directional import ADX_14, MINUS_DI_14, PLUS_DI_14
from tvquant.features.terms.liquidity import ADV_MEDIAN_30, VALUE_TRADED_LAST
from tvquant.features.terms.long_ratings import LONG_RATINGS
from tvquant.features.terms.metadata import METADATA_KNOWN
from tvquant.features.terms.momentum import PERFORMANCE, ROC_9
from tvquant.features.terms.recommendations import RECOMMEND_ALL, RECOMMEND_MA, RECOMMEND_OTHER, VOTES_MA, VOTES_OTHER
from tvquant.features.terms.volatility import ATR_14, VOLATILITY_D
from tvquant.features.terms.volume import VOLUME_CHANGE_24H

TERMS: Mapping[str, Term] = MappingProxyType(
    {
        term.name: term
        for term in (
            VALUE_TRADED_LAST, ADV_MEDIAN_30, RECOMMEND_MA, RECOMMEND_OTHER, RECOMMEND_ALL, VOTES_MA, VOTES_OTHER,
            *LONG_RATINGS, ADX_14, PLUS_DI_14, MINUS_DI_14, RSI_14, BOLLINGER_B_20, ATR_14, VOLATILITY_D,
            VOLUME_CHANGE_24H, ROC_9, *PERFORMANCE, METADATA_KNOWN,
        )
    }
)  # fmt: skip
