"""Numbers as people read them."""

import pytest

from tvquant.report.figures import plotted
from tvquant.report.wording import count, day, number, percent, probability


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (percent(-0.4931), "-49.3 %"),
        (percent(None), "–"),
        (number(0.955, 1), "1.0"),
        (count(8213), "8,213"),
        (day("1990-01-02T00:00:00.000000"), "1990-01-02"),
        (day(None), "–"),
        (probability(0.99999), "> 99.9 %"),
        (probability(1e-9), "< 0.1 %"),
        (probability(0.5), "50.0 %"),
        (probability(None), "–"),
    ],
)
def test_what_is_written(found, expected):
    assert found == expected


def test_plotted_numbers_keep_six_digits_and_holes():
    assert plotted([1.23456789, 1e-9, float("nan"), None]) == [1.23457, 1e-9, None, None]
