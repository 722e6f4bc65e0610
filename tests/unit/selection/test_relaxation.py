"""Recruitment at each stage, by hand."""

import numpy as np
import pytest

from tvquant.core.atoms import Direction
from tvquant.selection.relaxation import Candidates, Relaxation, recruit

STRICT, SPECTRAL, FLOOR, FALLBACK = Relaxation


def candidates(scores, clusters, *, vetoed="", barred="", shorts="", noise=""):
    """Atoms a, b, c ... ; `vetoed`, `barred`, `shorts` and `noise` name some of them; who is barred is vetoed."""
    names = "abcdefghijklmnopqrstuvwxyz"[: len(scores)]
    return Candidates(
        ids=tuple(names),
        directions=tuple(Direction.SHORT if name in shorts else Direction.LONG for name in names),
        scores=np.array(scores, dtype=np.float64),
        clusters=np.array(clusters),
        vetoed=np.array([name in vetoed + barred for name in names]),
        barred=np.array([name in barred for name in names]),
        noise=np.array([name in noise for name in names]),
    )


def won(given, stage, *, top_n=3, floor=1, ceiling=25):
    places = dict.fromkeys(given.clusters.tolist(), top_n)
    return recruit(given, stage, places=places, floor=floor, ceiling=ceiling)


def named(recruited, how):
    return "".join(sorted(name for name, way in recruited.items() if way == how))


@pytest.mark.requirement("R-SEL-25")
@pytest.mark.parametrize(("top_n", "expected"), [(1, "ad"), (2, "abde"), (3, "abcdef"), (9, "abcdef")])
def test_the_best_of_each_cluster_win(top_n, expected):
    given = candidates([6, 5, 4, 3, 2, 1], [1, 1, 1, 2, 2, 2])
    assert named(won(given, STRICT, top_n=top_n), "ranked") == expected


@pytest.mark.requirement("R-SEL-25")
@pytest.mark.requirement("R-SEL-29")
def test_long_and_short_are_counted_apart_in_a_cluster():
    given = candidates([6, 5, 4, 3, 2, 1], [1] * 6, shorts="def")
    assert named(won(given, STRICT, top_n=2), "ranked") == "abde"


@pytest.mark.requirement("R-SEL-29")
def test_a_pool_of_shorts_only_passes():
    given = candidates([3, 2, 1], [1, 2, 3], shorts="abc")
    assert named(won(given, STRICT), "ranked") == "abc"


def test_vetoed_atoms_do_not_win_by_rank_and_do_not_use_a_place():
    given = candidates([6, 5, 4, 3], [1] * 4, vetoed="a", barred="b")
    assert named(won(given, STRICT, top_n=2), "ranked") == "cd"


def test_equal_scores_are_ordered_by_id():
    given = candidates([1, 1, 1], [1, 1, 1])
    assert tuple(won(given, STRICT, top_n=2)) == ("a", "b")


@pytest.mark.requirement("R-SEL-22")
def test_an_empty_cluster_contributes_its_best_from_stage_3():
    given = candidates([6, 5, 4, 3, 2], [1, 2, 2, 3, 3], vetoed="bce", barred="d")
    assert won(given, SPECTRAL) == {"a": "ranked"}
    assert won(given, FLOOR) == {"a": "ranked", "b": "cluster_floor", "e": "cluster_floor"}


@pytest.mark.requirement("R-SEL-22")
def test_a_cluster_whose_members_are_all_barred_stays_empty():
    given = candidates([2, 1], [1, 2], barred="b")
    assert won(given, FLOOR) == {"a": "ranked"}


@pytest.mark.requirement("R-SEL-23")
def test_the_best_that_remain_fill_up_to_the_floor_at_stage_4():
    given = candidates([9, 8, 7, 6, 5], [1] * 5, barred="b", vetoed="cde")
    assert won(given, FLOOR, floor=3) == {"a": "ranked"}
    assert won(given, FALLBACK, floor=3) == {"a": "ranked", "c": "alpha_fallback", "d": "alpha_fallback"}


@pytest.mark.requirement("R-SEL-23")
def test_fallback_fills_beyond_the_best_of_a_cluster():
    given = candidates([5, 4, 3], [1, 1, 1])
    assert named(won(given, FALLBACK, top_n=1, floor=2), "alpha_fallback") == "b"


@pytest.mark.requirement("R-SEL-19")
@pytest.mark.requirement("R-SEL-24")
def test_all_that_are_not_barred_win_when_they_are_fewer_than_the_floor():
    given = candidates([5, 4, 3], [1, 1, 1], barred="a", vetoed="b")
    assert set(won(given, FALLBACK, floor=15)) == {"b", "c"}


@pytest.mark.requirement("R-SEL-26")
@pytest.mark.parametrize("stage", list(Relaxation))
def test_the_best_are_kept_when_too_many_would_win(stage):
    given = candidates([1, 2, 3, 4, 5], [1, 2, 3, 4, 5])
    assert tuple(won(given, stage, ceiling=2)) == ("e", "d")


@pytest.mark.requirement("R-SEL-26")
def test_40_eligible_atoms_become_25():
    scores = np.arange(40.0)
    given = Candidates(
        ids=tuple(f"n{k:02d}" for k in range(40)),
        directions=(Direction.LONG,) * 40,
        scores=scores,
        clusters=np.arange(40) + 1,
        vetoed=np.zeros(40, dtype=bool),
        barred=np.zeros(40, dtype=bool),
        noise=np.zeros(40, dtype=bool),
    )
    assert set(recruit(given, STRICT, places=dict.fromkeys(range(1, 41), 3), floor=15, ceiling=25)) == {
        f"n{k:02d}" for k in range(15, 40)
    }


@pytest.mark.requirement("R-SEL-22")
def test_noise_does_not_stand_for_an_empty_cluster_but_the_next_best_does():
    given = candidates([6, 5, 4, 3, 2], [1, 2, 2, 3, 3], vetoed="bcde", noise="abde")
    assert won(given, FLOOR) == {"a": "ranked", "c": "cluster_floor"}
    assert set(won(given, FALLBACK, floor=5)) == set("abcde")
