"""Which moment each row is of, who was listed, and what was absent; values are held by the contract of terms."""

import numpy as np
import pytest

from tvquant.core.errors import DataError
from tvquant.features import history
from tvquant.features.history import common_clock, moments

NAN = np.nan
HOUR = np.timedelta64(1, "h")


@pytest.mark.requirement("R-UNI-22")
def test_each_row_knows_its_moment_its_names_and_what_is_absent(market):
    panel = market(
        {"A": [1.0, 2.0, 3.0, NAN], "B": [NAN, NAN, 5.0, NAN]}, volume={"A": [NAN, 4.0, 4.0, NAN], "B": [NAN] * 4}
    )
    found = history(panel, ["value_traded_last", "volatility_d"], rating_min_bars=1)
    assert (found.as_of == panel.known_at[:, 0]).all()
    assert found.listed.tolist() == [1, 1, 2, 2]
    assert [dict(found.at(row).absent) for row in range(4)] == [
        {
            "value_traded_last": "the data have no volume or quote_volume",
            "volatility_d": "the data have no high or low",
        },
        *[{"volatility_d": "the data have no high or low"}] * 3,
    ]
    assert found.at(0).keys == ("X:A",)
    assert found.at(2).keys == ("X:A", "X:B")
    np.testing.assert_array_equal(found.at(2).values, [[12.0, NAN], [NAN, NAN]])
    assert found.known_at.tolist() == panel.known_at[[0, 1, 2, 2], 0].tolist()  # nobody has a bar in the last row
    assert found.at(-1).known_at == panel.known_at[2, 0]


def test_a_row_is_known_with_its_first_bar_and_late_ones_have_no_value_in_it(market):
    panel = market({"A": [1.0, 2.0, NAN], "B": [4.0, 5.0, 6.0]}, late={"B": 1})
    assert not common_clock(panel)
    known = panel.known_at
    assert moments(panel).tolist() == [known[0, 0], known[1, 0], known[2, 1]]
    found = history(panel, ["votes_ma"], rating_min_bars=1)
    np.testing.assert_array_equal(found.values, [[[0.0, NAN], [0.0, NAN], [NAN, 0.0]]])
    assert found.listed.tolist() == [1, 2, 2]
    same = market({"A": [1.0, 2.0], "B": [4.0, 5.0]}, late={"A": 1, "B": 1})
    assert common_clock(same)


def test_before_the_first_bar_there_is_nothing(market):
    panel = market({"A": [NAN, 1.0]})
    found = history(panel, ["roc_9"], rating_min_bars=1)
    assert found.listed.tolist() == [0, 1]
    with pytest.raises(DataError, match="nothing was known yet"):
        found.at(0)
    assert found.at(1).keys == ("X:A",)
