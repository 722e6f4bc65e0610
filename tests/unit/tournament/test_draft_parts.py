"""Rows in parts: drafted apart and put together, they are what they were."""

from collections.abc import Callable

import pytest

from tvquant.core.panel import Floats, Panel
from tvquant.profiles import Profile
from tvquant.tournament.cells import cells
from tvquant.tournament.draft_parts import LAST, joined, parted
from tvquant.tournament.walk_forward import BacktestEngine, Due


@pytest.fixture
def played(
    profile: Callable[..., Profile],
    market: Callable[..., Panel],
    walks: Callable[..., dict[str, Floats]],
    engine_of: Callable[[Panel, Profile], BacktestEngine],
) -> tuple[BacktestEngine, tuple[Due, ...]]:
    """An engine of two selections and baselines, and what is due on five rows."""
    made = profile(grid__selections={"every": {"model": "all"}}, benchmark__market=["X:A"])
    engine = engine_of(market(walks("ABCDEF", 190)), made)
    return engine, engine.due(tuple(dict.fromkeys(cell.path for cell in cells(made))), {})


def test_the_last_rows_are_parted_by_rules_and_drafted_alike(played: tuple[BacktestEngine, tuple[Due, ...]]) -> None:
    engine, due = played
    assert len(due) > LAST
    parts = parted(due)
    assert [len(some) for some in parts] == [1] * (len(due) - LAST) + [2] * LAST
    assert all(some[0] is one for some, one in zip(parts, due[:-LAST], strict=False))
    row, some = due[-1], parts[-1]
    assert {len(part.rules) for part in some} == {1}
    assert all(part.beside == row.rules and part.row == row.row for part in some)
    assert sorted(window[0].key for part in some for window in part.windows) == sorted(w[0].key for w in row.windows)
    (whole,) = map(engine.draft, [row])
    (again,) = joined([row], [some], map(engine.draft, some))
    assert [one.keys() for one in again.prepared] == [one.keys() for one in whole.prepared]
    for mine, its in zip(again.decided, whole.decided, strict=True):
        assert mine is not None
        assert its is not None
        assert (mine.path, mine.rebalance, mine.records) == (its.path, its.rebalance, its.records)


def test_a_row_of_the_market_alone_is_whole(played: tuple[BacktestEngine, tuple[Due, ...]]) -> None:
    _, due = played
    market = tuple(one for one in due[-1].windows if one[0].key == "market")
    assert [[part.windows for part in some] for some in parted([Due(row=due[-1].row, windows=market)])] == [[market]]
