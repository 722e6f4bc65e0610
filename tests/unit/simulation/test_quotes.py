"""What a panel lets a book do."""

from dataclasses import replace

import numpy as np
import pytest

from tvquant.core.errors import DataError
from tvquant.core.instruments import Fact
from tvquant.simulation.quotes import market_of

NAN = np.nan
DAY = np.timedelta64(1, "D")


def test_a_panel_without_holes_is_used_as_it_is(market):
    panel = market({"A": [100, 110], "B": [10, 12]})
    seen = market_of(panel, None, halt_limit=5, open_fills=None)
    assert np.shares_memory(seen.marks, panel.fields["close"])
    assert not seen.eventful.any()
    assert len(seen.ends) == seen.actions.shape[1] == len(seen.funding) == 0


def test_marks_are_carried_and_halts_end_once(market):
    panel = market({"A": [100, NAN, NAN, NAN, 120], "B": [NAN, 10, 10, 10, 10]})
    seen = market_of(panel, None, halt_limit=1, open_fills=None)
    assert seen.marks.T.tolist() == [[100, 100, 100, 100, 120], [0, 10, 10, 10, 10]]
    assert seen.ends.T.tolist() == [[False, False, True, False, False], [False] * 5]
    assert seen.eventful.tolist() == [False, False, True, False, False]


def test_a_delisting_counts_from_when_it_is_known_and_may_be_taken_back(market):
    panel = market({"A": [100.0] * 6})
    t = panel.times

    def first_end(*facts: tuple[int, int]) -> list[int]:
        dated = tuple(Fact(field="delisted_at", value=t[at], known_at=t[known]) for at, known in facts)
        changed = replace(panel, instruments=(replace(panel.instruments[0], facts=dated),))
        seen = market_of(changed, None, halt_limit=5, open_fills=None)
        return np.flatnonzero(seen.ends.any(axis=1)).tolist() if len(seen.ends) else []

    assert first_end((2, 0)) == [2]
    assert first_end((1, 3)) == [3]
    assert first_end((4, 0), (5, 2)) == [5]
    assert first_end((2, 0), (1, 5)) == [2]
    late = Fact(field="delisted_at", value=t[-1] + 9 * DAY, known_at=t[0])
    changed = replace(panel, instruments=(replace(panel.instruments[0], facts=(late,)),))
    assert np.shares_memory(market_of(changed, None, halt_limit=5, open_fills=None).marks, panel.fields["close"])


@pytest.mark.parametrize("bad", [0.0, -5.0, np.inf])
def test_impossible_prices_are_refused_by_name_and_time(market, bad):
    panel = market({"A": [100, 110], "B": [10, bad]}, open={"A": [100, 110], "B": [10, 11]})
    with pytest.raises(DataError, match=r"X:B: close of the bar 2024-01-02.* expected a finite number above zero"):
        market_of(panel, None, halt_limit=5, open_fills=None)
    panel = market({"A": [100, 110], "B": [10, 12]}, open={"A": [100, 110], "B": [10, bad]})
    with pytest.raises(DataError, match=r"X:B: open of the bar 2024-01-02"):
        market_of(panel, None, halt_limit=5, open_fills=np.array([1]))
    assert market_of(panel, None, halt_limit=5, open_fills=np.array([0])).opens.shape == (2, 2)


def test_a_tradable_cell_without_a_price_is_refused(market):
    panel = market({"A": [100, 110], "B": [10, NAN]})
    with pytest.raises(DataError, match=r"X:B: close of the bar 2024-01-02.* is nan"):
        market_of(replace(panel, tradable=np.ones((2, 2), bool)), None, halt_limit=5, open_fills=None)


@pytest.mark.parametrize(("field", "bad"), [("split", 0.0), ("split", -2.0), ("split", np.inf), ("dividend", np.inf)])
def test_impossible_actions_are_refused(market, field, bad):
    panel = market({"A": [100, 110]}, **{field: {"A": [1.0, bad]}})
    with pytest.raises(DataError, match=f"X:A: {field} of the bar 2024-01-02"):
        market_of(panel, None, halt_limit=5, open_fills=None)


def test_missing_actions_are_no_actions(market):
    panel = market({"A": [100, 110]}, split={"A": [1.0, NAN]}, dividend={"A": [0.0, NAN]})
    seen = market_of(panel, None, halt_limit=5, open_fills=None)
    assert seen.actions.shape == (2, 0, 1)


def test_some_names_of_a_panel_with_holes_are_used_as_they_are_where_they_have_none(market):
    panel = market({"A": [100, 110], "B": [NAN, 12]})
    columns = panel.columns(("X:A",))
    assert not panel.whole
    assert len(market_of(panel, columns, halt_limit=5, open_fills=None).ends) == 0
    assert len(market_of(panel, panel.columns(("X:B",)), halt_limit=5, open_fills=None).ends) == 2
