"""How many of a cluster and direction may win, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from tvquant.selection.places import by_correlation, one_where_copied, top_n
from tvquant.selection.stages.partitioning import PartitioningStage

BASE = np.random.default_rng(6).normal(0.0, 0.02, (200, 5))


def clustered(given, clusters):
    return replace(PartitioningStage().run(given), clusters=clusters)


@pytest.mark.requirement("R-SEL-25")
def test_the_profile_says_it_for_every_cluster(context):
    assert top_n(clustered(context(BASE, top_n=2), (1, 1, 2, 3, 3))).of_cluster == {1: 2, 2: 2, 3: 2}


@pytest.mark.parametrize(("most", "expected"), [(1, 2), (3, 2), (10, 5)])
def test_a_cluster_has_fewer_places_the_more_it_moves_together(context, most, expected):
    streams = BASE[:, :3] + np.random.default_rng(1).normal(0.0, 0.023, (200, 1))
    matrix = np.mean([np.corrcoef(streams[-n:].T) for n in (60, 120, 200)], axis=0)
    mean = float(np.mean([matrix[0, 1], matrix[0, 2], matrix[1, 2]]))
    assert max(1, round(max(3, most) * (1 - mean) + 0.5)) == expected
    found = by_correlation(clustered(context(streams, top_n=most), (1, 1, 1)))
    assert found.of_cluster == {1: expected}
    assert found.thresholds == {"places": {"1": float(expected)}}


def test_copies_have_one_place_and_an_asset_alone_all(context):
    given = clustered(context(BASE[:, [0, 0, 0, 1]], top_n=3), (1, 1, 1, 2))
    assert by_correlation(given).of_cluster == {1: 1, 2: 4}  # round(0.5) is 0, so 1; round(3.5) is 4


def test_several_atoms_of_one_asset_are_no_pair(context):
    given = context(BASE[:, [0, 0]], assets=["X:A", "X:A"], logics=["one", "two"], top_n=3)
    assert by_correlation(clustered(given, (1, 1))).of_cluster == {1: 4}


@pytest.mark.requirement("R-SEL-06")
@pytest.mark.parametrize(("noise", "places"), [(0.0, 1), (1e-4, 1), (1e-2, 3), (1.0, 3)])
def test_nearly_singular_correlations_leave_one_place(context, noise, places):
    copy = BASE[:, 0] + noise * 0.02 * BASE[:, 4] / BASE[:, 4].std()
    given = clustered(context(np.column_stack([BASE[:, :4], copy]), top_n=3, cluster_lookbacks=(200,)), (1,) * 5)
    found = one_where_copied(given)
    number = found.thresholds["condition_number"]["value"]
    # A noise share e leaves a correlation of 1 - e^2 / 2 and an eigenvalue of that distance: about 4 / e^2.
    assert (number >= 1e6) == (places == 1)
    assert found.of_cluster == {1: places}
    assert found.thresholds["condition_number"] == {"limit": 1e6, "value": number, "places": float(places)}
    assert np.isfinite(number)
