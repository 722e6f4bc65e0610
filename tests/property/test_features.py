"""Ratings are causal: a row of the whole history's votes is what the data cut at that row give, bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.panels import panel_of
from tvquant.core.panel import Panel
from tvquant.features import TERMS, compute
from tvquant.features.oscillator_votes import oscillator_votes
from tvquant.features.rating_rules import RATING_RULES
from tvquant.features.ratings import mean_of_groups, mean_vote, moving_average_votes

FIELDS = ("high", "low", "close", "volume")
RATINGS = ("recommend_ma", "recommend_other", "recommend_all")


@st.composite
def panels(draw):
    """Walks, lattices and standing prices with holes, young names, and volumes of zero or unknown."""
    rows, names = draw(st.integers(1, 280)), draw(st.integers(1, 6))
    source = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    close = draw(st.sampled_from([1e-7, 1.0, 3e4])) * np.exp(source.normal(0.0, 0.03, (rows, names)).cumsum(axis=0))
    if draw(st.booleans()):
        close = 20.0 + source.integers(-2, 3, (rows, names))
    high, low = close * (1.0 + source.random((rows, names)) / 20), close * (1.0 - source.random((rows, names)) / 20)
    volume = np.where(source.random((rows, names)) < 0.2, 0.0, source.random((rows, names)) * 1e6)
    volume[source.random((rows, names)) < draw(st.sampled_from([0.0, 0.01]))] = np.nan
    gone = source.random((rows, names)) < draw(st.sampled_from([0.0, 0.02, 0.3, 0.9]))
    gone |= np.arange(rows)[:, None] < source.integers(-200, rows, names)  # listed later
    gone[-1] &= gone.sum(axis=0) < rows  # a name has a bar
    blocks = {"close": close, "high": high, "low": low, "volume": volume}
    order = np.argsort(np.argmin(gone, axis=0), kind="stable")
    blocks = {name: np.where(gone, np.nan, block)[:, order] for name, block in blocks.items()}
    return panel_of(blocks)


@pytest.mark.requirement("R-FEA-12")
@pytest.mark.requirement("R-UNI-22")
@given(panel=panels(), data=st.data(), rules=st.sampled_from(sorted(RATING_RULES)))
def test_a_row_of_all_ratings_is_the_rating_of_the_view_until_then(panel, data, rules):
    row = data.draw(st.integers(0, len(panel.times) - 1), label="row")
    high, low, close, volume = (panel.fields[name] for name in FIELDS)
    rows, chosen = len(panel.times), RATING_RULES[rules]
    averages = moving_average_votes(high, low, close, volume, rows=rows, rules=chosen)
    others = oscillator_votes(high, low, close, rows=rows, rules=chosen)
    everything = np.array([mean_vote(averages), mean_vote(others), mean_of_groups(averages, others)])
    view = panel.until(panel.known_at[row, 0])
    listed = len(view.instruments)
    if listed:
        found = compute(view, RATINGS, rating_min_bars=1, rating_rules=chosen).values
        assert found.tobytes() == np.ascontiguousarray(everything[:, row, :listed]).tobytes()
    assert np.isnan(everything[:, row, listed:]).all()
    assert np.isnan(everything[:, ~panel.tradable]).all()
    assert (np.abs(everything[~np.isnan(everything)]) <= 1.0).all()
    one, other, both = everything
    whole = np.where(np.isnan(one), other, np.where(np.isnan(other), one, (one + other) / 2.0))
    np.testing.assert_allclose(both, whole, rtol=0.0, atol=1e-15)


@pytest.mark.requirement("R-UNI-22")
@given(panel=panels(), data=st.data())
def test_every_term_until_a_moment_is_that_of_the_data_cut_there(panel, data):
    row = data.draw(st.integers(0, len(panel.times) - 1), label="row")
    view = panel.until(panel.known_at[row, 0])
    if not view.instruments:
        return
    names = len(view.instruments)
    cut = Panel(
        times=panel.times[: row + 1].copy(),
        instruments=panel.instruments[:names],
        fields={name: block[: row + 1, :names].copy() for name, block in panel.fields.items()},
        known_at=panel.known_at[: row + 1, :names].copy(),
        tradable=panel.tradable[: row + 1, :names].copy(),
        bases=panel.bases[:names],
        stamps=panel.stamps[:names],
        calendar=panel.calendar,
    )
    seen, scratch = (compute(each, TERMS, rating_min_bars=20) for each in (view, cut))
    assert seen.digest() == scratch.digest()
    assert seen.absent == scratch.absent
    assert seen.known_at == scratch.known_at
