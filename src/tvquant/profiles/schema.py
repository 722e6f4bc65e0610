"""The schema of a resolved profile, version 1.

Every key is required here: its default is in `presets/defaults.yaml`, that of a member's option in the member. A room
gets the section it works by, never the profile. Fractions are fractions (0.25 is 25 %), `_bps` are basis points, rows
are bars.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, JsonValue, ValidationError, model_validator

from tvquant.core.neutrality import MARKET_NEUTRAL
from tvquant.core.quoting import shown
from tvquant.profiles.fields import VERSION, Name, OneLine, Section, broken
from tvquant.profiles.messages import explained, unknown
from tvquant.profiles.sections.allocation import ADAPTIVE, AllocationSection, RiskSection
from tvquant.profiles.sections.costs import CostsSection
from tvquant.profiles.sections.data import DataSection, WindowsSection
from tvquant.profiles.sections.execution import BenchmarkSection, ExecutionSection
from tvquant.profiles.sections.logics import LogicsSection
from tvquant.profiles.sections.parity import ParitySection
from tvquant.profiles.sections.promotion import ChallengerName, PromotionSection
from tvquant.profiles.sections.regime import RegimeSection
from tvquant.profiles.sections.selection import SelectionSection
from tvquant.profiles.sections.universe import UniverseSection


class Profile(Section):
    """A resolved profile: every key has its value, every rule between keys holds.

    Parameters
    ----------
    description : one line for people.
    challengers : name -> keys of `selection` that differ from the profile's own. Each decides in shadow: on the bars
        and windows of the headline cell, by its engine, risk profile and simulator. It is recorded, and has no effect.
    seed : of every random draw.
    """

    version: int = Field(strict=True, ge=VERSION, le=VERSION)
    name: Name
    description: OneLine
    universe: UniverseSection
    data: DataSection
    windows: WindowsSection
    selection: SelectionSection
    logics: LogicsSection
    regime: RegimeSection
    allocation: AllocationSection
    risk: RiskSection
    execution: ExecutionSection
    costs: CostsSection
    benchmark: BenchmarkSection
    challengers: Mapping[ChallengerName, Annotated[Mapping[str, JsonValue], Field(min_length=1)]]
    promotion: PromotionSection
    parity: ParitySection
    seed: int = Field(strict=True, ge=0, lt=2**63)

    @model_validator(mode="after")
    def _rules(self) -> Self:
        named = self.allocation.profiles
        for key, chosen in (("risk.primary", (self.risk.primary,)), ("risk.anchors", self.risk.anchors)):
            for name in chosen:
                if name not in named:
                    raise broken(f"{unknown('member of allocation.profiles', name, named)}; add it there", key)
        if ADAPTIVE in self.allocation.fallbacks:
            raise broken("adaptive is no fallback; name a risk profile itself", "allocation.fallbacks")
        if ADAPTIVE in named:
            self.risk.refuse_adaptive()
        for key, what, symbol in self.allocation.limits.named:
            if by := self.universe.leaves_out(symbol):
                raise broken(f"{what}names {symbol}, which {by} leaves out; let it in there, or drop it here", key)
        for key, asks in self._sized.items():
            if asks and self.execution.nav is None:
                text = (
                    "is measured against execution.nav, the equity in base currency that the book starts with; set it"
                )
                raise broken(text, key)
        train, span = self.windows.train, self.data.span
        if train > self.data.lookback:
            raise broken(f"expected at most data.lookback ({self.data.lookback}), found {train}", "windows.train")
        if span != "all" and span <= train:
            raise broken(f"expected more rows than windows.train ({train}), or all, found {span}", "data.span")
        for name, given in self.challengers.items():
            try:
                other = self.challenger(name).selection
            except ValidationError as error:
                raise broken(f"{name}: {explained(error.errors(include_url=False)[:1])}", "challengers") from error
            if other == self.selection:
                raise broken(f"{name}: {shown(dict(given))} is what the profile selects by itself", "challengers")
        return self

    @property
    def _sized(self) -> dict[str, bool]:
        """Keys that only an account of some size has a meaning for, and whether they ask for anything."""
        rules, costs = self.execution, self.costs
        return {
            "execution.lots": rules.lots,
            "execution.participation": rules.participation is not None,
            "costs.tiers": bool(costs.tiers),
            "costs.impact": costs.impact > 0.0,
        }

    def challenger(self, name: str) -> Self:
        """Return the profile that decides as a challenger does."""
        own = self.challengers[name]
        values = {**self.selection.model_dump(mode="json"), **own}
        return self.model_copy(update={"selection": SelectionSection.model_validate(values)})

    @property
    def weighing(self) -> tuple[str, ...]:
        """Risk profiles that may make a book: those of the grid, the ones that `adaptive` chooses, and fallbacks."""
        chosen = self.risk.by_regime.values() if ADAPTIVE in self.allocation.profiles else ()
        return tuple(dict.fromkeys((*self.allocation.profiles, *chosen, *self.allocation.fallbacks)))

    @property
    def neutral(self) -> tuple[str, ...]:
        """Those of them that keep their beta near 0."""
        bound = (MARKET_NEUTRAL, *self.allocation.neutrality.profiles)
        return tuple(name for name in self.weighing if name in bound)

    def values(self) -> dict[str, Any]:
        """Return all keys as plain JSON values, in the order of the schema."""
        return self.model_dump(mode="json")
