"""Problems that no library is asked: there is nothing to choose, or no answer to its question."""

import numpy as np

from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.engines.custom.max_sharpe import highest_mean
from tvquant.allocation.engines.custom.programs import Region
from tvquant.allocation.risk.contract import Capping, Objective, RiskProfile
from tvquant.core.allocations import Attempt
from tvquant.core.problems import Covariance


def unasked(covariance: Covariance, feasible: FeasibleSet, risk_profile: RiskProfile) -> EngineAnswer | None:
    """Return the answer to a problem of one stream, or of a ratio that cannot be positive; None for any other.

    A library may refuse the first, and answer the second with a book that loses on average.
    """
    if risk_profile.objective is Objective.MAX_RATIO and not highest_mean(covariance.means, Region.of(feasible)) > 0.0:
        who = "no name has" if covariance.means.max() <= 0.0 else "no book within the caps has"
        attempt = Attempt(what="means", outcome=f"{who} a positive expected return")
        return EngineAnswer(weights=None, attempts=(attempt,))
    if len(covariance.means) == 1:
        attempt = Attempt(what="one name", outcome="solved: there is nothing to choose")
        whole = feasible.budget if risk_profile.capping is Capping.INSIDE else 1.0
        return EngineAnswer(weights=np.array([whole]), attempts=(attempt,))
    return None
