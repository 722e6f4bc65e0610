"""Units by hand: what streams hold of assets, alone and together."""

import numpy as np

from tvquant.allocation.units import units_of

HELD = {"a": {"X": 1.0}, "b": {"X": -1.0}, "c": {"Y": 0.6, "X": -0.4}}


def test_gross_net_and_sides() -> None:
    found = units_of(tuple("abc"), HELD, np.array([1.0, -1.0, 0.2]))
    assert (found.gross.tolist(), found.largest.tolist()) == ([1, 1, 1], [1, 1, 0.6])
    np.testing.assert_allclose(found.long, [1, 0, 0.6])
    np.testing.assert_allclose(found.short, [0, 1, 0.4])
    assert {asset: row.tolist() for asset, row in found.shared.items()} == {"X": [1, 1, 0.4]}


def test_whole_and_one_way() -> None:
    assert not units_of(("a", "c"), HELD, np.array([1.0, 0.2])).one_way
    assert units_of(("a", "c"), HELD, np.array([1.0, 0.2])).whole
    assert units_of(("a", "b"), HELD, np.array([1.0, -1.0])).one_way
    assert not units_of(("d",), {"d": {"X": 0.5}}, np.array([0.5])).whole
