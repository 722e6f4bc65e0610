"""What accounts are measured against, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from builders.panels import instrument, market_of
from tvquant.core.errors import ModelError
from tvquant.tournament.sleeves.account import AccountPanel
from tvquant.tournament.sleeves.benchmark import benchmark_levels

NAN = float("nan")
CLOSES = {"A": [100.0, 110.0, 99.0, 121.0, 121.0], "B": [50.0, 50.0, NAN, 40.0, 60.0], "C": [NAN, NAN, 7.0, 8.0, 9.0]}


def account(*measured: int) -> AccountPanel:
    panel = market_of(CLOSES)
    return AccountPanel(panel=panel, measured=np.array(measured), waiting=panel.times[:0])


def test_levels_are_those_of_the_parts_restored_at_the_common_dates() -> None:
    """From row 0 to 3 A grows by 21 % and B falls by a fifth, whatever was between; then 0 % and 50 %."""
    found = account(0, 3, 4)
    times, levels = benchmark_levels(found, ["X:A", "X:B"])
    assert times.tolist() == found.panel.times[[0, 3, 4]].tolist()
    np.testing.assert_allclose(levels, [1.0, 1.005, 1.005 * 1.25], rtol=1e-12)
    _, weighed = benchmark_levels(found, ["X:A", "X:B"], [0.5, 0.25])
    np.testing.assert_allclose(weighed, [1.0, 1.055, 1.055 * 1.125], rtol=1e-12)


def test_generations_of_a_ticker_follow_each_other() -> None:
    """The first grows by a tenth and ends; the second has its name from row 3 on and grows by a half."""
    first, second = instrument("A"), replace(instrument("A"), generation=2)
    panel = market_of({first: [10.0, 11.0, NAN, NAN, NAN], second: [NAN, NAN, NAN, 40.0, 60.0]})
    found = AccountPanel(panel=panel, measured=np.arange(5), waiting=panel.times[:0])
    np.testing.assert_allclose(benchmark_levels(found, ["X:A"])[1], [1.0, 1.1, 1.1, 1.1, 1.65], rtol=1e-12)


def test_what_no_sleeve_has_by_then_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match="no sleeve has a bar of X:D by 2020-01-01, which"):
        benchmark_levels(account(0, 3), ["X:D"])
    with pytest.raises(ModelError, match="no sleeve has a bar of X:C by 2020-01-02"):
        benchmark_levels(account(1, 3), ["X:C"])
    assert benchmark_levels(account(2, 3), ["X:C"])[1][-1] == pytest.approx(8.0 / 7.0)
