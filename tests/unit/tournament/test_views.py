"""Views: they end at their row, and compute once."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tvquant.core.panel import Floats, Panel
from tvquant.tournament.views import look

type Walks = Callable[..., dict[str, Floats]]
type Markets = Callable[..., Panel]

ROW = 150


def test_a_look_ends_at_its_row(market: Markets, walks: Walks) -> None:
    panel = market(walks("ABC", 200))
    view = look(panel, ROW)
    assert len(view.panel.times) == ROW + 1
    assert view.as_of == panel.known_at[ROW, 0]


def test_a_row_is_looked_at_when_the_first_of_its_bars_is_known(market: Markets, walks: Walks) -> None:
    """B is an hour later than A: it has no bar yet, unless A has none that day."""
    hour = np.timedelta64(1, "h")
    close = walks("AB", 200)
    close["A"][ROW + 1] = np.nan
    panel = market(close)
    late = replace(panel, known_at=panel.known_at + hour * np.arange(2), _first_known=None)
    view = look(late, ROW)
    assert view.as_of == late.known_at[ROW, 0] == late.known_at[ROW, 1] - hour
    assert view.panel.tradable[-1].tolist() == [True, False]
    assert view.row == ROW
    after = look(late, ROW + 1)
    assert after.as_of == late.known_at[ROW + 1, 1]
    assert after.panel.tradable[-1].tolist() == [False, True]


def test_what_is_lent_is_not_computed_again(market: Markets, walks: Walks) -> None:
    panel = market(walks("ABC", 100))
    one, other = look(panel, 99), look(panel, 99)
    one.once("k", lambda: 1)
    other.lend(one.known("k", "never asked for"))
    assert other.once("k", lambda: 2) == 1
    assert other.once("never asked for", lambda: 3) == 3


def test_what_a_view_knows_is_computed_once(market: Markets, walks: Walks) -> None:
    view, calls = look(market(walks("ABC", 100)), 99), []
    assert [view.once("k", lambda: calls.append(1) or len(calls)) for _ in range(3)] == [1, 1, 1]  # type: ignore[func-returns-value]
