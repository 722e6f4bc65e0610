"""The walk-forward loop and the books it settles."""

import pickle
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import Field

from builders.toy_engine import Toy
from tvquant.allocation import ENGINES
from tvquant.allocation.caps import FeasibleSet
from tvquant.allocation.engines.contract import EngineAnswer
from tvquant.allocation.risk.contract import RiskProfile
from tvquant.core.books import CostModel, Execution, SimResult, WeightPath
from tvquant.core.decisions import Footing
from tvquant.core.errors import DataError
from tvquant.core.instruments import Kind
from tvquant.core.panel import Floats, Panel
from tvquant.core.problems import Problem
from tvquant.core.selection import SelectionFunnel, SelectionResponse
from tvquant.core.stamps import Stamp
from tvquant.ledger import Ledger, RunFolder, records
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.profiles import Options, Profile
from tvquant.profiles.fields import Real
from tvquant.selection import SELECTION_MODELS, SelectionContext
from tvquant.selection.models.baseline import Baseline
from tvquant.simulation import SIMULATORS
from tvquant.simulation.simulators.custom import Custom
from tvquant.tournament.cells import Cell, cells
from tvquant.tournament.decide import decide
from tvquant.tournament.decision_entries import snapshot_entry
from tvquant.tournament.rebalances import Rebalance
from tvquant.tournament.specs import Previous
from tvquant.tournament.views import look
from tvquant.tournament.walk_forward import BacktestEngine, grids

type Profiles = Callable[..., Profile]
type Walks = Callable[..., dict[str, Floats]]
type Markets = Callable[..., Panel]
type Engines = Callable[[Panel, Profile], BacktestEngine]


def played(engine: BacktestEngine, grid: tuple[Cell, ...]) -> dict[str, list[Rebalance]]:
    """All rebalances, by key of their path."""
    found: dict[str, list[Rebalance]] = {}
    for one in engine.play([cell.path for cell in grid]):
        found.setdefault(one.path.key, []).append(one.rebalance)
    return found


def by_hand(weights: dict[str, float], row: int, **rest: Any) -> Rebalance:
    """A step that no one decided."""
    now = np.datetime64("2020-01-01", "us")
    given = {
        "window": row,
        "digest": "d",
        "inputs": "i",
        "footing": Footing(asked=now, bar=now, quorum=True, alive=1, present=1, missing=()),
        "status": "solved",
        "funnel": SelectionFunnel(
            universe=1, discovery=1, refined=1, selected=1, atoms_discovery=1, atoms_refined=1, atoms_selected=1,
            vetoed={},
        ),
        "stamps": frozenset(),
    }  # fmt: skip
    return Rebalance(row=row, weights=weights, **given | rest)


def test_windows_are_played_in_order_and_every_cell_in_each(
    profile: Profiles, market: Markets, walks: Walks, engine_of: Engines
) -> None:
    made = profile(benchmark__market=["X:A"])
    engine, grid = engine_of(market(walks("ABCDE", 175)), made), cells(made)
    order = [(one.rebalance.window, one.path.key) for one in engine.play([cell.path for cell in grid])]
    assert order == [(w, cell.path.key) for w in (60, 80, 100, 120, 140, 160) for cell in grid]


@pytest.mark.requirement("R-SIM-03")
def test_training_rows_end_before_the_fill(
    profile: Profiles, market: Markets, walks: Walks, engine_of: Engines
) -> None:
    """A window at row i learns from rows [i - 60, i), decides at the close of i - 1 and is filled at i's open."""
    made = profile()
    engine, cell = engine_of(market(walks("ABCDE", 175)), made), cells(made)[0]
    steps, windows = played(engine, (cell,))[cell.path.key], engine.grids[cell.path.schedule]
    settled = engine.settle(cell, steps)
    assert [step.row for step in steps] == [w.start - 1 for w in windows]
    assert settled.result.filled.tolist() == [w.start for w in windows]
    for step, fill in zip(steps, settled.result.filled.tolist(), strict=True):
        training = range(step.row + 1 - made.windows.train, step.row + 1)
        assert fill not in training
        assert len(training) == 60


class Sticky(Toy):
    """Inverse volatility, more of what is held already: it starts from the weights held before."""

    name = "sticky"
    from_previous = True

    def solve(
        self, problem: Problem, feasible: FeasibleSet, risk_profile: RiskProfile, options: tuple[Options, ...]
    ) -> EngineAnswer:
        answer = super().solve(problem, feasible, risk_profile, options)
        assert answer.weights is not None
        return replace(answer, weights=answer.weights * (1.0 + 9.0 * problem.previous))


@pytest.mark.requirement("R-TRN-01")
def test_drafts_stand_only_where_what_was_held_makes_no_difference(
    profile: Profiles, market: Markets, walks: Walks, engine_of: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside each path decided by itself, in order, nothing prepared: all fall by six tenths at row 130."""
    for module in ("tvquant.allocation", "tvquant.tournament.cells", "tvquant.tournament.decide"):
        monkeypatch.setattr(f"{module}.ENGINES", {**ENGINES, "sticky": Sticky()})
    monkeypatch.setattr(sys.modules["tvquant.allocation.allocate"], "ENGINES", {**ENGINES, "sticky": Sticky()})
    made = profile(
        allocation__engines=["sticky", "custom"], allocation__profiles=["risk_parity"], risk__primary="risk_parity"
    )
    fallen = {name: np.where(np.arange(220) < 130, 1.0, 0.4) * close for name, close in walks("ABCDEF", 220).items()}
    engine, grid = engine_of(market(fallen), made), cells(made)
    found = list(engine.play([cell.path for cell in grid]))
    alone: dict[str, list[dict[str, Any]]] = {}
    for cell in grid:
        previous = Previous()
        for window in engine.grids[cell.path.schedule]:
            decision = decide(look(engine.panel, window.start - 1), cell.spec, previous)
            alone.setdefault(cell.path.key, []).append(decision.payload())
            one = Rebalance.of(window.id, window.start - 1, decision, None)
            previous = one.previous(engine.panel.times)
    for key, payloads in alone.items():
        assert [one.decision.payload() for one in found if one.path.key == key] == payloads
    sticky, custom = (f"baseline/{name}/risk_parity" for name in ("sticky", "custom"))
    assert [one.decision.survival is not None for one in found if one.path.key == custom] == [
        False, False, False, False, True, True, True, False,
    ]  # fmt: skip
    assert len({tuple(one.rebalance.weights.values()) for one in found if one.path.key == sticky}) > 5
    chosen_by = [(one, entry) for one in found for entry in one.records if entry.kind == "selection"]
    recorded = [(one.rebalance.window, one.path.key) for one, _ in chosen_by]
    assert recorded == [(window, sticky) for window in range(100, 220, 20)], "once for all who share it, with the first"
    chosen = {one.rebalance.window: entry.outputs["selection"] for one, entry in chosen_by}
    shared = {key: one.rebalance.selection for one in found if (key := one.rebalance.window) in chosen and
              one.path.key in (sticky, custom)}  # fmt: skip
    assert shared == chosen


@pytest.mark.requirement("R-TRN-01")
@pytest.mark.requirement("R-SEL-03")
def test_what_paths_share_at_a_row_is_computed_once(
    profile: Profiles, market: Markets, walks: Walks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two selections x two trains x two steps x two risk profiles, at the one row at which all are due."""
    counts: Counter[str] = Counter()
    counted = {
        "tvquant.tournament.candidates": ("history", "discover", "judge", "synthesise"),
        "tvquant.selection.stages.feature_engineering": ("cvar", "hurst"),
        "tvquant.selection.stages.partitioning": ("average_correlation", "partition"),
        "tvquant.tournament.training": ("estimate",),
    }
    for module, names in counted.items():
        for name in names:
            real = getattr(sys.modules[module], name)

            def counting(*given: Any, _real: Any = real, _name: str = name, **named: Any) -> Any:
                counts[_name] += 1
                return _real(*given, **named)

            monkeypatch.setattr(f"{module}.{name}", counting)
    made = profile(
        selection__model="v4", grid__selections={"v3.4": {"model": "v3.4"}}, grid__train=[90], grid__step=[10],
        windows__test=20, data__start="2020-06-29",
    )  # fmt: skip
    panel, grid = market(walks("ABCDEFGHIJKL", 190)), cells(made)
    engine = BacktestEngine(panel, {cell.path.schedule: cell.path.schedule.windows(panel.times, panel.calendar)
                                    for cell in grid})  # fmt: skip
    due = [one for one in engine.due([cell.path for cell in grid], {}) if len(one.windows) == len(grid)]
    engine.draft(due[0])
    assert len(grid) == 4 * (2 * 2 + 3)
    both, four = 2, 4
    assert counts == {
        "history": 1, "discover": 1, "judge": both, "cvar": 1, "hurst": 1, "average_correlation": 1, "partition": 1,
        "estimate": four, "synthesise": 1 + four,
    }  # fmt: skip


@pytest.mark.requirement("R-LED-12")
def test_playing_twice_gives_the_same_digests(
    profile: Profiles, market: Markets, walks: Walks, engine_of: Engines
) -> None:
    made = profile(benchmark__market=["X:A"])
    grid = cells(made)

    def digests(seed: int) -> list[str]:
        engine = engine_of(market(walks("ABCDEF", 200, seed)), made)
        return [engine.settle(c, played(engine, grid)[c.path.key]).digest for c in grid]

    assert digests(0) == digests(0)
    assert not set(digests(0)) & set(digests(1))


def test_cells_may_be_played_in_any_grouping(
    profile: Profiles, market: Markets, walks: Walks, engine_of: Engines
) -> None:
    made = profile(benchmark__market=["X:A"])
    engine, grid = engine_of(market(walks("ABCDEF", 200)), made), cells(made)
    alone = {key: found for cell in grid for key, found in played(engine, (cell,)).items()}
    assert played(engine, grid) == alone


def test_a_worker_gets_the_engine_with_the_features_of_all_that_is_due(
    profile: Profiles, market: Markets, walks: Walks, engine_of: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row of three windows lacks its quorum, and one before it answers: that one is among them."""
    made, close = profile(), walks("ABCDEF", 200)
    lacking = engine_of(market(close), made).due([cell.path for cell in cells(made)], {})[1].row
    for name in "ABC":
        close[name][lacking - 2 : lacking + 1] = np.nan
    engine, grid, calls = engine_of(market(close), made), cells(made), []
    engine.take_features(engine.due([cell.path for cell in grid], {}))
    sent, here = pickle.dumps(engine), played(engine_of(market(close), made), grid)
    for name in ("history", "compute"):
        monkeypatch.setattr(f"tvquant.tournament.candidates.{name}", lambda *a, **k: calls.append(a))
    received = pickle.loads(sent)
    assert played(received, grid) == here
    assert not calls
    panel = received.panel
    assert panel.known_at.strides == engine.panel.known_at.strides, "one column stands for all there, too"
    assert not any(array.flags.writeable for array in (*panel.fields.values(), panel.tradable, panel.times))
    assert panel.digest() == engine.panel.digest()


def test_a_book_of_one_name_by_hand(profile: Profiles, market: Markets, engine_of: Engines) -> None:
    """Half of it in one name, bought at the next open: units are fixed at the mark of 100, the cost is 6 bp."""
    close = np.full(100, 100.0)
    close[60:] = np.linspace(110.0, 130.0, 40)
    made = profile()
    engine = engine_of(market({"A": close}), made)
    settled = engine.settle(cells(made)[-1], [by_hand({"X:A": 0.5}, 59)])
    units = 0.5 / 100.0
    cash = 1.0 - units * 100.0 * (1.0 + 6e-4)  # the bar of row 60 opens at row 59's close
    assert settled.result.equity == pytest.approx(cash + units * close[60:], rel=1e-12)
    assert settled.performance.total_return == pytest.approx(cash + units * 130.0 - 1.0, rel=1e-12)
    assert settled.cell.baseline


class Dearer(Options):
    """Option of a toy simulator.

    Parameters
    ----------
    times : slippage of the costs.
    """

    under = "dearer"
    times: Real = Field(default=1.0, ge=0)


class Second(Custom):
    """The house account with dearer fills."""

    options: ClassVar[tuple[type[Options], ...]] = (Dearer,)

    def simulate(
        self, panel: Panel, path: WeightPath, options: tuple[Options, ...], /, *, costs: CostModel, execution: Execution
    ) -> SimResult:
        slippage = costs.slippage_bps * Dearer.among(options).times
        return super().simulate(panel, path, costs=replace(costs, slippage_bps=slippage), execution=execution)


def test_the_value_of_a_simulators_option_reaches_the_book(
    profile: Profiles, market: Markets, engine_of: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("tvquant.simulation", "tvquant.tournament.cells", "tvquant.tournament.walk_forward"):
        monkeypatch.setattr(f"{module}.SIMULATORS", {**SIMULATORS, "second": Second()})
    made = profile(execution__simulators=["custom", "second"], execution__dearer__times=3.0)
    engine = engine_of(market({"A": np.full(100, 50.0)}), made)
    plain, dear = (engine.settle(cell, [by_hand({"X:A": 0.5}, 70)]).result for cell in cells(made)[:2])
    assert plain.costs["slippage"].sum() > 0.0
    np.testing.assert_allclose(dear.costs["slippage"], 3.0 * plain.costs["slippage"], rtol=1e-12)
    np.testing.assert_array_equal(dear.costs["commission"], plain.costs["commission"])


def test_fewer_bars_make_a_caveat(profile: Profiles, market: Markets, walks: Walks, engine_of: Engines) -> None:
    made, steps = profile(), [by_hand({"X:A": 0.5}, 59, stamps=frozenset({Stamp.SWEPT_WINDOWS}))]
    with_volume = engine_of(market(walks("AB", 100)), made).settle(cells(made)[0], steps)
    without = engine_of(market(walks("AB", 100), volume=False), made).settle(cells(made)[0], steps)
    assert with_volume.stamps == {Stamp.SWEPT_WINDOWS}
    assert without.stamps == {Stamp.SWEPT_WINDOWS, Stamp.NO_VOLUME}


def test_a_book_that_loses_everything_ends_there(profile: Profiles, market: Markets, engine_of: Engines) -> None:
    """Short all of a swap that triples: equity is never below zero, and nothing is earned after."""
    close = np.full(100, 100.0)
    close[70:] = 300.0
    made = profile()
    engine = engine_of(market({"A": close}, kind=Kind.SWAP), made)
    settled = engine.settle(cells(made)[0], [by_hand({"X:A": -1.0}, 59), by_hand({"X:A": 1.0}, 79)])
    assert settled.result.failure == "liquidated"
    assert settled.result.equity[10:] == pytest.approx(0.0)
    assert settled.performance.bankrupt
    assert settled.performance.cagr == -1.0
    assert settled.result.filled.tolist() == [60]


@pytest.mark.requirement("R-SIM-01")
def test_windows_before_any_history_are_skipped(
    profile: Profiles, market: Markets, walks: Walks, engine_of: Engines
) -> None:
    """Ninety bars are known at the close of row 89: the window at row 100 is the first with a name."""
    made = profile()
    engine = engine_of(market(walks("AB", 200)), made)
    assert [grid[0].start for grid in grids(engine.panel, [cell.path for cell in cells(made)]).values()] == [100]


@pytest.mark.requirement("R-SIM-01")
@pytest.mark.parametrize("floor", [90, 95])
def test_the_first_window_stands_right_behind_the_last_bar_that_history_needs(
    floor: int, profile: Profiles, market: Markets, walks: Walks
) -> None:
    made = profile(windows__step=1, windows__test=1, data__min_history=floor)
    path = cells(made)[0].path
    grid = grids(market(walks("AB", 120)), [path])[path.schedule]
    assert (grid[0].start, grid[-1].start) == (floor, 119)


@pytest.mark.parametrize(("name", "periods"), [("24x7", 365), ("XNYS", 252)])
def test_selection_and_measures_annualise_by_the_calendar_of_the_panel(
    name: str, periods: int, profile: Profiles, market: Markets, walks: Walks, engine_of: Engines,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    seen = set()

    class Asking(Baseline):
        def select(self, context: SelectionContext) -> SelectionResponse:
            seen.add(context.periods_per_year)
            return super().select(context)

    monkeypatch.setattr("tvquant.tournament.candidates.SELECTION_MODELS", {**SELECTION_MODELS, "baseline": Asking()})
    engine, cell = engine_of(market(walks("ABCDE", 175), name=name), made := profile()), cells(made)[0]
    settled = engine.settle(cell, [one.rebalance for one in engine.play([cell.path])])
    assert seen == {periods}
    expected = settled.result.returns.std(ddof=1) * np.sqrt(periods)
    assert settled.performance.volatility == pytest.approx(expected, rel=1e-12)


def test_a_panel_without_history_is_refused(
    profile: Profiles, market: Markets, walks: Walks, engine_of: Engines
) -> None:
    made = profile()
    engine = engine_of(market(walks("AB", 89)), made)
    with pytest.raises(DataError, match=r"no name of the universe has 90 bars at any of 2 windows over 89 rows"):
        grids(engine.panel, [cell.path for cell in cells(made)])


@pytest.mark.requirement("R-LED-05")
def test_a_step_comes_back_from_its_record(
    tmp_path: Path,
    profile: Profiles,
    market: Markets,
    walks: Walks,
    engine_of: Engines,
    ledger_in: Callable[[Path], Ledger],
) -> None:
    made = profile(benchmark__market=["X:A"])
    engine, grid = engine_of(market(walks("ABCDEF", 200)), made), cells(made)
    steps = []
    with ledger_in(tmp_path / "run") as ledger:
        cell_of = {cell.path.key: cell for cell in grid}
        for one in engine.play([cell.path for cell in grid]):
            for entry in (*one.records, snapshot_entry(cell_of[one.path.key], one.rebalance, one.decision)):
                ledger.record(entry)
            steps.append((cell_of[one.path.key].key, one.rebalance))
    found, run = list(records(tmp_path / "run", kind="snapshot")), RecordedRun(RunFolder(tmp_path / "run"))
    read = {cell: iter(made.values()) for cell, made in run.decisions.items()}
    again = [(cell, next(read[cell])) for cell, _ in steps]
    assert [(cell, Rebalance.of(d.window, d.row, d.decision, d.selection)) for cell, d in again] == steps
    assert {step.status for _, step in steps} == {"no_candidate", "solved", "baseline"}
    last = found[-5]
    assert last.chain == "baseline/custom/min_variance/custom"
    assert (last.metrics["position_cap"], last.metrics["cluster_cap"]) == (0.25, 0.25)
    assert last.metrics["gross"] + last.metrics["cash"] == pytest.approx(1.0, abs=1e-12)


def test_dispersion_is_of_the_rows_that_are_filled_and_found_once(market: Markets) -> None:
    """B doubles in the second row alone, A never moves: sqrt(1/2) over spans with it, 0 over others."""
    panel = market({"A": np.full(4, 100.0), "B": np.array([100.0, 200.0, 200.0, 200.0])})
    engine = BacktestEngine(panel, {})
    both, late = engine.dispersion(np.array([0, 1])), engine.dispersion(np.array([1, 2]))
    np.testing.assert_allclose(both, [np.sqrt(0.5), 0.0])
    np.testing.assert_allclose(late, [0.0, 0.0])
    assert engine.dispersion(np.array([0, 1])) is both
