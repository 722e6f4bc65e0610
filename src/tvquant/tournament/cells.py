"""Cells: one way to decide, traded in one simulator; the grid of them is the tournament."""

from dataclasses import dataclass

from tvquant.profiles import Profile
from tvquant.tournament.specs import BaseUniverseSpec, MarketSpec, Rules, Spec, StrategySpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell.

    Parameters
    ----------
    key : `selection/engine/risk_profile/simulator`, or `baseline/simulator`.
    spec : how it decides.
    simulator : where its book is kept.
    baseline : it prices what the strategies must beat and is no trial.
    """

    key: str
    spec: Spec
    simulator: str
    baseline: bool


def cells(profile: Profile) -> tuple[Cell, ...]:
    """Every strategy of the profile's grid, then the baselines `base_universe_ew` and `market` (R-TRN-12)."""
    rules = Rules(
        universe=profile.universe,
        data=profile.data,
        selection=profile.selection,
        train=profile.windows.train,
        stamps=profile.universe.stamps | profile.windows.stamps | profile.selection.stamps,
    )
    found = []
    for simulator in profile.execution.simulators:
        for engine in profile.allocation.engines:
            for risk_profile in profile.allocation.profiles:
                spec = StrategySpec(
                    rules=rules,
                    engine=engine,
                    risk_profile=risk_profile,
                    fallbacks=profile.allocation.fallbacks,
                    limits=profile.allocation.limits.limits(),
                )
                key = cell_key(profile.selection.model, engine, risk_profile, simulator)
                found.append(Cell(key=key, spec=spec, simulator=simulator, baseline=False))
        found.append(_baseline("base_universe_ew", BaseUniverseSpec(rules=rules), simulator))
        if profile.benchmark.market:
            market = MarketSpec(symbols=profile.benchmark.market, quorum=profile.data.quorum)
            found.append(_baseline("market", market, simulator))
    return tuple(found)


def cell_key(model: str, engine: str, risk_profile: str, simulator: str) -> str:
    """Key of a strategy's cell."""
    return f"{model}/{engine}/{risk_profile}/{simulator}"


def headline(profile: Profile) -> str:
    """Key of the cell that the profile names primary (R-RSK-25), on its first engine and simulator."""
    return cell_key(
        profile.selection.model,
        profile.allocation.engines[0],
        profile.risk.primary,
        profile.execution.simulators[0],
    )


def _baseline(name: str, spec: Spec, simulator: str) -> Cell:
    return Cell(key=f"{name}/{simulator}", spec=spec, simulator=simulator, baseline=True)
