from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tvquant.atoms import LOGICS, synthesise
from tvquant.core.atoms import Atom, Direction
from tvquant.core.errors import ModelError

KEYS = ("X:A", "X:B")
RETURNS = np.array([[0.5, -0.25], [2.0, np.nan], [1.0, 0.0], [-1.0, np.nextafter(1.0, 2.0)]])
TIMES = np.arange(4).astype("datetime64[D]").astype("datetime64[us]")


def atom(key: str, direction: Direction = Direction.LONG, logic: str = "rating_ma") -> Atom:
    return Atom(physical_symbol=key, logic=logic, direction=direction)


@pytest.mark.requirement("R-SYN-02")
def test_a_long_is_the_asset_and_a_short_is_its_inverse_floored_at_its_collateral() -> None:
    atoms = [atom("X:B", Direction.SHORT), atom("X:A"), atom("X:A", Direction.SHORT)]
    pool = synthesise(RETURNS, TIMES, KEYS, atoms)
    expected = [[0.25, 0.5, -0.5], [np.nan, 2.0, -1.0], [0.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]
    np.testing.assert_array_equal(pool.streams.returns, expected)  # zero tolerance
    np.testing.assert_array_equal(pool.own, RETURNS[:, [1, 0, 0]])
    assert pool.atoms == tuple(atoms)
    assert np.shares_memory(pool.streams.times, TIMES)


@pytest.mark.requirement("R-SYN-02")
def test_every_element_follows_the_formula() -> None:
    r = np.random.default_rng(5).standard_t(2, (300, 2)) * 0.3
    atoms = [atom(key, direction) for key in KEYS for direction in Direction]
    times = np.arange(300).astype("datetime64[D]").astype("datetime64[us]")
    streams = synthesise(r, times, KEYS, atoms).streams.returns
    assert (r > 1).any(), "some shorts lose more than their collateral"
    for t in range(300):
        for j in range(2):
            assert streams[t, 2 * j] == r[t, j]
            assert streams[t, 2 * j + 1] == -min(r[t, j], 1.0)


@pytest.mark.requirement("R-SYN-04")
@pytest.mark.parametrize("logic", sorted(name for name, one in LOGICS.items() if one.gate is None))
def test_the_stream_of_a_pass_through_logic_is_that_of_the_asset(logic: str) -> None:
    streams = synthesise(RETURNS, TIMES, KEYS, [atom(key, logic=logic) for key in KEYS]).streams
    np.testing.assert_array_equal(streams.returns, RETURNS)  # zero tolerance


@pytest.mark.requirement("R-SYN-03")
def test_physical_returns_are_left_as_they_are_and_streams_cannot_be_written() -> None:
    before = RETURNS.copy()
    streams = synthesise(RETURNS, TIMES, KEYS, [atom("X:A", Direction.SHORT)]).streams
    np.testing.assert_array_equal(RETURNS, before)
    with pytest.raises(ValueError, match="read-only"):
        streams.returns[0, 0] = 0.0


@pytest.mark.requirement("R-SYN-05")
def test_the_composition_leads_back_to_the_assets() -> None:
    atoms = [atom("X:A"), atom("X:A", Direction.SHORT), atom("X:B", logic="hold")]
    streams = synthesise(RETURNS, TIMES, KEYS, atoms).streams
    assert streams.composition == {
        "X:A_rating_ma_LONG": {"X:A": 1.0},
        "X:A_rating_ma_SHORT": {"X:A": -1.0},
        "X:B_hold_LONG": {"X:B": 1.0},
    }
    assert tuple(streams.composition) == streams.ids


@pytest.mark.requirement("R-SYN-03")
def test_the_streams_of_a_pool_are_no_returns_of_assets() -> None:
    """A pool cannot be inverted again: its columns bear the names of atoms, and atoms are of assets."""
    short = atom("X:A", Direction.SHORT)
    pool = synthesise(RETURNS, TIMES, KEYS, [short])
    with pytest.raises(ModelError, match="atom X:A_rating_ma_SHORT: there are no returns of X:A"):
        synthesise(pool.streams.returns, pool.streams.times, pool.ids, [short])


@pytest.mark.requirement("R-SYN-04")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, r"gated atoms need gates at 5 rows of 2 atoms, found none"),
        (np.ones((4, 2)), r"gated atoms need gates at 5 rows of 2 atoms, found gates of shape \(4, 2\)"),
        (
            np.full((5, 2), np.nextafter(1.0, 2.0)),
            "atom X:B_momentum_SHORT: expected gates from 0 to 1, found one outside",
        ),
        (np.full((5, 2), -1e-300), "atom X:B_momentum_SHORT: expected gates from 0 to 1, found one outside"),
        (np.zeros((5, 2)), "atom X:B_momentum_SHORT: its gate is 0 at the decision: it is no candidate"),
        (np.full((5, 2), np.nan), "atom X:B_momentum_SHORT: its gate is nan at the decision: it is no candidate"),
    ],
)
def test_gates_that_leave_nothing_or_do_not_fit_are_refused(given: Any, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        synthesise(RETURNS, TIMES, KEYS, [atom("X:A"), atom("X:B", Direction.SHORT, "momentum")], given)


@pytest.mark.requirement("R-SYN-02")
@pytest.mark.requirement("R-SYN-04")
def test_a_gated_short_is_gated_after_its_loss_is_floored() -> None:
    """Asset +200 %: at a gate of a half, half of the collateral is lost, and no more."""
    known = np.array([[1.0], [0.5], [0.25], [0.0], [0.75]])
    pool = synthesise(RETURNS, TIMES, KEYS, [atom("X:A", Direction.SHORT, "momentum")], known)
    np.testing.assert_array_equal(pool.streams.returns[:, 0], [-0.5, -0.5, -0.25, 0.0])
    assert pool.streams.composition == {"X:A_momentum_SHORT": {"X:A": -0.75}}
    np.testing.assert_array_equal(pool.own[:, 0], RETURNS[:, 0])


def test_no_atom_is_no_stream() -> None:
    streams = synthesise(RETURNS, TIMES, KEYS, []).streams
    assert (streams.returns.shape, streams.composition) == ((4, 0), {})


@pytest.mark.parametrize(
    ("atoms", "keys", "said"),
    [
        ([atom("X:A", logic="dream")], KEYS, r"atom X:A_dream_LONG: unknown logic 'dream' \(known: hold, "),
        ([atom("X:C")], KEYS, "atom X:C_rating_ma_LONG: there are no returns of X:C"),
        ([atom("X:A"), atom("X:A")], KEYS, "stream X:A_rating_ma_LONG: its id is there 2 times; consolidate"),
        ([atom("X:A")], ("X:A",), r"expected returns of 4 rows and 1 assets, found \(4, 2\)"),
    ],
)
def test_a_pool_that_cannot_be_synthesised_is_refused(atoms: Sequence[Atom], keys: Any, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        synthesise(RETURNS, TIMES, keys, atoms)
