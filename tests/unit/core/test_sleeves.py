"""Tests of sleeves as values."""

from dataclasses import replace

import numpy as np
import pytest

from builders.sleeves import sleeve
from tvquant.core.errors import ModelError
from tvquant.core.sleeves import Solves


def test_an_atom_of_a_short_sleeve_adds_below_zero_to_its_instrument() -> None:
    made = sleeve("shorts", [1.0, 1.1], sides={"BINANCE:BTCUSDT": -0.4, "BINANCE:ETHUSDT": 0.1})
    assert [one.signed for one in made.decisions[0].atoms] == [-0.4, 0.1]


def test_where_nothing_was_asked_no_share_of_solves_is_known() -> None:
    assert Solves(solved=0, asked=0).share is None
    assert Solves(solved=3, asked=4).share == 0.75


@pytest.mark.parametrize("levels", [[1.1, 1.0], [1.0, -0.1], [1.0, np.nan], [1.0]])
def test_levels_that_are_no_equity_are_refused(levels: list[float]) -> None:
    made = sleeve("one", [1.0, 1.1])
    with pytest.raises(ModelError, match="sleeve one"):
        replace(made, levels=np.array(levels))


def test_decisions_out_of_order_are_refused() -> None:
    made = sleeve("one", [1.0, 1.1, 1.2], decided=(0, 1))
    with pytest.raises(ModelError, match="in order of time"):
        replace(made, decisions=made.decisions[::-1])
