"""Clusters: numpy, pandas and scikit-learn as referees; blocks, gaps and refusals."""

from itertools import pairwise

import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.statistics import (
    LeafOrder,
    Linkage,
    average_correlation,
    correlation_distance,
    dendrogram,
    merges,
    partition,
)
from tvquant.statistics.clusters import COMMON_ROWS

LOOKBACKS = (60, 120, 200)


def blocks(sizes, *, rows=250, noise=0.4, seed=0):
    """Returns of names that share a factor with the rest of their block, and the block of each."""
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(len(sizes)), sizes)
    return rng.standard_normal((rows, len(sizes)))[:, of] + noise * rng.standard_normal((rows, len(of))), of


def smallest(matrix):
    return np.linalg.eigvalsh(matrix)[0]


def same_partition(one, other):
    pairs = set(zip(one, other, strict=True))
    return len(pairs) == len(set(one)) == len(set(other))


@pytest.mark.requirement("R-SEL-27")
def test_the_mean_of_the_correlations_over_the_lookbacks():
    returns, _ = blocks([5, 5, 5])
    expected = np.mean([np.corrcoef(returns[-length:].T) for length in LOOKBACKS], axis=0)
    got = average_correlation(returns, LOOKBACKS)
    np.testing.assert_allclose(got, expected, atol=1e-13)
    np.testing.assert_array_equal(np.diagonal(got), 1.0)
    np.testing.assert_array_equal(got, got.T)


def test_a_lookback_that_is_longer_than_the_history_does_not_count():
    returns, _ = blocks([4, 4], rows=130)
    np.testing.assert_array_equal(average_correlation(returns, LOOKBACKS), average_correlation(returns, (60, 120)))


def test_gaps_before_all_lookbacks_do_not_matter():
    returns, _ = blocks([4, 4])
    holed = returns.copy()
    holed[:50, 3] = np.nan
    np.testing.assert_array_equal(average_correlation(holed, LOOKBACKS), average_correlation(returns, LOOKBACKS))


@pytest.mark.requirement("R-SEL-27")
def test_a_young_name_has_the_lookbacks_that_cover_it():
    returns, _ = blocks([3, 3])
    returns[:150, 5] = np.nan  # 100 rows: only the lookback of 60
    got = average_correlation(returns, LOOKBACKS)
    old = np.mean([np.corrcoef(returns[-length:, :5].T) for length in LOOKBACKS], axis=0)
    np.testing.assert_allclose(got[:5, :5], old, atol=1e-12)
    np.testing.assert_allclose(got[5], np.corrcoef(returns[-60:].T)[5], atol=1e-12)


def test_a_name_that_began_inside_a_lookback_is_not_covered_by_it():
    returns, _ = blocks([3, 3])
    returns[:191, 5] = np.nan  # 59 rows, 98 % of 60
    got = average_correlation(returns, (60,))
    np.testing.assert_allclose(got[5], np.corrcoef(returns[191:].T)[5], atol=1e-12)


@pytest.mark.parametrize(("first", "lookbacks"), [(130, (60, 120)), (129, (60, 120)), (131, (60,))])
def test_a_lookback_covers_a_name_that_began_with_its_first_row(first, lookbacks):
    returns, _ = blocks([3, 3], noise=1.0)
    returns[:first, 5] = np.nan
    expected = np.mean([np.corrcoef(returns[-length:].T)[5] for length in lookbacks], axis=0)
    np.testing.assert_allclose(average_correlation(returns, (60, 120))[5], expected, atol=1e-12)


@pytest.mark.parametrize(("holes", "lookbacks"), [(12, (60, 120)), (13, (60,))])
def test_a_lookback_covers_a_name_with_nine_tenths_of_its_rows(holes, lookbacks):
    returns, _ = blocks([3, 3], noise=1.0)
    returns[131 : 131 + holes, 5] = np.nan
    have = np.isfinite(returns[:, 5])
    expected = [np.corrcoef(returns[-length:][have[-length:]].T)[5, :5] for length in lookbacks]
    np.testing.assert_allclose(average_correlation(returns, (60, 120))[5, :5], np.mean(expected, axis=0), atol=1e-12)


def test_a_pair_that_only_different_lookbacks_cover_has_all_its_common_rows():
    returns, _ = blocks([2, 2], noise=1.0)
    returns[:180, 0] = np.nan  # young: only the lookback of 60 covers it
    returns[-7:, 1] = np.nan  # stopped: only that of 200 does
    got = average_correlation(returns, (60, 200))
    assert got[0, 1] == got[1, 0] == pytest.approx(np.corrcoef(returns[180:-7, :2].T)[0, 1], abs=1e-12)
    assert got[1, 2] == pytest.approx(np.corrcoef(returns[-200:-7, 1:3].T)[0, 1], abs=1e-12)


@pytest.mark.requirement("R-DAT-06")
@pytest.mark.parametrize(("missing", "covered"), [(5, True), (6, False)])
def test_nine_tenths_of_the_rows_are_enough_for_a_lookback(missing, covered):
    """The second name goes against the first for 50 rows and with it for the last 50, of which some are missing."""
    first = np.random.default_rng(0).standard_normal(100)
    second = np.concatenate([-first[:50], first[50:]])
    second[60 : 60 + missing] = np.nan
    both = ~np.isnan(second)
    expected = 1.0 if covered else np.corrcoef(first[both], second[both])[0, 1]
    assert expected > 0.99 if covered else expected < 0.3
    got = average_correlation(np.column_stack([first, second]), (50,))
    assert got[0, 1] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("began", "lookbacks"), [(49, (50, 20)), (50, (50, 20)), (51, (20,))])
def test_a_name_is_covered_from_the_first_row_of_a_lookback_on(began, lookbacks):
    returns = np.random.default_rng(1).standard_normal((100, 3)) + np.random.default_rng(2).standard_normal((100, 1))
    expected = np.mean([np.corrcoef(returns[-length:].T)[0, 1] for length in lookbacks])
    returns[:began, 1] = returns[70, 2] = np.nan
    assert average_correlation(returns, (50, 20))[0, 1] == pytest.approx(expected, abs=1e-12)


def test_a_lookback_as_long_as_the_history_counts():
    returns, _ = blocks([2, 2], rows=60)
    expected = np.mean([np.corrcoef(returns[-length:].T) for length in (60, 20)], axis=0)
    np.testing.assert_allclose(average_correlation(returns, (60, 20, 61)), expected, atol=1e-13)


def test_holes_are_left_out_pair_by_pair_as_pandas_does():
    import pandas as pd

    returns, _ = blocks([4, 4], noise=1.0)
    returns[np.random.default_rng(1).random(returns.shape) < 0.03] = np.nan
    returns[0] = 0.1  # all began before
    expected = np.mean([pd.DataFrame(returns[-length:]).corr() for length in LOOKBACKS], axis=0)
    assert smallest(expected) > 0.0
    np.testing.assert_allclose(average_correlation(returns, LOOKBACKS), expected, atol=1e-12)


def test_a_pair_that_no_lookback_covers_has_all_its_common_rows():
    returns, _ = blocks([3, 3], noise=1.0)
    returns[230:, 0] = np.nan  # stopped: 40 of the last 60 rows
    got = average_correlation(returns, (60,))
    for j in range(1, 6):
        assert got[0, j] == pytest.approx(np.corrcoef(returns[:230, 0], returns[:230, j])[0, 1], abs=1e-12)
    np.testing.assert_allclose(got[1:, 1:], np.corrcoef(returns[-60:, 1:].T), atol=1e-12)


def test_a_short_history_has_its_common_rows():
    returns, _ = blocks([3, 3], rows=30)
    np.testing.assert_allclose(average_correlation(returns, LOOKBACKS), np.corrcoef(returns.T), atol=1e-12)


@pytest.mark.requirement("R-SEL-27")
def test_an_indefinite_matrix_becomes_one_of_correlations():
    rng = np.random.default_rng(5)
    returns = rng.standard_normal((210, 3))
    # 0 and 1 rise together in the years of 2's absence, and against each other with 2 beside: no three series do that.
    returns[:, 2] = np.nan
    returns[:, 1] = returns[:, 0] + 0.05 * returns[:, 1]
    returns[150:, 2] = rng.standard_normal(60)
    returns[150:, 0] = returns[150:, 2] + 0.3 * rng.standard_normal(60)
    returns[150:, 1] = -returns[150:, 2] + 0.3 * rng.standard_normal(60)
    plain = np.eye(3)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        spans = (60, 200) if j < 2 else (60,)
        plain[i, j] = plain[j, i] = np.mean([np.corrcoef(returns[-n:, i], returns[-n:, j])[0, 1] for n in spans])
    assert smallest(plain) < -0.1
    got = average_correlation(returns, (60, 200))
    assert smallest(got) > -1e-12
    np.testing.assert_array_equal(np.diagonal(got), 1.0)
    values, vectors = np.linalg.eigh(plain)  # Rebonato & Jaeckel (2000), spectral decomposition
    b = vectors @ np.diag(np.sqrt(np.clip(values, 0.0, None)))
    b = np.diag(1.0 / np.linalg.norm(b, axis=1)) @ b
    np.testing.assert_allclose(got, b @ b.T, atol=1e-12)


@pytest.mark.requirement("R-SEL-27")
def test_distances_of_gappy_names_are_euclidean():
    returns, _ = blocks([20, 20, 20], rows=210)
    rng = np.random.default_rng(2)
    for j in rng.choice(60, 30, replace=False):
        returns[: rng.integers(20, 150), j] = np.nan
    returns[rng.random(returns.shape) < 0.02] = np.nan
    squares = correlation_distance(average_correlation(returns, LOOKBACKS)) ** 2
    centre = np.eye(60) - 1.0 / 60.0
    assert smallest(-0.5 * centre @ squares @ centre) > -1e-10  # Schoenberg's condition


@pytest.mark.requirement("R-SEL-27")
def test_a_column_without_variance_goes_with_nothing():
    """Constant growth, whose spread is rounding; the others are what they are without it."""
    returns, _ = blocks([3, 3])
    prices = 100.0 * 1.001 ** np.arange(251)
    returns[:, 4] = prices[1:] / prices[:-1] - 1.0
    others = np.delete(np.arange(6), 4)
    for hole in (False, True):
        returns[-10, 0] = np.nan if hole else returns[-10, 0]
        found = average_correlation(returns, LOOKBACKS)
        assert found[4].tolist() == found[:, 4].tolist() == [0.0, 0.0, 0.0, 0.0, 1.0, 0.0]
        alone = average_correlation(returns[:, others], LOOKBACKS)
        np.testing.assert_allclose(found[np.ix_(others, others)], alone, rtol=0.0, atol=1e-12)


def test_a_lookback_without_variance_leaves_the_others():
    returns, _ = blocks([2])
    returns[-60:, 1] = 0.0
    longer = [np.corrcoef(returns[-rows:].T)[0, 1] for rows in (120, 200)]
    assert average_correlation(returns, (60, 120, 200))[0, 1] == pytest.approx(np.mean(longer), rel=1e-12)


@pytest.mark.requirement("R-SEL-27")
def test_too_few_common_rows_have_no_correlation():
    returns, _ = blocks([2, 2])
    returns[: -(COMMON_ROWS - 1), 2] = np.nan
    assert average_correlation(returns, LOOKBACKS)[2].tolist() == [0.0, 0.0, 1.0, 0.0]
    apart, _ = blocks([2, 2])
    apart[:100, 1] = np.nan
    apart[119:, 3] = np.nan
    assert average_correlation(apart, LOOKBACKS)[1, 3] == 0.0
    apart[100:120, 3] = [0.1, 0.2] * 10
    assert average_correlation(apart, LOOKBACKS)[1, 3] != 0.0


@pytest.mark.parametrize("shape", [(0, 3), (60,)])
def test_only_matrices_with_rows(shape):
    with pytest.raises(ModelError, match="rows x columns with rows"):
        average_correlation(np.zeros(shape), LOOKBACKS)


def test_no_names_have_no_correlations():
    assert average_correlation(np.zeros((250, 0)), LOOKBACKS).shape == (0, 0)
    assert average_correlation(np.zeros((30, 0)), LOOKBACKS).shape == (0, 0)


def test_the_input_is_untouched():
    returns, _ = blocks([3, 3])
    returns[-5, 2] = np.nan
    before = returns.copy()
    correlation = average_correlation(returns, LOOKBACKS)
    kept = correlation.copy()
    distance = correlation_distance(correlation)
    partition(distance, cut=0.5, most=25)
    np.testing.assert_array_equal(returns, before)
    np.testing.assert_array_equal(correlation, kept)


@pytest.mark.requirement("R-SEL-27")
def test_distances_of_known_correlations():
    correlation = np.array([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.5], [0.0, 0.5, 1.0 + 1e-16]])
    expected = [[0.0, 1.0, 0.5**0.5], [1.0, 0.0, 0.5], [0.5**0.5, 0.5, 0.0]]
    np.testing.assert_allclose(correlation_distance(correlation), expected, rtol=1e-15)


def test_ward_of_two_pairs_by_hand():
    # Points 0, 1, 5, 7: 1, then 2, then (0.5 to 6, two and two): sqrt(2 * 2 * 2 / 4) * 5.5.
    points = np.array([0.0, 1.0, 5.0, 7.0])
    distance = np.abs(np.subtract.outer(points, points))
    found = merges(distance)
    np.testing.assert_allclose(found[:, 2], [1.0, 2.0, 2.0**0.5 * 5.5], rtol=1e-14)
    np.testing.assert_array_equal(found[:, 3], [2.0, 2.0, 4.0])
    average = merges(distance, linkage=Linkage.AVERAGE)  # (5 + 7 + 4 + 6) / 4
    np.testing.assert_allclose(average[:, 2], [1.0, 2.0, 5.5], rtol=1e-14)


@pytest.mark.requirement("R-SEL-27")
def test_average_linkage_is_cut_at_mean_distances():
    points = np.array([0.0, 1.0, 5.0, 7.0])
    distance = np.abs(np.subtract.outer(points, points))
    cuts = {(linkage, cut): partition(distance, cut=cut, most=25, linkage=linkage) for linkage in Linkage
            for cut in (5.4, 5.6, 7.7, 7.8)}  # fmt: skip
    assert {key for key, labels in cuts.items() if labels == (1, 1, 1, 1)} == {
        (Linkage.AVERAGE, 5.6), (Linkage.AVERAGE, 7.7), (Linkage.AVERAGE, 7.8), (Linkage.WARD, 7.8),
    }  # fmt: skip
    assert cuts[Linkage.AVERAGE, 5.4] == cuts[Linkage.WARD, 7.7] == (1, 1, 2, 2)
    assert len(set(partition(correlation_distance(np.eye(60)), cut=0.5, most=25, linkage=Linkage.AVERAGE))) <= 25


@pytest.mark.requirement("R-SEL-27")
@pytest.mark.parametrize("linkage", Linkage)
def test_a_dendrogram_holds_every_name_once_and_the_clusters_side_by_side(linkage):
    returns, _ = blocks([4, 2, 5], noise=0.8, seed=3)
    distance = correlation_distance(average_correlation(returns, LOOKBACKS))
    tree = dendrogram(distance, linkage=linkage)
    assert sorted(tree.leaves) == list(range(11))
    assert tree.merges.shape == (10, 4)
    assert (np.diff(tree.merges[:, 2]) >= 0.0).all()
    for cut in (0.3, 0.5, 0.7):
        labels = partition(distance, cut=cut, most=25, linkage=linkage)
        along = [labels[leaf] for leaf in tree.leaves]
        assert sum(a != b for a, b in pairwise(along)) == len(set(labels)) - 1
        assert len(set(labels)) == 11 - (tree.merges[:, 2] <= cut).sum()
    assert dendrogram(np.zeros((1, 1))).leaves == (0,)
    assert dendrogram(np.zeros((0, 0))).leaves == ()


def test_optimal_order_keeps_the_tree_and_shortens_the_way():
    from scipy.cluster.hierarchy import leaves_list

    returns, _ = blocks([6, 6, 6], noise=1.5, seed=4)
    distance = correlation_distance(np.corrcoef(returns.T))
    plain, optimal = merges(distance), merges(distance, leaf_order=LeafOrder.OPTIMAL)
    np.testing.assert_allclose(optimal[:, 2], plain[:, 2], rtol=1e-12)

    def way(found):
        leaves = leaves_list(found)
        return distance[leaves[:-1], leaves[1:]].sum()

    assert way(optimal) < way(plain)


def test_one_name_has_no_merge():
    assert merges(np.zeros((1, 1))).shape == (0, 4)


def test_a_tree_names_a_missing_distance():
    distance = np.ones((3, 3))
    distance[1, 2] = distance[2, 1] = np.nan
    with pytest.raises(ModelError, match="columns 1 and 2 is nan"):
        merges(distance)


@pytest.mark.requirement("R-SEL-27")
def test_sixty_orthogonal_assets_make_at_most_25_clusters():
    distance = correlation_distance(np.eye(60))
    labels = partition(distance, cut=0.5, most=25)
    assert len(labels) == 60
    assert len(set(labels)) <= 25
    independent = average_correlation(np.random.default_rng(0).standard_normal((250, 60)), LOOKBACKS)
    assert len(set(partition(correlation_distance(independent), cut=0.5, most=25))) == 25


@pytest.mark.requirement("R-SEL-27")
@pytest.mark.parametrize("cut", [0.5, 0.7])
def test_blocks_are_recovered(cut):
    returns, of = blocks([8, 3, 5, 1, 12], noise=0.2)
    order = np.random.default_rng(9).permutation(len(of))
    distance = correlation_distance(average_correlation(returns[:, order], LOOKBACKS))
    assert same_partition(partition(distance, cut=cut, most=25), of[order].tolist())


def test_numbers_follow_the_first_member():
    returns, _ = blocks([2, 2, 2], noise=0.2)
    order = [4, 0, 5, 2, 1, 3]
    distance = correlation_distance(np.corrcoef(returns[:, order].T))
    assert partition(distance, cut=0.5, most=25) == (1, 2, 1, 3, 2, 3)


def test_more_clusters_than_allowed_are_cut_by_count():
    returns, of = blocks([2] * 10, noise=0.2)
    distance = correlation_distance(np.corrcoef(returns.T))
    assert len(set(partition(distance, cut=0.5, most=10))) == 10
    coarse = partition(distance, cut=0.5, most=4)
    assert len(set(coarse)) == 4
    assert len(set(zip(of.tolist(), coarse, strict=True))) == 10  # whole blocks are merged


def test_one_name_and_no_name():
    assert partition(np.zeros((1, 1)), cut=0.5, most=25) == (1,)
    assert partition(np.zeros((0, 0)), cut=0.5, most=25) == ()


def test_no_cluster_is_refused():
    with pytest.raises(ModelError, match="at least one cluster"):
        partition(np.zeros((2, 2)), cut=0.5, most=0)


@pytest.mark.requirement("R-SEL-27")
@pytest.mark.parametrize("end", [600, 1000, 2000, 2385])
def test_real_stocks_stand_with_their_trade(shared_data, end):
    import polars as pl

    bars = pl.read_parquet(shared_data / "us_equities_1d.parquet", columns=["symbol", "timestamp", "adj_close"])
    table = bars.pivot(on="symbol", index="timestamp", values="adj_close").sort("timestamp").drop("timestamp")
    prices = table.to_numpy()[end - 250 : end + 1]
    returns = prices[1:] / prices[:-1] - 1.0
    here = np.isfinite(returns).sum(axis=0) >= 60  # young ones included
    distance = correlation_distance(average_correlation(returns[:, here], LOOKBACKS))
    labels = partition(distance, cut=0.5, most=25)
    names = [symbol.split(":")[1] for symbol, there in zip(table.columns, here, strict=True) if there]
    cluster = dict(zip(names, labels, strict=True))
    assert max(labels) <= 25
    assert len({cluster[name] for name in ("GS", "JPM", "MS", "SCHW", "WFC")}) == 1
    assert len({cluster[name] for name in ("AMAT", "KLAC", "LRCX")}) == 1
    for one, other in (("COP", "CVX"), ("T", "VZ"), ("KO", "PG"), ("AAPL", "QQQ"), ("ABT", "MDT")):
        assert cluster[one] == cluster[other]
    assert len({cluster[name] for name in ("JPM", "LRCX", "CVX", "VZ", "PG", "QQQ")}) == 6
