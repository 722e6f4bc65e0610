"""Challengers in shadow: beside the grid, and of no effect on it (R-TRN-02)."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builders.ledgers import Killed, Mortal
from tvquant.app.resume import _resumed
from tvquant.core.clock import Clock
from tvquant.core.errors import ModelError
from tvquant.core.panel import Floats, Panel
from tvquant.core.records import in_shadow
from tvquant.ledger import Integrity, Ledger, RunFolder, records, verify
from tvquant.ledger.lines import AUDIT
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.ledger.result_store import ResultStore, RunTables
from tvquant.profiles import Profile
from tvquant.selection.models.every_name import EveryName
from tvquant.tournament import candidates
from tvquant.tournament.cells import cells, shadows
from tvquant.tournament.matrix import NOTHING, Matrix, Resumed, play_matrix
from tvquant.tournament.walk_forward import BacktestEngine

type Profiles = Callable[..., Profile]
type Walks = Callable[..., dict[str, Floats]]
type Markets = Callable[..., Panel]
type Engines = Callable[[Panel, Profile], BacktestEngine]
type Begin = Callable[[Path], Ledger]

SHADOWS = ("shadow/v4/custom/min_variance/custom", "shadow/every/custom/min_variance/custom")
ALONE = 5 + 8 + 30 + 50 + 50 + 5
"""Records of the grid: intents, selections, contexts, decisions, snapshots, outcomes."""


@pytest.fixture
def made(profile: Profiles) -> Profile:
    return profile(benchmark__market=["X:A"])


@pytest.fixture
def challenged(profile: Profiles) -> Profile:
    two = {"v4": {"model": "v4", "min_winners": 2, "top_n": 1}, "every": {"model": "all"}}
    return profile(benchmark__market=["X:A"], challengers=two)


@pytest.fixture
def engine(made: Profile, market: Markets, walks: Walks, engine_of: Engines) -> BacktestEngine:
    """Six names, one that dies and one that is listed late; windows at 60 ... 240, those before 100 in cash."""
    close = walks("ABCDEF", 250)
    close["B"][190:] = np.nan
    close["F"][:70] = np.nan
    return engine_of(market(close), made)


def play(engine: BacktestEngine, made: Profile, ledger: Any, folder: Path, resumed: Resumed = NOTHING) -> Matrix:
    tables, counts, kept = RunTables(RunFolder(folder)), [], []
    parts = cells(made), shadows(made)
    grid = (*parts[0], *parts[1])
    matrix = play_matrix(
        engine, grid, resumed=resumed, recorder=ledger, sink=tables, jobs=1, progress=counts.append,
        settled=lambda done, total: kept.append((done, total)),
    )  # fmt: skip
    assert sum(counts) == 10 * len(grid)
    assert kept == [(done, len(part)) for part in parts if part for done in range(len(part) + 1)]
    tables.compact()
    return matrix


def lines(folder: Path, *, shadow: bool) -> list[bytes]:
    """Return the lines of the ledger that are of challengers, or those that are not."""
    every = (folder / AUDIT).read_bytes().splitlines()
    return [line for line in every if (b'"chain":"shadow/' in line) is shadow]


@pytest.mark.requirement("R-TRN-02")
def test_without_its_challengers_a_champion_is_the_same_byte_for_byte(
    tmp_path: Path, made: Profile, challenged: Profile, engine: BacktestEngine, ledger_in: Begin
) -> None:
    alone, beside = tmp_path / "alone", tmp_path / "beside"
    with ledger_in(alone) as ledger:
        expected = play(engine, made, ledger, alone)
    ledger = ledger_in(beside)
    matrix = play(engine, challenged, ledger, beside)
    ledger.seal(matrix.leaves)
    assert (matrix.digest, matrix.leaves, matrix.failed) == (expected.digest, expected.leaves, {})
    assert lines(beside, shadow=False)[:-1] == lines(alone, shadow=False)
    assert len(lines(alone, shadow=False)) == 1 + ALONE
    for file in (alone / "results").iterdir():
        assert (beside / "results" / file.name).read_bytes() == file.read_bytes()
    assert not (alone / "shadow").exists()
    assert verify(beside).status is Integrity.OK

    run = RecordedRun(RunFolder(beside))
    assert not any(map(in_shadow, (*run.decisions, *run.selections, *(one.key for one in run.outcomes))))
    assert set(run.shadow.decisions) == set(run.shadow.table("returns")["cell"]) == set(SHADOWS)
    assert set(run.shadow.selections) == {"shadow/v4/selection", "shadow/every/selection"}
    for key in SHADOWS:
        kinds = Counter(record.kind for record in records(beside, chain=key))
        assert kinds == {"intent": 1, "snapshot": 10, "outcome": 1}
    chosen = [run.shadow.decisions[key][240].decision.response for key in SHADOWS]
    assert [one.model for one in chosen if one and one.winners] == ["v4", "all"]


def test_a_challenger_is_the_headline_cell_with_another_selection(challenged: Profile) -> None:
    champion = cells(challenged)[0]
    for cell in shadows(challenged):
        spec = replace(cell.spec, rules=replace(cell.spec.rules, selection=challenged.selection))
        assert (spec, cell.path.schedule, cell.book) == (champion.spec, champion.path.schedule, champion.book)
    first, second = (cell.spec.rules.selection for cell in shadows(challenged))
    assert (first.model, first.top_n, first.max_winners) == ("v4", 1, challenged.selection.max_winners)
    assert (second.model, second.top_n) == ("all", challenged.selection.top_n)


def test_features_discovery_and_health_are_computed_once_for_all(
    tmp_path: Path, made: Profile, challenged: Profile, engine: BacktestEngine, ledger_in: Begin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    counts: Counter[str] = Counter()

    def counting(name: str) -> None:
        before = getattr(candidates, name)

        def counted(*given: Any, **named: Any) -> Any:
            counts[name] += 1
            return before(*given, **named)

        monkeypatch.setattr(candidates, name, counted)

    for name in ("history", "compute", "discover", "judge"):
        counting(name)
    found = []
    for profile in (made, challenged):
        fresh = BacktestEngine(engine.panel, engine.grids)
        folder = tmp_path / str(len(found))
        with ledger_in(folder) as ledger:
            play(fresh, profile, ledger, folder)
        found.append(dict(counts))
        counts.clear()
    assert found[0] == found[1]
    assert (found[0]["history"], found[0]["discover"]) == (1, 11), "ten decisions, and the last row for its regime"


def test_a_run_that_was_killed_goes_on_with_its_challengers(
    tmp_path: Path, challenged: Profile, engine: BacktestEngine, ledger_in: Begin, clock: Clock
) -> None:
    """Killed in the grid, before the challengers, within their decisions, and within their outcomes."""
    whole = tmp_path / "whole"
    with ledger_in(whole) as ledger:
        expected = play(engine, challenged, ledger, whole)
    for killed_after in (30, ALONE, ALONE + 17, ALONE + 39):
        run = tmp_path / str(killed_after)
        with ledger_in(run) as ledger, pytest.raises(Killed):
            play(engine, challenged, Mortal(ledger, killed_after), run)
        before = _resumed(RecordedRun(RunFolder(run)))
        with Ledger.resume(run, run_id="r", clock=clock) as ledger:
            matrix = play(engine, challenged, ledger, run, before)
            ledger.seal(matrix.leaves)
        assert matrix.leaves == expected.leaves
        assert verify(run).status is Integrity.OK
        for key in (*SHADOWS, "shadow/v4/selection"):
            assert _told(run, key) == _told(whole, key)
        for table in ("returns", "weights"):
            assert ResultStore(run / "shadow").read(table).equals(ResultStore(whole / "shadow").read(table))


def _told(folder: Path, chain: str) -> list[Any]:
    return [(one.kind, one.outputs, one.metrics) for one in records(folder, chain=chain) if one.kind != "intent"]


def test_a_challenger_that_fails_fails_alone(
    tmp_path: Path, made: Profile, challenged: Profile, engine: BacktestEngine, ledger_in: Begin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """One cannot choose, at any window; the book of the other holds F before its first bar."""
    with ledger_in(tmp_path / "alone") as ledger:
        expected = play(engine, made, ledger, tmp_path / "alone")

    def refuses(*_: object) -> Any:
        raise ModelError("no answer")

    monkeypatch.setattr(EveryName, "select", refuses)
    path = shadows(challenged)[0].path
    spoiled = [
        replace(one.rebalance, weights={"X:F": 0.1} if one.rebalance.window == 60 else one.rebalance.weights)
        for one in engine.play([path])
    ]
    run = tmp_path / "run"
    resumed = Resumed(rebalances={SHADOWS[0]: spoiled}, leaves={}, shared=frozenset())
    with ledger_in(run) as ledger:
        matrix = play(engine, challenged, ledger, run, resumed)
    assert (matrix.leaves, matrix.failed) == (expected.leaves, {})
    first, second = RecordedRun(RunFolder(run)).shadow.outcomes
    assert (first.key, first.status) == (SHADOWS[0], "failed")
    assert "comes before its first bar" in (first.why or "")
    assert (second.status, second.measures.windows_failed) == ("played", 8)
