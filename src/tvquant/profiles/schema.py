"""The schema of a resolved profile, version 1.

Every key is required here: its default is in `presets/defaults.yaml`, that of a member's option in the member. A room
gets the section it works by, never the profile. Fractions are fractions (0.25 is 25 %), `_bps` are basis points, rows
are bars.
"""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, JsonValue, ValidationError, model_validator

from tvquant.core.neutrality import MARKET_NEUTRAL
from tvquant.core.quoting import shown
from tvquant.profiles.fields import VERSION, Name, OneLine, Section, broken
from tvquant.profiles.messages import explained, unknown
from tvquant.profiles.sections.allocation import ADAPTIVE, AllocationSection, RiskSection
from tvquant.profiles.sections.costs import CostsSection
from tvquant.profiles.sections.data import DataSection, WindowsSection
from tvquant.profiles.sections.execution import BenchmarkSection, ExecutionSection
from tvquant.profiles.sections.grid import Differing, GridSection
from tvquant.profiles.sections.logics import LogicsSection
from tvquant.profiles.sections.parity import ParitySection
from tvquant.profiles.sections.promotion import ChallengerName, PromotionSection
from tvquant.profiles.sections.regime import RegimeSection
from tvquant.profiles.sections.selection import SelectionSection
from tvquant.profiles.sections.sizing import refuse_unsized
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
    challengers: Mapping[ChallengerName, Differing]
    promotion: PromotionSection
    parity: ParitySection
    grid: GridSection
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
        refuse_unsized(self.execution, self.costs)
        train, span = self.windows.train, self.data.span
        if train > self.data.lookback:
            raise broken(f"expected at most data.lookback ({self.data.lookback}), found {train}", "windows.train")
        if span != "all" and span <= train:
            raise broken(f"expected more rows than windows.train ({train}), or all, found {span}", "data.span")
        for key, others in (("challengers", self.challengers), ("grid.selections", self.grid.selections)):
            self._refuse_equal(key, others, "selection", "selects")
        self._refuse_equal("grid.costs", self.grid.costs, "costs", "costs")
        if self.selection.model in self.grid.selections:
            raise broken(f"{self.selection.model} is the profile's own selection; name another", "grid.selections")
        self._refuse_windows()
        return self

    def _refuse_equal(self, key: str, others: Mapping[str, Mapping[str, JsonValue]], section: str, does: str) -> None:
        """Refuse what differs from a section of the profile in nothing, or in something that it cannot hold."""
        for name, given in others.items():
            try:
                other = self._with(section, given)
            except ValidationError as error:
                raise broken(f"{name}: {explained(error.errors(include_url=False)[:1])}", key) from error
            if getattr(other, section) == getattr(self, section):
                raise broken(f"{name}: {shown(dict(given))} is what the profile {does} by itself", key)

    def _refuse_windows(self) -> None:
        """Refuse windows of the grid that the rows of `data` cannot serve."""
        data, grid = self.data, self.grid
        for train in grid.train:
            if train > data.lookback or (data.span != "all" and data.span <= train):
                raise broken(f"{train} is more than data.lookback ({data.lookback}) or data.span has", "grid.train")
        if grid.starts and data.span != "all":
            raise broken(f"each says where the walk begins, and so does data.span ({data.span})", "grid.starts")
        for start in grid.starts:
            if data.end is not None and start > data.end:
                raise broken(f"{start} is behind data.end ({data.end})", "grid.starts")
        step = self.windows.step
        if grid.phases != 1 and not isinstance(step, int):
            raise broken("a step by the calendar has one phase; set it to 1", "grid.phases")
        if isinstance(step, int) and grid.phases != "all" and grid.phases > step:
            raise broken(f"a step of {step} rows has {step} phases, found {grid.phases}", "grid.phases")

    def challenger(self, name: str) -> Self:
        """Return the profile that decides as a challenger does."""
        return self._with("selection", self.challengers[name])

    @property
    def entrants(self) -> Mapping[str, Self]:
        """The profile as each selection of its grid has it, by name: its own by its model, first."""
        others = {name: self._with("selection", given) for name, given in self.grid.selections.items()}
        return {self.selection.model: self, **others}

    @property
    def costings(self) -> Mapping[str, Self]:
        """The profile at each of the costs of its grid, by name: its own without one, first."""
        return {"": self, **{name: self._with("costs", given) for name, given in self.grid.costs.items()}}

    @property
    def phases(self) -> tuple[int, ...]:
        """Rows by which the headline's windows are put off in each phase; its own is 0, first."""
        step, n = self.windows.step, self.grid.phases
        if not isinstance(step, int):
            return (0,)
        n = step if n == "all" else n
        return tuple(step * k // n for k in range(n))

    def _with(self, section: str, own: Mapping[str, JsonValue]) -> Self:
        """Return the profile with keys of a section exchanged."""
        held = getattr(self, section)
        return self.model_copy(update={section: type(held).model_validate({**held.model_dump(mode="json"), **own})})

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
