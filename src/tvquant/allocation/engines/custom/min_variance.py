"""Minimum variance: the least risky way to hold the whole budget under the caps.

Attempts in order: DAQP; Clarabel on the same problem; the latter again on raised ridges (see
`allocation.solver_attempts`).
"""

from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.engines.custom.programs import Region
from tvquant.allocation.engines.custom.quadratic import least_variance
from tvquant.allocation.solver_attempts import first_solution
from tvquant.core.problems import Covariance


def solve(covariance: Covariance, feasible: FeasibleSet) -> EngineAnswer:
    """Minimise w'Sw over the feasible set."""
    return first_solution(covariance, least_variance(Region.of(feasible), definite=covariance.definite))
