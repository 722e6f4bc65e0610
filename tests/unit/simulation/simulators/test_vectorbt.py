"""What vectorbt would have done in silence."""

from dataclasses import replace
from typing import Any

import pytest

from builders.hand_books import HOUSE, hand_book
from builders.profiles import resolved_of
from builders.simulators import played
from tvquant.core.books import Convention, Execution
from tvquant.core.errors import ModelError, ProfileError
from tvquant.simulation.simulators import vectorbt_engine

pytestmark = [pytest.mark.xdist_group("documentation"), pytest.mark.usefixtures("vectorbt")]

CLOSE = {"A": [100.0, 110.0, 121.0, 133.1]}


def test_cash_that_does_not_suffice_is_told_and_the_buffer_cures_it() -> None:
    book = hand_book("whole", CLOSE, {0: {"A": 1.0}}, [], costs=HOUSE)
    with pytest.raises(ModelError, match=r"ordered to 0\.01 units .* held at 0\.00999400359784: .*buffer: 0\.005"):
        played("vectorbt", book.panel, book.path, HOUSE, book.execution)
    spared = replace(book.execution, buffer=0.005)
    result = played("vectorbt", book.panel, book.path, HOUSE, spared)
    assert result.equity[0] == pytest.approx(1.0 - 0.995 * 6e-4, abs=1e-15)
    assert result.equity[-1] == pytest.approx(0.005 - 0.995 * 6e-4 + 0.995 * 1.331, abs=1e-14)


def test_what_is_sold_pays_for_what_is_bought_whatever_the_order_of_names() -> None:
    flat = {"A": [100.0] * 3, "B": [50.0] * 3}
    for first, then in (("A", "B"), ("B", "A")):
        book = hand_book("switch", flat, {0: {first: 0.9}, 1: {then: 0.9}}, [])
        result = played("vectorbt", book.panel, book.path, book.costs, book.execution)
        assert (result.quantities[1] * result.marks[1]).tolist() == pytest.approx([0.9 * (then == n) for n in "AB"])


def test_a_decision_before_the_fill_of_an_earlier_one_is_refused() -> None:
    book = hand_book("late", CLOSE, {0: {"A": 0.5}, 1: {"A": 0.2}}, [], costs=HOUSE)
    rules = Execution(convention=Convention.NEXT_CLOSE, lag=1)
    with pytest.raises(
        ModelError, match=r"vectorbt refuses lag: the decision at 2020-01-02.* one at 2020-01-01.* filled"
    ):
        played("vectorbt", book.panel, book.path, HOUSE, rules)
    played("vectorbt", book.panel, book.path, HOUSE, replace(rules, lag=0))


def test_kernels_that_are_not_installed_are_refused_by_a_profile_and_by_a_book(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(name: str) -> Any:
        return None if name == "vectorbt_rust" else object()

    rules = {"execution__simulators": ["vectorbt"], "costs__borrow_rate": 0.0}
    resolved_of("us_equities", **rules)
    monkeypatch.setattr(vectorbt_engine, "find_spec", found)
    with pytest.raises(
        ProfileError, match=r"execution\.vectorbt\.engine: rust is not installed; install tvquant\[simul"
    ):
        resolved_of("us_equities", **rules)
    resolved_of("us_equities", **rules, execution__vectorbt__engine="numba")
    book = hand_book("half", CLOSE, {0: {"A": 0.5}}, [])
    with pytest.raises(ProfileError, match=r"execution\.vectorbt\.engine: rust is not installed"):
        played("vectorbt", book.panel, book.path, book.costs, book.execution)
