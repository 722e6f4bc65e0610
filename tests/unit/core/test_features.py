from dataclasses import replace

import numpy as np
import pytest

from tvquant.core.features import FeatureSet

MADE = FeatureSet(
    names=("value", "rating"),
    keys=("X:A", "X:B", "X:C"),
    values=np.array([[1.0, 2.0, np.nan], [-1.0, 0.0, 1.0]]),
    known_at=np.datetime64("2024-01-02", "us"),
)


def test_values_are_found_by_term_and_key_in_the_asked_order() -> None:
    np.testing.assert_array_equal(MADE.of("value", ("X:C", "X:A")), [np.nan, 1.0])
    np.testing.assert_array_equal(MADE.of("rating", MADE.keys), [-1.0, 0.0, 1.0])
    assert MADE.of("rating", ()).shape == (0,)


@pytest.mark.parametrize(("name", "keys", "missing"), [("volume", ("X:A",), "volume"), ("value", ("X:D",), "X:D")])
def test_what_is_not_there_is_named(name: str, keys: tuple[str, ...], missing: str) -> None:
    with pytest.raises(KeyError, match=missing):
        MADE.of(name, keys)


def test_the_digest_is_of_what_the_values_are() -> None:
    same = replace(MADE, values=MADE.values.copy(order="F"), known_at=np.datetime64("2025-01-01", "us"))
    assert same.digest() == MADE.digest()
    others = (
        replace(MADE, names=("value", "ratings")),
        replace(MADE, keys=("X:A", "X:C", "X:B")),
        replace(MADE, values=MADE.values + 1e-12),
        # The same words, parted elsewhere between names and keys.
        replace(MADE, names=("value",), keys=("rating", *MADE.keys)),
    )
    assert len({MADE.digest(), *(other.digest() for other in others)}) == 1 + len(others)
