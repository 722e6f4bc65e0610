"""What a pool is refused for, by the name of the atom."""

from dataclasses import replace

import numpy as np
import pytest

from tvquant.core.atoms import AtomPool
from tvquant.core.errors import ModelError
from tvquant.selection.stages.ingestion import IngestionStage

RUN = IngestionStage().run


@pytest.fixture
def two(context):
    return context(np.array([[0.01, 0.02], [0.02, np.nan]]))


def with_returns(given, returns):
    pool = given.pool
    return replace(given, pool=replace(pool, streams=replace(pool.streams, returns=returns)))


@pytest.mark.requirement("R-SEL-01")
def test_a_sound_pool_passes_unchanged(two):
    done = RUN(two)
    assert done.pool is two.pool
    assert done.trace == ("ingestion",)


def test_an_empty_pool_is_refused(two):
    streams = replace(two.pool.streams, ids=(), returns=np.empty((2, 0)))
    empty = AtomPool(atoms=(), streams=streams, own=np.empty((2, 0)))
    with pytest.raises(ModelError, match="no atom"):
        RUN(replace(two, pool=empty))


def test_an_instrument_without_features_is_refused(two):
    features = replace(two.features, keys=("X:N000", "X:OTHER"))
    with pytest.raises(ModelError, match="X:N001_hold_LONG holds an instrument that the feature set does not have"):
        RUN(replace(two, features=features))


@pytest.mark.parametrize(
    ("column", "words"), [([np.nan, np.nan], "has no return at all"), ([0.1, np.inf], "has an infinite return")]
)
def test_a_stream_without_numbers_is_refused(two, column, words):
    with pytest.raises(ModelError, match=f"X:N001_hold_LONG {words}; leave it out"):
        RUN(with_returns(two, np.column_stack([[0.01, 0.02], column])))


def test_an_asset_that_grew_beyond_all_numbers_is_refused_though_its_short_just_lost_everything(two):
    own = np.column_stack([[0.01, 0.02], [0.1, np.inf]])
    with pytest.raises(ModelError, match="X:N001_hold_LONG has an infinite return"):
        RUN(replace(two, pool=replace(two.pool, own=own)))
