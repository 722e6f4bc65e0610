"""Rates per row."""

import numpy as np
import pytest

from tvquant.core.rates import ZERO, RiskFree


@pytest.mark.parametrize("periods", [252, 365])
def test_the_rows_of_a_year_make_the_rate_of_a_year(periods: int) -> None:
    found = RiskFree.yearly(0.05, periods_per_year=periods)
    assert (1.0 + float(found.per_row)) ** periods - 1.0 == pytest.approx(0.05, rel=1e-12)
    assert float(RiskFree.yearly(-0.01, periods_per_year=periods).per_row) < 0.0


def test_a_rate_of_zero_changes_no_bit() -> None:
    returns = np.random.default_rng(1).normal(size=50)
    for rate in (ZERO, RiskFree.yearly(0.0, periods_per_year=252)):
        assert rate.excess(returns).tobytes() == returns.tobytes()


def test_rates_by_row_are_cut_with_their_rows_and_fit_no_others() -> None:
    yearly = np.array([0.0, 0.01, 0.02, 0.03])
    found = RiskFree.yearly(yearly, periods_per_year=252).at(np.array([1, 3]))
    assert found.excess(np.zeros(2)).tolist() == pytest.approx([1 - 1.01 ** (1 / 252), 1 - 1.03 ** (1 / 252)])
    assert ZERO.at(np.array([1, 3])) is ZERO
    for rows in (1, 3):
        with pytest.raises(ValueError, match=f"a rate of 2 rows does not fit {rows} returns"):
            found.excess(np.zeros(rows))
