"""Units by hand: what streams hold of assets, alone and together."""

import numpy as np
import pytest

from tvquant.core.units import units_of

HELD = {"a": {"X": 1.0}, "b": {"X": -1.0}, "c": {"Y": 0.6, "X": -0.4}}


def test_gross_net_and_sides() -> None:
    found = units_of(tuple("abc"), HELD)
    assert (found.gross.tolist(), found.largest.tolist()) == ([1, 1, 1], [1, 1, 0.6])
    np.testing.assert_allclose(found.long, [1, 0, 0.6])
    np.testing.assert_allclose(found.short, [0, 1, 0.4])
    assert {asset: row.tolist() for asset, row in found.shared.items()} == {"X": [1, 1, 0.4]}


def test_whole_and_one_way() -> None:
    assert not units_of(("a", "c"), HELD).one_way
    assert units_of(("a", "c"), HELD).whole
    assert units_of(("a", "b"), HELD).one_way
    assert not units_of(("d",), {"d": {"X": 0.5}}).whole


@pytest.mark.parametrize(
    ("net", "any_long", "any_short", "alike"),
    [
        ([1.0, 1.0], True, False, True),
        ([-1.0, -1.0], False, True, True),
        ([1.0, -1.0], True, True, False),
        ([0.0, 0.0], False, False, True),
    ],
)
def test_which_sides_there_are(net, any_long, any_short, alike):
    """A stream that holds as much long as short is on neither side."""
    held = {str(i): {f"X:{i}": 0.5 * (1.0 + side), f"Y:{i}": 0.5 * (side - 1.0)} for i, side in enumerate(net)}
    found = units_of(("0", "1"), held)
    assert (found.any_long, found.any_short, found.alike) == (any_long, any_short, alike)
