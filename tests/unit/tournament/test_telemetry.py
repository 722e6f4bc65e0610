"""The ledger of a whole matrix under v4, line by line: what is a figure, what is a trail, how often each is there."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tvquant.core.panel import Floats, Panel
from tvquant.ledger import Ledger, RunFolder
from tvquant.ledger.lines import AUDIT
from tvquant.ledger.recorded_run import RecordedRun
from tvquant.ledger.result_store import ResultStore
from tvquant.profiles import Profile
from tvquant.tournament.cells import Cell, books, cells, crossed, paths, schedule
from tvquant.tournament.matrix import NOTHING, play_matrix
from tvquant.tournament.outliers import Cause, Outlier
from tvquant.tournament.walk_forward import BacktestEngine

type Profiles = Callable[..., Profile]
type Walks = Callable[..., dict[str, Floats]]
type Markets = Callable[..., Panel]
type Engines = Callable[[Panel, Profile], BacktestEngine]
type Begin = Callable[[Path], Ledger]

WINDOWS = 11
STRATEGIES = ("v4/custom/hrp", "v4/custom/min_variance")


@pytest.fixture
def played(
    tmp_path: Path, profile: Profiles, market: Markets, walks: Walks, engine_of: Engines, ledger_in: Begin
) -> tuple[tuple[Cell, ...], Path]:
    """Twelve names, one of which dies, recruited by two logics: two strategies and every baseline in two books."""
    common: dict[str, Any] = {
        "pool": [], "signal": [], "direction": "LONG", "exchange": None, "kinds": [], "exclude_kinds": [],
        "currency": None,
    }  # fmt: skip
    made = profile(
        selection__model="v4", allocation__profiles=["hrp", "min_variance"], risk__primary="hrp",
        selection__max_winners=6, selection__min_winners=3, benchmark__market=["X:A"],
        universe__scanners=[{"name": logic, "logic": logic, **common} for logic in ("hold", "trend")],
    )  # fmt: skip
    close = walks("ABCDEFGHIJKL", 280)
    close["B"][190:] = np.nan
    (first,) = books(made)
    grid = crossed(paths(made, [schedule(made)]), (first, replace(first, key="again")))
    folder = tmp_path / "run"
    with ledger_in(folder) as ledger:
        play_matrix(
            engine_of(market(close), made), grid, resumed=NOTHING, recorder=ledger,
            sink=ResultStore(folder / "results"), jobs=1, progress=int, settled=lambda *_: None,
        )  # fmt: skip
    return grid, folder


@pytest.mark.requirement("R-LED-04")
@pytest.mark.requirement("R-LED-05")
@pytest.mark.requirement("R-LED-06")
def test_audit_v4_integration(played: tuple[tuple[Cell, ...], Path]) -> None:
    grid, folder = played
    lines = [json.loads(line) for line in (folder / AUDIT).read_bytes().splitlines()]
    for line in lines:
        for name, value in line["metrics"].items():
            assert not isinstance(value, list), (line["kind"], name)
            assert not isinstance(value, dict) or value.keys() == {"$null"}, (line["kind"], name)
    trails = [line["data"]["trace"] for line in lines if line["kind"] == "selection"]
    assert trails
    assert all(len(one) > 3 and one[-1] for one in trails)
    ended = [line for line in lines if line["kind"] == "outcome" and line["chain"] in {cell.key for cell in grid}]
    assert len(ended) == len(grid)
    assert all(line["metrics"]["sharpe"] is not None for line in ended)

    counted = Counter((line["chain"], line["metrics"]["window"]) for line in lines if line["kind"] == "snapshot")
    decided = RecordedRun(RunFolder(folder)).decisions
    windows = sorted({window for _, window in counted})
    assert len(windows) == WINDOWS
    assert counted == dict.fromkeys([(cell.key, window) for cell in grid for window in windows], 1)
    held = 0
    for cell in grid:
        for window, one in decided[cell.key].items():
            made, figures = one.decision, one.record.metrics
            funnel = made.funnel
            for units in (
                (funnel.universe, funnel.discovery, funnel.refined, funnel.selected),
                (funnel.atoms_discovery, funnel.atoms_refined, funnel.atoms_selected),
            ):
                assert all(more >= fewer >= 0 for more, fewer in pairwise(units)), (cell.key, window, units)
            assert funnel.atoms_discovery - funnel.atoms_refined == sum(funnel.vetoed.values())
            if cell.path.key not in STRATEGIES or not made.atoms:
                continue
            held += 1
            assert made.response is not None
            winners = {atom.symbol: atom for atom in made.response.winners}
            assert (funnel.selected, funnel.atoms_selected) == (
                len({atom.physical_symbol for atom in winners.values()}), len(winners),
            )  # fmt: skip
            assert made.atoms.keys() <= winners.keys() == made.response.clusters.keys() & winners.keys()
            assert {winners[atom].direction.value for atom in made.atoms} == {"LONG"}
            net = Counter[str]()
            for atom, weight in made.atoms.items():
                net[winners[atom].physical_symbol] += weight
            assert dict(net) == pytest.approx(made.weights, abs=1e-12)
            assert made.regime is not None
            assert made.regime.label == figures["regime"]
            assert max(made.weights.values()) <= figures["position_cap"] + 1e-9
    assert held > 2 * len(STRATEGIES)
    atoms = [one.decision.funnel for one in decided[f"{STRATEGIES[0]}/custom"].values()]
    assert any(one.atoms_discovery == 2 * one.discovery > 0 for one in atoms), "one name under two logics is two atoms"


@pytest.mark.requirement("R-TRN-10")
def test_an_injected_crash_stands_in_the_ledger_with_its_cause(
    tmp_path: Path, profile: Profiles, market: Markets, walks: Walks, engine_of: Engines, ledger_in: Begin
) -> None:
    """A name falls by 95 %: a third of the baselines, whose window it is; books that are capped lose less than 30 %."""
    made, close = profile(), walks("ABC", 200)
    close["A"][135:] *= 0.05
    panel = market(close)
    with ledger_in(tmp_path / "run") as ledger:
        play_matrix(
            engine_of(panel, made), cells(made), resumed=NOTHING, recorder=ledger,
            sink=ResultStore(tmp_path / "run" / "results"), jobs=1, progress=int, settled=lambda *_: None,
        )  # fmt: skip
    deep = {}
    for cell in RecordedRun(RunFolder(tmp_path / "run")).outcomes:
        found = map(Outlier.of, cell.forensic["outliers"])
        deep[cell.key] = [one for one in found if "drawdown" in one.reasons]
    assert {key for key, found in deep.items() if found} == {"base_universe_ew/custom", "benchmark/custom"}
    for (one,) in filter(None, deep.values()):
        assert (one.window, one.cause, next(iter(one.names))) == (120, Cause.NAME_JUMP, "X:A")
        assert one.largest_on == str(panel.times[135].astype("datetime64[D]"))
        assert one.names["X:A"] == pytest.approx(-0.95 * one.held["X:A"], abs=0.05)
        assert one.held["X:A"] == pytest.approx(1 / 3, abs=0.05)
        assert one.market > -0.2
