"""What a pool is refused for, by the name of the atom."""

from dataclasses import replace

import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.selection.stages.ingestion import IngestionStage

RUN = IngestionStage().run


@pytest.fixture
def two(context):
    return context(np.array([[0.01, 0.02], [0.02, np.nan]]))


def altered(given, **changes):
    return replace(given, pool=replace(given.pool, **changes))


@pytest.mark.requirement("R-SEL-01")
def test_a_sound_pool_passes_unchanged(two):
    done = RUN(two)
    assert done.pool is two.pool
    assert done.trace == ("ingestion",)


def test_an_empty_pool_is_refused(two):
    with pytest.raises(ModelError, match="no atom"):
        RUN(altered(two, atoms=(), returns=np.empty((2, 0)), composition={}))


def test_streams_of_another_shape_are_refused(two):
    with pytest.raises(ModelError, match=r"shape \(2, 1\), expected times x atoms \(2, 2\)"):
        RUN(altered(two, returns=np.zeros((2, 1))))


@pytest.mark.requirement("R-SEL-25")
def test_the_same_asset_logic_and_direction_twice_is_refused(two):
    first = two.pool.atoms[0]
    with pytest.raises(ModelError, match="X:N000_hold_LONG is in the pool more than once"):
        RUN(altered(two, atoms=(first, replace(first, scan="another"))))


def test_an_atom_that_holds_nothing_known_is_refused(two):
    held = dict(two.pool.composition)
    del held["X:N001_hold_LONG"]
    with pytest.raises(ModelError, match="X:N001_hold_LONG is not in the composition map"):
        RUN(altered(two, composition=held))


def test_an_instrument_without_features_is_refused(two):
    features = replace(two.features, keys=("X:N000", "X:OTHER"))
    with pytest.raises(ModelError, match="X:N001_hold_LONG holds an instrument that the feature set does not have"):
        RUN(replace(two, features=features))


@pytest.mark.parametrize(
    ("column", "words"), [([np.nan, np.nan], "has no return at all"), ([0.1, np.inf], "has an infinite return")]
)
def test_a_stream_without_numbers_is_refused(two, column, words):
    with pytest.raises(ModelError, match=f"X:N001_hold_LONG {words}; leave it out"):
        RUN(altered(two, returns=np.column_stack([[0.01, 0.02], column])))


def test_an_asset_that_grew_beyond_all_numbers_is_refused_though_its_short_just_lost_everything(two):
    own = np.column_stack([[0.01, 0.02], [0.1, np.inf]])
    with pytest.raises(ModelError, match="X:N001_hold_LONG has an infinite return"):
        RUN(altered(two, own=own))
    with pytest.raises(ModelError, match=r"their assets' returns have shape \(1, 2\)"):
        RUN(altered(two, own=own[:1]))
