"""Shares between meta decisions, by hand."""

import numpy as np
import pytest

from builders.netting import meta_path
from builders.sleeves import BEGINNING, sleeve
from tvquant.core.calendars import NEW_YORK
from tvquant.core.errors import ModelError
from tvquant.tournament.sleeves.join import joined
from tvquant.tournament.sleeves.shares import drifted, levels_at, mix_levels

DAY = np.timedelta64(1, "D")


@pytest.mark.requirement("R-META-11")
def test_shares_drift_with_streams_and_cash_does_not() -> None:
    """.5 doubles and .25 halves beside .25 of cash: worth 1, .125 and .25 of 1.375."""
    found = drifted(np.array([[0.5, 0.25], [0.5, 0.5], [1.0, 0.0]]), np.array([[2.0, 0.5], [1.1, 1.1], [0.0, 1.0]]))
    np.testing.assert_allclose(found, [[1.0 / 1.375, 0.125 / 1.375], [0.5, 0.5], [0.0, 0.0]], rtol=1e-15)


def test_a_level_is_that_of_the_last_bar() -> None:
    one = sleeve("etf", [1.0, 1.1, 1.2], market=NEW_YORK, first=BEGINNING + 4 * DAY)  # Friday, Monday, Tuesday
    weekend = BEGINNING + np.array([4, 5, 6, 7]) * DAY
    assert levels_at(one, weekend).tolist() == [1.0, 1.0, 1.0, 1.1]
    with pytest.raises(ModelError, match="etf: it begins on 2024-01-05 and is asked for on 2024-01-04"):
        levels_at(one, weekend - DAY)


@pytest.mark.requirement("R-META-07")
def test_the_mix_of_the_streams_restores_its_shares_at_every_decision() -> None:
    first, second = sleeve("a", [1.0, 2.0, 2.0, 3.0, 6.0]), sleeve("b", [1.0, 1.0, 0.5, 0.5, 0.25])
    path = meta_path([first, second], {1: [0.5, 0.25], 3: [0.25, 0.5]})
    found = mix_levels(joined([first, second]), path)
    before = 0.5 * 1.5 + 0.25 * 0.5 + 0.25  # of rows 1 to 3
    after = before * (0.25 * 2.0 + 0.5 * 0.5 + 0.25)
    np.testing.assert_allclose(found, [1.0, 0.5 + 0.25 * 0.5 + 0.25, before, after], rtol=1e-15)
    assert (path.decisions[0].cash, path.decisions[0].status) == (0.25, "baseline")
