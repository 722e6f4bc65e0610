"""The change of volume by hand."""

import numpy as np
import pytest

from tvquant.features import compute

NAN = np.nan


@pytest.mark.requirement("R-FEA-08")
def test_the_change_is_from_the_bar_before_in_percent(market):
    close = {name: [1.0, 1.0, 1.0] for name in ("up", "down", "gap", "nothing", "unknown", "halted")}
    close["gap"][1] = close["halted"][2] = NAN
    volume = {
        "up": [9.0, 10.0, 25.0], "down": [9.0, 10.0, 0.0], "gap": [8.0, NAN, 10.0], "nothing": [5.0, 0.0, 5.0],
        "unknown": [5.0, NAN, 5.0], "halted": [5.0, 5.0, NAN],
    }  # fmt: skip
    found = compute(market(close, volume=volume), ["volume_change_24h"], rating_min_bars=1).values[0]
    np.testing.assert_allclose(found, [150.0, -100.0, 25.0, NAN, NAN, NAN])


def test_the_first_bar_has_no_change(market):
    panel = market({"A": [1.0]}, volume={"A": [5.0]})
    assert np.isnan(compute(panel, ["volume_change_24h"], rating_min_bars=1).values).all()
