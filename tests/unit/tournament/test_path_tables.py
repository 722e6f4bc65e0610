"""Tables of what a path decided, against its rebalances and beside each of its books."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tvquant.core.books import Convention
from tvquant.core.panel import Floats, Panel
from tvquant.profiles import Profile
from tvquant.tournament.cell_results import tables
from tvquant.tournament.cells import cells
from tvquant.tournament.path_tables import path_tables
from tvquant.tournament.walk_forward import BacktestEngine


def test_a_path_is_told_once_for_all_of_its_books(
    profile: Callable[..., Profile],
    market: Callable[..., Panel],
    walks: Callable[..., dict[str, Floats]],
    engine_of: Callable[[Panel, Profile], BacktestEngine],
) -> None:
    made = profile()
    cell = replace(cells(made)[0], audited=False)
    engine = engine_of(market(walks("ABCDE", 171)), made)
    rebalances = [one.rebalance for one in engine.play([cell.path])]
    told = path_tables(engine, cell.path, rebalances)

    weights, atoms = told["weights"], told["atoms"]
    pairs = list(zip(weights["window"].tolist(), weights["symbol"], weights["weight"].tolist(), strict=True))
    assert pairs == [(one.window, *pair) for one in rebalances for pair in one.weights.items()]
    assert list(atoms["atom"]) == [atom for one in rebalances for atom in one.holdings["atom"]]
    assert told["windows"]["names"].tolist() == [len(one.weights) for one in rebalances]
    assert np.isnat(told["windows"]["filled_at"]).all()

    late = replace(
        cell, book=replace(cell.book, execution=replace(cell.book.execution, convention=Convention.NEXT_CLOSE))
    )
    books = [tables(engine, engine.settle(one, rebalances), told) for one in (cell, late)]
    assert all(book[name] is told[name] for book in books for name in ("weights", "atoms", "vetoes"))
    alone = tables(engine, engine.settle(late, rebalances))
    assert list(books[1]["windows"]) == list(alone["windows"])
    for name, column in alone["windows"].items():
        np.testing.assert_array_equal(np.asarray(books[1]["windows"][name]), np.asarray(column), err_msg=name)
    first, second = (book["windows"]["return"] for book in books)
    assert (first[1:-1] != second[1:-1]).any()
