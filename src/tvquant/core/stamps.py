"""Stamps: what a reader must know about a number before believing it.

Every derived value carries the union of the stamps of what it was made from, and every report shows them.
"""

from enum import StrEnum
from typing import Never


class Stamp(StrEnum):
    """A caveat that travels with data and results."""

    CURRENT_ONLY = "current_only"
    PRICE_RETURN = "price_return"
    RESEARCH_ONLY = "research_only"
    OPTIMISTIC_EXECUTION = "optimistic_execution"
    NO_VOLUME = "no_volume"
    OVERDRAFT = "overdraft"
    SWEPT_WINDOWS = "swept_windows"
    AS_SPECIFIED = "as_specified"
    ASSUMED_METADATA = "assumed_metadata"
    ACCEPTED_BASIS = "accepted_basis"
    SIMULATED = "simulated"
    ASSUMED_FUNDING = "assumed_funding"
    LATE_FILL = "late_fill"
    DELAYED = "delayed"

    @property
    def meaning(self) -> str:
        """One sentence for people."""
        return _MEANING[self]


type Stamps = frozenset[Stamp]

NONE: frozenset[Never] = frozenset()
"""No stamp, and no caveat of a panel's column."""

_MEANING: dict[Stamp, str] = {
    Stamp.CURRENT_ONLY: "The universe is today's list: names that failed or left earlier are missing (survivorship).",
    Stamp.PRICE_RETURN: "Returns are of prices only: dividends are not in them.",
    Stamp.RESEARCH_ONLY: "Spot assets were sold short at an assumed borrow fee: not tradable as it stands.",
    Stamp.OPTIMISTIC_EXECUTION: "Fills at the very close that the decision was made on: no one can trade so.",
    Stamp.NO_VOLUME: "The data carry no volume: liquidity was neither checked nor charged for.",
    Stamp.OVERDRAFT: "Cash went below zero after gaps or costs and was charged the borrow rate.",
    Stamp.SWEPT_WINDOWS: "The 60/20/20 windows were picked as the best of a sweep on related history.",
    Stamp.AS_SPECIFIED: "Vetoes use the specification's fixed figures: on noise these reject at random or never.",
    Stamp.ASSUMED_FUNDING: "The data lack funding of hours that swaps were held: 1 bp per 8 hours was charged.",
    Stamp.ASSUMED_METADATA: "No provider gives ticks and lots: steps are assumed from the venue and the prices.",
    Stamp.ACCEPTED_BASIS: "Prices contradict what they were declared to be adjusted for: taken on the user's word.",
    Stamp.LATE_FILL: "The data lack opening prices of some names: these were filled at the close instead of the open.",
    Stamp.DELAYED: "Figures of the live screener lag behind the market, by what it tells of each row.",
    Stamp.SIMULATED: "Bars are of a simulated exchange: nothing here was ever traded.",
}
