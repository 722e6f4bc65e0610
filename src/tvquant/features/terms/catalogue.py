"""All feature terms by name."""

from collections.abc import Mapping
from types import MappingProxyType

from tvquant.features.terms.contract import Term
from tvquant.features.terms.liquidity import ADV_MEDIAN_30, VALUE_TRADED_LAST
from tvquant.features.terms.recommendations import RECOMMEND_MA

TERMS: Mapping[str, Term] = MappingProxyType(
    {term.name: term for term in (VALUE_TRADED_LAST, ADV_MEDIAN_30, RECOMMEND_MA)}
)
