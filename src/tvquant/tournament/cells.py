"""Paths, books and cells: what is decided once, what settles it, and the grid of both that is the tournament.

1. A path is a spec on a schedule. It is decided once, whoever keeps the books.
2. A book is a simulator with costs and execution. It settles a path.
3. A cell is a path settled by a book. Its key is that of the path, then that of the book. The profile's own schedule
   and costs are not named in it, so that a grid that grows renames nothing.
4. The grid crosses selections, engines, risk profiles, schedules, simulators and costs. Phases are of the headline
   alone: what they vary is luck, and they are no strategies to choose from.
5. Selections are shared by the paths with equal rules and schedule, and bear a name of their own.
6. A challenger is the headline cell with another selection. It is played in shadow: beside the grid, never in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tvquant.allocation import ENGINES, RISK_PROFILES, risk_profiles_of
from tvquant.allocation.risk.fixed import FixedWeights
from tvquant.atoms import LOGICS
from tvquant.core.books import CostModel, Execution
from tvquant.core.errors import ModelError
from tvquant.core.neutrality import MARKET_NEUTRAL
from tvquant.core.records import SHADOW, in_shadow
from tvquant.profiles import Options, Profile
from tvquant.profiles.exclusions import GridSize, grid_of, windows_of
from tvquant.profiles.sections.allocation import ADAPTIVE, AllocationSection
from tvquant.profiles.sections.sleeves import SleeveAllocationSection
from tvquant.simulation import SIMULATORS, refusals_of
from tvquant.statistics import ESTIMATORS, Estimates
from tvquant.tournament.specs import (
    BaseUniverseSpec,
    MarketSpec,
    NettedSpec,
    Neutral,
    RawPoolSpec,
    Rules,
    Spec,
    StrategySpec,
    WinnersSpec,
)
from tvquant.tournament.windows import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """One sequence of decisions.

    Parameters
    ----------
    key : `selection/engine/risk_profile`, or the name of a baseline; then the schedule where it is not the profile's.
    spec : how it decides.
    schedule : when it decides.
    entrant : the selection of the grid that it is of; empty for the profile's own.
    when : name of its schedule; empty for the profile's own.
    selection : name of the selections that it shares with other paths.
    baseline : it prices what the strategies must beat and is no trial.
    whole : its selections are the headline's, of which the probabilities of the whole pool are recorded.
    variant : the headline in another phase or from another start: it shows what is luck, and is no trial.
    """

    key: str
    spec: Spec | NettedSpec
    schedule: Schedule
    selection: str
    baseline: bool
    entrant: str = ""
    when: str = ""
    whole: bool = False
    variant: bool = False

    @property
    def deciding(self) -> Spec:
        """The spec, by which a view decides.

        Raises
        ------
        ModelError : it is of a netted account, which is decided of its sleeves.
        """
        if isinstance(self.spec, NettedSpec):
            raise ModelError(f"{self.key} is decided of its sleeves, by no view")
        return self.spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A way to trade what a path decides; `options` are the values of what its simulator declares.

    `key` is the simulator, then the name of the costs where they are not the profile's.
    """

    key: str
    simulator: str
    costs: CostModel
    execution: Execution
    options: tuple[Options, ...] = ()

    @property
    def scenario(self) -> str:
        """Name of its costs; empty for the profile's own."""
        return self.key.removeprefix(self.simulator).removeprefix("+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A path as one book settles it; `audited` asks what friction makes of it (`friction`)."""

    path: Path
    book: Book
    audited: bool = False

    @property
    def key(self) -> str:
        """`selection/engine/risk_profile/simulator`, or `baseline/simulator`."""
        return f"{self.path.key}/{self.book.key}"

    @property
    def spec(self) -> Spec | NettedSpec:
        """How it decides."""
        return self.path.spec

    @property
    def baseline(self) -> bool:
        """Whether it prices what the strategies must beat and is no trial."""
        return self.path.baseline

    @property
    def shadow(self) -> bool:
        """Whether it is of a challenger: recorded beside the grid, and part of no result."""
        return in_shadow(self.key)

    @property
    def place(self) -> dict[str, str | bool]:
        """Where it stands in the grid, as its outcome is recorded; what is the profile's own is left out."""
        found: dict[str, str | bool] = {
            "entrant": self.path.entrant,
            "schedule": self.path.when,
            "scenario": self.book.scenario,
            "variant": self.path.variant,
        }
        return {"baseline": self.baseline, **{name: value for name, value in found.items() if value}}


def cells(profile: Profile) -> tuple[Cell, ...]:
    """Return the grid of a profile: every path in every book, then variants of the headline in the first book.

    Headline and baselines of the profile's own schedule are audited in the first book.
    """
    every = books(profile)
    first = every[0]
    audited = {headline(profile), *(f"{name}/{first.key}" for name in _baselines(profile, schedule(profile)))}
    return tuple(
        replace(cell, audited=cell.key in audited)
        for cell in (*crossed(paths(profile, schedules(profile)), every), *crossed(variants(profile), (first,)))
    )


def shadows(profile: Profile) -> tuple[Cell, ...]:
    """Return the headline cell of each challenger: other selection, all else as the champion's (R-TRN-02)."""
    engine, risk_profile, when = profile.allocation.engines[0], profile.risk.primary, schedule(profile)
    return tuple(
        Cell(
            path=Path(
                key=f"{SHADOW}/{name}/{engine}/{risk_profile}",
                spec=_strategy(profile.challenger(name), when, engine, risk_profile),
                schedule=when,
                selection=f"{SHADOW}/{name}",
                baseline=False,
            ),
            book=books(profile)[0],
        )
        for name in profile.challengers
    )


def grid_size(profile: Profile) -> GridSize:
    """Return how many strategy cells a profile's grid asks for, and what of them no engine or simulator here makes."""
    solved = {name: risk_profiles_of(ENGINES[name]) | {ADAPTIVE} for name in profile.allocation.engines}
    refusals = {name: refusals_of(SIMULATORS[name]) for name in profile.execution.simulators}
    return grid_of(profile, solved, refusals)


def _excluded(profile: Profile, *axes: str) -> set[tuple[str, ...]]:
    """Return the members of these axes that make no cell together."""
    found = (one.members for one in grid_size(profile).exclusions)
    return {tuple(members[axis] for axis in axes) for members in found if members.keys() == set(axes)}


def crossed(paths: Sequence[Path], books: Sequence[Book]) -> tuple[Cell, ...]:
    """Return every path in every book, path by path."""
    return tuple(Cell(path=path, book=book) for path in paths for book in books)


def schedule(profile: Profile) -> Schedule:
    """Return the schedule of a profile's own windows."""
    w, span = profile.windows, profile.data.span
    return Schedule(
        train=w.train, test=w.test, step=w.rule, span=None if span == "all" else span, start=profile.data.start
    )


def schedules(profile: Profile) -> tuple[Schedule, ...]:
    """Return the schedules of a profile's grid, its own first; those whose test is shorter than the step are none.

    A test that nobody names is as long as the step.
    """
    own = schedule(profile)
    return tuple(replace(own, train=train, step=step, test=test) for train, step, test in windows_of(profile))


def variants(profile: Profile) -> tuple[Path, ...]:
    """Return the headline's path in every other phase of its step, and from every other start of the grid."""
    own, main = schedule(profile), _strategy_key(profile, profile.allocation.engines[0], profile.risk.primary)
    whens = [replace(own, phase=phase) for phase in profile.phases[1:]]
    whens += [replace(own, start=start) for start in profile.grid.starts if start != own.start]
    found = (path for when in whens for path in _paths(profile, when, own) if path.key.rpartition("/")[0] == main)
    return tuple(replace(path, variant=True) for path in found)


def paths(profile: Profile, schedules: Sequence[Schedule]) -> tuple[Path, ...]:
    """Return per schedule the strategies of every selection, then baselines (R-TRN-12); the first one is not named.

    These are `base_universe_ew`, `raw_pool_ew` where scanners recruit (of all names it would be the same book),
    `benchmark` of each selection, and `market`.
    """
    found = [path for one in schedules for path in _paths(profile, one, schedules[0])]
    main = _strategy_key(profile, profile.allocation.engines[0], profile.risk.primary)
    ours = next(path.selection for path in found if path.key == main)
    return tuple(replace(path, whole=path.selection == ours and not path.baseline) for path in found)


def _paths(profile: Profile, when: Schedule, main: Schedule) -> Iterator[Path]:
    """Yield the strategies of every selection on a schedule, then the baselines.

    Keys name the schedule where it is not the main one, and its start where that is another.
    """
    own = profile.selection.model
    name_of = "" if when == main else (replace(when, start=None) if when.start == main.start else when).name
    suffix = f"/{name_of}" if name_of else ""
    for name, entrant in profile.entrants.items():
        named = "" if name == own else name
        for key, spec in _strategies(entrant, when, name).items():
            sides = "/declared_sides" if spec.rules.sides is not None else ""
            selection = f"{name}{sides}{suffix}"
            yield Path(
                key=f"{key}{suffix}",
                spec=spec,
                schedule=when,
                selection=selection,
                baseline=False,
                entrant=named,
                when=name_of,
            )
    for key, other in _baselines(profile, when).items():
        selection = f"{own}{suffix}"
        yield Path(key=f"{key}{suffix}", spec=other, schedule=when, selection=selection, baseline=True, when=name_of)
    for name, entrant in list(profile.entrants.items())[1:]:
        winners = WinnersSpec(rules=_rules(entrant, when))
        key, selection = f"benchmark/{name}{suffix}", f"{name}{suffix}"
        yield Path(key=key, spec=winners, schedule=when, selection=selection, baseline=True, entrant=name, when=name_of)


def books(profile: Profile) -> tuple[Book, ...]:
    """Return one book per costs and simulator that plays what the profile asks for at them, by the same execution."""
    execution, excluded = profile.execution.execution(), _excluded(profile, "simulator", "costs")
    return tuple(
        Book(
            key=f"{simulator}+{scenario}" if scenario else simulator,
            simulator=simulator,
            costs=costed.costs.cost_model(),
            execution=execution,
            options=profile.execution.options_of(SIMULATORS[simulator]),
        )
        for scenario, costed in profile.costings.items()
        for simulator in profile.execution.simulators
        if (simulator, scenario) not in excluded
    )


def headline(profile: Profile) -> str:
    """Return the key of the cell that the profile names primary (R-RSK-25), on its first engine and simulator."""
    path = _strategy_key(profile, profile.allocation.engines[0], profile.risk.primary)
    return f"{path}/{profile.execution.simulators[0]}"


def anchors(profile: Profile) -> tuple[str, ...]:
    """Return the keys of the cells that are shown beside the headline: its risk profile exchanged for each anchor."""
    engine, simulator = profile.allocation.engines[0], profile.execution.simulators[0]
    return tuple(f"{_strategy_key(profile, engine, name)}/{simulator}" for name in profile.risk.anchors)


def _strategy_key(profile: Profile, engine: str, risk_profile: str) -> str:
    return f"{profile.selection.model}/{engine}/{risk_profile}"


def _strategies(profile: Profile, schedule: Schedule, selection: str) -> dict[str, StrategySpec]:
    excluded = _excluded(profile, "engine", "risk_profile")
    return {
        f"{selection}/{engine}/{risk_profile}": _strategy(profile, schedule, engine, risk_profile)
        for engine in profile.allocation.engines
        for risk_profile in profile.allocation.profiles
        if (engine, risk_profile) not in excluded
    }


def _weighing(profile: Profile, risk_profile: str) -> tuple[str, ...]:
    """Return the risk profiles by which one weighs: itself, or those that regimes of the market choose."""
    return tuple(dict.fromkeys(profile.risk.by_regime.values())) if risk_profile == ADAPTIVE else (risk_profile,)


def _strategy(profile: Profile, schedule: Schedule, engine: str, risk_profile: str) -> StrategySpec:
    known = risk_profiles_of(ENGINES[engine])
    fallbacks = tuple(name for name in profile.allocation.fallbacks if name in known)
    return StrategySpec(
        rules=_rules(profile, schedule, risk_profile),
        engine=engine,
        risk_profile=risk_profile,
        fallbacks=fallbacks,
        limits=profile.allocation.limits.limits(),
        options=profile.allocation.options_of(
            ENGINES[engine], *(RISK_PROFILES[name] for name in (*_weighing(profile, risk_profile), *fallbacks))
        ),
        l2=profile.allocation.l2,
        two_layers=profile.allocation.layers == "two",
        cost=_cost(profile),
        by_regime=tuple(profile.risk.by_regime.items()) if risk_profile == ADAPTIVE else (),
        neutral=_neutral(profile, (*_weighing(profile, risk_profile), *fallbacks)),
    )


def _cost(profile: Profile) -> float:
    """Return the cost of trading a unit of equity over the aversion to variance; 0 where nobody weighs it."""
    costs, aversion = profile.costs, profile.allocation.risk_aversion
    return 0.0 if aversion is None else (costs.slippage_bps + costs.commission_bps) / 1e4 / aversion


def _neutral(profile: Profile, asked: Sequence[str]) -> Neutral | None:
    """Return which of the risk profiles are neutral to the profile's benchmark; None where none is."""
    keys, against = profile.allocation.neutrality, profile.benchmark
    if not set(asked) & {MARKET_NEUTRAL, *keys.profiles}:
        return None
    return Neutral(
        symbols=against.symbols,
        weights=against.weights,
        tolerances=keys.tolerances,
        profiles=(MARKET_NEUTRAL, *keys.profiles),
    )


def _baselines(profile: Profile, schedule: Schedule) -> dict[str, Spec]:
    rules = _rules(profile, schedule)
    against = profile.benchmark
    found: dict[str, Spec] = {"base_universe_ew": BaseUniverseSpec(rules=rules)}
    if profile.universe.scanners:
        found["raw_pool_ew"] = RawPoolSpec(rules=rules, benchmark=against.symbols)
    found["benchmark"] = WinnersSpec(rules=rules)
    if against.market:
        found["market"] = MarketSpec(symbols=against.symbols, quorum=profile.data.quorum, weights=against.weights)
    return found


def _rules(profile: Profile, schedule: Schedule, risk_profile: str = "") -> Rules:
    return Rules(
        universe=profile.universe,
        data=profile.data,
        selection=profile.selection,
        regime=profile.regime,
        train=schedule.train,
        stamps=profile.universe.stamps | schedule.stamps | profile.selection.stamps | profile.regime.stamps,
        estimates=estimates_of(profile.allocation),
        logics=_logics(profile),
        sides=_sides(profile, risk_profile),
    )


def _logics(profile: Profile) -> tuple[Options, ...]:
    """Return the values of what the logics of the profile's scanners declare."""
    named = dict.fromkeys(scanner.logic for scanner in profile.universe.scanners)
    return profile.logics.options_of(*(LOGICS[name] for name in named if name is not None))


def estimates_of(allocation: AllocationSection | SleeveAllocationSection) -> Estimates:
    """Return how covariance and means are estimated."""
    covariance, means = allocation.covariance, allocation.means
    return Estimates(
        covariance=covariance.estimator,
        means=means.estimator,
        options=covariance.options_of(ESTIMATORS[covariance.estimator]),
        risk_free=means.risk_free,
    )


def _sides(profile: Profile, risk_profile: str) -> FixedWeights | None:
    """Return declared weights where their signs say on which side names are held: no scanner does, and some are short.

    Those of a fallback do not: its names are held on the sides of what it falls back from.
    """
    if risk_profile in ("", ADAPTIVE) or profile.universe.scanners or profile.universe.direction != "both":
        return None
    given = profile.allocation.options_of(RISK_PROFILES[risk_profile])
    return next((one for one in given if isinstance(one, FixedWeights) and one.has_shorts), None)
