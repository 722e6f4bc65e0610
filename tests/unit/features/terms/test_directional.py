"""ADX and its two sides as terms: of the last row, and the same as those that vote in the rating."""

import numpy as np
import pytest

from tvquant.features import compute
from tvquant.features.oscillators import oscillators
from tvquant.features.rating_rules import PriceSource
from tvquant.statistics.directional import directional_movement

NAMES = ("adx_14", "plus_di_14", "minus_di_14")
pytestmark = [pytest.mark.requirement("R-FEA-08"), pytest.mark.requirement("R-UNI-17")]


@pytest.fixture
def panel(market):
    """A walk, one with holes, one of 27 bars, one of 20, and one without a bar now."""
    draw = np.random.default_rng(0)
    close = {name: 50.0 + draw.normal(0.0, 1.0, 90).cumsum() for name in ("walk", "holes", "halted", "27", "20")}
    close["holes"][10:80:9] = close["27"][:63] = close["20"][:70] = np.nan
    close["halted"][-1] = np.nan
    high = {name: field + draw.random(90) for name, field in close.items()}
    low = {name: field - draw.random(90) for name, field in close.items()}
    return market(close, high=high, low=low)


def test_the_three_are_those_of_the_last_row(panel):
    found = compute(panel, NAMES, rating_min_bars=1)
    assert found.names == NAMES
    expected = directional_movement(*(panel.fields[field] for field in ("high", "low", "close")), rows=90)
    assert found.values.tobytes() == np.array([values[-1] for values in expected]).tobytes()
    assert np.isnan(found.values).tolist() == [
        [False, False, True, True, True],
        [False, False, True, False, False],
        [False, False, True, False, False],
    ]


def test_they_are_what_the_rating_votes_by(panel):
    bars = (panel.fields[field] for field in ("high", "low", "close"))
    rated = oscillators(*bars, rows=1, cci_source=PriceSource.CLOSE)
    votes = np.array([rated.adx, rated.plus, rated.minus])[:, :, -1]
    mine = compute(panel, NAMES, rating_min_bars=1).values
    there = panel.tradable[-1]
    np.testing.assert_array_equal(mine[:, there], votes[:, there])


def test_one_side_alone_is_not_enough(market):
    close = {"A": np.full(40, 3.0)}
    assert np.isnan(compute(market(close, low=close), NAMES, rating_min_bars=1).values).all()
