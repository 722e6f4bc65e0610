"""A tournament: the flow of a run over a profile whose grid is widened by options.

1. Options become the values of keys, as arguments do: the manifest holds the profile that was played, whole, and says
   of each key which option set it. A run of that profile would be the same run.
2. The profile's own member of an axis stays first, and with it the headline, where a list names it; where none of a
   list is the profile's own, its first takes that place.
3. Nothing is fetched and nothing repaired: what the lake holds is audited, pinned and played.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tvquant.app.estimate import Estimate, Workload, estimated
from tvquant.app.plan import Plan
from tvquant.app.resolving import resolved_here
from tvquant.app.run_context import engine_of
from tvquant.app.workspace import Workspace
from tvquant.core.errors import ProfileError
from tvquant.core.quoting import several
from tvquant.profiles import Profile, ResolvedProfile
from tvquant.profiles.sections.data import Weekly
from tvquant.selection import SELECTION_MODELS
from tvquant.tournament.cells import Cell, cells, shadows
from tvquant.tournament.walk_forward import BacktestEngine, Grids, grids

type Arguments = dict[str, tuple[str, Any]]
"""Option -> dotted key and value."""
type StepValue = int | str | Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Widening:
    """What a tournament's options name of each axis; an empty list leaves the axis as the profile has it.

    Parameters
    ----------
    selections : models, and names of `grid.selections`.
    engines, risk, simulators : members.
    costs : names of `grid.costs`; the profile's own are always settled at.
    train, test, step : of windows, crossed.
    phases, starts : of the headline alone; None and an empty list leave them.
    """

    selections: Sequence[str] = ()
    engines: Sequence[str] = ()
    risk: Sequence[str] = ()
    simulators: Sequence[str] = ()
    costs: Sequence[str] = ()
    train: Sequence[int] = ()
    test: Sequence[int] = ()
    step: Sequence[StepValue] = ()
    phases: int | str | None = None
    starts: Sequence[date] = ()

    def arguments(self, profile: Profile) -> Arguments:
        """Return the keys that these options set over a profile.

        Raises
        ------
        ProfileError : a list names something twice, or an entrant or costs that the profile has not.
        """
        for name in ("selections", "engines", "risk", "simulators", "costs", "train", "test", "step", "starts"):
            named = list(getattr(self, name))
            for one in named:
                if named.count(one) > 1:
                    raise ProfileError(f"{OPTIONS[name]} names {one} more than once; name it once")
        return {
            **self._selections(profile),
            **_listed(OPTIONS["engines"], "allocation.engines", self.engines, profile.allocation.engines[0]),
            **self._risk(profile),
            **_listed(OPTIONS["simulators"], "execution.simulators", self.simulators, profile.execution.simulators[0]),
            **self._costs(profile),
            **self._windows(profile),
            **self._variants(),
        }

    def _selections(self, profile: Profile) -> Arguments:
        if not self.selections:
            return {}
        option, own, known = OPTIONS["selections"], profile.selection.model, profile.grid.selections
        first = own if own in self.selections else self.selections[0]
        entrants: dict[str, Any] = {}
        for name in self.selections:
            if name in known:
                entrants[name] = {"model": own, **known[name]}
            elif name in SELECTION_MODELS:
                entrants[name] = {"model": name}
            else:
                models = ", ".join(SELECTION_MODELS)
                raise ProfileError(
                    f"{option}: {name} is no selection model ({models}) and no name of grid.selections "
                    f"({several(list(known)) if known else 'which is empty'})"
                )
        if entrants.pop(first) != {"model": first}:
            raise ProfileError(
                f"{option}: {first} is of grid.selections and cannot be the profile's own, which is {own}; name that "
                "one as well, or a selection model first"
            )
        made: Arguments = {option: ("grid.selections", entrants)}
        return made if first == own else {f"{option}, first": ("selection.model", first), **made}

    def _risk(self, profile: Profile) -> Arguments:
        if not self.risk:
            return {}
        option, risk = OPTIONS["risk"], profile.risk
        primary = risk.primary if risk.primary in self.risk else self.risk[0]
        anchors = [name for name in risk.anchors if name in self.risk and name != primary]
        made: Arguments = {option: ("allocation.profiles", list(self.risk))}
        if primary != risk.primary:
            made[f"{option}, first"] = ("risk.primary", primary)
        return made if anchors == list(risk.anchors) else {**made, f"{option}, anchors": ("risk.anchors", anchors)}

    def _costs(self, profile: Profile) -> Arguments:
        known = profile.grid.costs
        for name in self.costs:
            if name not in known:
                have = several(list(known)) if known else "it has none"
                raise ProfileError(f"{OPTIONS['costs']}: {name} is no name of the profile's grid.costs ({have})")
        return {OPTIONS["costs"]: ("grid.costs", {name: known[name] for name in self.costs})} if self.costs else {}

    def _windows(self, profile: Profile) -> Arguments:
        windows, made = profile.windows, dict[str, tuple[str, Any]]()
        step = windows.step.model_dump() if isinstance(windows.step, Weekly) else windows.step
        for name, own in (("train", windows.train), ("step", step), ("test", windows.test)):
            asked, option = list(getattr(self, name)), OPTIONS[name]
            if not asked:
                continue
            first = own if own in asked else asked[0]
            if first != own:
                made[f"{option}, first"] = (f"windows.{name}", first)
            # All of the tests are named in the grid: one that names none has its tests as long as each step.
            made[option] = (f"grid.{name}", asked if name == "test" else [one for one in asked if one != first])
        return made

    def _variants(self) -> Arguments:
        made: Arguments = {} if self.phases is None else {OPTIONS["phases"]: ("grid.phases", self.phases)}
        return made | ({OPTIONS["starts"]: ("grid.starts", list(self.starts))} if self.starts else {})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlannedMatrix:
    """A tournament before it is played: its plan, cells and windows, and the engine that would play them."""

    plan: Plan
    cells: tuple[Cell, ...]
    grids: Grids
    engine: BacktestEngine

    @property
    def workload(self) -> Workload:
        """How much there is to do."""
        return Workload.of(self.cells, self.grids)

    @classmethod
    def of(cls, plan: Plan) -> "PlannedMatrix":
        """Return the matrix of a plan.

        Raises
        ------
        DataError : there is no window; a rate is not known; the lake no longer holds what was pinned.
        """
        profile, panel = plan.resolved.profile, plan.panel
        every = (*cells(profile), *shadows(profile))
        found = grids(panel, [cell.path for cell in every])
        return cls(plan=plan, cells=every, grids=found, engine=engine_of(plan, panel, found))

    def estimate(self, jobs: int) -> Estimate:
        """Return what playing it will take, by playing a small part of it."""
        return estimated(self.engine, self.cells, jobs=jobs)


OPTIONS = {
    "selections": "--selection",
    **{name: f"--{name}" for name in ("engines", "risk", "simulators", "costs", "train", "test", "step", "phases")},
    "starts": "--starts",
}
"""Field of a widening -> its option."""


def widened(
    workspace: Workspace, name: str, widening: Widening, arguments: Mapping[str, tuple[str, Any]]
) -> ResolvedProfile:
    """Return a profile of a workspace with its grid widened; `arguments` are set before.

    Raises
    ------
    ProfileError : as `resolved_here`, before or after, and as `Widening.arguments`.
    """
    before = resolved_here(workspace, name, arguments)
    asked = widening.arguments(before.profile)
    return resolved_here(workspace, name, {**arguments, **asked}) if asked else before


def _listed(option: str, key: str, named: Sequence[str], own: str) -> Arguments:
    """Return the list of a key, the profile's own first where it is named."""
    if not named:
        return {}
    return {option: (key, [*([own] if own in named else []), *(one for one in named if one != own)])}
