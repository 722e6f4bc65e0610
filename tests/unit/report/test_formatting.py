"""Numbers as people read them."""

import pytest

from tvquant.core.atoms import Atom, Direction
from tvquant.report.figures import plotted
from tvquant.report.formatting import TOGETHER, count, day, number, percent, probability, short, some


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (percent(-0.4931), "-49.3 %"),
        (percent(None), "–"),
        (percent(float("nan")), "–"),
        (number(float("nan")), "–"),
        (number(0.955, 1), "1.0"),
        (percent(-0.0004), "0.0 %"),
        (number(-0.004), "0.00"),
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


@pytest.mark.parametrize(
    ("symbol", "direction", "expected"),
    [
        ("BINANCE:BTCUSDT", Direction.LONG, ["BTCUSDT", "hold", "▲"]),
        ("BINANCE:LUNAUSDT#2", Direction.SHORT, ["LUNAUSDT#2", "hold", "▼"]),
    ],
)
def test_an_atom_in_little_room(symbol, direction, expected):
    assert short(Atom(physical_symbol=symbol, logic="hold", direction=direction)).split(TOGETHER) == expected


def test_long_lists_end_in_a_count():
    assert some(["a", "b", "c"], 3) == "a, b, c"
    assert some(["a", "b", "c"], 1) == "a and 2 more"
