import numpy as np
import pytest

from tvquant.core.atoms import Atom, Direction, Streams


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


def test_streams_name_their_columns_by_atom_id() -> None:
    atoms = tuple(Atom(physical_symbol=key, logic="hold", direction=Direction.LONG) for key in ("X:B", "X:A"))
    times = np.array(["2024-01-01"], dtype="datetime64[us]")
    streams = Streams(atoms=atoms, times=times, returns=np.zeros((1, 2)), own=np.zeros((1, 2)), composition={})
    assert streams.ids == ("X:B_hold_LONG", "X:A_hold_LONG")
