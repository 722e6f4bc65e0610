"""The ratings as terms: of the last row, and only with enough bars."""

import numpy as np
import pytest

from tvquant.features import compute
from tvquant.features.oscillator_votes import oscillator_votes
from tvquant.features.rating_rules import CLASSIC, LIBRARY_V3, SCREENER
from tvquant.features.ratings import mean_of_groups, mean_vote, moving_average_votes

RATINGS = ("recommend_ma", "recommend_other", "recommend_all")


def fields(rows=260, names="ABC"):
    draw = np.random.default_rng(3)
    close = {name: 100.0 * np.exp(draw.normal(0.0, 0.03, rows).cumsum()) for name in names}
    return {
        "close": close,
        "high": {name: values * 1.02 for name, values in close.items()},
        "low": {name: values * 0.98 for name, values in close.items()},
        "volume": {name: draw.random(rows) for name in names},
    }


def rating(panel, bars=1, name="recommend_ma"):
    return compute(panel, [name], rating_min_bars=bars).of(name, panel.keys)


@pytest.mark.requirement("R-FEA-12")
def test_the_rating_is_the_mean_vote_of_the_last_row(market):
    given = fields()
    panel = market(given.pop("close"), **given)
    votes = moving_average_votes(*(panel.fields[name] for name in ("high", "low", "close", "volume")), rows=1)
    found = rating(panel)
    assert found.tolist() == mean_vote(votes)[0].tolist()
    assert len(set(found.tolist())) > 1


@pytest.mark.requirement("R-FEA-12")
@pytest.mark.parametrize("rules", [LIBRARY_V3, CLASSIC, SCREENER])
def test_the_three_ratings_are_of_one_set_of_votes(market, rules):
    given = fields(names="ABCDEFGH")
    panel = market(given.pop("close"), **given)
    high, low, close, volume = (panel.fields[name] for name in ("high", "low", "close", "volume"))
    averages = moving_average_votes(high, low, close, volume, rows=1, rules=rules)
    oscillators = oscillator_votes(high, low, close, rows=1, rules=rules)
    expected = [mean_vote(averages)[0], mean_vote(oscillators)[0], mean_of_groups(averages, oscillators)[0]]
    found = compute(panel, RATINGS, rating_min_bars=1, rating_rules=rules)
    assert found.names == RATINGS
    assert np.array_equal(found.values, expected)
    np.testing.assert_allclose(found.values[2], (found.values[0] + found.values[1]) / 2.0, rtol=1e-15)
    for name, values in zip(RATINGS, expected, strict=True):
        alone = compute(panel, [name], rating_min_bars=1, rating_rules=rules)
        assert np.array_equal(alone.values, [values])


def test_the_library_s_rating_is_the_default_and_others_differ(market):
    given = fields(names="ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    panel = market(given.pop("close"), **given)
    by = [compute(panel, RATINGS, rating_min_bars=1, rating_rules=each) for each in (LIBRARY_V3, CLASSIC, SCREENER)]
    assert compute(panel, RATINGS, rating_min_bars=1).digest() == by[0].digest()
    assert len({each.digest() for each in by}) == 3


@pytest.mark.parametrize("name", RATINGS)
@pytest.mark.parametrize(("bars", "rated"), [(199, True), (200, True), (201, False)])
def test_a_name_with_fewer_bars_than_asked_has_no_rating(market, bars, rated, name):
    close = fields(names="AB")["close"]
    close["B"][:50] = np.nan
    close["B"][200:210] = np.nan  # 200 bars are left
    assert (~np.isnan(rating(market(close), bars, name))).tolist() == [True, rated]


def test_closes_alone_are_enough(market):
    panel = market(fields()["close"])
    found = compute(panel, RATINGS, rating_min_bars=200)
    assert not np.isnan(found.values).any()
    assert found.absent == {}
    counts = np.array([[13], [5], [2 * 13 * 5]])  # of averages, of oscillators, and their common denominator
    assert (np.abs(found.values * counts - np.round(found.values * counts)) < 1e-12).all()


@pytest.mark.requirement("R-FEA-12")
def test_votes_are_counted_whatever_the_floor_of_bars(market):
    given = fields(rows=60, names="AB")
    for values in given.values():
        values["B"][:40] = np.nan
    panel = market(given.pop("close"), **given)
    found = compute(panel, ["votes_ma", "votes_other", "recommend_ma"], rating_min_bars=200)
    high, low, close, volume = (panel.fields[name] for name in ("high", "low", "close", "volume"))
    averages = moving_average_votes(high, low, close, volume, rows=1)[0]
    others = oscillator_votes(high, low, close, rows=1)[0]
    assert found.of("votes_ma", panel.keys).tolist() == [(votes != -128).sum() for votes in averages]
    assert found.of("votes_other", panel.keys).tolist() == [(votes != -128).sum() for votes in others]
    assert found.of("votes_ma", ("X:B",)) < found.of("votes_ma", ("X:A",)) < 15
    assert np.isnan(found.of("recommend_ma", panel.keys)).all()


def test_a_first_bar_has_no_votes_and_a_day_without_a_bar_none_to_count(market):
    panel = market({"A": [1.0, 2.0], "B": [1.0, np.nan]})
    assert compute(panel.until(panel.known_at[0, 0]), ["votes_ma"], rating_min_bars=1).values.tolist() == [[0.0, 0.0]]
    np.testing.assert_array_equal(compute(panel, ["votes_other"], rating_min_bars=1).values, [[0.0, np.nan]])
