"""Views: they end at their row, and compute once."""

from collections.abc import Callable

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


def test_what_a_view_knows_is_computed_once(market: Markets, walks: Walks) -> None:
    view, calls = look(market(walks("ABC", 100)), 99), []
    assert [view.once("k", lambda: calls.append(1) or len(calls)) for _ in range(3)] == [1, 1, 1]  # type: ignore[func-returns-value]
