"""Scores of several sleeves in one ranking."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tvquant.selection.sleeves import comparable, pooled

SCORES = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3), st.floats(-50.0, 5.0, allow_nan=False), min_size=1, max_size=8
)


@pytest.mark.requirement("R-FEA-14")
def test_a_z_score_is_that_of_an_independent_library() -> None:
    scores = {"A": -3.0, "B": -1.0, "C": -7.5}
    found = comparable({"ma": scores})["ma"]
    assert list(found.values()) == pytest.approx(stats.zscore(list(scores.values())))


@pytest.mark.requirement("R-FEA-14")
@given(ours=SCORES, others=SCORES)
def test_another_sleeve_changes_neither_order_nor_values(ours: dict[str, float], others: dict[str, float]) -> None:
    alone = comparable({"ours": ours})["ours"]
    assert comparable({"ours": ours, "others": others})["ours"] == alone
    order = sorted(ours, key=lambda atom: ours[atom])
    values = [alone[atom] for atom in order]
    assert all(a <= b for a, b in pairwise(values))
    together = [atom for sleeve, atom, _ in pooled({"ours": ours, "others": others}) if sleeve == "ours"]
    assert [alone[atom] for atom in together] == sorted(alone.values(), reverse=True)


def test_a_sleeve_of_equal_scores_prefers_nobody() -> None:
    assert comparable({"s": {"A": -2.3, "B": -2.3, "C": -2.3}, "none": {}}) == {
        "s": {"A": 0.0, "B": 0.0, "C": 0.0},
        "none": {},
    }


def test_the_scale_of_a_sleeve_does_not_matter() -> None:
    small, large = {"A": -1.0, "B": -2.0, "C": -4.0}, {"D": -8.0, "E": -16.0, "F": -32.0}
    found = comparable({"s": small, "l": large})
    assert np.allclose(list(found["s"].values()), list(found["l"].values()))
    assert [atom for _, atom, _ in pooled({"s": small, "l": large})] == ["D", "A", "E", "B", "F", "C"]
