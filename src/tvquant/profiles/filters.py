"""Filters of scanners: comparisons of features with bounds, and which of two is kept when layers merge."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Discriminator, Field, Tag, model_serializer, model_validator

from tvquant.profiles.fields import Member, Real, Section, broken

SENSES = {"above": "above", "below": "below", "at_least": "above", "at_most": "below"}
"""Comparison -> the sense that it shares with its like."""

type Sense = tuple[str, str] | tuple[tuple[str, str], ...]
"""Field and direction of a comparison, or those of each part of a choice."""


class Filter(Section):
    """One comparison of a feature with a finite bound; a value that is not known passes none.

    Parameters
    ----------
    field : feature.
    above, below : the bound itself does not pass.
    at_least, at_most : the bound passes.
    """

    field: Member
    above: Real | None = None
    below: Real | None = None
    at_least: Real | None = None
    at_most: Real | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        found = [name for name in SENSES if getattr(self, name) is not None]
        if len(found) != 1:
            senses = {0: "none", 2: "both"}.get(len(found), ", ".join(found))
            raise broken(f"filter on {self.field}: expected one of {', '.join(SENSES)}, found {senses}")
        return self

    @model_serializer
    def _as_written(self) -> dict[str, str | float]:
        name, bound = self.comparison
        return {"field": self.field, name: bound}

    @property
    def comparison(self) -> tuple[str, float]:
        """The name of the bound that is set, and its value."""
        return next((name, bound) for name in SENSES if (bound := getattr(self, name)) is not None)

    @property
    def sense(self) -> tuple[str, str]:
        """Field and sense: what two filters share when one replaces the other; strict and inclusive are one sense."""
        return self.field, SENSES[self.comparison[0]]

    @property
    def comparisons(self) -> tuple["Filter", ...]:
        """The filter itself: what it has in common with `AnyOf`."""
        return (self,)


class AnyOf(Section):
    """Passes where any of its filters passes."""

    any: Annotated[tuple[Filter, ...], Field(min_length=2)]

    @property
    def sense(self) -> tuple[tuple[str, str], ...]:
        """The senses of its parts, in order."""
        return tuple(each.sense for each in self.any)

    @property
    def comparisons(self) -> tuple[Filter, ...]:
        """Its parts."""
        return self.any


TAGS = ("<any>", "<one>")
"""Parts of the place of a fault that no author has written."""


def _sort(value: object) -> str:
    """Return `<any>` for a choice, `<one>` for everything else, so that an error names what was meant."""
    return TAGS[0 if isinstance(value, AnyOf) or (isinstance(value, dict) and "any" in value) else 1]


type Condition = Annotated[Annotated[AnyOf, Tag(TAGS[0])] | Annotated[Filter, Tag(TAGS[1])], Discriminator(_sort)]
"""A filter or a choice of filters, as a file writes it."""


def in_words(condition: Filter | AnyOf) -> str:
    """Return the sense of a condition: `value_traded_last above`, or `rsi_14 below or bollinger_b_20 below`."""
    return " or ".join(" ".join(each.sense) for each in condition.comparisons)


def senses_differ(conditions: Sequence[Filter | AnyOf]) -> None:
    """Refuse two filters of one sense: which of them is meant?"""
    senses = [each.sense for each in conditions]
    for each in conditions:
        if senses.count(each.sense) > 1:
            raise broken(f"filters {in_words(each)} more than once; keep one")
