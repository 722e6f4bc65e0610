"""The rating as a term: of the last row, and only with enough bars."""

import numpy as np
import pytest

from tvquant.features import compute
from tvquant.features.ratings import moving_average_votes, recommend_ma


def fields(rows=260, names="ABC"):
    draw = np.random.default_rng(3)
    close = {name: 100.0 * np.exp(draw.normal(0.0, 0.03, rows).cumsum()) for name in names}
    return {
        "close": close,
        "high": {name: values * 1.02 for name, values in close.items()},
        "low": {name: values * 0.98 for name, values in close.items()},
        "volume": {name: draw.random(rows) for name in names},
    }


def rating(panel, bars=1):
    return compute(panel, ["recommend_ma"], rating_min_bars=bars).of("recommend_ma", panel.keys)


@pytest.mark.requirement("R-FEA-12")
def test_the_rating_is_the_mean_vote_of_the_last_row(market):
    given = fields()
    panel = market(given.pop("close"), **given)
    votes = moving_average_votes(*(panel.fields[name] for name in ("high", "low", "close", "volume")), rows=1)
    found = rating(panel)
    assert found.tolist() == recommend_ma(votes)[0].tolist()
    assert len(set(found.tolist())) > 1


@pytest.mark.parametrize(("bars", "rated"), [(199, True), (200, True), (201, False)])
def test_a_name_with_fewer_bars_than_asked_has_no_rating(market, bars, rated):
    close = fields(names="AB")["close"]
    close["B"][:50] = np.nan
    close["B"][200:210] = np.nan  # 200 bars are left
    assert (~np.isnan(rating(market(close), bars))).tolist() == [True, rated]


def test_closes_alone_are_enough(market):
    panel = market(fields()["close"])
    found = compute(panel, ["recommend_ma"], rating_min_bars=200)
    assert not np.isnan(found.values).any()
    assert found.absent == {}
    assert (np.abs(found.values * 13 - np.round(found.values * 13)) < 1e-12).all()  # thirteen votes
