from dataclasses import replace

import numpy as np
import pytest

from tvquant.core.errors import ModelError
from tvquant.core.streams import Streams


@pytest.fixture
def sleeves() -> Streams:
    """Two sleeves, which are streams like atoms: each holds several assets, in units of one weight."""
    return Streams(
        ids=("crypto long", "crypto short"),
        times=np.array(["2024-01-01", "2024-01-02"], dtype="datetime64[us]"),
        returns=np.array([[0.01, np.nan], [0.02, -0.01]]),
        composition={"crypto long": {"X:A": 0.5, "X:B": 0.4}, "crypto short": {"X:A": -0.5, "X:B": -0.5}},
    )


def test_streams_carry_any_ids_and_units_and_cannot_be_written(sleeves: Streams) -> None:
    assert sum(sleeves.composition["crypto long"].values()) == 0.9
    for array in (sleeves.returns, sleeves.times):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


@pytest.mark.parametrize("returns", [np.zeros((2, 1)), np.zeros((1, 2)), np.zeros(2)])
def test_returns_of_another_shape_are_refused(sleeves: Streams, returns: np.ndarray) -> None:
    with pytest.raises(ModelError, match=r"expected times x ids \(2, 2\)"):
        replace(sleeves, returns=returns)


@pytest.mark.requirement("R-SEL-25")
def test_an_id_that_is_there_twice_is_refused(sleeves: Streams) -> None:
    with pytest.raises(ModelError, match="stream crypto long: its id is there 2 times"):
        replace(sleeves, ids=("crypto long", "crypto long"))


@pytest.mark.requirement("R-SYN-05")
@pytest.mark.parametrize("missing", [{}, {"crypto short": {}}])
def test_a_stream_that_holds_nothing_known_is_refused(sleeves: Streams, missing: dict[str, dict[str, float]]) -> None:
    composition = {"crypto long": sleeves.composition["crypto long"], **missing}
    with pytest.raises(ModelError, match="stream crypto short: it is not in the composition map"):
        replace(sleeves, composition=composition)
