"""Model all takes every name that can be ordered, whatever its returns look like."""

import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.selection.models.every_name import EveryName
from tvquant.selection.pipeline import SelectionPipelineAdapter


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(0.0, 0.2, (120, 40))  # v4 vetoes all of it for its volatility


def test_statistical_vetoes_do_not_apply_and_nobody_is_cut(context, noise):
    given = context(noise, max_winners=5, min_winners=5, top_n=1)
    got = EveryName().select(given)
    assert got.winners == given.pool.atoms
    assert set(got.recruited.values()) == {"healthy"}
    assert (got.vetoes, got.stage, got.flags) == ({}, 1, frozenset())
    assert not SelectionPipelineAdapter().select(given).winners
    assert got.clusters == SelectionPipelineAdapter().select(given).clusters


def test_a_name_without_tick_and_lot_is_out_where_the_profile_leaves_that_veto_in_force(context, noise):
    terms = {"metadata_known": [1.0, 0.0, np.nan, *[1.0] * 37]}
    given = context(noise, terms=terms)
    got = EveryName().select(given)
    assert [(name, one.rule, one.value, one.limit, one.hard) for name, one in got.vetoes.items()] == [
        ("X:N001_hold_LONG", "metadata", 0.0, 1.0, True)
    ]
    assert got.thresholds == {"metadata": {"limit": 1.0}}
    assert got.winners == (given.pool.atoms[0], *given.pool.atoms[2:])
    assert set(got.scores) == set(given.pool.ids)
    assert EveryName().select(context(noise, terms=terms, vetoes=())).winners == given.pool.atoms


def test_a_malformed_pool_is_refused(context):
    with pytest.raises(ModelError, match="has no return at all"):
        EveryName().select(context(np.full((3, 1), np.nan)))
