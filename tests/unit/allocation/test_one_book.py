"""Whether limits leave one book only."""

import numpy as np
import pytest

from builders.problems import HOUSE, covariance_of, limits, problem_of
from tvquant.allocation.caps import feasible_set
from tvquant.allocation.one_book import one_book


@pytest.mark.parametrize(
    ("n", "clusters", "these", "single"),
    [
        pytest.param(1, None, HOUSE, True, id="one name"),
        pytest.param(3, None, HOUSE, True, id="three names at their caps"),
        pytest.param(4, None, HOUSE, True, id="four names that just hold it all"),
        pytest.param(5, None, HOUSE, False, id="five"),
        pytest.param(6, (0, 0, 1, 1, 2, 2), HOUSE, False, id="full clusters that can be filled in many ways"),
        pytest.param(6, (0, 0, 1, 1, 2, 2), limits(position=0.1), True, id="every name full, clusters not"),
        pytest.param(6, (0, 0, 1, 1, 2, 2), limits(position=0.125), True, id="both just full"),
    ],
)
def test_one_book_is_left_where_nothing_can_move(n, clusters, these, single):
    given = problem_of(covariance_of(np.eye(n)), clusters=clusters, limits=these)
    assert one_book(feasible_set(given)) is single
