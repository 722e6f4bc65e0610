from dataclasses import replace

import numpy as np
import pytest

from tvquant.core.atoms import Atom, AtomPool, Direction
from tvquant.core.errors import ModelError
from tvquant.core.streams import Streams


def test_directions_have_signs() -> None:
    assert (Direction.LONG.sign, Direction.SHORT.sign) == (1, -1)


@pytest.mark.requirement("R-SYN-01")
@pytest.mark.parametrize("symbol", ["BINANCE:BTCUSDT", "BINANCE:1INCH_USDT.P", "X:A#2"])
@pytest.mark.parametrize("direction", list(Direction))
def test_an_atom_comes_back_from_its_fields_and_its_id_is_never_parsed(symbol: str, direction: Direction) -> None:
    atom = Atom(physical_symbol=symbol, logic="rating_ma", direction=direction, scan="binance_spot_rating_ma_long")
    assert Atom.of(atom.fields()) == atom
    assert all(type(value) is str for value in atom.fields().values())
    assert atom.symbol == f"{symbol}_rating_ma_{direction.value}"
    assert atom.venue == symbol.split(":")[0]


def test_a_direction_that_is_none_is_refused() -> None:
    fields = Atom(physical_symbol="X:A", logic="hold", direction=Direction.LONG).fields()
    with pytest.raises(ValueError, match="SIDEWAYS"):
        Atom.of(fields | {"direction": "SIDEWAYS"})


@pytest.fixture
def pool() -> AtomPool:
    """A pool of two longs over one row."""
    atoms = tuple(Atom(physical_symbol=key, logic="hold", direction=Direction.LONG) for key in ("X:B", "X:A"))
    streams = Streams(
        ids=("X:B_hold_LONG", "X:A_hold_LONG"),
        times=np.array(["2024-01-01"], dtype="datetime64[us]"),
        returns=np.array([[0.1, 0.2]]),
        composition={"X:B_hold_LONG": {"X:B": 1.0}, "X:A_hold_LONG": {"X:A": 1.0}},
    )
    return AtomPool(atoms=atoms, streams=streams, own=np.array([[0.1, 0.2]]))


def test_a_pool_is_named_by_its_streams_and_cannot_be_written(pool: AtomPool) -> None:
    assert pool.ids == ("X:B_hold_LONG", "X:A_hold_LONG")
    with pytest.raises(ValueError, match="read-only"):
        pool.own[0, 0] = 0.0


@pytest.mark.requirement("R-SEL-25")
def test_the_same_asset_logic_and_direction_twice_is_refused(pool: AtomPool) -> None:
    first = pool.atoms[0]
    with pytest.raises(ModelError, match="the 2 atoms are not those of its 2 streams"):
        replace(pool, atoms=(first, replace(first, scan="another")))


def test_own_returns_of_another_shape_are_refused(pool: AtomPool) -> None:
    with pytest.raises(ModelError, match=r"shape \(1, 1\), expected \(1, 2\)"):
        replace(pool, own=pool.own[:, :1])
