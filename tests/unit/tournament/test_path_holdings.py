"""What the books of a path share: the same figures as of its rebalances one by one, and found once."""

from collections.abc import Callable

import numpy as np
import pytest

from builders.rebalances import rebalance_of
from tvquant.core.panel import Panel
from tvquant.tournament.path_holdings import PathHoldings, weight_path


@pytest.fixture
def held(market: Callable[..., Panel]) -> PathHoldings:
    """A long and a short of one name, then another book with the same long and a winner without a weight."""
    panel = market({name: np.full(6, 10.0) for name in "ABC"})
    first = (("X:B", "LONG", 0.5, 1.0), ("X:B", "SHORT", 0.2, 0.5), ("X:A", "LONG", 0.25, 1.0))
    second = (("X:B", "LONG", 0.125, 1.0), ("X:C", "SHORT", 0.25, 1.0), ("X:A", "LONG", 0.0, 1.0))
    return PathHoldings(panel, [rebalance_of(panel, 1, *first), rebalance_of(panel, 4, *second, window=3)])


def test_winners_stand_in_the_order_of_their_rebalances(held: PathHoldings) -> None:
    assert (held.windows.tolist(), held.rows.tolist(), held.winners.tolist()) == ([0, 3], [1, 4], [3, 3])
    assert held.decision.tolist() == [0, 0, 0, 1, 1, 1]
    assert held.size.tolist() == [0.5, -0.1, 0.25, 0.125, -0.25, 0.0]
    assert held.name.tolist() == [1, 1, 0, 1, 2, 0]
    assert held.cash.tolist() == [one.cash for one in held]
    assert held.column("symbol") == ["X:B", "X:B", "X:A", "X:B", "X:C", "X:A"]


def test_sizes_are_summed_by_name(held: PathHoldings) -> None:
    every, short, net = held.contributions
    assert (every.tolist(), short.tolist()) == ([[1, 2, 0], [0, 1, 1]], [[0, 1, 0], [0, 0, 1]])
    assert net.tolist() == [[0.25, 0.4, 0.0], [0.0, 0.125, -0.25]]
    assert held.sides.tolist() == [
        [[0.25, 0.5, 0.0], [0.0, 0.125, 0.0]],
        [[0.0, -0.1, 0.0], [0.0, 0.0, -0.25]],
    ]
    assert held.weights.net.tolist() == [[one.weights.get(key, 0.0) for key in held.panel.keys] for one in held]
    assert held.weights.decided.tolist() == [1, 4]


def test_an_atom_is_one_whenever_it_won(held: PathHoldings) -> None:
    atoms = held.atoms
    long = [k for k, (_, symbol, _, side) in enumerate(atoms.labels) if (symbol, side) == ("X:B", "LONG")]
    assert (len(atoms.labels), len(long)) == (4, 1), "B won long twice"
    assert atoms.size[:, long].tolist() == [[0.5], [0.125]]
    assert atoms.size.sum(axis=1).tolist() == pytest.approx([0.65, -0.125])
    assert [held.panel.keys[j] for j in atoms.name] == [symbol for _, symbol, _, _ in atoms.labels]


def test_what_is_shared_is_found_once_and_of_one_panel(held: PathHoldings, market: Callable[..., Panel]) -> None:
    assert PathHoldings.of(held.panel, held) is held
    assert weight_path(held.panel, held) is held.weights
    other = market({name: np.full(6, 10.0) for name in "CBA"})
    assert PathHoldings.of(other, held).name.tolist() == [1, 1, 2, 1, 0, 2], "another panel has other columns"
    assert not any(array.flags.writeable for array in (held.size, held.sides, held.atoms.size, held.cash))
