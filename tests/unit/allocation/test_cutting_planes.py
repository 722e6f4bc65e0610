"""Solves that are made again with the row that their answer breaks."""

from dataclasses import replace

import numpy as np

from builders.problems import covariance_of, limits, problem_of
from tvquant.allocation.caps import Family, feasible_set
from tvquant.allocation.cutting_planes import within_turnover
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.core.allocations import Attempt

PROBLEM = replace(
    problem_of(covariance_of(np.eye(2)), limits=limits(position=1.0, cluster=1.0, turnover=0.1)),
    held={"X:N000": 0.5, "X:N001": 0.5},
)
TRY = (Attempt(what="given", outcome="solved"),)


def test_each_row_is_added_to_those_before_until_none_is_broken():
    seen = []

    def solve(feasible):
        seen.append(feasible.rows[np.array([one is Family.TURNOVER for one in feasible.families], dtype=bool)])
        return EngineAnswer(weights=np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]][len(seen) - 1]), attempts=TRY)

    found = within_turnover(feasible_set(PROBLEM), solve)
    assert found.weights.tolist() == [0.6, 0.4]
    assert found.attempts[-1].outcome == "solved, rows of turnover: 2"
    assert [len(one) for one in seen] == [0, 1, 2]


def test_a_solve_that_never_keeps_it_is_given_up_and_one_without_weights_is_left_alone():
    never = EngineAnswer(weights=np.array([0.9, 0.1]), attempts=TRY)
    found = within_turnover(feasible_set(PROBLEM), lambda _: never)
    assert found.weights is None
    assert found.attempts[-1] == Attempt(what="turnover", outcome="not kept after 80 solves")
    failed = EngineAnswer(weights=None, attempts=TRY)
    assert within_turnover(feasible_set(PROBLEM), lambda _: failed) is failed
