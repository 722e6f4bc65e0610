"""What `select` says of a decision."""

import numpy as np

from builders.problems import covariance_of, limits, problem_of
from tvquant.allocation import allocate
from tvquant.app.cli.select import _status


def test_a_book_that_a_limit_empties_is_told_with_the_limit() -> None:
    told = []
    for net in ((-1.0, 0.0), (0.0, 1.0)):
        problem = problem_of(covariance_of(np.eye(4)), limits=limits(net=net))
        told.append(_status(allocate(problem, engine="custom", risk_profile="hrp")))
    why = "netting: net_high leaves nothing to hold of 4 long and 0 short names, limit 0"
    assert told == [f"failed ({why})", "solved"]
    assert _status(None) == "no winner"
