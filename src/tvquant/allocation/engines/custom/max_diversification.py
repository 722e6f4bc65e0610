"""Maximum diversification: the most average volatility of the names per volatility of the book.

The ratio s'w / sqrt(w'Sw), s being volatilities, does not depend on the size of w: it is the ratio program of
`max_sharpe` with volatilities in the place of expected returns, and since they are positive there is always an answer.
Source: Choueifaty & Coignard (2008), Toward maximum diversification, Journal of Portfolio Management 35.
"""

import numpy as np

from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.engines.custom.programs import Region
from tvquant.allocation.engines.custom.quadratic import best_ratio
from tvquant.allocation.solver_attempts import first_solution
from tvquant.core.problems import Covariance


def solve(covariance: Covariance, feasible: FeasibleSet) -> EngineAnswer:
    """Maximise s'w / sqrt(w'Sw) over the feasible set."""
    volatility = np.sqrt(np.diag(covariance.matrix))
    ratio = best_ratio(volatility, Region.of(feasible), definite=covariance.definite)
    return first_solution(covariance, ratio)
