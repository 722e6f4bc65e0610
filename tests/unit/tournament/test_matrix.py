"""The whole matrix, played into a real ledger and a real result store."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from builders.ledgers import Killed, Mortal
from tvquant.core.clock import Clock
from tvquant.core.decisions import Decision
from tvquant.core.errors import DataError, LedgerError, ModelError
from tvquant.core.panel import Floats, Panel
from tvquant.core.records import DECISION, chain_of
from tvquant.core.selection import SelectionResponse
from tvquant.ledger import Integrity, Ledger, RunFolder, records, verify
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.ledger.result_store import ResultStore
from tvquant.profiles import Profile
from tvquant.selection import SELECTION_MODELS, SelectionContext
from tvquant.selection.models.baseline import Baseline
from tvquant.simulation import SIMULATORS
from tvquant.simulation.simulators.custom import Custom
from tvquant.tournament.cells import Cell, books, cells, crossed, paths, schedule
from tvquant.tournament.decide import decide
from tvquant.tournament.matrix import NOTHING, Matrix, Resumed, play_matrix
from tvquant.tournament.rebalances import Rebalance
from tvquant.tournament.specs import BaseUniverseSpec, MarketSpec, Previous, Spec
from tvquant.tournament.views import View
from tvquant.tournament.walk_forward import BacktestEngine

type Profiles = Callable[..., Profile]
type Walks = Callable[..., dict[str, Floats]]
type Markets = Callable[..., Panel]
type Engines = Callable[[Panel, Profile], BacktestEngine]
type Begin = Callable[[Path], Ledger]

SHARED = ("selection", "context", "decision")
TABLES = ("returns", "windows", "weights", "events")
PATH = "baseline/custom/min_variance"
STRATEGY = f"{PATH}/custom"


def play(
    engine: BacktestEngine,
    grid: Sequence[Cell],
    ledger: Any,
    folder: Path,
    *,
    jobs: int = 1,
    resumed: Resumed = NOTHING,
    progress: Callable[[int], object] = int,
) -> Matrix:
    return play_matrix(
        engine, grid, resumed=resumed, recorder=ledger, sink=ResultStore(folder / "results"), jobs=jobs,
        progress=progress, settled=lambda *_: None,
    )  # fmt: skip


def recorded(folder: Path) -> Resumed:
    """What a ledger tells of an interrupted matrix."""
    run = RecordedRun(RunFolder(folder))
    rebalances = {
        cell: [Rebalance.of(one.window, one.row, one.decision, one.selection) for one in made.values()]
        for cell, made in run.decisions.items()
    }
    leaves = {cell.key: cell.leaf for cell in run.outcomes}
    return Resumed(rebalances=rebalances, leaves=leaves, shared=run.shared)


@pytest.fixture
def made(profile: Profiles) -> Profile:
    return profile(benchmark__market=["X:A"])


@pytest.fixture
def engine(made: Profile, market: Markets, walks: Walks, engine_of: Engines) -> BacktestEngine:
    """Six names with one that dies and one that is listed late; windows at 60 ... 240, those before 100 in cash."""
    close = walks("ABCDEF", 250)
    close["B"][190:] = np.nan
    close["F"][:70] = np.nan
    return engine_of(market(close), made)


def test_every_cell_is_played_settled_recorded_and_sealed(
    tmp_path: Path, made: Profile, engine: BacktestEngine, ledger_in: Begin
) -> None:
    run, counts = tmp_path / "run", []
    ledger = ledger_in(run)
    matrix = play(engine, cells(made), ledger, run, progress=counts.append)
    ledger.seal(matrix.leaves)
    keys = [cell.key for cell in cells(made)]
    assert (list(matrix.leaves), matrix.failed) == (keys, {})
    assert sum(counts) == len(keys) * 10 == 50
    assert verify(run).status is Integrity.OK
    assert next(records(run, kind="seal")).outputs["result"] == matrix.digest
    for key in keys:
        kinds = [r.kind for r in records(run, chain=key)]
        assert kinds == ["intent", *["snapshot"] * 10, "outcome"]
        assert next(records(run, chain=key, kind="outcome")).outputs["cell"] == matrix.leaves[key]
    assert set(ResultStore(run / "results").read("weights")["cell"]) == set(keys)


@pytest.mark.xdist_group("loky")
@pytest.mark.requirement("R-LED-12")
def test_the_number_of_processes_changes_nothing(
    tmp_path: Path, made: Profile, market: Markets, walks: Walks, engine_of: Engines, ledger_in: Begin
) -> None:
    """All fall by six tenths at row 130: what is drafted for the three decisions after it does not stand."""
    fallen = {name: np.where(np.arange(250) < 130, 1.0, 0.4) * close for name, close in walks("ABCDEF", 250).items()}
    engine, found = engine_of(market(fallen), made), []
    for jobs in (1, 2):
        run = tmp_path / str(jobs)
        with ledger_in(run) as ledger:
            matrix = play(engine, cells(made), ledger, run, jobs=jobs)
        chains = [key for c in cells(made) for key in (c.key, chain_of(DECISION, c.path.key))]
        recorded = {key: [(r.outputs, r.metrics, r.data) for r in records(run, chain=key)] for key in chains}
        store = ResultStore(run / "results")
        tables = [store.read(table) for table in TABLES]
        found.append((matrix.leaves, matrix.digest, recorded, tables))
    one, two = found
    strategy = next(c.path.key for c in cells(made) if c.key == STRATEGY)
    decisions = one[2][chain_of(DECISION, strategy)]
    guarded = [data["survival"]["left"] for _, _, data in decisions if "survival" in data]
    assert guarded == [3, 2, 1]
    assert one[:3] == two[:3]
    assert all(a.equals(b) for a, b in zip(one[3], two[3], strict=True))


@pytest.mark.requirement("R-TRN-18")
def test_a_killed_matrix_goes_on_and_ends_alike(
    tmp_path: Path, made: Profile, engine: BacktestEngine, ledger_in: Begin, clock: Clock
) -> None:
    """Each kind of record is the last one once: after 5 intents a context, a decision and its snapshot come first.

    The first selection is record 32; 50 snapshots are 50 decisions, and there are 5 outcomes of 148 records.
    """
    whole = tmp_path / "whole"
    with ledger_in(whole) as ledger:
        expected = play(engine, cells(made), ledger, whole)
    stored = {table: ResultStore(whole / "results").read(table) for table in TABLES}

    def goes_on(killed_after: int) -> None:
        run, counts = tmp_path / str(killed_after), []
        with ledger_in(run) as ledger, pytest.raises(Killed):
            play(engine, cells(made), Mortal(ledger, killed_after), run)
        before = recorded(run)
        with Ledger.resume(run, run_id="r", clock=clock) as ledger:
            matrix = play(engine, cells(made), ledger, run, resumed=before, progress=counts.append)
            ledger.seal(matrix.leaves)
        assert matrix.leaves == expected.leaves
        assert sum(counts) == 50
        assert verify(run).status is Integrity.OK
        found = Counter((r.chain, r.kind) for r in records(run))
        for cell in cells(made):  # no step and no outcome twice
            assert (found[cell.key, "snapshot"], found[cell.key, "outcome"]) == (10, 1)
        shared = {kind: sum(n for (_, other), n in found.items() if other == kind) for kind in SHARED}
        assert shared == {"selection": 8, "context": 30, "decision": 50}
        assert all(ResultStore(run / "results").read(table).equals(stored[table]) for table in TABLES)

    for killed_after in (1, 5, 6, 7, 32, 33, 34, 143, 147):
        goes_on(killed_after)


@pytest.mark.xdist_group("loky")
@pytest.mark.requirement("R-TRN-18")
def test_what_one_process_began_two_may_finish(
    tmp_path: Path, made: Profile, engine: BacktestEngine, ledger_in: Begin, clock: Clock
) -> None:
    run = tmp_path / "run"
    with ledger_in(tmp_path / "whole") as ledger:
        expected = play(engine, cells(made), ledger, tmp_path / "whole")
    with ledger_in(run) as ledger, pytest.raises(Killed):
        play(engine, cells(made), Mortal(ledger, 4 + 18), run)
    with Ledger.resume(run, run_id="r", clock=clock) as ledger:
        matrix = play(engine, cells(made), ledger, run, jobs=2, resumed=recorded(run))
    assert matrix.leaves == expected.leaves


def test_a_finished_cell_that_settles_otherwise_now_is_named(
    tmp_path: Path, made: Profile, engine: BacktestEngine, ledger_in: Begin, clock: Clock
) -> None:
    run = tmp_path / "run"
    with ledger_in(run) as ledger, pytest.raises(Killed):
        play(engine, cells(made), Mortal(ledger, 145), run)
    before = recorded(run)
    (first, leaf), *_ = before.leaves.items()
    changed = replace(before, leaves={**before.leaves, first: "0" * 64})
    with Ledger.resume(run, run_id="r", clock=clock) as ledger, pytest.raises(LedgerError, match=f"0000 .* as {leaf}"):
        play(engine, cells(made), ledger, run, resumed=changed)


def _spoiled(engine: BacktestEngine, made: Profile, *keys: str) -> Mapping[str, Sequence[Rebalance]]:
    """Recorded steps of the cells whose weights no book can trade: F is held before its first bar."""
    chosen = {cell.path.key: cell for cell in cells(made) if cell.key in keys}
    found: dict[str, list[Rebalance]] = {key: [] for key in keys}
    for one in engine.play([cell.path for cell in chosen.values()]):
        weights = {"X:F": 0.1} if one.rebalance.window == 60 else one.rebalance.weights
        found[chosen[one.path.key].key].append(replace(one.rebalance, weights=weights))
    return found


def test_a_cell_that_fails_leaves_the_others(
    tmp_path: Path, made: Profile, engine: BacktestEngine, ledger_in: Begin
) -> None:
    with ledger_in(tmp_path / "whole") as ledger:
        whole = play(engine, cells(made), ledger, tmp_path / "whole")
    run = tmp_path / "run"
    resumed = Resumed(rebalances=_spoiled(engine, made, STRATEGY), leaves={}, shared=frozenset())
    ledger = ledger_in(run)
    matrix = play(engine, cells(made), ledger, run, resumed=resumed)
    ledger.seal(matrix.leaves)
    assert list(matrix.failed) == [STRATEGY]
    assert "X:F: weight 0.1 at decision 0 (row 59) comes before its first bar" in matrix.failed[STRATEGY]
    others = {key: leaf for key, leaf in whole.leaves.items() if key != STRATEGY}
    assert {key: leaf for key, leaf in matrix.leaves.items() if key != STRATEGY} == others
    assert matrix.digest != whole.digest
    outcome = next(records(run, chain=STRATEGY, kind="outcome"))
    assert (outcome.metrics, outcome.data) == (
        {"status": "failed", "baseline": False}, {"why": matrix.failed[STRATEGY]}
    )  # fmt: skip
    assert STRATEGY not in set(ResultStore(run / "results").read("returns")["cell"])


def test_without_a_strategy_left_the_matrix_fails(
    tmp_path: Path, made: Profile, engine: BacktestEngine, ledger_in: Begin
) -> None:
    keys = [cell.key for cell in cells(made) if not cell.baseline]
    resumed = Resumed(rebalances=_spoiled(engine, made, *keys), leaves={}, shared=frozenset())
    with ledger_in(tmp_path / "run") as ledger, pytest.raises(ModelError, match=r"no cell is left: .*\(2 cells failed"):
        play(engine, cells(made), ledger, tmp_path / "run", resumed=resumed)


def test_without_a_candidate_at_any_date_there_is_nothing_to_report(
    tmp_path: Path, made: Profile, market: Markets, walks: Walks, engine_of: Engines, ledger_in: Begin
) -> None:
    """Too little history everywhere; the market alone is no result."""
    engine = engine_of(market(walks("ABC", 89)), made)
    with (
        ledger_in(tmp_path / "run") as ledger,
        pytest.raises(DataError, match=r"no name was eligible at any of 4 decisions.*3 names.*history 3"),
    ):
        play(engine, cells(made), ledger, tmp_path / "run")


def test_names_without_any_allocation_are_no_lack_of_names(
    tmp_path: Path, profile: Profiles, market: Markets, walks: Walks, engine_of: Engines, ledger_in: Begin
) -> None:
    """One window, at which both eligible names share a single return: nothing to allocate by, and that is said."""
    close = walks("AB", 152)
    close["A"][149] = close["B"][148] = np.nan
    made = profile(windows__train=3, data__max_missing=0.5, data__span=4)
    engine = engine_of(market(close, name="XNYS"), made)
    with (
        ledger_in(tmp_path / "run") as ledger,
        pytest.raises(ModelError, match=r"no allocation was found at any of 2 decisions, 2 of which had eligible"),
    ):
        play(engine, cells(made), ledger, tmp_path / "run")
    tried = next(records(tmp_path / "run", chain=f"decision/{PATH}", kind="decision")).data["allocation"]["attempts"]
    assert "at least 2 rows" in tried[0]["outcome"]


def test_a_date_without_a_candidate_is_cash_and_says_so(
    tmp_path: Path, made: Profile, market: Markets, walks: Walks, engine_of: Engines, ledger_in: Begin
) -> None:
    """No name has the history for the windows at 60 and 80: they are cash, with those after them invested."""
    engine = engine_of(market(walks("ABCDE", 200)), made)
    run = tmp_path / "run"
    with ledger_in(run) as ledger:
        play(engine, cells(made), ledger, run)
    windows = {r["window"]: r for r in ResultStore(run / "results").read("windows").to_dicts() if r["cell"] == STRATEGY}
    assert {w: r["status"] for w, r in windows.items()} == {
        60: "no_candidate", 80: "no_candidate", 100: "solved", 120: "solved", 140: "solved", 160: "solved",
        180: "solved",
    }  # fmt: skip
    assert (windows[80]["names"], windows[80]["cash"]) == (0, 1.0)
    assert windows[100]["return"] != 0.0
    returns = ResultStore(run / "results").read("returns")
    mine = returns.filter(returns["cell"] == STRATEGY)
    assert (mine["gross"].to_numpy()[: 100 - 60] == 0.0).all()
    outcome = next(records(run, chain=STRATEGY, kind="outcome"))
    assert outcome.metrics["windows_without_candidate"] == 2


@pytest.mark.requirement("R-SIM-03")
def test_a_ragged_bar_sells_nothing_and_is_told(
    tmp_path: Path, made: Profile, market: Markets, walks: Walks, engine_of: Engines, ledger_in: Begin
) -> None:
    """One name of five has the bar of row 139: the window at 140 decides on row 138 and is filled in its own time."""
    close = walks("ABCDE", 200)
    for name in "BCDE":
        close[name][139] = np.nan
    engine = engine_of(market(close, name="XNYS"), made)
    run = tmp_path / "run"
    with ledger_in(run) as ledger:
        play(engine, cells(made), ledger, run)
    rows = [r for r in ResultStore(run / "results").read("windows").to_dicts() if r["cell"] == STRATEGY]
    ragged = next(r for r in rows if r["window"] == 140)
    times = engine.panel.times.astype("datetime64[us]").tolist()
    assert (ragged["status"], ragged["names"]) == ("solved", 5)
    assert (ragged["decided_at"], ragged["bar"], ragged["quorum"]) == (times[139], times[138], True)
    assert ragged["filled_at"] == times[140]
    assert all(r["bar"] == r["decided_at"] for r in rows if r is not ragged)
    book = engine.settle(cells(made)[0], recorded(run).rebalances[STRATEGY]).result
    assert (book.quantities[140 - book.filled[0]] > 0.0).all()
    outcome = next(records(run, chain=STRATEGY, kind="outcome")).metrics
    assert (outcome["windows_earlier_bar"], outcome["windows_without_quorum"]) == (1, 0)
    made = RecordedRun(RunFolder(run)).decisions[STRATEGY][140].decision
    assert made.footing is not None
    assert made.footing.payload() == {
        "asked": str(engine.panel.times[139]), "bar": str(engine.panel.times[138]), "quorum": True, "alive": 5,
        "present": 1, "missing": [],
    }  # fmt: skip


class Stumbling(Baseline):
    """The model that selects everyone, and has no answer on one day."""

    def select(self, context: SelectionContext) -> SelectionResponse:
        if context.decided_at == DAY:
            raise ModelError("no answer today")
        return super().select(context)


DAY = np.datetime64("2020-05-20", "us")
"""Known at the close of row 139, which the window at 140 decides on."""


@pytest.mark.requirement("R-TRN-18")
def test_a_selection_without_an_answer_is_cash_for_its_window_and_the_rest_plays_on(
    tmp_path: Path, made: Profile, engine: BacktestEngine, ledger_in: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    monkeypatch.setattr("tvquant.tournament.candidates.SELECTION_MODELS", {**SELECTION_MODELS, "baseline": Stumbling()})
    with ledger_in(run) as ledger:
        matrix = play(engine, cells(made), ledger, run)
    assert matrix.failed == {}
    statuses = {
        chain: {r.metrics["window"]: r.metrics["status"] for r in records(run, chain=chain, kind="snapshot")}
        for chain in matrix.leaves
    }
    unselected = {cell.key for cell in cells(made) if isinstance(cell.spec, BaseUniverseSpec | MarketSpec)}
    for chain, said in statuses.items():
        expected = "baseline" if chain in unselected else "failed"
        assert said[140] == expected
        assert "failed" not in {status for window, status in said.items() if window != 140}
    decision = RecordedRun(RunFolder(run)).decisions[STRATEGY][140].decision
    assert (decision.failure, decision.weights) == ("no answer today", {})
    outcome = next(records(run, chain=STRATEGY, kind="outcome")).metrics
    assert (outcome["status"], outcome["windows_failed"]) == ("played", 1)
    assert recorded(run).rebalances[STRATEGY][4].status == "failed", "and comes back from the ledger"


def test_a_book_that_is_wiped_out_is_an_outcome(
    tmp_path: Path, profile: Profiles, market: Markets, walks: Walks, engine_of: Engines, ledger_in: Begin
) -> None:
    """The market is one coin that ends, and a delisting takes everything; the strategies go on."""
    close = walks("ABCDE", 200)
    close["A"][150:] = np.nan
    made = profile(benchmark__market=["X:A"], execution__delisting_haircut=1.0)
    run = tmp_path / "run"
    with ledger_in(run) as ledger:
        matrix = play(engine_of(market(close), made), cells(made), ledger, run)
    outcome = next(records(run, chain="market/custom", kind="outcome")).metrics
    assert (outcome["status"], outcome["total_return"]) == ("liquidated", -1.0)
    assert not matrix.failed
    assert next(records(run, chain=STRATEGY, kind="outcome")).metrics["status"] == "played"
    windows = ResultStore(run / "results").read("windows")
    assert windows.filter(windows["cell"] == "market/custom")["filled_at"].is_null().sum() > 0


class Second(Custom):
    """A toy simulator: the same account under another name."""

    name: ClassVar[str] = "second"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often `decide` decided and a model selected."""
    counts: Counter[str] = Counter()

    class Counting(Baseline):
        def select(self, context: SelectionContext) -> SelectionResponse:
            counts["select"] += 1
            return super().select(context)

    def counting(view: View, spec: Spec, previous: Previous) -> Decision:
        counts["decide"] += 1
        return decide(view, spec, previous)

    monkeypatch.setattr("tvquant.tournament.walk_forward.decide", counting)
    monkeypatch.setattr("tvquant.tournament.candidates.SELECTION_MODELS", {**SELECTION_MODELS, "baseline": Counting()})
    return counts


@pytest.fixture
def doubled(made: Profile, monkeypatch: pytest.MonkeyPatch) -> tuple[Cell, ...]:
    """Every path of the profile in two books: a second simulator is one line of the catalogue."""
    monkeypatch.setattr("tvquant.tournament.walk_forward.SIMULATORS", {**SIMULATORS, "second": Second()})
    (first,) = books(made)
    return crossed(paths(made, [schedule(made)]), (first, replace(first, key="second", simulator="second")))


@pytest.mark.requirement("R-LED-05")
def test_two_simulators_settle_what_is_decided_once(
    tmp_path: Path,
    made: Profile,
    engine: BacktestEngine,
    ledger_in: Begin,
    doubled: tuple[Cell, ...],
    counted: Counter[str],
) -> None:
    run, alone = tmp_path / "run", tmp_path / "alone"
    with ledger_in(alone) as ledger:
        one = play(engine, cells(made), ledger, alone)
    single = counted.copy()
    counted.clear()
    progress: list[int] = []
    with ledger_in(run) as ledger:
        two = play(engine, doubled, ledger, run, progress=progress.append)
    assert counted == single == {"decide": 5 * 10, "select": 8}, "the windows at 60 and 80 have no name to select"
    assert sum(progress) == len(doubled) * 10
    assert {key: leaf for key, leaf in two.leaves.items() if key in one.leaves} == one.leaves
    for cell in doubled:
        told = [(r.outputs, r.metrics, r.data) for r in records(run, chain=cell.key, kind="snapshot")]
        assert told == [
            (r.outputs, r.metrics, r.data) for r in records(alone, chain=f"{cell.path.key}/custom", kind="snapshot")
        ]
        assert two.leaves[cell.key] == one.leaves[f"{cell.path.key}/custom"], "the toy keeps the same book"
    assert len(list(records(run, kind="selection"))) == 8


@pytest.mark.requirement("R-TRN-18")
def test_a_run_killed_between_two_books_of_a_path_goes_on(
    tmp_path: Path,
    engine: BacktestEngine,
    ledger_in: Begin,
    clock: Clock,
    doubled: tuple[Cell, ...],
    counted: Counter[str],
) -> None:
    """Ten intents come first: after 13 records one book of the first path knows of a decision, the other not."""
    whole = tmp_path / "whole"
    with ledger_in(whole) as ledger:
        expected = play(engine, doubled, ledger, whole)

    def goes_on(killed_after: int) -> None:
        run = tmp_path / str(killed_after)
        with ledger_in(run) as ledger, pytest.raises(Killed):
            play(engine, doubled, Mortal(ledger, killed_after), run)
        before = recorded(run)
        counted.clear()
        with Ledger.resume(run, run_id="r", clock=clock) as ledger:
            matrix = play(engine, doubled, ledger, run, resumed=before)
        assert matrix.leaves == expected.leaves
        for cell in doubled:
            windows = [r.metrics["window"] for r in records(run, chain=cell.key, kind="snapshot")]
            assert windows == list(range(60, 250, 20)), "none twice"
        shortest = {p: min(len(before.rebalances.get(c.key, ())) for c in doubled if c.path.key == p) for p in
                    {cell.path.key for cell in doubled}}  # fmt: skip
        assert counted["decide"] == sum(10 - have for have in shortest.values())

    for killed_after in (11, 12, 13, 14, 40):
        goes_on(killed_after)


def test_two_schedules_are_two_paths_with_selections_of_their_own(
    tmp_path: Path, made: Profile, engine: BacktestEngine, ledger_in: Begin
) -> None:
    """A second grid is one more schedule; what the first grid decides is what it decides alone."""
    own = schedule(made)
    slow = replace(own, train=80, step=40, test=40)
    grid = crossed(paths(made, [own, slow]), books(made))
    both = BacktestEngine(
        engine.panel, {one: one.windows(engine.panel.times, engine.panel.calendar) for one in (own, slow)}
    )
    run, alone = tmp_path / "run", tmp_path / "alone"
    with ledger_in(alone) as ledger:
        one = play(engine, cells(made), ledger, alone)
    with ledger_in(run) as ledger:
        two = play(both, grid, ledger, run)
    assert len(grid) == len(set(two.leaves)) == 2 * len(one.leaves)
    for cell in cells(made):
        assert two.leaves[cell.key] == one.leaves[cell.key]
        slower = f"{cell.path.key}/80-40-40/custom"
        windows = [r.metrics["window"] for r in records(run, chain=slower, kind="snapshot")]
        assert windows == [80, 120, 160, 200, 240]
    chains = Counter(r.chain for r in records(run, kind="selection"))
    assert chains == {"selection/baseline": 8, "selection/baseline/80-40-40": 4}
