"""Mappings of features: formulas by hand, ties, gaps and the single value."""

import math

import numpy as np
import pytest

from builders.mappings import logistics, rescaled, spans
from tvquant.selection.mapping import (
    cdf,
    half_of_worst,
    logistic,
    min_max,
    rank,
    rank_desc,
    rank_of_penalty,
    within,
    z_score,
    z_score_desc,
)

pytestmark = pytest.mark.requirement("R-FEA-13")
MAPPINGS = [rank, rank_desc, cdf, min_max, half_of_worst, logistic, z_score, z_score_desc]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3.0, 1.0, 2.0], [1.0, 0.01, 0.505]),
        ([1.0, 2.0], [0.01, 1.0]),
        ([5.0, 5.0, 5.0], [0.505, 0.505, 0.505]),
        ([1.0, 2.0, 2.0, 9.0], [0.01, 0.505, 0.505, 1.0]),
        ([1.0, 1.0, 7.0], [0.01 + 0.99 * 0.25, 0.01 + 0.99 * 0.25, 1.0]),
        ([np.nan, 4.0, 8.0, np.inf], [0.5, 0.01, 1.0, 0.5]),
    ],
)
def test_rank_by_hand(values, expected):
    assert rank(np.array(values)).tolist() == pytest.approx(expected, abs=1e-15)


def test_rank_desc_turns_the_order_around():
    values = np.array([3.0, np.nan, 1.0, 1.0, -2.0])
    assert rank_desc(values).tolist() == pytest.approx([0.01, 0.5, 0.505, 0.505, 1.0], abs=1e-15)


def test_cdf_is_the_normal_distribution_of_the_z_score():
    values = np.array([0.2, 0.9, 0.4, np.nan, 0.5])
    known = [0.2, 0.9, 0.4, 0.5]
    mean = sum(known) / 4
    spread = math.sqrt(sum((v - mean) ** 2 for v in known) / 4)
    expected = [0.5 if math.isnan(v) else 0.5 * math.erfc((mean - v) / spread / math.sqrt(2.0)) for v in values]
    assert cdf(values).tolist() == pytest.approx(expected, abs=1e-14)


def test_cdf_does_not_pass_values_through_that_happen_to_lie_between_0_and_1():
    values = np.array([0.2, 0.4])
    assert cdf(values).tolist() == pytest.approx([0.15865525393145707, 0.8413447460685429], abs=1e-14)


def test_cdf_is_clipped_from_below():
    values = np.array([-1e6] + [0.0] * 999)
    assert cdf(values)[0] == 0.001


def test_values_that_differ_by_rounding_only_are_alike_to_cdf():
    assert cdf(np.array([0.1 + 0.2, 0.3, 0.3])).tolist() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("values", [[np.nan], [7.0], [np.nan, 7.0], [np.nan, np.nan, np.nan]])
def test_a_missing_value_and_the_only_value_are_undecided(mapping, values):
    missing = 1.0 if mapping is half_of_worst else 0.5  # a penalty that is not known is none
    assert mapping(np.array(values)).tolist() == [missing if np.isnan(value) else 0.5 for value in values]


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_the_order_of_the_pool_changes_no_probability_by_a_bit(mapping):
    rng = np.random.default_rng(1)
    values = rng.normal(size=257)
    order = rng.permutation(257)
    assert mapping(values[order]).tobytes() == mapping(values)[order].tobytes()


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_the_values_given_are_not_changed(mapping):
    values = np.array([3.0, np.nan, 1.0])
    values.flags.writeable = False
    assert (mapping(values) >= 0.0).all()


def test_min_max_by_hand():
    values = np.array([3.0, np.nan, 1.0, 2.0, 1.5])
    assert min_max(values).tolist() == pytest.approx([1.0, 0.5, 0.0, 0.5, 0.25])
    assert min_max(np.array([4.0, 4.0, 4.0])).tolist() == [0.5, 0.5, 0.5]


@pytest.mark.requirement("R-SEL-07")
@pytest.mark.requirement("R-FEA-13")
def test_the_most_fragile_loses_half_and_who_is_not_known_to_be_fragile_nothing():
    assert half_of_worst(np.array([2.0, 1.0, 0.0, np.nan])).tolist() == [0.5, 0.75, 1.0, 1.0]
    assert half_of_worst(np.array([0.0, 0.0])).tolist() == [1.0, 1.0]


@pytest.mark.requirement("R-FEA-09")
def test_nothing_is_below_all_and_moves_no_other():
    """ln 0: the lowest there is, and not a value that is missing."""
    values = np.array([1.0, -np.inf, 3.0, np.nan, -np.inf])
    found, others = cdf(values), cdf(values[[0, 2]])
    assert found.tolist() == [others[0], 0.001, others[1], 0.5, 0.001]
    assert rank(values)[[1, 4]].tolist() == pytest.approx([0.01 + 0.99 / 6] * 2)
    assert cdf(np.array([-np.inf, 2.0])).tolist() == [0.001, 0.5]


@pytest.mark.parametrize(("mapping", "referee"), [(z_score, rescaled), (logistic, logistics), (min_max, spans)])
def test_mappings_for_sums_by_hand(mapping, referee):
    values = [*[0.0] * 30, 0.5, -0.25, 40.0]  # the last is 5.6 standard deviations out
    assert mapping(np.array(values)).tolist() == pytest.approx(referee(values), rel=1e-12)


def test_a_score_is_clipped_at_3_49_deviations():
    far = np.array([*[0.0] * 50, 1.0])
    assert z_score(far)[-1] == 1.0
    assert z_score_desc(far)[-1] == 0.0
    assert logistic(far)[-1] == pytest.approx(1 / (1 + math.exp(-3.49)), rel=1e-15)


def test_nothing_traded_has_the_lowest_place_in_a_sum():
    values = np.array([-np.inf, 1.0, 3.0, np.nan])
    assert z_score(values).tolist() == pytest.approx([0.0, (3.49 - 1) / 6.98, (3.49 + 1) / 6.98, 0.5], rel=1e-14)
    assert min_max(values).tolist() == [0.0, 0.0, 1.0, 0.5]
    assert min_max(np.array([-np.inf, 1.0])).tolist() == [0.0, 0.5]
    assert min_max(np.array([-np.inf, -np.inf])).tolist() == [0.5, 0.5]


def test_a_penalty_in_a_sum_that_is_missing_is_none():
    values = np.array([3.0, np.nan, 1.0, 2.0])
    assert rank_of_penalty(values).tolist() == [1.0, 0.0, 0.01, 0.505]


def test_within_groups_each_is_mapped_by_itself():
    groups = np.array([2, 1, 2, 1, 3])
    assert within(groups, min_max)(np.array([5.0, 1.0, 9.0, 0.0, 7.0])).tolist() == [0.0, 1.0, 1.0, 0.0, 0.5]
