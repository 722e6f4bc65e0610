"""What `select` says of a decision."""

import numpy as np

from tvquant.allocation import allocate
from tvquant.app.cli.select import _status
from tvquant.core.allocations import Covariance, Limits, Problem


def test_a_book_that_a_limit_empties_is_told_with_the_limit() -> None:
    covariance = Covariance(
        matrix=np.eye(4), means=np.zeros(4), method="given", shrinkage=0.0, ridge=0.0, condition=1.0, observations=100
    )
    told = []
    for net in ((-1.0, 0.0), (0.0, 1.0)):
        limits = Limits(gross=1.0, net=net, position=0.25, cluster=0.25)
        problem = Problem(keys=tuple("ABCD"), covariance=covariance, clusters=(0, 1, 2, 3), limits=limits)
        told.append(_status(allocate(problem, engine="custom", risk_profile="hrp")))
    why = "netting: net_high leaves nothing to hold of 4 long and 0 short names, limit 0"
    assert told == [f"failed ({why})", "solved"]
    assert _status(None) == "no winner"
