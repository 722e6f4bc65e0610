"""Risk profiles that come to the same book."""

import numpy as np
import pytest

from tvquant.tournament.convergence import Held, Why, pairs, same_book, why_same


def book(profile, *weights, single=False):
    return Held(weights=np.array(weights), risk_profile=profile, single=single)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ([0.5, 0.5], [0.5, 0.5 + 9e-9], True),
        ([0.5, 0.5], [0.5, 0.5 + 2e-8], False),
        ([0.1, 0.2, 0.3, 0.4], [0.05, 0.1, 0.15, 0.2], True),
        ([0.1, 0.2, 0.3], [0.05, 0.1, 0.15], False),
        ([0.25, 0.25, 0.25, 0.25], [0.1, 0.2, 0.3, 0.4], False),
        ([0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1], False),
    ],
)
def test_books_are_the_same_by_difference_or_by_correlation_of_four_names(first, second, same):
    assert same_book(np.array(first), np.array(second)) is same
    assert same_book(np.array(second), np.array(first)) is same


@pytest.mark.requirement("R-RSK-20")
def test_a_pool_of_three_is_an_anomaly_unless_a_fallback_or_the_limits_explain_it():
    third = (1 / 3, 1 / 3, 1 / 3)
    found = pairs({
        "hrp": {0: book("hrp", *third), 1: book("hrp", 0.25, 0.25, 0.25, single=True), 2: book("hrp", *third)},
        "min_variance": {
            0: book("min_variance", *third),
            1: book("min_variance", 0.25, 0.25, 0.25, single=True),
            2: book("hrp", *third),
            3: book("min_variance", 0.2, 0.3, 0.5),
        },
        "barbell": {0: book("barbell", 0.2, 0.3, 0.5)},
    })  # fmt: skip
    assert [(p.first, p.second, p.windows, dict(p.same)) for p in found] == [
        ("hrp", "min_variance", 3, {Why.UNEXPLAINED: 1, Why.FORCED: 1, Why.FALLBACK: 1}),
        ("hrp", "barbell", 1, {}),
        ("min_variance", "barbell", 1, {}),
    ]


def test_one_book_of_two_that_its_limits_force_explains_both_and_four_streams_may_correlate():
    forced, free = book("hrp", 0.5, 0.5, single=True), book("min_variance", 0.5, 0.5)
    assert why_same(forced, free) is why_same(free, forced) is Why.FORCED
    assert why_same(free, book("hrp", 0.5, 0.5)) is Why.UNEXPLAINED
