"""Dated numbers of instruments, as they were known at a decision."""

import numpy as np

from builders.panels import instrument, panel_of
from tvquant.core.books import Execution
from tvquant.core.instruments import Fact
from tvquant.simulation.account import LEAST, LOT, MOST
from tvquant.simulation.order_bounds import bounds_of, told_by

DAYS = np.datetime64("2024-01-01", "us") + np.arange(6) * np.timedelta64(1, "D")


def test_a_fact_holds_from_the_moment_it_is_known():
    facts = tuple(Fact(field=name, value=value, known_at=DAYS[at]) for name, value, at in
                  (("lot", 2.0, 1), ("tick", 0.5, 1), ("lot", 8.0, 3)))  # fmt: skip
    one = instrument("A", facts=facts)
    np.testing.assert_array_equal(told_by(one, "lot", DAYS), [np.nan, 2.0, 2.0, 8.0, 8.0, 8.0])
    assert np.isnan(told_by(one, "min_notional", DAYS)).all()


def test_a_decision_knows_what_was_known_when_the_first_bar_of_its_row_was():
    """B's bars come two days late: a lot told a day after the close is not known to a decision that A's bar allows."""
    lot = Fact(field="lot", value=4.0, known_at=DAYS[2])
    names = [instrument("A", facts=(lot,)), instrument("B")]
    delay = np.array([0, 2], "timedelta64[D]")
    panel = panel_of({"close": np.ones((3, 2))}, names=names, times=DAYS[:3], delay=delay)
    rules = Execution(lots=True, nav=2.0)
    bounds, assumed = bounds_of(panel, None, np.ones((3, 2)), decided=np.arange(3), execution=rules)
    assert bounds[LOT, :, 0].tolist() == [0.5, 2.0, 2.0]  # of a coin at 1 it is assumed to be 1; a close is a day later
    assert (bounds[LEAST] == 0.0).all()
    assert np.isinf(bounds[MOST]).all()
    assert assumed.tolist() == [True, True]


def test_columns_of_a_path_choose_their_own_facts():
    names = [instrument("A"), instrument("B", facts=(Fact(field="lot", value=4.0, known_at=DAYS[0]),))]
    panel = panel_of({"close": np.ones((2, 2))}, names=names, times=DAYS[:2])
    rules = Execution(lots=True, nav=1.0)
    bounds, assumed = bounds_of(panel, np.array([1]), np.ones((2, 1)), decided=np.array([0]), execution=rules)
    assert bounds[LOT].tolist() == [[4.0]]
    assert not assumed.any()
