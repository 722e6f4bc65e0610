"""What a covariance expects of a book."""

from dataclasses import replace

import pytest

from builders.problems import covariance_of, problem_of
from tvquant.allocation.expected import expected_of


def test_expected_volatility_is_that_of_the_book_and_of_equal_weights():
    given = problem_of(covariance_of([[0.04, 0.01], [0.01, 0.09]]))
    found = expected_of(given, {"N000": 0.5}, "hrp")
    assert found.volatility == pytest.approx(0.5 * 0.2)
    assert found.even_volatility == pytest.approx((0.25 * (0.04 + 0.09 + 2 * 0.01)) ** 0.5)
    assert (found.method, found.condition, found.observations) == ("given", 1.0, 100)


def test_it_says_by_which_l2_the_book_was_found():
    given = replace(problem_of(covariance_of([[0.04, 0.01], [0.01, 0.09]])), l2=0.05)
    found = {name: expected_of(given, {}, name).l2 for name in ("hrp", "min_variance", "max_sharpe")}
    assert found == {"hrp": 0.0, "min_variance": 0.05, "max_sharpe": 0.1}
