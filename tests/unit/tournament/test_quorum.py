"""Which bar a decision stands on, when the last one has come for some names only."""

import gc
import weakref
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tvquant.core.instruments import Fact, Kind
from tvquant.core.panel import Floats, Panel
from tvquant.profiles import Profile
from tvquant.tournament.cells import cells
from tvquant.tournament.decide import correlations, decide
from tvquant.tournament.quorum import answering_rows, quorum_view, quorum_view_by
from tvquant.tournament.specs import MarketSpec, Previous, Rules, StrategySpec
from tvquant.tournament.views import look
from tvquant.tournament.walk_forward import BacktestEngine, grids

type Profiles = Callable[..., Profile]
type Walks = Callable[..., dict[str, Floats]]
type Markets = Callable[..., Panel]

NAMES = "ABCDEFGHIJ"
ROW = 150
NAN = float("nan")


def spec_of(made: Profile) -> StrategySpec:
    spec = cells(made)[0].spec
    assert isinstance(spec, StrategySpec)
    return spec


def rules_of(made: Profile) -> Rules:
    return spec_of(made).rules


def without(close: dict[str, Floats], names: Iterable[str], *rows: int) -> dict[str, Floats]:
    """The closes without these names' bars of these rows."""
    return {name: np.where(np.isin(np.arange(len(v)), rows), NAN, v) if name in names else v
            for name, v in close.items()}  # fmt: skip


@pytest.mark.parametrize(
    ("missing", "quorum", "back"),
    [(0, 0.8, 0), (2, 0.8, 0), (3, 0.8, 1), (9, 0.8, 1), (10, 0.8, 1), (3, 0.7, 0), (4, 0.7, 1), (1, 1.0, 1)],
)
def test_a_bar_of_too_few_names_is_not_decided_on(
    missing: int, quorum: float, back: int, profile: Profiles, market: Markets, walks: Walks
) -> None:
    panel = market(without(walks(NAMES, 200), NAMES[:missing], ROW))
    chosen = quorum_view_by(look(panel, ROW), rules_of(profile(data__quorum=quorum)))
    assert chosen.row == ROW - back
    assert chosen.view.as_of == panel.known_at[ROW - back, 0]
    said = chosen.footing
    assert (said.asked, said.bar, said.quorum) == (panel.times[ROW], panel.times[ROW - back], True)
    assert (said.alive, said.present) == (10, 10 - missing)
    assert said.missing == (() if back else tuple(f"X:{name}" for name in NAMES[:missing]))


@pytest.mark.requirement("R-SIM-03")
def test_one_ragged_bar_sells_nothing(profile: Profiles, market: Markets, walks: Walks) -> None:
    """A name alone has the last bar: the book is that of the bar before, to the bit; weights are of the row asked."""
    close, spec = walks(NAMES, 200), spec_of(profile(benchmark__market=["X:A"]))
    ragged = market(without(close, NAMES[1:], ROW))
    found, before = (decide(look(panel, row), spec, Previous()) for panel, row in ((ragged, ROW), (ragged, ROW - 1)))
    assert len(found.weights) == 10
    assert [one.footing.asked for one in (found, before) if one.footing] == [*ragged.times[[ROW, ROW - 1]]]
    told, other = found.payload(), before.payload()
    assert (told["footing"]["bar"], told["footing"]["asked"]) == (str(ragged.times[ROW - 1]), str(ragged.times[ROW]))
    assert {**told, "footing": None} == {**other, "footing": None}
    now, then = (correlations(look(ragged, row), spec.rules) for row in (ROW, ROW - 1))
    assert now is not None
    assert then is not None
    np.testing.assert_array_equal(now[1], then[1])


@pytest.mark.parametrize("fork", ["deleted", "scrambled", "as it was"])
@pytest.mark.requirement("R-SIM-03")
def test_what_follows_changes_no_footing(fork: str, profile: Profiles, market: Markets, walks: Walks) -> None:
    """Whether the others come back after the ragged bar, never, or at other prices."""
    close, made = without(walks(NAMES, 200), NAMES[1:], ROW), profile()
    before = decide(look(market(close), ROW), spec_of(made), Previous()).payload()
    for name in close:
        close[name][ROW + 1 :] *= {"deleted": NAN, "scrambled": 3.0, "as it was": 1.0}[fork]
    assert decide(look(market(close), ROW), spec_of(made), Previous()).payload() == before


@pytest.mark.parametrize(("last", "row"), [(ROW - 5, ROW), (ROW - 4, ROW - 4), (ROW - 1, ROW - 1)])
def test_a_name_counts_for_five_sessions_after_its_last_bar(
    last: int, row: int, profile: Profiles, market: Markets, walks: Walks
) -> None:
    panel = market(without(walks(NAMES, 200), NAMES[:5], *range(last + 1, 200)))
    chosen = quorum_view_by(look(panel, ROW), rules_of(profile()))
    assert (chosen.row, chosen.footing.quorum) == (row, True)
    assert chosen.footing.alive == (5 if row == ROW else 10)


def test_only_names_that_may_be_held_are_asked(profile: Profiles, market: Markets, walks: Walks) -> None:
    """Nine of ten lack the bar, but they are of an excluded kind, or not among the symbols."""
    panel = market(without(walks(NAMES, 200), NAMES[1:], ROW))
    coins = [replace(one, kinds=one.kinds | {Kind.STABLECOIN}) for one in panel.instruments[1:]]
    stable = replace(panel, instruments=(panel.instruments[0], *coins), _first_known=None)
    assert quorum_view_by(look(stable, ROW), rules_of(profile())).row == ROW
    lost = Fact(field="unpegged_at", value=panel.times[ROW - 9], known_at=panel.known_at[ROW - 9, 0])
    strayed = replace(panel, instruments=tuple(replace(one, facts=(lost,)) for one in stable.instruments))
    assert quorum_view_by(look(strayed, ROW), rules_of(profile())).row == ROW - 1, "who lost the peg may be held"
    assert quorum_view_by(look(panel, ROW), rules_of(profile(universe__symbols=["X:A"]))).row == ROW
    assert (
        quorum_view_by(look(panel, ROW), rules_of(profile(universe__symbols=["X:B"], benchmark__market=["X:A"]))).row
        < ROW
    )


@pytest.mark.parametrize(("known", "row"), [(ROW, ROW), (ROW + 1, ROW - 1)])
def test_the_delisted_are_not_waited_for_once_that_is_known(
    known: int, row: int, profile: Profiles, market: Markets, walks: Walks
) -> None:
    panel = market(without(walks(NAMES, 200), NAMES[:5], *range(ROW, 200)))
    fact = Fact(field="delisted_at", value=panel.times[ROW], known_at=panel.known_at[known, 0])
    told = tuple(replace(one, facts=(fact,)) if one.symbol[2] in NAMES[:5] else one for one in panel.instruments)
    assert (
        quorum_view_by(look(replace(panel, instruments=told, _first_known=None), ROW), rules_of(profile())).row == row
    )


def test_without_a_quorum_in_five_sessions_the_last_bar_stands_and_says_so(
    profile: Profiles, market: Markets, walks: Walks
) -> None:
    """Each name trades every other session: no bar ever has eight of ten."""
    close = walks(NAMES, 200)
    for k, name in enumerate(NAMES):
        close[name][60 + k % 2 :: 2] = NAN
    panel = market(close)
    footing = quorum_view_by(look(panel, ROW), rules_of(profile())).footing
    assert (footing.bar, footing.quorum, footing.alive, footing.present) == (panel.times[ROW], False, 10, 5)
    assert len(footing.missing) == 5
    stands = [quorum_view_by(look(panel, row), rules_of(profile())) for row in (63, 64)]
    assert [(one.row, one.footing.quorum) for one in stands] == [(59, True), (64, False)], "five sessions, not six"


def test_a_halted_universe_is_cash(profile: Profiles, market: Markets, walks: Walks) -> None:
    close = {**without(walks(NAMES, 200), NAMES, *range(ROW - 4, 200)), "Z": np.full(200, 1.0)}
    made = profile(universe__exclude_symbols=["X:Z"], benchmark__market=["X:Z"])
    held, last = (decide(look(market(close), row), spec_of(made), Previous()) for row in (ROW - 1, ROW))
    assert (len(held.weights), last.weights) == (10, {})
    assert held.footing is not None
    assert last.footing is not None
    assert (held.footing.quorum, last.footing.quorum, last.footing.alive) == (True, False, 0)


def test_at_the_first_rows_there_is_nothing_before(profile: Profiles, market: Markets, walks: Walks) -> None:
    panel = market(without(walks(NAMES, 200), NAMES[1:], 0, 1))
    footings = [quorum_view_by(look(panel, row), rules_of(profile())).footing for row in (0, 1, 2)]
    assert [(f.alive, f.quorum) for f in footings] == [(1, True), (1, True), (10, True)]


def test_a_benchmark_is_judged_by_its_own_symbols(market: Markets, walks: Walks) -> None:
    """It is not sold for want of one bar, and not held back by a universe that lacks one."""
    close = walks(NAMES, 200)
    spec = MarketSpec(symbols=("X:A",), quorum=0.8)
    for lacking, row in (("A", ROW - 1), (NAMES[1:], ROW)):
        panel = market(without(close, lacking, ROW))
        assert quorum_view(look(panel, ROW), spec).row == row
        assert decide(look(panel, ROW), spec, Previous()).weights == {"X:A": 1.0}


def played(engine: BacktestEngine, made: Profile) -> list[Any]:
    return [one for one in engine.play([cell.path for cell in cells(made)]) if one.path.key != "market"]


@pytest.mark.parametrize("ragged", [(99,), (139, 140, 141), (137, 138, 139)])
def test_a_run_decides_as_each_view_alone_would(
    ragged: tuple[int, ...], profile: Profiles, market: Markets, walks: Walks
) -> None:
    """Features come from one pass, and rows of marks increase, whatever bar answers."""
    made = profile(windows__step=1, windows__test=1, selection__model="v4", data__max_missing=0.5)
    panel = market(without(walks(NAMES, 145), NAMES[1:], *ragged), name="XNYS")
    cell = cells(made)[0]
    grid = grids(panel, [cell.path])[cell.path.schedule]
    assert grid[0].start == 90
    grid = tuple(w for w in grid if w.start in (100, *range(137, 145)))
    engine = BacktestEngine(panel, {cell.path.schedule: grid})
    decided = played(engine, made)
    before: dict[str, Previous] = {}
    for one in decided:
        view = look(panel, one.rebalance.row)
        alone = decide(view, one.path.spec, before.get(one.path.key, Previous()))
        before[one.path.key] = Previous(atoms=one.rebalance.atoms)
        assert one.decision.payload() == alone.payload()
    mine = [one.rebalance for one in decided if one.path == cell.path]
    stale = {one.row for one in mine if one.footing.bar != one.footing.asked}
    assert stale == set(ragged) & {w.start - 1 for w in grid}
    settled = engine.settle(cell, mine)
    assert settled.result.filled.tolist() == [w.start for w in grid]


def test_history_is_counted_at_the_bar_that_answers(profile: Profiles, market: Markets, walks: Walks) -> None:
    """Ninety bars are there at row 89; were it ragged, the decision asked for there would have eighty-nine."""
    made = profile(windows__step=1, windows__test=1)
    path = cells(made)[0].path
    for rows, start in (((), 90), ((89,), 91)):
        panel = market(without(walks(NAMES, 120), NAMES[1:], *rows), name="XNYS")
        assert grids(panel, [path])[path.schedule][0].start == start


def test_what_was_decided_on_is_let_go_with_its_last_reference(
    profile: Profiles, market: Markets, walks: Walks
) -> None:
    """No view keeps itself: a leak check decides on panel after panel, and has room for one."""
    made, panel = profile(), market(walks("ABCDEF", 200))
    specs = [cell.spec for cell in cells(made)]
    gc.collect()
    gc.disable()
    try:
        view = look(panel, 150)
        held = weakref.ref(view.panel.fields["close"])
        for spec in specs:
            decide(view, spec, Previous())
        assert held() is not None
        del view
        assert held() is None
    finally:
        gc.enable()


def test_rows_that_may_answer_are_those_asked_for_and_four_before_one_that_a_name_lacks(
    market: Markets, walks: Walks
) -> None:
    """A name lost five rows before is missed by nobody."""
    panel = market(without(without(walks(NAMES, 200), "A", 150), "B", *range(100, 120)))
    asked = np.array([1, 90, 99, 103, 104, 149, 150, 154, 155])
    expected = {*asked.tolist(), *range(99, 103), *range(146, 150)}
    assert answering_rows(panel, asked).tolist() == sorted(expected)
    assert answering_rows(market(without(walks(NAMES, 200), "A", 2)), np.array([2])).tolist() == [0, 1, 2]
