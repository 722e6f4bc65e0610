"""Clusters of assets: blocks, orthogonal names, shared assets and names that do not move."""

import numpy as np
import pytest

from tvquant.selection.stages.partitioning import PartitioningStage, bets

RUN = PartitioningStage().run


def blocks(sizes, rows=250, seed=0):
    """Streams of blocks: one strong factor each, no correlation between them."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(0.0, 0.02, (rows, len(sizes)))
    columns = [factors[:, [b]] + rng.normal(0.0, 0.004, (rows, size)) for b, size in enumerate(sizes)]
    return np.hstack(columns)


@pytest.mark.requirement("R-SEL-27")
def test_blocks_are_recovered(context):
    assert RUN(context(blocks([4, 3, 5]))).clusters == (1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3)


@pytest.mark.requirement("R-SEL-27")
@pytest.mark.parametrize("most", [25, 10, 1])
def test_60_orthogonal_assets_make_no_more_clusters_than_allowed(context, most):
    done = RUN(context(np.random.default_rng(1).normal(0.0, 0.02, (250, 60)), max_clusters=most))
    assert 0.8 * most <= len(set(done.clusters)) <= most


@pytest.mark.requirement("R-SEL-27")
def test_a_lower_distance_cuts_more_clusters(context):
    streams = blocks([6, 6])
    near, far = (len(set(RUN(context(streams, cluster_distance=d)).clusters)) for d in (0.05, 1.0))
    assert near > 2 > far - 1


@pytest.mark.requirement("R-SEL-27")
def test_average_linkage_is_the_profiles_choice_and_joins_at_mean_distances(context):
    streams = np.random.default_rng(4).normal(0.0, 0.02, (250, 9)) + np.random.default_rng(5).normal(0, 0.025, (250, 1))
    of_ward, of_average = (RUN(context(streams, linkage=one)).clusters for one in ("ward", "average"))
    assert len(set(of_ward)) > len(set(of_average)) == 1


@pytest.mark.requirement("R-SEL-27")
def test_correlations_are_averaged_over_the_lookbacks(context):
    """Two names move together in the last 60 rows only: near over 60 rows, far over 200."""
    rng = np.random.default_rng(2)
    streams = rng.normal(0.0, 0.02, (200, 2))
    streams[-60:, 1] = streams[-60:, 0]
    count = {
        lookbacks: len(set(RUN(context(streams, cluster_lookbacks=lookbacks)).clusters))
        for lookbacks in ((60,), (200,), (60, 200))
    }
    assert count == {(60,): 1, (200,): 2, (60, 200): 1}


def test_a_short_shares_the_cluster_of_its_asset(context):
    asset = blocks([2, 2])
    streams = np.column_stack([asset, -asset[:, [0, 3]]])
    done = RUN(context(streams, assets=["X:A", "X:B", "X:C", "X:D", "X:A", "X:D"], directions="LLLLSS"))
    assert done.clusters == (1, 1, 2, 2, 1, 2)


def test_shorts_alone_are_clustered_as_their_assets_are(context):
    asset = blocks([2, 3])
    assert RUN(context(-asset, directions="SSSSS")).clusters == RUN(context(asset)).clusters
    mixed = asset * np.array([1, -1, 1, -1, 1])
    assert RUN(context(mixed, directions="LSLSL")).clusters == RUN(context(asset)).clusters


@pytest.mark.requirement("R-SEL-27")
def test_a_short_that_lost_everything_is_clustered_by_what_its_asset_did(context):
    """Two assets of which one rises fourfold and one ninefold on a day; cut at 100 % they would not be so near."""
    asset = np.random.default_rng(5).normal(0.0, 0.02, (250, 3))
    asset[-20, :2] = 4.0
    cut = -np.minimum(asset, 1.0)
    seen = RUN(context(cut, directions="SSS", own=asset))
    assert seen.clusters == RUN(context(asset)).clusters == (1, 1, 2)
    mixed = RUN(context(np.column_stack([cut, asset]), assets=["X:A", "X:B", "X:C"] * 2, directions="SSSLLL",
                        own=np.column_stack([asset, asset])))  # fmt: skip
    assert mixed.clusters == (1, 1, 2) * 2


@pytest.mark.requirement("R-SEL-27")
@pytest.mark.parametrize("flat", [10, 40])
def test_names_that_do_not_move_are_counted_among_the_clusters(context, flat):
    streams = np.random.default_rng(1).normal(0.0, 0.02, (250, 60))
    streams[:, :flat] = 0.0
    assert len(set(RUN(context(streams)).clusters)) <= 25
    assert len(set(RUN(context(streams, max_clusters=60)).clusters)) == 60


def test_numbers_follow_the_keys_and_not_the_order_of_the_pool(context):
    asset = blocks([2, 2])
    done = RUN(context(asset[:, [3, 0, 2, 1]], assets=["X:D", "X:A", "X:C", "X:B"]))
    assert done.clusters == (2, 1, 2, 1)


@pytest.mark.parametrize("count", [1, 2, 30])
def test_identical_streams_are_one_cluster(context, count):
    stream = np.random.default_rng(0).normal(0.0, 0.02, (200, 1))
    assert RUN(context(np.tile(stream, count))).clusters == (1,) * count


def test_what_does_not_move_is_a_cluster_of_its_own(context):
    streams = blocks([2, 2])
    streams[:, 1] = 0.001
    streams[:-10, 3] = np.nan
    assert RUN(context(streams)).clusters == (1, 2, 3, 4)
    streams[:, [0, 2]] = 0.0
    assert RUN(context(streams)).clusters == (1, 2, 3, 4)


def test_a_pool_shorter_than_every_lookback_is_clustered_on_what_there_is(context):
    assert RUN(context(blocks([2, 2], rows=40))).clusters == (1, 1, 2, 2)


def test_bets_are_counted_by_assets_whatever_logic_and_side(context):
    asset = np.random.default_rng(3).normal(0.0, 0.02, (200, 3))
    streams = np.column_stack([asset[:, 0], -asset[:, 0], asset[:, 1:]])
    done = RUN(context(streams, assets=["X:A", "X:A", "X:B", "X:C"], directions="LSLL", cluster_lookbacks=(200,)))
    everyone, rho = done.pool.atoms, np.corrcoef(asset.T)
    values = np.linalg.eigvalsh(np.corrcoef(streams.T))
    assert bets(done, everyone) == pytest.approx(16.0 / (values**2).sum())
    assert bets(done, everyone[:2]) == 1.0
    assert bets(done, everyone[2:]) == pytest.approx(2.0 / (1.0 + rho[1, 2] ** 2))
    assert bets(done, ()) == 0.0
