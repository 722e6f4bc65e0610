"""Features of atoms against closed forms and scipy, in synthetic-long space."""

import math

import numpy as np
import pytest
from scipy import stats

from tvquant.selection.resilience import antifragility, fragility, survival
from tvquant.selection.stages.feature_engineering import TERMS, FeatureEngineeringStage
from tvquant.selection.stages.inference import InferenceStage
from tvquant.statistics import cvar, hurst, moments, permutation_entropy, rescaled_range_slope, tail_gain

RUN = FeatureEngineeringStage().run


@pytest.fixture
def noise():
    return np.random.default_rng(7).normal(0.001, 0.02, (150, 4))


@pytest.mark.requirement("R-FEA-02")
@pytest.mark.parametrize("periods", [252, 365])
def test_momentum_and_stability_are_their_closed_forms(context, noise, periods):
    done = RUN(context(noise, periods=periods))
    momentum = [math.fsum(column[-60:]) / 60 * periods for column in noise.T]
    stability = [1.0 / (column.std(ddof=1) * math.sqrt(periods) + 1e-9) for column in noise.T]
    assert done.of_atoms("momentum").tolist() == pytest.approx(momentum, rel=1e-12)
    assert done.of_atoms("stability").tolist() == pytest.approx(stability, rel=1e-12)
    assert done.of_atoms("volatility").tolist() == pytest.approx([1 / s - 1e-9 for s in stability], rel=1e-12)


@pytest.mark.requirement("R-FEA-02")
def test_train_bounds_momentum_and_nothing_else(context, noise):
    short, long = (RUN(context(noise, train=train)) for train in (20, 150))
    assert short.of_atoms("momentum").tolist() == pytest.approx((noise[-20:].mean(axis=0) * 365).tolist(), rel=1e-12)
    for name in short.atom_features.names:
        if name != "momentum":
            assert np.array_equal(short.of_atoms(name), long.of_atoms(name), equal_nan=True)


def test_missing_returns_are_left_out_of_every_mean(context, noise):
    noise[-30, 0] = noise[3, 0] = np.nan
    done = RUN(context(noise))
    kept = noise[~np.isnan(noise[:, 0]), 0]
    assert done.of_atoms("observations").tolist() == [148, 150, 150, 150]
    assert done.of_atoms("momentum")[0] == pytest.approx(np.nanmean(noise[-60:, 0]) * 365, rel=1e-12)
    assert done.of_atoms("volatility")[0] == pytest.approx(kept.std(ddof=1) * math.sqrt(365), rel=1e-12)


def test_an_atom_without_a_return_in_the_training_rows_has_no_momentum(context, noise):
    noise[-60:, 2] = np.nan
    assert np.isnan(RUN(context(noise)).of_atoms("momentum")).tolist() == [False, False, True, False]


def test_tails_are_those_of_scipy(context, noise):
    done = RUN(context(noise))
    assert done.of_atoms("abs_skewness").tolist() == pytest.approx(np.abs(stats.skew(noise)).tolist(), rel=1e-9)
    assert done.of_atoms("kurtosis").tolist() == pytest.approx(stats.kurtosis(noise).tolist(), rel=1e-9)
    tail = [column[column <= np.quantile(column, 0.05)].mean() for column in noise.T]
    assert done.of_atoms("cvar").tolist() == pytest.approx(tail, rel=1e-12)


@pytest.mark.requirement("R-FEA-06")
def test_the_hurst_exponent_and_its_randomness_are_both_there(context, noise):
    done = RUN(context(noise))
    exponent = done.of_atoms("hurst")
    assert ((exponent > 0.2) & (exponent < 0.8)).all()
    assert done.of_atoms("randomness").tolist() == [1 - 2 * abs(h - 0.5) for h in exponent.tolist()]


def test_a_series_that_only_grows_is_perfectly_efficient_and_has_no_entropy(context):
    done = RUN(context(np.linspace(0.01, 0.02, 100)[:, None]))
    assert done.of_atoms("efficiency").tolist() == pytest.approx([1.0])
    assert done.of_atoms("entropy").tolist() == pytest.approx([0.0])


@pytest.mark.requirement("R-SEL-13")
def test_terms_of_the_instrument_are_turned_for_a_short(context, noise):
    terms = {"adv_median_30": [math.e, math.e**2], "recommend_ma": [0.4, -0.6], "recommend_all": [0.1, 0.2]}
    done = RUN(context(noise, terms=terms, assets=["X:A", "X:A", "X:B", "X:B"], directions="LSLS"))
    assert done.of_atoms("rating_ma").tolist() == [0.4, -0.4, -0.6, 0.6]
    assert done.of_atoms("rating_all").tolist() == [0.1, -0.1, 0.2, -0.2]
    assert done.of_atoms("liquidity").tolist() == pytest.approx([1.0, 1.0, 2.0, 2.0])


@pytest.mark.requirement("R-FEA-09")
def test_nothing_traded_is_the_worst_liquidity_and_not_a_missing_one(context, noise):
    terms = {"adv_median_30": [0.0, np.nan, 1.0, -1.0], "recommend_ma": [0.0] * 4}
    done = RUN(context(noise, terms=terms))
    np.testing.assert_array_equal(done.of_atoms("liquidity"), [-np.inf, np.nan, 0.0, np.nan])
    scored = InferenceStage().run(done)
    assert scored.probabilities["liquidity"].tolist() == [0.001, 0.5, 0.5, 0.5]
    assert scored.missing["liquidity"] == tuple(done.pool.ids[k] for k in (1, 3))


OF_INSTRUMENTS = {
    "liquidity": "adv_median_30", "rating_ma": "recommend_ma", "adx": "adx_14", "own_di": "plus_di_14",
    "other_di": "minus_di_14", "roc": "roc_9", "volatility_d": "volatility_d", "volume_change": "volume_change_24h",
    "metadata_known": "metadata_known",
    "rating_all": "recommend_all", "rating_other": "recommend_other",
}  # fmt: skip


@pytest.mark.requirement("R-FEA-08")
def test_every_term_is_a_named_feature_of_the_atom(context, noise):
    terms = {term: [1.0 + k, 2.0 + k, 3.0 + k, np.nan] for k, term in enumerate(sorted(TERMS))}
    done = RUN(context(noise, terms=terms))
    for feature, term in OF_INSTRUMENTS.items():
        expected = np.log(terms[term]) if feature == "liquidity" else np.array(terms[term])
        np.testing.assert_array_equal(done.of_atoms(feature), expected)


@pytest.mark.requirement("R-SEL-13")
@pytest.mark.requirement("R-SEL-32")
def test_the_own_side_of_a_short_is_the_falling_one(context, noise):
    terms = {"plus_di_14": [30.0, 10.0], "minus_di_14": [12.0, 40.0], "adx_14": [25.0, 35.0], "roc_9": [7.0, -7.0]}
    done = RUN(context(noise, terms=terms, assets=["X:A", "X:A", "X:B", "X:B"], directions="LSLS"))
    assert done.of_atoms("own_di").tolist() == [30.0, 12.0, 10.0, 40.0]
    assert done.of_atoms("other_di").tolist() == [12.0, 30.0, 40.0, 10.0]
    assert done.of_atoms("adx").tolist() == [25.0, 25.0, 35.0, 35.0]
    assert done.of_atoms("roc").tolist() == [7.0, 7.0, -7.0, -7.0]


def test_why_a_term_is_absent_is_kept(context, noise):
    assert RUN(context(noise)).atom_features.absent == dict.fromkeys(OF_INSTRUMENTS, "the data have no volume")
    assert RUN(context(noise, terms={})).atom_features.absent == {
        feature: f"the feature set has no {term}" for feature, term in OF_INSTRUMENTS.items()
    }
    assert RUN(context(noise, terms=dict.fromkeys(TERMS, [1.0] * 4))).atom_features.absent == {}


@pytest.mark.requirement("R-FEA-03")
@pytest.mark.requirement("R-FEA-05")
def test_thresholds_as_specified_have_the_statistics_that_they_were_written_for(context, noise):
    ours, theirs = (RUN(context(noise, thresholds=name)) for name in ("calibrated", "as_specified"))
    assert ours.of_atoms("entropy").tolist() == permutation_entropy(noise, order=3).tolist()
    assert theirs.of_atoms("entropy").tolist() == permutation_entropy(noise, order=5).tolist()
    assert ours.of_atoms("hurst").tolist() == hurst(noise).tolist()
    assert theirs.of_atoms("hurst").tolist() == rescaled_range_slope(noise).tolist()
    assert theirs.of_atoms("randomness").tolist() == (1 - 2 * np.abs(theirs.of_atoms("hurst") - 0.5)).tolist()
    assert ours.of_atoms("efficiency").tolist() == theirs.of_atoms("efficiency").tolist()


@pytest.mark.requirement("R-FEA-10")
@pytest.mark.requirement("R-FEA-11")
def test_resilience_is_that_of_the_pool(context, noise):
    given = context(noise)
    done, measured = RUN(given), moments(noise)
    assert done.of_atoms("antifragility").tolist() == antifragility(measured, tail_gain(noise)[0]).tolist()
    assert done.of_atoms("fragility").tolist() == fragility(measured, cvar(noise)[0]).tolist()
    assert done.of_atoms("survival").tolist() == survival(noise, given.pool.ids).tolist()


@pytest.mark.requirement("R-FEA-11")
def test_a_short_does_not_survive_that_its_asset_doubles(context):
    """In the pool's stress the asset gains 150 % in a day: its long comes through, its short has lost everything."""
    own = np.random.default_rng(4).normal(0.0, 0.005, (400, 3))
    own[300:310] = -0.03
    own[305, 2] = 1.5
    assets, streams = ["X:A", "X:B", "X:C", "X:C"], np.column_stack([own, -np.minimum(own[:, 2], 1.0)])
    given = context(streams, assets=assets, directions="LLLS", own=own[:, [0, 1, 2, 2]])
    long, short = RUN(given).of_atoms("survival")[2:]
    assert long == 1.0
    assert short < 1.0
    assert RUN(given).of_atoms("survival").tolist() == survival(streams, given.pool.ids).tolist()


AGAINST_THE_POOL = ("antifragility", "fragility", "survival")


@pytest.mark.requirement("R-FEA-01")
def test_one_column_per_atom_and_nothing_of_one_atom_depends_on_another_but_its_resilience(context, noise):
    whole = RUN(context(noise)).atom_features
    assert whole.keys == context(noise).pool.ids
    own = [row for row, name in enumerate(whole.names) if name not in AGAINST_THE_POOL]
    for k in range(4):
        alone = RUN(context(noise[:, [k]])).atom_features
        assert np.array_equal(alone.values[own, 0], whole.values[own, k], equal_nan=True)


@pytest.mark.requirement("R-FEA-09")
@pytest.mark.parametrize(("periods", "base"), [(365, 10e6), (252, 500e6)])
def test_liquidity_as_specified_is_the_traded_value_over_a_base_and_1_at_most(context, noise, periods, base):
    terms = {"value_traded_last": [0.0, base / 4, base, 50 * base], "adv_median_30": [math.e, math.e**2, 1.0, 0.0]}
    literal = RUN(context(noise, terms=terms, periods=periods, thresholds="as_specified")).of_atoms("liquidity")
    assert literal.tolist() == [0.0, 0.25, 1.0, 1.0]
    default = RUN(context(noise, terms=terms, periods=periods)).of_atoms("liquidity")
    assert default.tolist() == pytest.approx([1.0, 2.0, 0.0, -math.inf])  # 50 x base counts as no more
