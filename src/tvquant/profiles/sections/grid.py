"""Section `grid`: what a tournament plays beside what the profile says of itself."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, JsonValue, field_validator

from tvquant.profiles.fields import Day, Distinct, Section, broken
from tvquant.profiles.sections.data import Step
from tvquant.profiles.sections.promotion import ChallengerName as EntrantName

type Differing = Annotated[Mapping[str, JsonValue], Field(min_length=1)]
"""Keys of a section that differ from the profile's own."""
type Rows = Annotated[int, Field(strict=True, ge=1)]

FIXED_COSTS = ("cash_yield",)
"""What every scenario of costs shares: it is a fact of the market, of one series for all books."""


class GridSection(Section):
    """What is crossed with engines, risk profiles and simulators; the profile's own is always among it, and first.

    Parameters
    ----------
    selections : name -> keys of `selection` that differ: they compete in the whole grid, and count as trials.
    costs : name -> keys of `costs` that differ: every path is settled at these too.
    train : rows of training that are tried beside `windows.train`; train, step and test are crossed.
    step : steps that are tried beside `windows.step`.
    test : lengths of the test that are tried beside `windows.test`; one below the step is left out. Where that is the
        step, it is each other step too, unless its length is named here.
    starts : first dates that are walked forward, beside `data.start`: what depends on the day one begins.
    phases : of the step, evenly spread, at which the headline is played: how much is luck of the day on which one
        rebalances; `all` is every row of the step, 1 the profile's own alone.
    """

    selections: Mapping[EntrantName, Differing]
    costs: Mapping[EntrantName, Differing]
    train: Distinct[Annotated[int, Field(strict=True, ge=2)]]
    test: Distinct[Rows]
    step: Distinct[Step]
    starts: Distinct[Day]
    phases: Annotated[int, Field(strict=True, ge=1)] | Literal["all"]

    @field_validator("costs", mode="after")
    @classmethod
    def _shared(cls, costs: Mapping[str, Mapping[str, JsonValue]]) -> object:
        for name, given in costs.items():
            for key in FIXED_COSTS:
                if key in given:
                    raise broken(f"{name}: {key} is one for all books; set costs.{key}")
        return costs
