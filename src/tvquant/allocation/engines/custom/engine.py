"""The house engine: closed forms and own solvers, without a library between."""

from dataclasses import dataclass

from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.engines.custom import (
    costed_variance,
    equal_weight,
    fixed,
    herc,
    hrp,
    inverse_volatility,
    max_diversification,
    max_sharpe,
    min_cvar,
    min_variance,
    nco,
    risk_parity,
)
from tvquant.allocation.engines.custom.programs import Region
from tvquant.allocation.risk.contract import Objective, RiskProfile
from tvquant.allocation.risk.tail import Tail
from tvquant.allocation.turnover import traded
from tvquant.core.problems import Problem
from tvquant.profiles.options import Options


@dataclass(frozen=True, slots=True)
class Custom:
    """One method for every objective; each is given no more of the problem than it reads."""

    name: str = "custom"
    objectives: frozenset[Objective] = frozenset(Objective)
    library: str = ""
    from_previous: bool = False
    keeps_turnover: bool = True
    weighs_costs: bool = True
    options: tuple[type[Options], ...] = ()

    def solve(
        self, problem: Problem, feasible: FeasibleSet, risk_profile: RiskProfile, options: tuple[Options, ...]
    ) -> EngineAnswer:
        """Solve by the method of the profile's objective."""
        match risk_profile.objective:
            case Objective.EQUAL_WEIGHT:
                return equal_weight.by_stream(feasible)
            case Objective.EQUAL_NAMES:
                return equal_weight.by_name(problem.composition, problem.keys, feasible)
            case Objective.DECLARED:
                return fixed.solve(problem.target, feasible)
            case Objective.MIN_VARIANCE:
                if problem.cost and any(problem.held.values()):
                    region, trades = Region.of(feasible), traded(problem)
                    return costed_variance.solve(problem.covariance, region, trades, problem.cost)
                return min_variance.solve(problem.covariance, feasible)
            case Objective.MAX_RATIO:
                return max_sharpe.solve(problem.covariance, feasible)
            case Objective.EQUAL_RISK:
                return risk_parity.solve(problem.covariance)
            case Objective.HIERARCHICAL:
                return hrp.solve(problem.covariance)
            case Objective.INVERSE_VOLATILITY:
                return inverse_volatility.solve(problem.covariance)
            case Objective.MAX_DIVERSIFICATION:
                return max_diversification.solve(problem.covariance, feasible)
            case Objective.MIN_CVAR:
                return min_cvar.solve(problem.returns, feasible, Tail.among(options).level)
            case Objective.HIERARCHICAL_RISK:
                return herc.solve(problem.covariance)
            case Objective.NESTED:
                return nco.solve(problem.covariance)
