"""No look-ahead (R-SIM-03): what comes after a moment changes no decision made by then.

A market is walked twice: as it was, and with another future: rows after the moment scrambled, deleted or added, names
listed later, facts that became known later. Every decision until the moment must have the same payload digest. That
covers scanners and their features, health, scores, vetoes, clusters, training rows, covariance, optimiser, weights,
exclusions and input digests of every kind of cell, for a universe held long and for scanners of both sides.
"""

import os
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from builders.panels import instrument, panel_of
from tvquant.app.vocabulary import vocabulary
from tvquant.core.atoms import Direction
from tvquant.core.calendars import calendar
from tvquant.core.instruments import Fact, Kind
from tvquant.core.panel import Floats, Panel, Times
from tvquant.profiles import Profile, load, resolve
from tvquant.tournament.cells import cells, schedule
from tvquant.tournament.specs import MarketSpec
from tvquant.tournament.walk_forward import BacktestEngine

PROOF = bool(os.environ.get("TVQUANT_PROOF"))
ROWS, NAMES = 190, 8
LATE = 3
"""Names that only another future lists."""
FIELDS = {"close": np.nan, "open": np.nan, "volume": np.nan, "dividend": 0.0, "split": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Future:
    """What is different from row `moment` on."""

    moment: int
    seed: int
    rows: int
    scramble: bool
    holes: float
    late: bool
    facts: bool


FUTURES = st.builds(
    Future,
    moment=st.integers(100, ROWS),
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(0, ROWS + 40),
    scramble=st.booleans(),
    holes=st.sampled_from([0.0, 0.1, 1.0]),
    late=st.booleans(),
    facts=st.booleans(),
)

EVERYTHING = Future(moment=151, seed=1, rows=ROWS + 40, scramble=True, holes=0.1, late=True, facts=True)
NOTHING_LEFT = Future(moment=137, seed=2, rows=ROWS, scramble=False, holes=1.0, late=False, facts=False)


def _scanner(side: Direction, **bound: float) -> dict[str, object]:
    """Recruits by the rating, of names with some traded value (the walks trade up to 100 a row)."""
    return {
        "name": f"rated_{side.value.lower()}", "exchange": None, "kinds": [], "exclude_kinds": [], "currency": None,
        "logic": "rating_ma", "direction": side.value,
        "pool": [{"field": "value_traded_last", "above": 5.0}], "signal": [{"field": "recommend_ma", **bound}],
    }  # fmt: skip


def _gated(logic: str, side: Direction) -> dict[str, object]:
    """Recruits whatever is traded: the gate of the logic is what lets names in."""
    return {
        "name": f"{logic}_{side.value.lower()}", "exchange": None, "kinds": [], "exclude_kinds": [], "currency": None,
        "logic": logic, "direction": side.value, "pool": [{"field": "value_traded_last", "above": 5.0}], "signal": [],
    }  # fmt: skip


GATED = ("momentum", "trend_gated", "reversion", "breakout")

CASES: dict[str, tuple[str, dict[str, object]]] = {
    "24x7": ("24x7", {}),
    "XNYS": ("XNYS", {"universe.kinds": ["stock"]}),
    "everyone": ("24x7", {"selection.model": "baseline", "allocation.profiles": ["hrp", "min_variance"]}),
    "scanners": (
        "24x7",
        {
            "universe.scanners": [_scanner(Direction.LONG, above=0.1), _scanner(Direction.SHORT, below=-0.1)],
            "data.rating_min_bars": 60,
            "selection.min_winners": 3,
            "allocation.profiles": ["hrp", "risk_parity", "min_variance", "max_sharpe", "equal_weight"],
            "allocation.fallbacks": ["min_variance"],
        },
    ),
    "gated": (
        "24x7",
        {
            "universe.scanners": [_gated(logic, side) for logic in GATED for side in Direction],
            "data.rating_min_bars": 60,
            "selection.min_winners": 3,
            "allocation.profiles": ["risk_parity", "min_variance"],
            "logics.momentum.lookback": 40,
            "logics.momentum.skip": 5,
            "logics.trend_gated.averages": [10, 30],
        },
    ),
}
"""Calendar of the market and settings of the profile."""


def _profile(case: str) -> Profile:
    given = {"benchmark.market": ["X:N0", "X:N5"], "windows.step": 7, "data.lookback": 80, **CASES[case][1]}
    return resolve(
        load("crypto_spot"), vocabulary(), arguments={f"--{key}": (key, value) for key, value in given.items()}
    ).profile


def _past(seed: int) -> dict[str, Floats]:
    """Walks with dividends, splits, dead names, late listings and holes, on enough rows for any future."""
    draw, shape = np.random.default_rng(seed), (ROWS + 40, NAMES + LATE)
    close = 100.0 * np.exp(draw.normal(0.0, 0.02, shape).cumsum(axis=0))
    fields = {"close": close, "open": close * np.exp(draw.normal(0.0, 0.005, shape)), "volume": draw.random(shape)}
    fields["dividend"] = np.where(draw.random(shape) < 0.01, 0.5, 0.0)
    fields["split"] = np.where(draw.random(shape) < 0.005, 2.0, 1.0)
    gone = draw.random(shape) < 0.002
    gone[150:, 2] = gone[:30, 3] = gone[:110, 4] = True  # dies; listed late; listed too late for some windows
    gone[:, NAMES:] = True
    return {name: np.where(gone, FIELDS[name], block) for name, block in fields.items()}


def _changed(fields: dict[str, Floats], future: Future) -> dict[str, Floats]:
    """The same rows before the moment, another world from it on."""
    draw, after = np.random.default_rng(future.seed), slice(future.moment, None)
    out = {name: block.copy() for name, block in fields.items()}
    shape = out["close"][after].shape
    if future.scramble:
        for name in ("close", "open"):
            out[name][after] = np.exp(draw.normal(3.0, 2.0, shape))
        out["split"][after] = draw.choice([1.0, 1.0, 0.1, 10.0], shape)
        out["dividend"][after] = draw.choice([0.0, 0.0, 5.0], shape)
    gone = np.isnan(out["close"][after]) | (draw.random(shape) < future.holes)
    gone[:, NAMES:] = not future.late
    for name, blank in FIELDS.items():
        out[name][after][gone] = blank
        if future.late:  # prices, also where nothing was scrambled
            out[name][after][:, NAMES:] = 50.0 if np.isnan(blank) else blank
    return out


def _times(name: str) -> Times:
    return calendar(name).bars(np.datetime64("2020-01-01"), np.datetime64("2022-01-01"))


def _panel(fields: dict[str, Floats], rows: int, name: str, facts_at: int | None) -> Panel:
    """The first rows of the fields; names in order of their first bar, those without one left out."""
    times = _times(name)
    have = ~np.isnan(fields["close"][:rows])
    order = sorted(np.flatnonzero(have.any(axis=0)).tolist(), key=lambda j: (int(have[:, j].argmax()), j))
    known = calendar(name).close_of(times)
    facts: tuple[Fact, ...] = ()
    if facts_at is not None:
        at = known[facts_at]
        facts = (Fact(field="delisted_at", value=times[10], known_at=at), Fact(field="lot", value=5.0, known_at=at))
    kind = Kind.STOCK if name == "XNYS" else Kind.SPOT
    return panel_of(
        {field: block[:rows, order] for field, block in fields.items()},
        names=[instrument(f"N{j}", kind=kind, calendar=name, facts=facts) for j in order],
        times=times[:rows],
    )


def _walk(panel: Panel, made: Profile, until: int) -> dict[tuple[str, int], tuple[str, frozenset[float]]]:
    """Payload digest of every decision made before row `until`, and the signs of what it holds."""
    one = schedule(made)
    engine = BacktestEngine(
        panel, {one: [w for w in one.windows(_times(panel.calendar)[:ROWS], panel.calendar) if w.start <= until]}
    )
    found = ((made.path.key, made.rebalance) for made in engine.play([cell.path for cell in cells(made)]))
    return {
        (path, one.row): (one.digest, frozenset(np.sign(list(one.weights.values())).tolist())) for path, one in found
    }


@pytest.mark.requirement("R-SIM-03")
@pytest.mark.requirement("R-UNI-22")
@pytest.mark.parametrize("case", CASES)
@settings(max_examples=settings().max_examples // (8 if PROOF else 16), deadline=None)
@given(future=FUTURES, seed=st.integers(0, 20))
@example(future=EVERYTHING, seed=3)
@example(future=NOTHING_LEFT, seed=4)
def test_another_future_makes_the_same_decisions(case: str, future: Future, seed: int) -> None:
    made, past, name = _profile(case), _past(seed), CASES[case][0]
    known = _panel(past, ROWS, name, None)
    rows = max(future.rows, future.moment)
    other = _panel(_changed(past, future), rows, name, future.moment if future.facts else None)
    before = _walk(known, made, future.moment)
    assert {path for (path, _), (_, holds) in before.items() if holds} == {cell.path.key for cell in cells(made)}
    assert _walk(other, made, future.moment) == before


@pytest.mark.requirement("R-SIM-03")
@pytest.mark.parametrize("case", CASES)
def test_another_past_makes_other_decisions(case: str) -> None:
    """The property above can fail: the very row of a decision does matter to it."""
    made, past, name = _profile(case), _past(0), CASES[case][0]
    row = 129  # the decision mark of the window at 130
    future = Future(moment=row, seed=1, rows=ROWS, scramble=True, holes=0.0, late=True, facts=True)
    before = _walk(_panel(past, ROWS, name, None), made, row + 1)
    sides = {1.0, -1.0} if case in ("scanners", "gated") else {1.0}
    assert frozenset().union(*(signs for _, signs in before.values())) == sides
    after = _walk(_panel(_changed(past, future), ROWS, name, None), made, row + 1)
    for cell in cells(made):
        assert before[cell.path.key, row - 7] == after[cell.path.key, row - 7]
        if not isinstance(cell.spec, MarketSpec):  # equal weight of what has a bar: prices do not matter to it
            assert before[cell.path.key, row] != after[cell.path.key, row]


@pytest.mark.requirement("R-SIM-03")
def test_another_future_changes_no_fill_before_it() -> None:
    """The book, too: equity until the moment is the same, bit by bit."""
    made, past = _profile("24x7"), _past(0)
    future = Future(moment=150, seed=2, rows=ROWS, scramble=True, holes=0.1, late=True, facts=False)
    equity = []
    for fields in (past, _changed(past, future)):
        panel, cell = _panel(fields, ROWS, "24x7", None), cells(made)[0]
        grid = cell.path.schedule.windows(panel.times, panel.calendar)
        engine = BacktestEngine(panel, {cell.path.schedule: grid})
        rebalances = [one.rebalance for one in engine.play([cell.path])]
        equity.append(engine.settle(cell, rebalances).result.equity[: 150 - grid[0].start])
    assert np.array_equal(*equity)
    assert equity[0][-1] != 1.0
