"""The schema of a resolved meta-profile, version 1: a profile of sleeves, which are profiles.

Every key is required here: its default is in `presets/meta_defaults.yaml`, or in `presets/defaults.yaml` where profiles
have it too. What is true of a sleeve's own profile is checked where that is read (`meta_layers`).
"""

from typing import Any, Self

from pydantic import Field, model_validator

from tvquant.profiles.fields import VERSION, Name, OneLine, Section, broken
from tvquant.profiles.messages import unknown
from tvquant.profiles.sections.costs import CostsSection
from tvquant.profiles.sections.execution import BenchmarkSection, ExecutionSection
from tvquant.profiles.sections.parity import ParitySection
from tvquant.profiles.sections.sizing import refuse_unsized
from tvquant.profiles.sections.sleeves import (
    SUM_TOLERANCE,
    BookLimitsSection,
    GatesSection,
    JoinSection,
    MetaWindowsSection,
    SleeveAllocationSection,
    Sleeves,
    StreamsSection,
    UnionClustersSection,
)


class MetaProfile(Section):
    """A resolved meta-profile: every key has its value, every rule between keys holds.

    Parameters
    ----------
    description : one line for people.
    sleeves : name -> `profile` (the name itself where it says no other) and `run` (an id pins it); in the order of
        their names.
    promotable : whether it may ever be promoted; false is for what is only tried out.
    seed : of every random draw.
    """

    version: int = Field(strict=True, ge=VERSION, le=VERSION)
    name: Name
    description: OneLine
    sleeves: Sleeves
    streams: StreamsSection
    join: JoinSection
    gates: GatesSection
    windows: MetaWindowsSection
    allocation: SleeveAllocationSection
    limits: BookLimitsSection
    clusters: UnionClustersSection
    execution: ExecutionSection
    costs: CostsSection
    benchmark: BenchmarkSection
    parity: ParitySection
    promotable: bool = Field(strict=True)
    seed: int = Field(strict=True, ge=0, lt=2**63)

    @model_validator(mode="after")
    def _rules(self) -> Self:
        n, (least, _) = len(self.sleeves), self.allocation.bounds
        if n * least > 1.0 + SUM_TOLERANCE:
            text = f"{n} sleeves of at least {least:g} are {n * least:g} together, above 1; lower the least"
            raise broken(text, "allocation.bounds")
        for name, weights in self.allocation.mixes.items():
            for sleeve in weights:
                if sleeve not in self.sleeves:
                    raise broken(f"{name}: {unknown('sleeve', sleeve, self.sleeves)}", "allocation.mixes")
        span, train = self.join.span, self.windows.train
        if span != "all" and span <= train:
            raise broken(f"expected more rows than windows.train ({train}), or all, found {span}", "join.span")
        held: dict[tuple[str, str | None], str] = {}
        for name, one in self.sleeves.items():
            twin = held.setdefault((one.profile, one.run), name)
            if twin != name:
                raise broken(f"{twin} and {name} are the same run of {one.profile}; drop one", "sleeves")
        refuse_unsized(self.execution, self.costs)
        return self

    @property
    def weighing(self) -> tuple[str, ...]:
        """Risk profiles that may weigh the sleeves."""
        return tuple(dict.fromkeys((*self.allocation.profiles, *self.allocation.fallbacks)))

    @property
    def most_invested(self) -> float:
        """Most of equity that all sleeves may hold together: 1, or less where the bounds leave cash."""
        return min(1.0, len(self.sleeves) * self.allocation.bounds[1])

    def values(self) -> dict[str, Any]:
        """Return all keys as plain JSON values, in the order of the schema."""
        return self.model_dump(mode="json")
